"""Verdicts: a figure that is off is found, a vague one is not taken for right, and a family of many is no alarm."""

from typing import Any

import pytest

from perfsim.scenario.validate import load_scenario
from perfsim.truth.case_files import Case, CaseRun
from perfsim.truth.expectations import Expected, Form
from perfsim.truth.figures import expression_of
from perfsim.truth.judging import Verdict, figures_of, verdicts, wideness

Row = dict[str, Any]
EXACT = Form.EXACT


def row(per_us: float, waits_ns: float = 100.0) -> Row:
    """A row of a lock that is taken so often in a millisecond."""
    taken = round(per_us * 1000)
    return {
        "simulated_ns": 1e6,
        "cpus": 8,
        "lru_lock_acquisitions": taken,
        "lru_lock_wait_total_ns": waits_ns * taken,
        "lru_lock_wait_latency_p99_ns": waits_ns * 3,
        "redo_retries": 0,
    }


def case_of(*expected: Expected, is_exact: bool = True) -> Case:
    run = CaseRun("", load_scenario("lock_contention"), "lock_page")
    return Case("a", "", "", "", "", "", is_exact, 5, (run,), expected, None, is_sized=True)


def of(text: str, form: Form, low: float, high: float) -> Expected:
    return Expected(expression_of(text, ("",), "here"), form, low, high)


def verdict(expected: Expected, rows: list[Row], *, is_exact: bool = True) -> Verdict:
    case = case_of(expected, is_exact=is_exact)
    (one,) = figures_of(case, {"": rows})
    (found,) = verdicts([(case, one)])
    return found


NARROW = [row(per_us) for per_us in (7.09, 7.1, 7.11, 7.1, 7.1)]
VAGUE = [row(per_us) for per_us in (6.5, 7.0, 7.5, 7.1, 7.4)]


def test_an_exact_figure_holds_within_its_interval_and_misses_outside() -> None:
    assert verdict(of("X", EXACT, 7.1, 7.1), NARROW) is Verdict.HOLDS
    assert verdict(of("X", EXACT, 7.0, 7.0), NARROW) is Verdict.MISSES
    assert verdict(of("X", EXACT, 7.2, 7.2), NARROW) is Verdict.MISSES


def test_a_figure_that_holds_by_being_vague_is_called_wide() -> None:
    assert verdict(of("X", EXACT, 7.1, 7.1), VAGUE) is Verdict.WIDE
    case = case_of(of("X", EXACT, 7.1, 7.1))
    assert wideness(case, {"": VAGUE}, is_quick=False) > 10
    assert wideness(case, {"": NARROW}, is_quick=False) < 1


def test_a_figure_without_a_value_misses_and_is_not_looked_for_in_a_longer_run() -> None:
    of_those_that_wait = of("W given wait", EXACT, 100.0, 100.0)
    rows = [row(7.1) | {"lru_lock_contentions": 0}] * 2
    assert verdict(of_those_that_wait, rows) is Verdict.MISSES
    assert wideness(case_of(of_those_that_wait), {"": rows}, is_quick=False) == 0


def test_a_miss_of_what_was_published_is_a_finding_and_no_fault() -> None:
    band = of("X", Form.BAND, 7.0, 7.05)
    assert verdict(band, NARROW, is_exact=False) is Verdict.NOT_REPRODUCED
    assert verdict(band, NARROW) is Verdict.MISSES
    assert verdict(of("X", Form.BAND, 7.0, 7.2), NARROW, is_exact=False) is Verdict.REPRODUCED


@pytest.mark.parametrize("rows, above", [(NARROW, Verdict.HOLDS), (VAGUE, Verdict.MISSES)])
def test_a_side_asks_for_the_whole_interval(rows: list[Row], above: Verdict) -> None:
    assert verdict(of("X", Form.ABOVE, 7.0, float("inf")), rows) is above


def test_a_percentile_may_be_a_cell_too_large_but_not_too_small() -> None:
    rows = [row(7.1, waits_ns) for waits_ns in (100.0, 100.1, 99.9)]
    assert verdict(of("p99", EXACT, 296.0, 296.0), rows) is Verdict.HOLDS
    assert verdict(of("p99", EXACT, 304.0, 304.0), rows) is Verdict.MISSES
    assert verdict(of("p99", EXACT, 290.0, 290.0), rows) is Verdict.MISSES


def test_a_ratio_to_a_percentile_may_be_a_cell_too_small_but_not_too_large() -> None:
    rows = [row(7.1, waits_ns) for waits_ns in (100.0, 100.1, 99.9)]
    assert verdict(of("W / p99", EXACT, 0.3367, 0.3367), rows) is Verdict.HOLDS
    assert verdict(of("W / p99", EXACT, 0.3400, 0.3400), rows) is Verdict.MISSES
    assert verdict(of("W / p99", EXACT, 0.3300, 0.3300), rows) is Verdict.MISSES


def test_figures_without_any_scatter_must_be_equal_up_to_the_windows_ends() -> None:
    rows = [row(7.1)] * 2
    assert verdict(of("X", EXACT, 7.1, 7.1), rows) is Verdict.HOLDS
    assert verdict(of("X", EXACT, 7.105, 7.105), rows) is Verdict.HOLDS
    assert verdict(of("X", EXACT, 7.12, 7.12), rows) is Verdict.MISSES
    assert verdict(of("redo_retries", EXACT, 0.0, 0.0), rows) is Verdict.HOLDS
    assert verdict(of("redo_retries", EXACT, 1.0, 1.0), rows) is Verdict.MISSES


def test_a_ratio_with_nothing_below_the_stroke_is_never_met() -> None:
    assert verdict(of("X / redo_retries", Form.ABOVE, 0.0, float("inf")), NARROW) is Verdict.MISSES


def test_what_would_be_an_alarm_alone_is_none_among_many() -> None:
    case = case_of(*[of("X", EXACT, 7.1, 7.1)] * 200, of("X", EXACT, 7.077, 7.077))
    found = verdicts([(case, one) for one in figures_of(case, {"": NARROW})])
    assert Verdict.MISSES not in found
    assert verdict(of("X", EXACT, 7.077, 7.077), NARROW) is Verdict.MISSES
