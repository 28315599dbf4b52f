"""Every check of the kernel's own is a breach of a property, and each property is said in a sentence."""

from perfsim.explore.properties import NUMBERS, PROPERTIES, PROPERTY_OF
from perfsim.kernel.constants import BUG_UNLOCKED_PAGE, BUG_VM, VIOLATIONS


def test_each_property_has_a_name_and_a_meaning_of_its_own() -> None:
    assert len(NUMBERS) == len({one.meaning for one in PROPERTIES}) == len(PROPERTIES)
    assert all(len(one.meaning.split()) >= 4 for one in PROPERTIES)


def test_every_violation_that_the_kernel_counts_breaks_a_property() -> None:
    assert len(PROPERTY_OF) == VIOLATIONS
    assert PROPERTIES[PROPERTY_OF[BUG_UNLOCKED_PAGE]].name == "double_unlock"
    assert PROPERTIES[PROPERTY_OF[BUG_VM]].name == "vm_bug_on"
