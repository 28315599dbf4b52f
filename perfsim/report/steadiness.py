"""What is said of runs that are not steady: a line for each design of a run, a mark for each point of a sweep."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from perfsim.measure.steady import DRIFT, WARM_UP
from perfsim.report.render import Cell, Head
from perfsim.units import PS_PER_NS, format_count, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = dict[str, Any]

MOVING = ("unsteady_rate", "unsteady_list")
"""Columns that name what moves most; `<name>_change` is by how much."""


def warm_up_text(rows: Iterable[Row]) -> str:
    """How long the warm-up of some runs was: "2ms", or "10ms to 40ms"."""
    lengths_ps = sorted({round(row["warmup_ns"] * PS_PER_NS) for row in rows})
    return " to ".join(map(format_duration, dict.fromkeys((lengths_ps[0], lengths_ps[-1]))))


def run_notes(rows: Iterable[Row]) -> list[str]:
    """One line for each row that is not steady."""
    return [f"{row['design']}: {_fault(row)}" for row in rows if row["unsteady"]]


def mark_heads(rows: Iterable[Row]) -> list[Head]:
    """The column of marks; none if every run is steady."""
    return [Head("unsteady", "unsteady")] if any(row["unsteady"] for row in rows) else []


def mark(rows: Sequence[Row]) -> Cell:
    """How many runs of a point are not steady, by fault; None if all are."""
    counts = Counter(row["unsteady"] for row in rows)
    marks = [f"{fault} {counts[fault]}/{len(rows)}" for fault in (DRIFT, WARM_UP) if counts[fault]]
    return ", ".join(marks) or None


def mark_notes(rows: Sequence[Row]) -> list[str]:
    """One line about the marks; none if there are none."""
    unsteady = [row for row in rows if row["unsteady"]]
    if not unsteady:
        return []
    most = [max(unsteady, key=lambda row: abs(row[f"{name}_change"] or 0)) for name in MOVING]
    moved = ", ".join(_moved(row, name) for name, row in zip(MOVING, most, strict=True) if row[name])
    return [
        f"unsteady: in {format_count(len(unsteady))} of {format_count(len(rows))} runs the measured window is no "
        f"steady state ({WARM_UP}: the one before it is too short; {DRIFT}: something moves to its end). From its "
        f"first half to its second moves, at most: {moved}"
    ]


def _fault(row: Row) -> str:
    moved = ", ".join(_moved(row, name) for name in MOVING[::-1] if row[name])
    moved += " from the window's first half to its second"
    if row["unsteady"] == DRIFT:
        return f"not steady, it drifts: {moved}"
    settled_ns = row["warmup_detected_ns"]
    since = "" if settled_ns is None else f", steady from {format_duration(round(settled_ns * PS_PER_NS))} on"
    return f"warm-up of {warm_up_text([row])} is too short{since}: {moved}"


def _moved(row: Row, name: str) -> str:
    return f"{row[name]} {row[f'{name}_change']:+.0%}"
