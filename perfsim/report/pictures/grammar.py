"""What charts have in common, as Vega-Lite says it: slots, panels, the axis along which they go, series."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


def slot(name: str) -> Spec:
    """A place that a view fills."""
    return {"$": name}


def panels(layers: list[Spec], transform: list[Spec]) -> Spec:
    """One small chart a panel, side by side."""
    return {
        "$schema": SCHEMA,
        "description": slot("description"),
        "data": {"values": slot("rows")},
        "transform": transform,
        "facet": {
            "field": "panel",
            "type": "nominal",
            "sort": {"field": "order", "op": "min"},
            "header": {"title": None, "labelLimit": slot("header_width"), "labels": slot("has_panels")},
        },
        "columns": slot("columns"),
        "spec": {"width": slot("width"), "height": slot("height"), "layer": layers},
    }


def along_x(field: str = "x") -> Spec:
    """The axis along which there are pictures."""
    return {
        "field": field,
        "type": slot("x_type"),
        "title": slot("x_title"),
        "sort": None,
        "scale": slot("x_scale"),
        "axis": slot("x_axis"),
    }


def of_series(*channels: str) -> Spec:
    """Colour and shape, and the dash of lines, which each row brings along: a legend of it would hide the shapes."""
    encoding: Spec = {
        channel: {
            "field": "series",
            "type": "nominal",
            "sort": None,
            "scale": {"domain": slot("series"), "range": slot({"color": "colors", "shape": "shapes"}[channel])},
            "legend": slot("series_legend"),
        }
        for channel in channels
        if channel != "strokeDash"
    }
    if "strokeDash" in channels:
        encoding["strokeDash"] = {"field": "dash", "type": "nominal", "scale": None, "legend": None}
    return encoding


def tooltip_of(*more: Spec) -> list[Spec]:
    """What people see who hover: whose figure, where, and more."""
    return [
        {"field": "series", "type": "nominal", "title": "runs"},
        {"field": "where", "type": "nominal", "title": "at"},
        *more,
    ]
