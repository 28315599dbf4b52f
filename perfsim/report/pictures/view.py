"""A view: what is chosen of the facts, and with it the words that fill a chart.

A view is plain, for the page starts from it too: x, second: numbers of axes, None without one. fixed: by axis, the
number of the value that is shown, None for all. at: the number of x's value where a picture shows one alone. shown: the
numbers of the series that are drawn. pair: of the map. figures, curves, spent, locks: the choices of tables.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.report.pictures.look import OKABE_ITO, SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Facts = dict[str, Any]
View = dict[str, Any]
Row = dict[str, Any]

PANELS_MAX = 12
SERIES_MAX = 8
PANEL_WIDTH_MIN = 300
NAMED_TAILS = (0.5, 0.1, 0.01, 0.001, 1e-4, 1e-5)
LABELS_MAX = 12
COLUMNS_MAX = 3
NARROW = 640
"""Narrower pictures have lower panels: they stand one below the other."""


class Filled(NamedTuple):
    """What fills a chart: rows, and words by the name of their slot."""

    rows: list[Row]
    words: dict[str, Any]


class Cell(NamedTuple):
    """One figure's place. at: in its list. point, one: numbers of the point and of the series or pair. panel: its text,
    and order, its number.
    """

    at: int
    point: int
    one: int
    panel: str
    order: int


def first_view(facts: Facts) -> View:
    """What is shown before anybody has chosen."""
    axes = facts["axes"]
    x, second = _first_axes(axes)
    fixed: list[int | None] = [None] * len(axes)
    for number in reversed([number for number in range(len(axes)) if number != x]):
        if _panels_count(axes, fixed, x) > PANELS_MAX:
            fixed[number] = len(axes[number]["values"]) // 2
    return {
        "x": x,
        "second": second,
        "fixed": fixed,
        "at": 0 if x is None else len(axes[x]["values"]) - 1,
        "shown": list(range(min(SERIES_MAX, len(facts["series"])))),
        "pair": 0,
        **{key: _first_choice(facts, table) for key, table in _CHOICES.items()},
    }


_CHOICES = {
    "figures": "figures",
    "curves": "curves",
    "spent": "spent",
    "locks": "utilization",
    "influence": "influence",
}


def _first_choice(facts: Facts, table: str) -> str | None:
    choices = facts["tables"][table]["choices"]
    return choices[0]["key"] if choices else None


def _first_axes(axes: Sequence[Facts]) -> tuple[int | None, int | None]:
    """CPUs along, if there are several, else the first axis of numbers; and a second one for the map."""
    several = [number for number, axis in enumerate(axes) if len(axis["values"]) > 1] or list(range(len(axes)))
    ranked = sorted(several, key=lambda number: (axes[number]["text"] != "cpus", axes[number]["scale"] is None, number))
    if not ranked:
        return None, None
    return ranked[0], ranked[1] if len(ranked) > 1 else None


def _panels_count(axes: Sequence[Facts], fixed: Sequence[int | None], x: int | None) -> int:
    return math.prod(len(axis["values"]) for number, axis in enumerate(axes) if number != x and fixed[number] is None)


def cells(facts: Facts, of: Sequence[int], view: View, spread: Sequence[int | None]) -> Iterator[Cell]:
    """Every place that is shown. of: numbers of series or pairs. spread: axes that a panel spreads out."""
    panels: dict[str, int] = {}
    points = facts["points"]
    free = [number for number in range(len(facts["axes"])) if number not in spread]
    for point, numbers in enumerate(points):
        if any(view["fixed"][axis] not in (None, numbers[axis]) for axis in free):
            continue
        panel = ", ".join(
            axis_text(facts, axis, numbers[axis])
            for axis in free
            if len(facts["axes"][axis]["values"]) > 1 and view["fixed"][axis] is None
        )
        order = panels.setdefault(panel, len(panels))
        if order < PANELS_MAX:
            yield from (Cell(one * len(points) + point, point, one, panel, order) for one in of)


def axis_text(facts: Facts, axis: int, number: int) -> str:
    """Such as "cpus 16"."""
    return f"{facts['axes'][axis]['text']} {facts['axes'][axis]['values'][number]}"


def round_values(values: Sequence[float], is_nice: bool) -> list[float]:
    """Where an axis of logarithms is marked: at powers of ten, or at 1, 2 and 5 if that is fewer than three.

    is_nice: whether the axis begins and ends at a power of ten.
    """
    low, high = (min(values), max(values)) if values else (1, 1)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    tens = [float(f"1e{power}") for power in powers]
    if is_nice:
        return tens
    inside = [value for value in tens if low <= value <= high]
    steps = [value * step for value in tens for step in (1, 2, 5)]
    return inside if len(inside) > 2 else [value for value in steps if low <= value <= high]


def x_words(facts: Facts, view: View) -> dict[str, Any]:
    """How the axis along which there are pictures is drawn."""
    axis: Facts = {"text": None, "values": ["all"], "scale": None} if view["x"] is None else facts["axes"][view["x"]]
    values = axis["values"]
    if not axis["scale"]:
        x_axis: dict[str, Any] = {"labelLimit": 120, "labelAngle": 0 if len(values) <= 3 else -40}
        return {
            "x_title": axis["text"],
            "x_type": "ordinal",
            "x_scale": {"type": "point", "padding": 0.5},
            "x_axis": x_axis,
        }
    x_axis = {"format": "~g", **({"values": values} if len(values) <= LABELS_MAX else {"tickCount": 5})}
    is_log, ends = axis["scale"] == "log", [values[0], values[-1]]
    if ends[0] == ends[1]:
        ends = [ends[0] - 1, ends[0] + 1]
    scale = {"type": "log", "base": 2} if is_log else {"type": "linear", "zero": False}
    return {
        "x_title": axis["text"],
        "x_type": "quantitative",
        "x_scale": scale | {"domain": ends, "nice": False, "padding": 12 if len(view["shown"]) <= 3 else 24},
        "x_axis": x_axis,
    }


def series_words(facts: Facts, view: View) -> dict[str, Any]:
    """The names and marks of the series that are drawn; each keeps its own, whichever else is."""
    shown = view["shown"]
    return {
        "series": [facts["series"][number] for number in shown],
        **{
            key: [range_[number % len(range_)] for number in shown]
            for key, range_ in (("colors", OKABE_ITO), ("shapes", SHAPES))
        },
    }


class Size(NamedTuple):
    """How much room a picture has, in pixels.

    width: of the whole. inset: what axes take of it. height: of a panel. has_rows: that height is what its rows take,
    however narrow the whole is.
    """

    width: int
    inset: int
    height: int
    has_rows: bool


def sized(filled: Filled, size: Size) -> Filled:
    """With the words that say how large the panels are."""
    width, inset, height, has_rows = size
    panels_count = max(1, len({row["order"] for row in filled.rows}))
    columns = _columns(panels_count, max(1, min(COLUMNS_MAX, width // PANEL_WIDTH_MIN)))
    panel = max(140, (width - inset - (columns - 1) * 20) // columns)
    cell = panel / max(1, len({row.get("x") for row in filled.rows}))
    longest = max(map(len, filled.words.get("series", [])), default=0)
    sizes = {
        "columns": columns,
        "width": panel,
        "height": height if has_rows or width >= NARROW else height * 3 // 4,
        "has_panels": panels_count > 1,
        "header_width": panel if columns > 1 else width - 20,
        "series_legend": {"columns": max(1, width // (60 + 7 * longest)), "labelLimit": width - 60},
        "legend_width": width - 60,
        "part_columns": max(1, min(5, width // 140)),
        "cell_size": 11 if cell >= 38 else 9 if cell >= 28 else 0,
        "cell_format": ".3f" if cell >= 34 else ".2f",
    }
    return Filled(filled.rows, sizes | filled.words)


def _columns(panels_count: int, most: int) -> int:
    """So many that rows are full, if that can be."""
    fitting = [count for count in range(2, most + 1) if panels_count % count == 0]
    return max(fitting, default=min(panels_count, most))


def fill(chart: Any, words: Mapping[str, Any]) -> Any:
    """A chart with every slot filled."""
    if isinstance(chart, dict):
        if "$" in chart:
            return words[chart["$"]]
        return {key: fill(value, words) for key, value in chart.items()}
    return [fill(value, words) for value in chart] if isinstance(chart, list | tuple) else chart
