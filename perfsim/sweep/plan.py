"""The runs of a sweep: what each worker is told, and what its row is called in this sweep."""

from __future__ import annotations

import os
from itertools import groupby
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from perfsim.engine import ENGINES
from perfsim.engine.budget import UNLIMITED, Limits
from perfsim.engine.prepare import check_fits, design_of, profile_of, run_ids
from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.kernel.boot import Seed
from perfsim.kernel.sizes import machine_size
from perfsim.measure.columns import COLUMNS
from perfsim.scenario.points import jobs, points
from perfsim.scenario.schema import place
from perfsim.stats.metrics import CELL_PPM, COMPARABLE, VARYING, resolution
from perfsim.sweep.worker import Task
from perfsim.units import format_percentage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfsim.scenario.points import Job
    from perfsim.scenario.schema import Scenario

Row = dict[str, Any]

WORKERS_MAX = 1024

COLUMN_NAMES = frozenset(column.name for column in COLUMNS)


class Run(NamedTuple):
    """One run of a sweep.

    labels: the columns that say where in this sweep the row belongs; its run_id does not depend on them. The runs of
    one point and design share them.
    work: how long the run takes, compared with the others of its sweep: CPUs times simulated picoseconds.
    """

    task: Task
    labels: dict[str, Any]
    work: int


def plan(
    scenario: Scenario, workers_count: int, engine: str = ENGINES[0], limits: Limits = UNLIMITED
) -> tuple[Run, ...]:
    """Every run of a sweep, in the order of its results: point, design, replication; with a precision all that there
    may be. limits: what each may take.

    All that can be wrong is found here, before anything runs or is written: raises InputError for a point that is no
    good, an unknown profile or design, two designs of one name, a precision of what cannot be compared, and memory that
    does not suffice for so many runs at once.
    """
    _check_precision(scenario)
    wanted = jobs(scenario)
    at_once = min(workers_count, len(wanted))
    for point in points(scenario):
        check_fits(point.scenario, point.scenario.kernel.designs, engine, at_once)
    names = design_names(scenario)
    same = groupby(wanted, lambda job: (job.point.index, job.design))
    return tuple(run for _, group in same for run in _runs(list(group), names, engine, limits))


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
    """The row as this sweep shows it: one taken over from another sweep may have had another point and other axes.

    Rows that come from other processes have names of their own, a third of their memory; these share one copy.
    """
    return {intern(name): value for name, value in row.items() if name in COLUMN_NAMES} | run.labels


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


def _check_precision(scenario: Scenario) -> None:
    """Whether the metric of a precision is one that designs can be compared by, and there is more than one design."""
    precision = scenario.sweep.precision
    if precision is None:
        return
    metric = precision.metric
    if metric not in COMPARABLE:
        reason = "differs when a run is repeated" if metric == VARYING else "is no metric"
        problem = f"{quoted(metric)} {reason}; expected a column of figures such as reclaim_scanned_per_s"
        _refuse_precision(scenario, "metric", problem + did_you_mean(metric, COMPARABLE))
    if len(scenario.kernel.designs) == 1:
        problem = f"{quoted(scenario.kernel.designs[0])} alone has no ratio; expected two designs or more"
        raise InputError(place(scenario, "kernel.designs"), f"sweep.precision: {problem}, or replications: N")
    if resolution(metric) and precision.relative_ppm < CELL_PPM:
        problem = f"{format_percentage(precision.relative_ppm)} of a percentile, which is known to 1/64"
        _refuse_precision(scenario, "relative", f"{problem}; expected 1.6% or more")


def _refuse_precision(scenario: Scenario, key: str, problem: str) -> NoReturn:
    raise InputError(place(scenario, f"sweep.precision.{key}"), f"sweep.precision.{key}: {problem}")


def _runs(replications: list[Job], names: dict[str, str], engine: str, limits: Limits) -> Iterator[Run]:
    """The runs of one point and one design. names: what rows call each design."""
    point, design = replications[0].point, replications[0].design
    scenario = point.scenario
    profile = profile_of(scenario)
    cpus, _ = machine_size(scenario, profile)
    work = cpus * (scenario.measure.warmup_ps + scenario.measure.duration_ps)
    labels = {"point": point.index, "design": names[design], "profile": profile.name, **dict(point.axes)}
    id_of = run_ids(scenario, design)
    for job in replications:
        seed = Seed(scenario.sweep.seed, job.replication)
        yield Run(Task(id_of(seed), scenario, design, seed, engine, limits), labels, work)
