"""What `sensitivity` answers: a table of the figures that decide, and what that means in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import numpy as np

from perfsim.engine.prepare import profile_of
from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.kernel.sizes import machine_size
from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import describe
from perfsim.report.influence import notes, rank
from perfsim.report.render import Cell, Head, Interval, Kind, Table, json_text, records_table, render
from perfsim.report.verdicts import verdict_name
from perfsim.stats.metrics import COMPARABLE, VARYING, resolution
from perfsim.stats.sensitivity import Sample, Sensitivity, sensitivity
from perfsim.stats.surrogate import latin_hypercube, samples_min
from perfsim.sweep.trials import Trial, check_designs, tried
from perfsim.sweep.uncertainty import uncertain_costs
from perfsim.units import counted

if TYPE_CHECKING:
    from perfsim.machine.profile import CostProfile, Figure
    from perfsim.stats.sensitivity import Influence
    from perfsim.stats.variance import Estimate

SAMPLES_MAX = 100_000
SAMPLES_A_PAIR_AT_BEST = 4
PAIRS_AT_BEST_MIN = 2
ROWS_SHOWN_MIN = 6


class Asked(NamedTuple):
    """What to ask. samples: machines, each a pair of runs. margin: the largest log ratio that counts as the same."""

    trial: Trial
    samples: int
    margin: float


def ask(asked: Asked, people: TextIO) -> Answer:
    """Try the designs all over the profile's ranges. people: where progress is written.

    Raises InputError, before the first run, for what cannot be asked or cannot run.
    """
    scenario, metric = asked.trial.scenario, asked.trial.metric
    _check_metric(metric)
    old, new = check_designs(scenario)
    profile = profile_of(scenario)
    costs = uncertain_costs(profile)
    _check_samples(asked.samples, len(costs), profile)
    places = latin_hypercube(asked.samples, len(costs), scenario.sweep.seed)
    best = np.full((max(PAIRS_AT_BEST_MIN, asked.samples // SAMPLES_A_PAIR_AT_BEST), len(costs)), 0.5)
    values = np.array(tried(asked.trial, [*places.tolist(), *best.tolist()], people))
    logs = np.log(values[:, 1] / values[:, 0])
    sample = Sample(places, logs[: asked.samples], logs[asked.samples :])
    return Answer(asked, (old, new), profile, sensitivity(sample, asked.margin, resolution(metric)))


def _check_metric(metric: str) -> None:
    if metric not in COMPARABLE:
        reason = "differs when a run is repeated" if metric == VARYING else "is no figure of the results"
        problem = f"{quoted(metric)} {reason}; expected one such as {COMPARABLE[0]}"
        raise InputError("--metric", problem + did_you_mean(metric, COMPARABLE))


def _check_samples(samples: int, figures: int, profile: CostProfile) -> None:
    if not figures:
        problem = f"no cost of profile {quoted(profile.name)} has a range; expected one that has, such as x86_64"
        raise InputError("--profile", problem)
    least = samples_min(figures)
    if not least <= samples <= SAMPLES_MAX:
        problem = f"{samples} samples; expected {least} to {SAMPLES_MAX}: three for each of {figures} figures and one"
        raise InputError("--samples", problem)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, ready to be printed. designs: what rows call the old one and the new one."""

    asked: Asked
    designs: tuple[str, str]
    profile: CostProfile
    found: Sensitivity

    def text(self, form: str) -> str:
        """The whole in one of render.FORMATS; CSV has the figures alone. Raises InputError for another format."""
        if form == "json":
            return json_text(self.record())
        if form == "csv":
            return render(records_table("figures", "", [_record(*row) for row in self._rows()]), form)
        return render(self._table(), form)

    def record(self) -> dict[str, Any]:
        """For scripts: the ratio and its verdict, every figure, those first that move it most; and notes, in words."""
        found = self.found
        whole = {
            "metric": self.asked.trial.metric,
            "new": self.designs[1],
            "old": self.designs[0],
            "profile": self.profile.name,
            "samples": self.asked.samples,
            **_limits("ratio", _exp(found.best)),
            **_limits("ratio_over_ranges", _exp(found.mean)),
            "verdict": verdict_name(self.asked.trial.metric, found.verdict),
            **_limits("share_above_1", found.above),
            **_limits("verdict_holds_in", found.holds),
            **_limits("deviation", found.deviation),
            "noise": found.noise,
            "predicted": found.predicted,
        }
        return {"ratio": whole, "figures": [_record(*row) for row in self._rows()], "notes": list(self._notes())}

    def _rows(self) -> list[tuple[Figure, Influence]]:
        """Each uncertain figure with what it does, those first that matter most."""
        by_key = {figure.key: figure for figure in describe(self.profile)}
        figures = [by_key[COST_NAMES[cost]] for cost in uncertain_costs(self.profile)]
        return sorted(zip(figures, self.found.influences, strict=True), key=lambda row: rank(row[1]))

    def _table(self) -> Table:
        rows = self._rows()
        shown = max(ROWS_SHOWN_MIN, sum(influence.is_shown for _, influence in rows))
        heads = (
            Head("figure", "figure"),
            Head("low", "low"),
            Head("best", "best"),
            Head("high", "high"),
            Head("unit", "unit"),
            Head("effect", "high/low", "ratio", Kind.RATIO),
            Head("effect", "95 % interval", "ratio", Kind.INTERVAL),
            Head("elasticity", "elasticity", kind=Kind.RATIO),
            Head("elasticity", "95 % interval", kind=Kind.INTERVAL),
            Head("first", "first", "share of the variance", Kind.RATIO),
            Head("first", "95 % interval", "share of the variance", Kind.INTERVAL),
            Head("total", "total", "share of the variance", Kind.RATIO),
            Head("total", "95 % interval", "share of the variance", Kind.INTERVAL),
            Head("matters", "matters"),
        )
        return Table("figures", self._caption(), heads, tuple(_cells(*row) for row in rows[:shown]), self._notes())

    def _caption(self) -> str:
        scenario, (old, new) = self.asked.trial.scenario, self.designs
        cpus, _ = machine_size(scenario, self.profile)
        machine = f"{self.profile.name}, {counted(cpus, 'CPU')}"
        return f"{scenario.name}, {machine}: {self.asked.trial.metric}, {new}/{old} on {self.asked.samples} machines"

    def _notes(self) -> tuple[str, ...]:
        return notes(self.found, self.asked.trial.metric, self.asked.margin, self.profile)


def elasticity(figure: Figure, effect: Estimate) -> Estimate | None:
    """By how many percent the ratio changes for 1 % of the figure, on average over its range; None if it may be 0."""
    if float(figure.low) <= 0:
        return None
    span = math.log(float(figure.high) / float(figure.low))
    return type(effect)(*(value / span for value in effect))


def _exp(log: Estimate) -> Estimate:
    return type(log)(*map(math.exp, log))


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _limits(key: str, estimate: Estimate | None) -> dict[str, float | None]:
    value, low, high = estimate or (None, None, None)
    return {key: _known(value), f"{key}_low": low, f"{key}_high": high}


def _record(figure: Figure, influence: Influence) -> dict[str, Any]:
    return {
        "figure": figure.key,
        "low": float(figure.low),
        "best": float(figure.best),
        "high": float(figure.high),
        "unit": figure.unit,
        **_limits("high_over_low", _exp(influence.effect)),
        **_limits("elasticity", elasticity(figure, influence.effect)),
        **_limits("first", influence.first),
        **_limits("total", influence.total),
        "p": influence.p,
        "matters": influence.is_shown,
    }


def _cells(figure: Figure, influence: Influence) -> tuple[Cell, ...]:
    found = (_exp(influence.effect), elasticity(figure, influence.effect), influence.first, influence.total)
    pairs = [(None, None) if one is None else (_known(one.value), Interval(one.low, one.high)) for one in found]
    range_texts = (figure.low, figure.best, figure.high, figure.unit or "-")
    return (figure.key, *range_texts, *(cell for pair in pairs for cell in pair), _matters(influence))


def _matters(influence: Influence) -> str:
    return "yes" if influence.is_shown else "cannot tell"
