"""How pictures look: colours, marks, type, and how figures are written."""

from __future__ import annotations

from typing import Any

from perfsim.report.pictures.subjects import NUMBER, RATE, SHARE, TIME

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D00", "#56B4E9", "#6F6F6F", "#E69F00")
"""Okabe and Ito's colours, those first that show on white; their yellow is darkened, and their black is grey."""

ON_DARK = ("#4BA3E3", "#F0803C", "#2FC08F", "#E29BC6", "#D9B23A", "#8CCBF0", "#A8A8A8", "#F2B84B")
"""The same, lighter."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 1], [10, 4], [1, 3], [12, 2, 2, 2])

PARTS = {
    "work": "#9A9A9A",
    "atomics, barriers": "#F0E442",
    "line transfers": "#56B4E9",
    "lru_lock spin": "#D55E00",
    "page lock sleep": "#0072B2",
    "memcg lock spin": "#E69F00",
    "wait queue spin": "#882255",
    "other sleep": "#B8D8B0",
    "wake-up": "#CC79A7",
    "redo": "#009E73",
}
"""A colour for each kind of time: locks strong, the rest pale."""


def figure_text(unit: str, value: str = "datum.value", digits: str = "") -> str:
    """The expression that writes a figure of a unit. digits: such as ".4"; as many as it takes if empty."""
    if unit == TIME:
        return f"({value}?format({value}*1e-9,'{digits}~s')+'s':'0')"
    if unit == SHARE:
        return f"format({value}*100,'{digits or '.3'}~g')+' %'"
    return f"format({value},'{digits}~s')"


def _told(unit: str) -> str:
    """A figure with its interval, for people who hover."""
    y, low, high = (figure_text(unit, f"datum.{key}", ".4") for key in ("y", "low", "high"))
    return f"{y}+(isValid(datum.low)?' ['+{low}+', '+{high}+']':'')"


EXPRESSIONS = {unit: {"axis": figure_text(unit), "told": _told(unit)} for unit in (RATE, TIME, SHARE, NUMBER)}
"""How figures of a unit are written: on an axis, and with their interval."""

RATIO_TOLD = (
    "format(datum.y,'.3f')+(isValid(datum.low)?' ['+format(datum.low,'.3f')+', '+format(datum.high,'.3f')+']':'')"
)

CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "#d8dce2",
        "domainColor": "#7a828e",
        "tickColor": "#7a828e",
        "labelColor": "#3a414b",
        "titleColor": "#1c2128",
        "titlePadding": 8,
        "labelOverlap": "greedy",
        "labelSeparation": 4,
    },
    "axisX": {"grid": False},
    "header": {"labelFontSize": 12, "labelFontWeight": "bold", "labelColor": "#1c2128", "labelPadding": 6},
    "legend": {
        "orient": "top",
        "title": None,
        "labelFontSize": 12,
        "labelLimit": 420,
        "labelColor": "#1c2128",
        "symbolSize": 90,
        "symbolStrokeWidth": 2.5,
    },
    "facet": {"spacing": 18},
    "title": {"fontSize": 15, "anchor": "start", "color": "#1c2128", "subtitleColor": "#3a414b", "offset": 12},
    "line": {"strokeWidth": 2},
    "point": {"size": 38, "filled": True, "opacity": 1},
}
