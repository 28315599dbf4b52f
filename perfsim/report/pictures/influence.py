"""The answer of `perfsim sensitivity`, if it lies beside the results: what each cost figure does to the ratio."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from perfsim.errors import InputError
from perfsim.report.pictures.subjects import NUMBER
from perfsim.report.pictures.view import Facts, Filled, View

FILE = "sensitivity.json"
"""Where `perfsim sensitivity WORKLOAD --format json > RESULTS/sensitivity.json` leaves it."""

DRAWN_MAX = 16
"""So many figures are drawn, those first that matter; the rest cannot be told from chance, or nearly."""

_NUMBERS = ("high_over_low", "high_over_low_low", "high_over_low_high")


def read_influence(directory: Path) -> Facts:
    """The answer as a table of facts; one without choices if there is none.

    Raises InputError for a file that is no such answer.
    """
    path = directory / FILE
    nothing: Facts = {"choices": [], "values": {}, "notes": []}
    if not path.is_file():
        return nothing
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
        whole = {key: str(answer["ratio"][key]) for key in ("metric", "new", "old", "profile")}
        notes = [str(note) for note in answer["notes"]]
        rows = [_row(figure) for figure in answer["figures"]]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        problem = "no answer of perfsim sensitivity; expected what its --format json prints, or no such file"
        raise InputError(str(path), problem) from error
    text = f"{whole['metric']}, {whole['new']}/{whole['old']} on {whole['profile']}"
    choice = {"key": "influence", "text": text, "unit": NUMBER}
    known = [row for row in rows if row is not None]
    if len(known) > DRAWN_MAX:
        notes.insert(0, f"{DRAWN_MAX} of {len(known)} figures are drawn; perfsim sensitivity tells of all")
    return nothing | {"choices": [choice], "values": {"influence": {"rows": known}}, "notes": notes}


def _row(figure: dict[str, Any]) -> dict[str, Any] | None:
    """One figure; None if its effect is not known."""
    values = [figure[key] for key in _NUMBERS]
    if any(value is None or not math.isfinite(value) for value in values):
        return None
    y, low, high = (float(f"{value:.5g}") for value in values)
    total = figure["total"]
    return {
        "figure": str(figure["figure"]),
        "range": f"{figure['low']:g} to {figure['high']:g} {figure['unit']}".strip(),
        "y": y,
        "low": low,
        "high": high,
        "total": None if total is None or not math.isfinite(total) else float(f"{total:.3g}"),
        "matters": "is shown to matter" if figure["matters"] else "cannot be told from chance",
    }


def influence(facts: Facts, view: View, key: str) -> Filled:  # noqa: ARG001 - as every picture is filled
    """The figures, those first that matter most."""
    table = facts["tables"]["influence"]
    rows = [row | {"order": 0} for row in table["values"][key]["rows"][:DRAWN_MAX]]
    text = table["choices"][0]["text"]
    return Filled(
        rows, {"x_title": "ratio at the high end over that at the low end", "description": f"what decides: {text}"}
    )
