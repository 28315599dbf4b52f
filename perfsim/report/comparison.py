"""What `compare` answers: for people a table a metric and pair of designs, for scripts lists of points and of turns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.errors import InputError, quoted
from perfsim.report.axes import axis_heads
from perfsim.report.reasons import HOW_WHY, reasons, spent_of, spent_records
from perfsim.report.render import FORMATS, Cell, Head, Interval, Kind, Table, json_text, records_table, render
from perfsim.report.verdicts import (
    how_to_read,
    overall_line,
    summary,
    turn_lines,
    verdict_name,
    verdict_text,
    what_is_missing,
)
from perfsim.stats.comparison import Verdict, columns_for, families
from perfsim.stats.matching import between, within
from perfsim.stats.metrics import USUAL, check_metric
from perfsim.stats.ratios import PAIRS_LIMIT
from perfsim.stats.spent import share_of
from perfsim.sweep.outcome import read_results
from perfsim.units import PPM_PER_WHOLE, parse_fraction_ppm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfsim.stats.comparison import Family, Turn
    from perfsim.stats.matching import Matched, Results

Record = dict[str, Any]

WHY = "why"


class Asked(NamedTuple):
    """What to compare.

    results, other: directories or files of results; with `other`, each design of `results` against itself in it.
    metrics: columns. base, designs: as for matching.within. margin: what counts as the same, such as "1%" or 0.01.
    """

    results: str
    other: str | None = None
    metrics: tuple[str, ...] = USUAL
    base: str | None = None
    designs: tuple[str, ...] = ()
    margin: str | float = "1%"

    def names(self) -> tuple[str, ...]:
        """Of the results, the new ones first."""
        return (self.results,) if self.other is None else (self.results, self.other)


def compare(asked: Asked) -> Comparison:
    """Read results and compare them. Raises InputError for whatever is wrong with them or with what is asked."""
    margin = checked_margin(asked)
    columns = columns_for(asked.metrics)
    shares = [share for metric in asked.metrics if (share := share_of(metric))]
    welcome = [column for share in shares for column in share.columns()]
    matched = matched_of(asked, [read_results(name, columns, welcome) for name in asked.names()])
    return Comparison(matched, families(matched, asked.metrics, margin), margin)


def checked_margin(asked: Asked) -> float:
    """The margin as a log ratio. Raises InputError for metrics and a margin that nobody can be asked for."""
    for number, metric in enumerate(asked.metrics):
        check_metric(metric)
        if metric in asked.metrics[:number]:
            raise InputError("--metric", f"{quoted(metric)} is given twice; expected each metric once")
    return margin_of(asked.margin)


def matched_of(asked: Asked, found: Sequence[Results]) -> Matched:
    """What is compared with what. found: the results that were asked for, by names(). Raises InputError."""
    if asked.other is None:
        return within(found[0], asked.base, asked.designs)
    if asked.base is not None:
        raise InputError("--base", "two results are compared with each other; expected one, or no --base")
    return between(found[0], found[1], asked.designs)


def margin_of(given: str | float) -> float:
    """The margin as a log ratio. Raises InputError for what is no fraction, and for 0."""
    try:
        ppm = parse_fraction_ppm(given)
    except ValueError as error:
        raise InputError("--margin", str(error)) from error
    if not ppm:
        raise InputError("--margin", "0: nothing can be shown to be exactly the same; expected more, such as 1%")
    return math.log1p(ppm / PPM_PER_WHOLE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Results compared, ready to be printed. margin: the largest log ratio that counts as the same."""

    matched: Matched
    families: tuple[Family, ...]
    margin: float

    def text(self, form: str) -> str:
        """The whole in one of render.FORMATS; CSV has the points alone. Raises InputError for another format."""
        if form == "json":
            return json_text(self.records())
        if form == "csv" or form not in FORMATS:
            return render(self._long(), form)
        tables = [self._table(family) for family in self.families]
        how_why = [HOW_WHY] if any(head.key == WHY for table in tables for head in table.heads) else []
        tables[-1] = replace(tables[-1], notes=(*tables[-1].notes, *self._notes(), *how_why))
        return "\n".join(render(table, form) for table in tables)

    def records(self) -> dict[str, list[Any]]:
        """For scripts: one of each family and point, of each family, of each turn, of each time; notes, in words."""
        summaries = [f"{family.metric}: {summary(family, self.margin)}" for family in self.families]
        return {
            "points": [record for family in self.families for record in _point_records(self.matched, family)],
            "overall": [record for family in self.families for record in _overall_records(family)],
            "turns": [_turn_record(self.matched, family, turn) for family in self.families for turn in family.turns],
            "spent": list(spent_records(self.matched, self.families)),
            "notes": [*summaries, *self._notes()],
        }

    def _notes(self) -> list[str]:
        return [*how_to_read(self.families, self.margin), *what_is_missing(self.matched)]

    def _table(self, family: Family) -> Table:
        """The points of one family, with its summary and turns."""
        why_heads, whys = _why(self.matched, family)
        heads = (
            *axis_heads(self.matched.axes),
            Head("old_mean", family.old),
            Head("new_mean", family.new),
            Head("ratio", "ratio", kind=Kind.RATIO),
            Head("ratio", "95 % interval", kind=Kind.INTERVAL),
            Head("pairs", "pairs"),
            Head("verdict", "verdict"),
            *why_heads,
        )
        figures = zip(
            *(map(_cell, values.tolist()) for values in (family.old_mean, family.new_mean, family.ratio)),
            map(_interval, family.low.tolist(), family.high.tolist()),
            family.pairs.tolist(),
            strict=True,
        )
        rows = tuple(
            (*point, *cells, verdict_text(family, index), *why)
            for index, (point, cells, why) in enumerate(zip(self.matched.points, figures, whys, strict=True))
        )
        caption = f"{self.matched.name}: {family.metric}, {family.new} against {family.old}"
        below = (summary(family, self.margin), *overall_line(family), *turn_lines(self.matched, family))
        return Table("points", caption, heads, rows, below)

    def _long(self) -> Table:
        records = [record for family in self.families for record in _point_records(self.matched, family)]
        return records_table("points", self.matched.name, records)


def _why(matched: Matched, family: Family) -> tuple[tuple[Head, ...], list[tuple[Cell, ...]]]:
    """What the new side spends more or less on, each point's in a column of its own; no column if that is nothing."""
    spent = spent_of(matched, family)
    said = [] if spent is None else reasons(spent)
    if spent is None or not any(said):
        return (), [()] * len(matched.points)
    return (Head(WHY, f"why, ns per {spent.share.per}"),), [(one or None,) for one in said]


def _point_records(matched: Matched, family: Family) -> Iterator[Record]:
    figures = ("new_mean", "old_mean", "ratio", "low", "high", "pairs", "p_different", "p_same")
    columns = [getattr(family, figure).tolist() for figure in figures]
    for index, values in enumerate(zip(*columns, strict=True)):
        verdict = family.verdicts[index]
        is_within_reach = verdict is Verdict.OPEN and family.needed[index] < PAIRS_LIMIT
        yield {
            "metric": family.metric,
            "new": family.new,
            "old": family.old,
            **dict(zip(matched.axes, matched.points[index], strict=True)),
            **dict(zip(figures, map(_cell, values), strict=True)),
            "verdict": verdict_name(family.metric, verdict),
            "more_replications": int(family.needed[index] - family.pairs[index]) if is_within_reach else None,
        }


def _overall_records(family: Family) -> list[Record]:
    if family.overall is None:
        return []
    figures = {figure: _cell(getattr(family.overall, figure)) for figure in ("ratio", "low", "high")}
    return [
        {
            "metric": family.metric,
            "new": family.new,
            "old": family.old,
            "points": family.overall.points_count,
            **figures,
            "verdict": verdict_name(family.metric, family.overall.verdict),
        }
    ]


def _turn_record(matched: Matched, family: Family, turn: Turn) -> Record:
    here = dict(zip(matched.axes, matched.points[turn.point], strict=True))
    return {
        "metric": family.metric,
        "new": family.new,
        "old": family.old,
        **{axis: None if axis == turn.axis else value for axis, value in here.items()},
        "axis": turn.axis,
        "before": verdict_name(family.metric, turn.before),
        "after": verdict_name(family.metric, turn.after),
        **turn.place._asdict(),
    }


def _cell(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(low: float, high: float) -> Cell:
    return None if math.isnan(low) else Interval(low, high)
