"""The runs of a sweep: what each worker is told, and what its row is called in this sweep."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.engine import ENGINES
from perfsim.engine.prepare import check_fits, design_of, profile_of, run_id
from perfsim.errors import InputError, quoted
from perfsim.kernel.boot import Seed
from perfsim.kernel.sizes import machine_size
from perfsim.measure.columns import COLUMNS
from perfsim.scenario.points import jobs, points
from perfsim.scenario.schema import place
from perfsim.sweep.worker import Task

if TYPE_CHECKING:
    from perfsim.scenario.points import Job
    from perfsim.scenario.schema import Scenario

Row = dict[str, Any]

WORKERS_MAX = 1024

COLUMN_NAMES = frozenset(column.name for column in COLUMNS)


class Run(NamedTuple):
    """One run of a sweep.

    labels: the columns that say where in this sweep the row belongs; its run_id does not depend on them.
    work: how long the run takes, compared with the others of its sweep: CPUs times simulated picoseconds.
    """

    task: Task
    labels: dict[str, Any]
    work: int


def plan(scenario: Scenario, workers_count: int, engine: str = ENGINES[0]) -> tuple[Run, ...]:
    """Every run of a sweep, in the order of its results: point, design, replication.

    All that can be wrong is found here, before anything runs or is written: raises InputError for a point that is no
    good, an unknown profile or design, two designs of one name, and memory that does not suffice for so many runs at
    once.
    """
    wanted = jobs(scenario)
    at_once = min(workers_count, len(wanted))
    for point in points(scenario):
        check_fits(point.scenario, point.scenario.kernel.designs, engine, at_once)
    names = design_names(scenario)
    return tuple(_run(job, names[job.design], engine) for job in wanted)


def design_names(scenario: Scenario) -> dict[str, str]:
    """What rows call each design of the scenario.

    Rows know a design by its name alone, and that of a file is the file's: raises InputError where a design is listed
    that is called like one before it.
    """
    by_name: dict[str, str] = {}
    for number, design in enumerate(scenario.kernel.designs):
        name = design_of(scenario, design).name
        if name in by_name:
            problem = f"{quoted(by_name[name])} and {quoted(design)} are both called {quoted(name)} in the results"
            raise InputError(place(scenario, f"kernel.designs.{number}"), f"{problem}; expected different names")
        by_name[name] = design
    return {design: name for name, design in by_name.items()}


def placed(run: Run, row: Row) -> Row:
    """The row as this sweep shows it: one taken over from another sweep may have had another point and other axes."""
    return {name: value for name, value in row.items() if name in COLUMN_NAMES} | run.labels


def workers_for(jobs_count: int | None) -> int:
    """Worker processes for `--jobs`: as many as this process may use CPUs if None. Raises InputError."""
    if jobs_count is None:
        return available_cpus()
    if not 1 <= jobs_count <= WORKERS_MAX:
        raise InputError("--jobs", f"{jobs_count} worker processes; expected 1 to {WORKERS_MAX}")
    return jobs_count


def available_cpus() -> int:
    """CPUs that this process may run on, at most WORKERS_MAX."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, WORKERS_MAX)


def _run(job: Job, design_name: str, engine: str) -> Run:
    scenario = job.point.scenario
    seed = Seed(scenario.sweep.seed, job.replication)
    profile = profile_of(scenario)
    cpus, _ = machine_size(scenario, profile)
    return Run(
        task=Task(run_id(scenario, job.design, seed), scenario, job.design, seed, engine),
        labels={"point": job.point.index, "design": design_name, "profile": profile.name, **dict(job.point.axes)},
        work=cpus * (scenario.measure.warmup_ps + scenario.measure.duration_ps),
    )
