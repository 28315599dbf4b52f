"""Two designs tried on many machines that differ in what their steps cost: one pair of runs a machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from perfsim.engine.prepare import check_fits, profile_of, run_ids
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed
from perfsim.scenario.schema import place
from perfsim.sweep.driver import make_ready
from perfsim.sweep.gather import Crew, gathered
from perfsim.sweep.plan import Run, design_names, workers_for
from perfsim.sweep.uncertainty import costs_at, uncertain_costs
from perfsim.sweep.worker import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.scenario.schema import Scenario

    Row = dict[str, Any]


class Trial(NamedTuple):
    """What is tried, by whom. engine: its name. jobs_count: worker processes, None for as many as there are CPUs."""

    scenario: Scenario
    metric: str
    engine: str
    jobs_count: int | None = None


def check_designs(scenario: Scenario) -> tuple[str, str]:
    """What rows call the old and the new design. Raises InputError unless there are two, of different names."""
    designs = scenario.kernel.designs
    if len(designs) != 2:
        found = f"{designs[0]} alone has no ratio" if len(designs) == 1 else f"{len(designs)} designs"
        problem = f"sensitivity: {found}; expected two, the old and the new: --design OLD --design NEW"
        raise InputError(place(scenario, "kernel.designs"), problem)
    old, new = design_names(scenario).values()
    return old, new


def tried(trial: Trial, places: Sequence[Sequence[float]], people: TextIO) -> list[tuple[float, float]]:
    """The metric under the old and the new design on each machine.

    places: of the profile's uncertain costs in their ranges, a sequence a machine. people: where progress is written.
    Raises InputError for what cannot run, and for a metric that has no ratio in some pair; PerfsimError if a run fails.
    """
    workers_count = workers_for(trial.jobs_count)
    old, new = check_designs(trial.scenario)
    check_fits(trial.scenario, trial.scenario.kernel.designs, trial.engine, min(workers_count, 2 * len(places)))
    runs = trial_runs(trial, places)
    make_ready(trial.engine)
    values: dict[tuple[int, str], float] = {}

    def take(run: Run, row: Row) -> None:
        values[run.labels["point"], run.labels["design"]] = _checked(trial.metric, row)

    gathered(runs, Crew(workers_count, trial.engine, people), take)
    return [(values[machine, old], values[machine, new]) for machine in range(len(places))]


def trial_runs(trial: Trial, places: Sequence[Sequence[float]]) -> list[Run]:
    """A run of each design on each machine.

    The two runs of a machine meet the same random numbers, and each machine meets others: all of them at one seed would
    tell of that seed alone, and would not be compared any better. A cost that is changed by 1 % gives every later event
    another time, and what a pair of runs has by chance is not seen to correlate with what it had before.
    """
    scenario = trial.scenario
    profile = profile_of(scenario)
    names, costs = design_names(scenario), uncertain_costs(profile)
    work = scenario.measure.warmup_ps + scenario.measure.duration_ps
    runs = []
    for machine, at in enumerate(places):
        varied = replace(scenario, machine=replace(scenario.machine, costs_ps=costs_at(profile, costs, at)))
        seed = Seed(scenario.sweep.seed, machine)
        for design in scenario.kernel.designs:
            labels = {"point": machine, "design": names[design], "profile": profile.name}
            runs.append(Run(Task(run_ids(varied, design)(seed), varied, design, seed, trial.engine), labels, work))
    return runs


def _checked(metric: str, row: Row) -> float:
    value = row[metric]
    if value is None or value <= 0:
        found = "no value" if value is None else "0"
        problem = f"{metric} is {found} in a run of {row['design']}, which leaves no ratio"
        raise InputError("--metric", f"{problem}; expected one that every run has, such as reclaim_scanned_per_s")
    return float(value)
