"""What is told of pages: of get_user_pages() by mlock(), of which it is a part, and of a system without memory."""

import pytest

from perfsim.calibrate.bench import Bench
from perfsim.calibrate.findings import by_key, found, not_measured
from perfsim.calibrate.pages import bounded_gup_page, measure_pages
from perfsim.calibrate.samples import Figure, Refused
from perfsim.machine.profile import load_profile


@pytest.mark.parametrize("bound, range_ns", [(300, (40, 100, 300)), (80, (40, 80, 80)), (30, (30, 30, 30))])
def test_the_profiles_range_ends_where_mlock_of_a_page_does(bound: float, range_ns: tuple[float, ...]) -> None:
    mlock = found("mlock_page", Figure(bound - 1, bound, bound + 1, 0.02), "mlock")
    figure = bounded_gup_page(mlock, load_profile("x86_64_modern")).figure
    assert figure is not None
    assert figure[:3] == range_ns
    assert figure.spread == (range_ns[2] - range_ns[0]) / range_ns[1]


def test_a_system_with_hardly_any_memory_left_tells_nothing_of_pages_that_it_cannot_fill(bench: Bench) -> None:
    full = bench._replace(here=bench.here._replace(memory_bytes=0))
    answers = {key: finding.answer for key, finding in by_key(measure_pages(full, load_profile("ideal"))).items()}
    for key in ("page_clear", "page_copy", "page_clear_hot", "page_copy_hot", "page_fault"):
        answer = answers[key]
        assert isinstance(answer, Refused)
        assert answer.kind == "not measured"


def test_without_mlock_it_is_not_measured_for_the_same_reason() -> None:
    mlock = not_measured("mlock_page", "mlock() is refused: RLIMIT_MEMLOCK")
    assert bounded_gup_page(mlock, load_profile("x86_64_modern")).answer == mlock.answer
