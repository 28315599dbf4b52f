"""Where the time goes, designs side by side, and what one spends more or less on each kind: why one is faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfsim.report.render import GROUPED_FROM, Cell, Head, Table
from perfsim.stats.spent import PAGE_FREED, PARTS, PUTBACK, TOTAL, means_ns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]

SHOWN = (PUTBACK, PAGE_FREED)

WORDS = {
    "work": "work",
    "atomic": "atomics, barriers",
    "transfer": "line transfers",
    "lru_lock": "lru_lock spin",
    "page_lock": "page lock sleep",
    "memcg_lock": "memcg lock spin",
    "wait_bucket": "wait queue spin",
    "sleep": "other sleep",
    "wakeup": "wake-up",
    "redo": "redo",
    TOTAL: "total",
}
"""The kinds of time as people read them, and their sum."""

MOST = 0.75
"""The share of all differences that a reason accounts for at least."""


def spent_table(rows: Sequence[Row]) -> Table | None:
    """Kinds of time down, designs across, each but the first with what it spends more. None if no time was measured.

    rows: one a design, at least one, all of one scenario and seed. Kinds that are zero in all designs are left out.
    """
    old, *news = (row["design"] for row in rows)
    heads = [Head("per", "per"), Head("spent_on", "spent on"), Head(old, old)]
    for new in news:
        heads += [Head(new, new), Head(f"{new}-{old}", "more")]
    lines: list[tuple[Cell, ...]] = []
    for share in SHOWN:
        means = [means_ns(share, row) if row[share.among] else {} for row in rows]
        for part in PARTS:
            figures = [one.get(part) for one in means]
            if any(figures):
                lines.append((share.per, WORDS[part], *_beside_differences(figures)))
    return Table("spent", "where the time goes, in ns", tuple(heads), tuple(lines)) if lines else None


def _beside_differences(figures: Sequence[float | None]) -> list[Cell]:
    """The first figure, then each other one with what it is more than that."""
    old, *news = figures
    cells: list[Cell] = [old]
    for new in news:
        cells += [new, None if new is None or old is None else new - old]
    return cells


def reason(more_ns: Mapping[str, float]) -> str:
    """The kinds of time that make up most of a difference, the largest first; "" if there is none.

    more_ns: the difference by kind. Such as: lru_lock spin -20.3, redo +5.
    """
    unsaid_ns = whole_ns = sum(map(abs, more_ns.values()))
    said = []
    for kind in sorted(more_ns, key=lambda kind: -abs(more_ns[kind])):
        if unsaid_ns <= (1 - MOST) * whole_ns:
            break
        said.append(f"{WORDS[kind]} {_signed(more_ns[kind])}")
        unsaid_ns -= abs(more_ns[kind])
    return ", ".join(said)


def _signed(ns: float) -> str:
    """A difference for people, to three digits at least."""
    return f"{ns:+,.0f}" if abs(ns) >= GROUPED_FROM else f"{ns:+.3g}"
