"""What `run` answers: the designs side by side, with the ratio of each to the first."""

import pytest

from perfsim.measure.columns import COLUMNS
from perfsim.report.render import render
from perfsim.report.run_table import RUN_METRICS, run_table
from perfsim.scenario.points import jobs
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.measure.rows import made_row

SCANNED = "reclaim_scanned_per_s"
P99 = "putback_latency_p99_ns"


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("quickstart")


def test_a_run_shows_designs_side_by_side_with_ratios_to_the_first(scenario: Scenario) -> None:
    both = [made_row(scenario, job) for job in jobs(scenario) if (job.point.index, job.replication) == (0, 0)]
    old, new = both
    old |= {SCANNED: 100.0, "redo_retries": 0, P99: None}
    new |= {SCANNED: 125.0, "redo_retries": 7, P99: 250.0}
    table = run_table(both)
    lines = {str(line[0]): line[1:] for line in table.rows}
    assert [head.key for head in table.heads] == ["metric", "unit", "lock_page", "redo", "redo/lock_page"]
    assert tuple(lines) == RUN_METRICS
    assert lines[SCANNED] == ("1/s", 100.0, 125.0, 1.25)
    assert lines["redo_retries"] == ("1", 0, 7, None)
    assert lines[P99] == ("ns", None, 250.0, None)
    assert table.caption.endswith("seed 1, 2ms simulated after 500us of warm-up")


def test_a_run_of_one_design_has_no_ratios(scenario: Scenario) -> None:
    table = run_table([made_row(scenario, jobs(scenario)[0])])
    assert [head.key for head in table.heads] == ["metric", "unit", "lock_page"]


def test_of_many_designs_each_has_its_value_and_its_ratio_to_the_first_under_its_name(scenario: Scenario) -> None:
    names = ("lock_page", "redo", "redo_merged", "redo_barrier", "no_unevictable_lru")
    table = run_table([made_row(scenario, jobs(scenario)[0], design=name) for name in names])
    pairs = [key for name in names[1:] for key in (name, f"{name}/lock_page")]
    assert [head.key for head in table.heads] == ["metric", "unit", "lock_page", *pairs]
    assert [head.group for head in table.heads[3:]] == [name for name in names[1:] for _ in range(2)]
    _, groups, heads, *_ = render(table, "table").splitlines()
    assert groups.split() == [*names[1:]]
    assert heads.split() == ["metric", "unit", "lock_page", *["value", "/lock_page"] * 4]


def test_every_metric_that_a_table_shows_is_a_column() -> None:
    assert set(RUN_METRICS) <= {column.name for column in COLUMNS}
