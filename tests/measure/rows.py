"""Rows of results as a sweep hands them on, made without a simulation: for tests of what comes after it."""

from typing import Any

from perfsim.measure.columns import CHECKS, DEFECTS, FLOAT64, HIST, INT64, STRING, columns_with
from perfsim.scenario.points import Job, jobs
from perfsim.scenario.schema import Scenario

Row = dict[str, Any]

# A float with all its digits, the largest whole number, lists with and without members: what a form may lose.
VALUES = {
    STRING: "text",
    INT64: 2**63 - 1,
    FLOAT64: 0.1 + 0.2,
    HIST: [{"upper_ns": 0.127, "count": 3}, {"upper_ns": 4.0, "count": 1}],
    DEFECTS: [],
    CHECKS: [],
}


def made_row(scenario: Scenario, job: Job, **values: object) -> Row:
    """The row of a job: a value of each column's type, the job's identity, and the values given."""
    row: Row = {column.name: VALUES[column.type] for column in columns_with(scenario.sweep.axes)}
    sound = {"invariant_violations": 0, "stranded_pages": 0, "oom_kills": 0, "unsteady": None}
    identity = {
        "run_id": f"{job.point.index:04x}{job.design:.8}{job.replication:04x}",
        "point": job.point.index,
        "design": job.design,
        "replication": job.replication,
        "seed": scenario.sweep.seed,
        "simulated_ns": 2_000_000.0,
        "warmup_ns": 500_000.0,
    }
    return row | sound | identity | dict(job.point.axes) | values


def made_rows(scenario: Scenario) -> list[Row]:
    """A row for every job of a sweep, in order."""
    return [made_row(scenario, job) for job in jobs(scenario)]
