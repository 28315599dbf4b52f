"""What `check` answers: whether results have become worse than a baseline, with the evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from perfsim.errors import InputError
from perfsim.report.answers import (
    CheckedPoint,
    Unmatched,
    counts_line,
    how_to_read,
    line,
    only_there,
    record,
    verdict_of,
)
from perfsim.report.axes import axis_heads
from perfsim.report.limits import limits
from perfsim.report.render import FORMATS, Cell, Head, Interval, Kind, Table, json_text, records_table, render
from perfsim.report.verdicts import what_is_missing
from perfsim.stats.comparison import columns_for
from perfsim.stats.matching import between, draws_alone_count, points_alone
from perfsim.stats.regression import TOGETHER, Answer, judged
from perfsim.sweep.origin import differences, read_origin
from perfsim.sweep.outcome import read_results
from perfsim.units import counted, format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.report.limits import Allowed
    from perfsim.stats.matching import Matched, Results
    from perfsim.stats.regression import Limit
    from perfsim.sweep.origin import Origin

NAMED_MAX = 10
"""So many points without a partner are named in words; scripts get all."""


def limits_of(results: str, asked: Sequence[Allowed]) -> tuple[Limit, ...]:
    """What the workload of these results allows, or what is asked for instead: see `limits`."""
    return limits(_origin_of(results).rules, asked, results)


def _origin_of(results: str) -> Origin:
    read_results(results, ())  # says what is wrong with it, if anything is
    return read_origin(results)


def check(results: str, baseline: str, asked: Sequence[Allowed]) -> Check:
    """Read results and what to check them against, and judge them.

    results: a directory that a sweep wrote, or a file of runs. baseline: the same, or a file of --update-baseline.
    Raises InputError for whatever is wrong with any of them.
    """
    origin = _origin_of(results)
    allowed = limits(origin.rules, asked, results)
    columns = columns_for([limit.metric for limit in allowed])
    new, old = read_results(results, columns), _read_baseline(baseline, columns)
    matched = between(new, old, ())
    designs = [design for design in new.designs if design in old.designs]
    unmatched = (*_unmatched(old, new), *_unmatched(new, old))
    notes = (
        *differences(read_origin(baseline), origin),
        *what_is_missing(matched),
        *_lonely_draws(old, new),
        *_lonely_draws(new, old),
        *map(only_there, unmatched[:NAMED_MAX]),
    )
    points = tuple(CheckedPoint(one, _place(matched, one.point)) for one in judged(matched, designs, allowed))
    return Check(matched.name, matched.axes, points, unmatched, notes, _equal_runs_count(matched, columns))


def _read_baseline(baseline: str, columns: Sequence[str]) -> Results:
    if not baseline:
        raise InputError("--baseline", "is empty; expected a file, or a directory of results")
    if not Path(baseline).exists():
        raise InputError(baseline, "no such file; expected a baseline: --update-baseline writes one")
    return read_results(baseline, columns)


def _place(matched: Matched, point: int) -> dict[str, Any]:
    return {} if point == TOGETHER else dict(zip(matched.axes, matched.points[point], strict=True))


def _unmatched(of: Results, other: Results) -> list[Unmatched]:
    return [Unmatched(of.name, dict(zip(of.axes, point, strict=True))) for point in points_alone(of, other)]


def _lonely_draws(of: Results, other: Results) -> list[str]:
    count = draws_alone_count(of, other)
    return [f"{of.name}: only there, and left out: {format_count(count)} of its replications"] if count else []


def _equal_runs_count(matched: Matched, columns: Sequence[str]) -> int:
    """How many runs were paired if each figure of these columns is in both the same; else 0."""
    count = 0
    for new, old in matched.pairs:
        paired = new.has_run & old.has_run
        count += int(paired.sum())
        if not all(
            np.array_equal(new.values[name][paired], old.values[name][paired], equal_nan=True) for name in columns
        ):
            return 0
    return count


class Check(NamedTuple):
    """Results judged, ready to be printed.

    name: of the workload. axes: dotted paths. points: of every metric and design, with all TOGETHER as their last one.
    notes: what lies between the two, and what is missing. equal_runs_count: of runs whose figures that are checked are
    all the baseline's, to the last digit; 0 if any differs.
    """

    name: str
    axes: tuple[str, ...]
    points: tuple[CheckedPoint, ...]
    unmatched: tuple[Unmatched, ...]
    notes: tuple[str, ...]
    equal_runs_count: int

    @property
    def answer(self) -> Answer:
        """The worst of all."""
        found = {one.judged.answer for one in self.points}
        return next(answer for answer in Answer if answer in found)

    @property
    def is_regressed(self) -> bool:
        """Whether anything has regressed."""
        return self.answer is Answer.REGRESSED

    def text(self, form: str) -> str:
        """The whole in one of render.FORMATS; CSV has the points alone. Raises InputError for another format."""
        if form == "json":
            return json_text(self.records())
        if form == "csv" or form not in FORMATS:
            return render(self._long(), form)
        tables = [self._table(metric) for metric in dict.fromkeys(one.judged.metric for one in self.points)]
        notes = (*self.summary(), *how_to_read(self.points), *self.notes)
        tables[-1] = replace(tables[-1], notes=(*tables[-1].notes, *notes))
        return "\n".join(render(table, form) for table in tables)

    def records(self) -> dict[str, Any]:
        """For scripts: the answer; a record of each metric, design and point, and of all points together; the points
        without a partner; and notes, in words.
        """
        return {
            "verdict": self.answer.value,
            "points": [record(one, self.axes) for one in self.points if not one.is_together],
            "together": [record(one, ()) for one in self.points if one.is_together],
            "unmatched": [{"results": one.results, **one.place} for one in self.unmatched],
            "notes": [*self.summary(), *how_to_read(self.points), *self.notes],
        }

    def summary(self) -> list[str]:
        """The answer in words, and whether anything has changed at all."""
        lines = [f"{self.name}: {self.answer.value}: {counts_line(self.points)}"]
        if self.equal_runs_count:
            equal = counted(self.equal_runs_count, "run")
            lines.append(f"nothing that is checked has changed in {equal}, to the last digit")
        return lines

    def worst_first(self, metric: str) -> list[CheckedPoint]:
        """The points of a metric, without those together."""
        order = list(Answer)
        of_metric = [one for one in self.points if one.judged.metric == metric and not one.is_together]
        return sorted(of_metric, key=lambda one: order.index(one.judged.answer))

    def _table(self, metric: str) -> Table:
        heads = (
            *axis_heads(self.axes),
            Head("design", "design"),
            Head("old_mean", "baseline"),
            Head("new_mean", "now"),
            Head("ratio", "ratio", kind=Kind.RATIO),
            Head("ratio", "95 % interval", kind=Kind.INTERVAL),
            Head("allowed", "allowed", kind=Kind.RATIO),
            Head("pairs", "pairs"),
            Head("verdict", "verdict"),
        )
        together = [one for one in self.points if one.judged.metric == metric and one.is_together]
        rows = tuple(map(self._row, self.worst_first(metric)))
        return Table("points", f"{self.name}: {metric}", heads, rows, tuple(map(line, together)))

    def _row(self, one: CheckedPoint) -> tuple[Cell, ...]:
        figures = record(one, self.axes)
        interval = (
            None if figures["low"] is None or figures["high"] is None else Interval(figures["low"], figures["high"])
        )
        axes = (figures[axis] for axis in self.axes)
        cells = (figures[key] for key in ("old_mean", "new_mean", "ratio"))
        return (*axes, one.judged.design, *cells, interval, figures["allowed"], one.judged.pairs, verdict_of(one))

    def _long(self) -> Table:
        records = [record(one, self.axes) for one in self.points if not one.is_together]
        return records_table("points", self.name, records)
