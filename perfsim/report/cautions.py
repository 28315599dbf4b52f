"""What must be said of rows before their figures are believed: what went wrong, and what a comparison leaves out."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]


def dropped_lock(rows: Iterable[Row]) -> list[str]:
    """What to say of mlock figures that compare the rework as posted with any design but its successor."""
    lockers = {row["design"] for row in rows if row["mlock_call_latency_count"]}
    if "redo" not in lockers or len(lockers) == 1 or "redo_merged" in lockers:
        return []
    return [
        "redo: its mlock() takes no page lock, which was judged wrong within days: see mlock figures of redo_merged"
    ]


def correctness(rows: Iterable[Row]) -> list[str]:
    """One line a design of which something went wrong: violations by name, stranded pages, defects, memory out."""
    wrong: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for one in row["violated_checks"]:
            wrong[row["design"]][f"violated {one['check']}"] += one["count"]
        wrong[row["design"]]["stranded pages"] += row["stranded_pages"]
        wrong[row["design"]]["out of memory"] += row["oom_kills"]
        for hit in row["defect_hits"]:
            wrong[row["design"]][f"known defect {hit['defect']}"] += hit["count"]
    return [
        f"{design}: " + ", ".join(f"{what} {format_count(count)}" for what, count in sorted((+counts).items()))
        for design, counts in wrong.items()
        if +counts
    ]
