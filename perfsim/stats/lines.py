"""Lines of points: those that differ in one axis of numbers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perfsim.units import parse_duration_ps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfsim.scenario.schema import AxisColumn
    from perfsim.stats.ratios import Floats, Ints


class Line(NamedTuple):
    """Points along an axis. points: their indices. values: of the axis, rising; picoseconds where it has durations."""

    axis: str
    points: Ints
    values: Floats


def lines(axes: Sequence[str], points: Sequence[tuple[AxisColumn, ...]]) -> Iterator[Line]:
    """Every line of two points or more, axis by axis. An axis of words has none."""
    for column, axis in enumerate(axes):
        numbers = {value: _number(value) for value in dict.fromkeys(point[column] for point in points)}
        if None in numbers.values():
            continue
        of_rest: dict[tuple[AxisColumn, ...], list[tuple[float, int]]] = {}
        for index, point in enumerate(points):
            rest = (*point[:column], *point[column + 1 :])
            of_rest.setdefault(rest, []).append((numbers[point[column]] or 0.0, index))
        for members in of_rest.values():
            if len(members) > 1:
                values, indices = zip(*sorted(members), strict=True)
                yield Line(axis, np.array(indices), np.array(values))


def _number(value: AxisColumn) -> float | None:
    """The value on a scale; None for a word."""
    if not isinstance(value, str):
        return float(value)
    try:
        return float(parse_duration_ps(value))
    except ValueError:
        return None
