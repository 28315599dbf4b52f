"""`sweep.precision`: how many replications each point takes, and how closely its ratios are known in the end.

Two stages (stats/sequential.py): the first `sweep.replications` of a point decide how many it takes in all. They alone
do, so that the number is a function of rows that are the same everywhere: it depends neither on the order in which runs
end, nor on how many run at once, nor on an interruption, after which the same rows decide again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.stats.paired import paired_ratio
from perfsim.stats.sequential import half_width, is_reached, pairs_needed
from perfsim.units import PPM_PER_WHOLE, format_count, format_percentage, format_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from perfsim.scenario.schema import Precision, Scenario, SweepSpec
    from perfsim.stats.paired import Ratio
    from perfsim.sweep.plan import Run

    Values = Mapping[int, float | None]

Row = dict[str, Any]


class Growth:
    """All runs of a sweep as far as they are known: the first ones, and those that its precision has added since."""

    def __init__(self, scenario: Scenario, planned: Iterable[Run]) -> None:
        """planned: what `plan` gives, all runs that there may be."""
        self._sweep = scenario.sweep
        self._designs = scenario.kernel.designs
        self._runs: list[Run] = []
        self._later: dict[int, list[Run]] = defaultdict(list)
        for run in planned:
            is_first = run.task.seed.replication < self._sweep.replications
            (self._runs if is_first else self._later[run.labels["point"]]).append(run)
        self._open: dict[int, dict[str, dict[int, float | None]]] = {
            point: {design: {} for design in self._designs} for point in self._later
        }

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs in job order: point, design, replication."""
        return tuple(sorted(self._runs, key=self._position))

    @property
    def undecided_count(self) -> int:
        """How many points may still get more runs."""
        return len(self._open)

    def take(self, run: Run, row: Row | None) -> tuple[Run, ...]:
        """The runs that this outcome adds to the sweep. row: None if the run failed: its point gets no more."""
        point, precision = run.labels["point"], self._sweep.precision
        if precision is None or point not in self._open or run.task.seed.replication >= self._sweep.replications:
            return ()
        if row is None:
            del self._open[point], self._later[point]
            return ()
        values = self._open[point]
        values[run.task.design][run.task.seed.replication] = row[precision.metric]
        if any(len(of_design) < self._sweep.replications for of_design in values.values()):
            return ()
        del self._open[point]
        count = replications_of([values[design] for design in self._designs], precision)
        more = [later for later in self._later.pop(point) if later.task.seed.replication < count]
        self._runs += more
        return tuple(more)

    def _position(self, run: Run) -> tuple[int, int, int]:
        return run.labels["point"], self._designs.index(run.task.design), run.task.seed.replication


def replications_of(values: Sequence[Values], precision: Precision) -> int:
    """How many replications a point takes in all, by its first ones.

    values: of the metric, by replication, one mapping a design, the old one first. A design that has no ratio, for a
    value is zero or missing, asks for no more.
    """
    old, *news = values
    first = sorted(old)
    ratios = [paired_ratio([new[one] for one in first], [old[one] for one in first]) for new in news]
    needed = [pairs_needed(ratio, precision.relative_ppm / PPM_PER_WHOLE) for ratio in ratios if ratio]
    return min(precision.max_replications, max(needed, default=len(first)))


class Reached(NamedTuple):
    """How closely the ratio of a new design is known at a point.

    pairs: replications that both designs have run. half_width: of the interval, relative to the ratio; None without
    one. needed: how many pairs would be enough, None if that is not known. lack: why it is not as asked; "" if it is.
    """

    point: int
    design: str
    pairs: int
    half_width: float | None
    needed: int | None
    lack: str


def reached(rows: Iterable[Row], designs: Sequence[str], sweep: SweepSpec) -> list[Reached]:
    """What a sweep with a precision has reached, by point and new design; nothing without one.

    rows: all there are. designs: what they are called in the rows, the old one first.
    """
    if sweep.precision is None:
        return []
    values: dict[tuple[int, str], dict[int, float | None]] = defaultdict(dict)
    for row in rows:
        values[row["point"], row["design"]][row["replication"]] = row[sweep.precision.metric]
    points = range(math.prod(len(axis.values) for axis in sweep.axes))
    return [
        Reached(point, new, *_reached(values[point, new], values[point, designs[0]], sweep, sweep.precision))
        for point in points
        for new in designs[1:]
    ]


def _reached(
    new: Values, old: Values, sweep: SweepSpec, precision: Precision
) -> tuple[int, float | None, int | None, str]:
    pairs = len(new.keys() & old.keys())
    ratio = ratio_of(new, old, sweep)
    if scale_pairs(new.keys() & old.keys(), sweep) is None:
        return pairs, None, None, "without all of its first runs"
    if ratio is None:
        return pairs, None, None, f"without a ratio, for {precision.metric} is zero or missing"
    relative = precision.relative_ppm / PPM_PER_WHOLE
    width, needed = half_width(ratio), pairs_needed(ratio, relative)
    assert width is not None, "there are two pairs at least"
    if is_reached(ratio, relative):
        return pairs, width, needed, ""
    lack = f"{format_width(width)} after {format_count(pairs)} replications, about {format_count(needed)} would do"
    return pairs, width, needed, lack


def ratio_of(new: Values, old: Values, sweep: SweepSpec) -> Ratio | None:
    """New over old in pairs of the replications that both have run; with a precision the interval is Stein's."""
    both = sorted(new.keys() & old.keys())
    return paired_ratio([new[one] for one in both], [old[one] for one in both], scale_pairs=scale_pairs(both, sweep))


def scale_pairs(replications: Iterable[int], sweep: SweepSpec) -> int | None:
    """How many of these replications are the first ones of a precision; None if any of those is missing."""
    is_whole = set(range(sweep.replications)) <= set(replications)
    return sweep.replications if sweep.precision is not None and is_whole else None


def asked(sweep: SweepSpec) -> str:
    """What a precision asks for, in words; "" without one."""
    precision = sweep.precision
    if precision is None:
        return ""
    counts = f"{format_count(sweep.replications)} to {format_count(precision.max_replications)} replications"
    return f"{precision.metric} to {format_percentage(precision.relative_ppm)} in {counts}"


def lacks(found: Iterable[Reached], records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What fell short, by point and design as people call them, and by how much.

    records: rows, or labels of runs, of whatever points: they have the values of the axes.
    """
    axes = {one["point"]: [f"{name}={value}" for name, value in one.items() if "." in name] for one in records}
    return {
        ", ".join([f"point {one.point}", *axes.get(one.point, ()), one.design]): one.lack for one in found if one.lack
    }
