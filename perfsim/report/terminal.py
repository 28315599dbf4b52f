"""Pictures for a terminal, made of block characters, below a table: where the time goes, and throughput along an axis.

They tell shapes by lengths and shades, not by colours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.measure.record import RATES
from perfsim.report.axes import axis_heads
from perfsim.report.render import Cell, Head, Table
from perfsim.report.spent import SHOWN, WORDS
from perfsim.stats.lines import Line, lines
from perfsim.stats.spent import TOTAL, means_ns
from perfsim.units import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]

SHADES = "█▓▒░"
REST = "·"
"""Of a bar: the kinds of time that are largest, each with a shade, and all others."""
BAR_WIDTH = 40
STEPS = "▁▂▃▄▅▆▇█"
USUAL_AXIS = "machine.cpus"
LINES_MAX = 24


class _Along(NamedTuple):
    """Lines of points along an axis. points: the values of all axes at each, in the order of the axes' columns."""

    axis: str
    lines: list[Line]
    points: list[tuple[Any, ...]]


def spent_bars(rows: Sequence[Row]) -> Table | None:
    """Where the time goes, a bar a design: as long as its total, in parts of its kinds. None if no time was measured.

    rows: one a design, all of one scenario and seed.
    """
    bars: list[tuple[str, str, Mapping[str, float]]] = []
    for share in SHOWN:
        means = {row["design"]: means_ns(share, row) for row in rows if row[share.among]}
        longest_ns = max((one[TOTAL] for one in means.values()), default=0)
        if longest_ns:
            bars += [
                (share.per, design, {kind: time_ns / longest_ns for kind, time_ns in one.items()})
                for design, one in means.items()
            ]
    if not bars:
        return None
    shades = _shades([parts for _, _, parts in bars])
    legend = "  ".join([*(f"{shade} {WORDS[kind]}" for kind, shade in shades.items()), f"{REST} the rest"])
    heads = (Head("per", "per"), Head("design", "design"), Head("bar", ""))
    lines_ = tuple((per, design, _bar(parts, shades)) for per, design, parts in bars)
    return Table("bars", "where the time goes, to scale", heads, lines_, (legend,))


def throughput_lines(rows: Sequence[Row], axes: Sequence[str]) -> Table | None:
    """Throughput along the CPUs, or else the first axis of numbers, a line of steps a design. None without such an axis
    or if nothing was done. The steps are from 0 to the largest of all designs at the same point of the other axes.

    rows: of a sweep, in any order. axes: its dotted paths.
    """
    along = _along(rows, axes)
    rate = next((rate for rate in RATES if any(row[rate] for row in rows)), None)
    if along is None or rate is None:
        return None
    means = _means(rows, axes, rate)
    designs = list(dict.fromkeys(row["design"] for row in rows))
    column = axes.index(along.axis)
    shown: list[tuple[Cell, ...]] = []
    for line in along.lines:
        points = [along.points[index] for index in line.points]
        others = tuple(value for number, value in enumerate(points[0]) if number != column)
        of_design = {design: [means.get((design, point)) for point in points] for design in designs}
        largest = max(value or 0.0 for values in of_design.values() for value in values)
        shown += [(*others, design, _steps(values, largest), values[-1]) for design, values in of_design.items()]
    first, last = (along.points[along.lines[0].points[place]][column] for place in (0, -1))
    heads = [head for head in axis_heads(axes) if head.key != along.axis]
    named = axis_heads(axes)[column].text
    heads += [Head("design", "design"), Head("steps", f"{named} {first} to {last}"), Head("last", f"at {last}")]
    left_out = (f"{counted(len(shown) - LINES_MAX, 'more line')} not shown",) if len(shown) > LINES_MAX else ()
    return Table("lines", f"{rate} over {named}, from 0", tuple(heads), tuple(shown[:LINES_MAX]), left_out)


def _shades(bars: Sequence[Mapping[str, float]]) -> dict[str, str]:
    """The kinds of time that are largest in any bar, each with its shade."""
    kinds = [kind for kind in WORDS if kind != TOTAL and any(parts[kind] for parts in bars)]
    kinds.sort(key=lambda kind: -max(parts[kind] for parts in bars))
    return dict(zip(kinds, SHADES, strict=False))


def _bar(parts: Mapping[str, float], shades: Mapping[str, str]) -> str:
    """A part ends where the sum up to it does, so that the bar is as long as its total. parts: of the longest bar."""
    bar, end = "", 0.0
    for kind, shade in shades.items():
        end += parts[kind]
        bar += shade * (round(BAR_WIDTH * end) - len(bar))
    return bar + REST * (round(BAR_WIDTH * parts[TOTAL]) - len(bar))


def _along(rows: Sequence[Row], axes: Sequence[str]) -> _Along | None:
    points = list(
        dict.fromkeys(tuple(row[path] for path in axes) for row in sorted(rows, key=lambda row: row["point"]))
    )
    found = list(lines(axes, points))
    axis = USUAL_AXIS if any(line.axis == USUAL_AXIS for line in found) else next((one.axis for one in found), None)
    return None if axis is None else _Along(axis, [line for line in found if line.axis == axis], points)


def _means(rows: Sequence[Row], axes: Sequence[str], rate: str) -> dict[tuple[str, tuple[Any, ...]], float]:
    """Mean rate over the replications that there are, by design and point."""
    values: dict[tuple[str, tuple[Any, ...]], list[float]] = {}
    for row in rows:
        values.setdefault((row["design"], tuple(row[path] for path in axes)), []).append(row[rate])
    return {key: math.fsum(of_key) / len(of_key) for key, of_key in values.items()}


def _steps(values: Sequence[float | None], largest: float) -> str:
    """A step a value; a blank where there is none."""
    return "".join(" " if value is None else _step(value, largest) for value in values)


def _step(value: float, largest: float) -> str:
    return STEPS[max(0, math.ceil(len(STEPS) * value / largest) - 1) if largest else 0]
