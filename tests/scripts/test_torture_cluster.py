"""The cluster's torture finds what it looks for; that it finds nothing is for the script itself to show."""

from pathlib import Path
from typing import Any

import pytest

from perfsim.scenario.validate import load_scenario
from perfsim.store.parquet import write_runs
from perfsim.sweep.plan import placed, plan
from perfsim.sweep.worker import Failure, work
from scripts.torture_cluster import Sweep, complaint_of

Row = dict[str, Any]
ENDED = Sweep(told="", status=0, kills=2, restarts=0)
SCENARIO = load_scenario(
    "quickstart", ("memory.pages_per_node=256", "measure.duration=50us", "sweep.axes.machine.cpus=[1]")
)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The rows of two runs."""
    found = []
    for run in plan(SCENARIO, 1)[:2]:
        row = work(run.task)
        assert not isinstance(row, Failure), row.reason
        found.append(placed(run, row))
    return found


@pytest.mark.parametrize(
    "sweep, told",
    [
        (ENDED, ""),
        (ENDED._replace(status=2), "ended with status 2"),
        (ENDED._replace(restarts=1, told="it is gone or has forgotten our runs"), "the scheduler's return is not told"),
    ],
)
def test_how_a_sweep_ended_counts(rows: list[Row], tmp_path: Path, sweep: Sweep, told: str) -> None:
    write_runs(tmp_path / "runs.parquet", rows, SCENARIO)
    assert complaint_of(sweep, {row["run_id"]: row for row in rows}, tmp_path) == told


def test_rows_that_are_lost_changed_or_doubled_are_counted_and_time_is_not(rows: list[Row], tmp_path: Path) -> None:
    first, second = rows
    changed = {**second, "events": second["events"] + 1, "wall_s": 9.0}
    write_runs(tmp_path / "runs.parquet", [changed, changed], SCENARIO)
    peace = {row["run_id"]: row for row in rows}
    assert complaint_of(ENDED, peace, tmp_path) == "1 rows lost, 1 changed, 1 doubled"
    write_runs(tmp_path / "runs.parquet", [{**first, "wall_s": 9.0}, second], SCENARIO)
    assert complaint_of(ENDED, peace, tmp_path) == ""
