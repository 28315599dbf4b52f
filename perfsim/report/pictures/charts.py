"""The charts, as Vega-Lite says them, with slots that are filled by the rows and words of a view.

Whatever a user has named goes into data, domains and titles alone: expressions are code, and all of them stand here.
"""

from __future__ import annotations

from perfsim.report.pictures.grammar import SCHEMA, Spec, along_x, of_series, panels, slot, tooltip_of
from perfsim.report.pictures.look import RATIO_TOLD, figure_text
from perfsim.report.pictures.subjects import TIME


def charts() -> dict[str, Spec]:
    """Every chart by its name."""
    return {
        "figures": _over_x("figures"),
        "map": _map(),
        "ratios": _ratios(),
        "percentiles": _percentiles(),
        "tails": _tails(),
        "spent": _spent(),
        "utilization": _over_x("utilization"),
        "waits": _over_x("waits"),
        "influence": _influence(),
    }


def _over_x(told: str) -> Spec:
    """A figure along an axis, with intervals."""
    y = {
        "field": "y",
        "type": "quantitative",
        "title": slot("y_title"),
        "scale": slot("y_scale"),
        "axis": slot("y_axis"),
    }
    tooltip = tooltip_of({"field": "told", "type": "nominal", "title": told})
    return panels(
        [
            {
                "mark": {"type": "rule", "strokeWidth": 1.5, "aria": False},
                "encoding": {"x": along_x("shifted"), "y": y, "y2": {"field": "drawn_high"}, **of_series("color")}
                | {"y": y | {"field": "drawn_low"}},
            },
            {
                "mark": {"type": "line", "aria": False},
                "encoding": {"x": along_x("shifted"), "y": y, **of_series("color", "strokeDash")},
            },
            {
                "mark": "point",
                "encoding": {"x": along_x("shifted"), "y": y, **of_series("color", "shape"), "tooltip": tooltip},
            },
        ],
        [{"calculate": slot("told"), "as": "told"}],
    )


_ANY_LABEL = "isNumber(datum.value)?format(datum.value,'~g'):datum.value"


def _gain() -> Spec:
    """The colour of a ratio: blue where the new one is faster, or higher."""
    return {
        "field": "gain",
        "type": "quantitative",
        "scale": {
            "domain": slot("gain_domain"),
            "range": ["#E8935A", "#F4F1EA", "#6FB1DC"],
            "interpolate": "rgb",
            "clamp": True,
        },
        "legend": {
            "title": slot("gain_title"),
            "labelExpr": slot("gain_label"),
            "values": slot("gain_values"),
            "orient": "top",
            "direction": "horizontal",
            "gradientLength": 200,
            "gradientThickness": 12,
            "titleFontWeight": "normal",
            "titleFontSize": 12,
            "titleLimit": slot("legend_width"),
            "titleColor": "#1c2128",
        },
    }


def _map() -> Spec:
    """Ratios over two axes. The colour says which is faster, bold text that it is shown."""
    x = along_x() | {
        "type": "ordinal",
        "sort": slot("x_values"),
        "scale": {"paddingInner": 0.04},
        "axis": {"labelAngle": 0, "labelExpr": _ANY_LABEL},
    }
    y = {
        "field": "second",
        "type": "ordinal",
        "title": slot("second_title"),
        "sort": slot("second_values"),
        "scale": {"paddingInner": 0.04},
        "axis": {"labelExpr": _ANY_LABEL},
    }
    text = {"type": "text", "fontSize": slot("cell_size"), "color": "#16191d", "aria": False}
    cell = {"x": x, "y": y, "text": {"field": "y", "type": "quantitative", "format": slot("cell_format")}}
    tooltip = [
        {"field": "series", "type": "nominal", "title": "ratio"},
        {"field": "where", "type": "nominal", "title": "at"},
        {"field": "told", "type": "nominal", "title": "new/old"},
        {"field": "verdict", "type": "nominal", "title": "verdict"},
    ]
    return panels(
        [
            {
                "mark": {"type": "rect", "cornerRadius": 2},
                "encoding": {"x": x, "y": y, "color": _gain(), "tooltip": tooltip},
            },
            {"transform": [{"filter": "datum.is_shown"}], "mark": text | {"fontWeight": "bold"}, "encoding": cell},
            {"transform": [{"filter": "!datum.is_shown"}], "mark": text, "encoding": cell},
        ],
        [{"calculate": RATIO_TOLD, "as": "told"}],
    )


def _ratios() -> Spec:
    """Ratios along an axis, with intervals, and where they turn: break-even."""
    y = {
        "field": "y",
        "type": "quantitative",
        "title": slot("y_title"),
        "scale": slot("y_scale"),
        "axis": {"format": "~g", "tickCount": 6},
    }
    tooltip = tooltip_of(
        {"field": "told", "type": "nominal", "title": "new/old"},
        {"field": "verdict", "type": "nominal", "title": "verdict"},
    )
    points = [{"filter": "datum.kind==='ratio'"}]
    return panels(
        [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": "#8a929e", "strokeWidth": 1, "aria": False},
                "encoding": {"y": {"datum": 1, "type": "quantitative"}},
            },
            {
                "transform": [*points, {"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 1.5, "aria": False},
                "encoding": {
                    "x": along_x("shifted"),
                    "y": y | {"field": "low"},
                    "y2": {"field": "high"},
                    **of_series("color"),
                },
            },
            {
                "transform": points,
                "mark": {"type": "line", "aria": False},
                "encoding": {"x": along_x("shifted"), "y": y, **of_series("color", "strokeDash")},
            },
            {
                "transform": points,
                "mark": "point",
                "encoding": {"x": along_x("shifted"), "y": y, **of_series("color", "shape"), "tooltip": tooltip},
            },
            *_turns(y),
        ],
        [{"calculate": RATIO_TOLD, "as": "told"}],
    )


def _turns(y: Spec) -> list[Spec]:
    """Where verdicts turn: a diamond on its interval."""
    turns = [{"filter": "datum.kind==='turn'"}]
    tooltip = [{"field": "verdict", "type": "nominal", "title": "turns"}]
    return [
        {
            "transform": turns,
            "mark": {"type": "rule", "strokeWidth": 4, "opacity": 0.55, "aria": False, "color": "#6F6F6F"},
            "encoding": {"x": along_x("low_x"), "x2": {"field": "high_x"}, "y": y},
        },
        {
            "transform": turns,
            "mark": {"type": "point", "shape": "diamond", "size": 110, "color": "#6F6F6F"},
            "encoding": {
                "x": along_x(),
                "y": y,
                "tooltip": tooltip,
            },
        },
    ]


_Q_LABEL = (
    "datum.value<0.5?'50 %':datum.value<1.5?'90 %':datum.value<2.5?'99 %':"
    "datum.value<3.5?'99.9 %':datum.value<4.5?'99.99 %':'99.999 %'"
)
_NS_LABEL = figure_text(TIME)
_CURVE_TOOLTIP = tooltip_of(
    {"field": "share_told", "type": "nominal", "title": "values up to it"},
    {"field": "ns_told", "type": "nominal", "title": "time"},
)
_CURVE_TOLD = [
    {"calculate": figure_text(TIME, "datum.ns", ".3"), "as": "ns_told"},
    {"calculate": "format(100*(1-datum.tail),'.6~g')+' %'", "as": "share_told"},
]


def _curve(x: Spec, y: Spec) -> Spec:
    """A line a series, with its marks where percentiles have names."""
    own = {"x": x, "y": y}
    return panels(
        [
            {
                "mark": {"type": "line", "aria": False},
                "encoding": own | of_series("color", "strokeDash") | {"order": {"field": "q", "type": "quantitative"}},
            },
            {
                "transform": [{"filter": "datum.is_named"}],
                "mark": "point",
                "encoding": own | of_series("color", "shape") | {"tooltip": _CURVE_TOOLTIP},
            },
        ],
        _CURVE_TOLD,
    )


def _percentiles() -> Spec:
    return _curve(
        {
            "field": "q",
            "type": "quantitative",
            "title": "values that take no longer",
            "scale": {"nice": False},
            "axis": {"values": slot("q_values"), "labelExpr": _Q_LABEL, "grid": True},
        },
        {
            "field": "ns",
            "type": "quantitative",
            "title": slot("time_title"),
            "scale": {"type": "log"},
            "axis": {"labelExpr": _NS_LABEL, "values": slot("time_values")},
        },
    )


def _tails() -> Spec:
    return _curve(
        {
            "field": "ns",
            "type": "quantitative",
            "title": slot("time_title"),
            "scale": {"type": "log"},
            "axis": {"labelExpr": _NS_LABEL, "values": slot("time_values"), "grid": True},
        },
        {
            "field": "tail",
            "type": "quantitative",
            "title": "values that take longer",
            "scale": {"type": "log"},
            "axis": {
                "labelExpr": "format(100*datum.value,'~g')+' %'",
                "values": [1, 0.1, 0.01, 0.001, 0.0001, 0.00001],
            },
        },
    )


def _spent() -> Spec:
    return panels(
        [
            {
                "mark": {"type": "bar", "height": {"band": 0.74}, "stroke": "#ffffff", "strokeWidth": 0.6},
                "encoding": {
                    "y": {
                        "field": "series",
                        "type": "nominal",
                        "sort": None,
                        "title": None,
                        "axis": {"labelLimit": 130},
                    },
                    "x": {
                        "field": "ns",
                        "type": "quantitative",
                        "title": slot("y_title"),
                        "axis": {"labelExpr": _NS_LABEL, "tickCount": 4, "grid": True},
                    },
                    "color": {
                        "field": "part",
                        "type": "nominal",
                        "sort": None,
                        "scale": {"domain": slot("parts"), "range": slot("part_colors")},
                        "legend": {"columns": slot("part_columns"), "symbolType": "square", "symbolStrokeWidth": 0},
                    },
                    "order": {"field": "part_order", "type": "quantitative"},
                    "tooltip": tooltip_of(
                        {"field": "part", "type": "nominal", "title": "spent on"},
                        {"field": "ns_told", "type": "nominal", "title": "time"},
                        {"field": "of_total", "type": "quantitative", "title": "of the whole", "format": ".1%"},
                    ),
                },
            }
        ],
        [{"calculate": figure_text(TIME, "datum.ns", ".4"), "as": "ns_told"}],
    )


def _influence() -> Spec:
    """What each cost figure does to the ratio, from the low end of its range to the high one."""
    y = {"field": "figure", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 200}}
    colour = {
        "field": "matters",
        "type": "nominal",
        "scale": {"domain": ["is shown to matter", "cannot be told from chance"], "range": ["#D55E00", "#8a929e"]},
    }
    x = {
        "field": "low",
        "type": "quantitative",
        "title": slot("x_title"),
        "scale": {"zero": False},
        "axis": {"format": "~g", "grid": True, "tickCount": 6},
    }
    tooltip = [
        {"field": "figure", "type": "nominal", "title": "figure"},
        {"field": "range", "type": "nominal", "title": "range"},
        {"field": "told", "type": "nominal", "title": "high/low"},
        {"field": "total", "type": "quantitative", "title": "share of the variance", "format": ".1%"},
    ]
    return {
        "$schema": SCHEMA,
        "description": slot("description"),
        "data": {"values": slot("rows")},
        "transform": [{"calculate": RATIO_TOLD, "as": "told"}],
        "width": slot("width"),
        "height": {"step": 20},
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": "#8a929e", "aria": False},
                "encoding": {"x": {"datum": 1, "type": "quantitative"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 3, "aria": False},
                "encoding": {"y": y, "x": x, "x2": {"field": "high"}, "color": colour},
            },
            {
                "mark": {"type": "point", "size": 60},
                "encoding": {"y": y, "x": x | {"field": "y"}, "color": colour, "tooltip": tooltip},
            },
        ],
    }
