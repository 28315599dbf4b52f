"""Every check of the kernel's has a name of its own, and flags have the kernel's names."""

import pytest

from perfsim.kernel.constants import PG_LOCKED, PG_LRU, PG_MLOCKED, VIOLATIONS
from perfsim.kernel.violations import VIOLATION_NAMES, flag_names


def test_every_violation_has_a_name_of_its_own() -> None:
    assert list(VIOLATION_NAMES) == list(range(VIOLATIONS))
    assert len(set(VIOLATION_NAMES.values())) == VIOLATIONS
    assert all(name.isprintable() and name for name in VIOLATION_NAMES.values())


@pytest.mark.parametrize(
    "flags, text",
    [(0, "none"), (PG_LOCKED, "locked"), (PG_MLOCKED | PG_LRU, "lru|mlocked"), (PG_LRU | 1 << 30, "lru|0x40000000")],
)
def test_flags_are_named_in_the_order_of_their_bits(flags: int, text: str) -> None:
    assert flag_names(flags) == text
