"""Real locks beside simulated ones as a picture: the ratio of every figure, and what its repetitions leave open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfsim.calibrate.agreement import SHARE, WORST_ERROR_MAX
from perfsim.calibrate.locks import LOCKS
from perfsim.report.agreement import case_text, verdict
from perfsim.report.pictures.grammar import SCHEMA, Spec
from perfsim.report.pictures.look import CONFIG, OKABE_ITO, SHAPES

if TYPE_CHECKING:
    from perfsim.calibrate.agreement import Agreement, Case, Compared

WORDS = {"per_s": "throughput", "p50": "wait p50", "p90": "wait p90", "p99": "wait p99"}
PANEL_WIDTH = 300
ROW_STEP = 26


def agreement_chart(found: Agreement, profile: str) -> Spec:
    """One panel a lock, one row a case, one mark a figure that is judged; the pale band is accepted at worst.

    The share that waits is left out: its error is no ratio.
    """
    rows = [
        _row(case, metric, one)
        for case in found.cases
        for metric, one in case.figures.items()
        if metric != SHARE and not one.why_not and one.ratio is not None
    ]
    case_axis = {"field": "case", "type": "nominal", "sort": None, "title": None}
    ratio = {
        "field": "ratio",
        "type": "quantitative",
        "scale": {"type": "log", "nice": False, "padding": 8},
        "title": "simulated / real",
    }
    words = list(WORDS.values())
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rect", "color": "#e8ecf1"},
            "encoding": {"x": {"datum": 1 - WORST_ERROR_MAX}, "x2": {"datum": 1 + WORST_ERROR_MAX}},
        },
        {"mark": {"type": "rule", "color": "#7a828e"}, "encoding": {"x": {"datum": 1}}},
        {
            "mark": {"type": "rule"},
            "encoding": {"y": case_axis, "x": ratio | {"field": "low"}, "x2": {"field": "high"}, "color": _of(words)},
        },
        {
            "mark": {"type": "point"},
            "encoding": {"y": case_axis, "x": ratio, "color": _of(words), "shape": _of(words, SHAPES)},
        },
    ]
    return {
        "$schema": SCHEMA,
        "title": {"text": f"Real and simulated locks on {profile}", "subtitle": verdict(found)},
        "data": {"values": rows},
        "facet": {"field": "lock", "type": "nominal", "sort": list(LOCKS), "header": {"title": None}},
        "columns": 2,
        "spec": {"width": PANEL_WIDTH, "height": {"step": ROW_STEP}, "layer": layers},
        "config": CONFIG | {"background": "#ffffff"},
        "padding": 14,
    }


def _of(words: list[str], values: tuple[str, ...] = OKABE_ITO) -> Spec:
    return {"field": "figure", "type": "nominal", "scale": {"domain": words, "range": list(values[: len(words)])}}


def _row(case: Case, metric: str, one: Compared) -> dict[str, Any]:
    return {
        "lock": case.lock,
        "case": case_text(case),
        "figure": WORDS[metric],
        "ratio": one.ratio,
        "low": one.simulated / one.real.high,
        "high": one.simulated / one.real.low if one.real.low else one.ratio,
    }
