"""What is told of get_user_pages() by mlock(), of which it is a part."""

import pytest

from perfsim.calibrate.findings import found, not_measured
from perfsim.calibrate.pages import bounded_gup_page
from perfsim.calibrate.samples import Figure
from perfsim.machine.profile import load_profile


@pytest.mark.parametrize("bound, range_ns", [(300, (40, 100, 300)), (80, (40, 80, 80)), (30, (30, 30, 30))])
def test_the_profiles_range_ends_where_mlock_of_a_page_does(bound: float, range_ns: tuple[float, ...]) -> None:
    mlock = found("mlock_page", Figure(bound - 1, bound, bound + 1, 0.02), "mlock")
    figure = bounded_gup_page(mlock, load_profile("x86_64_modern")).figure
    assert figure is not None
    assert figure[:3] == range_ns


def test_without_mlock_it_is_not_measured_for_the_same_reason() -> None:
    mlock = not_measured("mlock_page", "mlock() is refused: RLIMIT_MEMLOCK")
    assert bounded_gup_page(mlock, load_profile("x86_64_modern")).answer == mlock.answer
