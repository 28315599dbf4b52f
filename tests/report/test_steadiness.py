"""A run that is not steady is told in one line, a point of a sweep by one mark, and a steady one by nothing."""

from typing import Any

import pytest

from perfsim.report.render import render
from perfsim.report.run_table import run_table
from perfsim.report.sweep_table import sweep_table
from perfsim.scenario.points import jobs
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.measure.rows import made_row, made_rows

Row = dict[str, Any]

NOTHING_MOVES = {
    "unsteady_rate": None,
    "unsteady_rate_change": None,
    "unsteady_list": None,
    "unsteady_list_change": None,
}
DRIFTS = NOTHING_MOVES | {
    "unsteady": "drift",
    "warmup_detected_ns": None,
    "unsteady_list": "active_file of node 3",
    "unsteady_list_change": -0.381,
}
TOO_SHORT = NOTHING_MOVES | {
    "unsteady": "warm-up",
    "warmup_detected_ns": 9_500_000.0,
    "unsteady_rate": "putback_per_s",
    "unsteady_rate_change": 0.177,
}


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("quickstart", ["sweep.axes={machine.cpus: [1, 2]}", "sweep.replications=2"])


def two_rows(scenario: Scenario, **values: object) -> list[Row]:
    silent = {"mlock_call_latency_count": 0} | values
    return [made_row(scenario, jobs(scenario)[0], design=name, **silent) for name in ("lock_page", "redo")]


def test_a_steady_run_has_no_line(scenario: Scenario) -> None:
    assert run_table(two_rows(scenario)).notes == ()


def test_each_fault_of_a_run_is_a_line_with_what_moves(scenario: Scenario) -> None:
    old, new = two_rows(scenario)
    assert run_table([old | DRIFTS, new | TOO_SHORT]).notes == (
        "lock_page: not steady, it drifts: active_file of node 3 -38% from the window's first half to its second",
        "redo: warm-up of 500us is too short, steady from 9.5ms on: putback_per_s +18% from the window's first half to "
        "its second",
    )


def test_rate_and_list_are_both_told(scenario: Scenario) -> None:
    both = DRIFTS | {"unsteady_rate": "reclaim_scanned_per_s", "unsteady_rate_change": 0.062}
    (note,) = run_table([two_rows(scenario)[0] | both]).notes
    assert "active_file of node 3 -38%, reclaim_scanned_per_s +6% from" in note


def test_the_caption_says_how_long_the_warm_up_was(scenario: Scenario) -> None:
    old, new = two_rows(scenario)
    assert run_table([old, new]).caption.endswith("2ms simulated after 500us of warm-up")
    longer = new | {"warmup_ns": 4_000_000.0}
    assert run_table([old, longer]).caption.endswith("2ms simulated after 500us to 4ms of warm-up")


def test_a_point_with_runs_that_are_not_steady_is_marked_and_the_marks_are_explained(scenario: Scenario) -> None:
    rows = made_rows(scenario)
    steady = sweep_table(rows, scenario)
    assert "unsteady" not in [head.key for head in steady.heads]
    rows[0] |= DRIFTS
    rows[1] |= TOO_SHORT
    rows[2] |= DRIFTS | {"unsteady_list_change": 0.5, "unsteady_list": "unevictable of node 0"}
    table = sweep_table(rows, scenario)
    assert [head.key for head in table.heads][-1] == "unsteady"
    assert [line[-1] for line in table.rows] == ["drift 2/4, warm-up 1/4", None]
    assert table.notes[len(steady.notes) :] == (
        "unsteady: in 3 of 8 runs the measured window is no steady state (warm-up: the one before it is too short; "
        "drift: something moves to its end). From its first half to its second moves, at most: putback_per_s +18%, "
        "unevictable of node 0 +50%",
    )
    assert "drift 2/4, warm-up 1/4" in render(table, "markdown")


def test_the_marks_stand_in_the_table_of_one_design_too() -> None:
    scenario = load_scenario("quickstart", ["sweep.axes={machine.cpus: [1, 2]}"], designs=["redo"])
    rows = made_rows(scenario)
    rows[-1] |= DRIFTS
    assert [line[-1] for line in sweep_table(rows, scenario).rows] == [None, "drift 1/5"]


def test_how_surely_a_run_tells_its_rates_stands_beside_them_where_it_does(scenario: Scenario) -> None:
    rows = two_rows(scenario)
    table = run_table(rows, [{"putback_per_s": 0.0512}, {}])
    keys = ["metric", "unit", "lock_page", "lock_page_half_width", "redo", "redo_half_width", "redo/lock_page"]
    assert [head.key for head in table.heads] == keys
    lines = {line[0]: line for line in table.rows}
    assert lines["putback_per_s"][3:6:2] == (0.0512, None)
    assert lines["reclaim_scanned_per_s"][3:6:2] == (None, None)
    assert table.notes[0].startswith("+-: half the 95 % interval, by batch means of this one run")
    assert "5.12%" in render(table, "table")
    assert len(run_table(rows, [{}, {}]).heads) == 5
