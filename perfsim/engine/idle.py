"""Rows that do nothing are left out: copies of values that nobody reads any more, which inlining leaves behind."""

from __future__ import annotations

from collections.abc import Mapping

from perfsim.engine.draft import Draft, PathDraft
from perfsim.engine.link import live_rows
from perfsim.engine.program import MOVE, NEXT, RETURN

_NOWHERE = -1
"""Where a return goes on in its path."""


def leave_out_idle_rows(draft: PathDraft) -> None:
    """Bind every row that only copies a value nobody reads to the row behind it; what branches on it is but a test."""
    idle = True
    while idle:
        rows = live_rows(draft)
        read_later = _read_later(rows)
        idle = False
        for number, row in rows.items():
            if row.op != MOVE or read_later[number] & _bit(row.dst):
                continue
            after = _behind(draft, row)
            if after is None:
                draft.rows[number] = row._replace(is_test=True)
            elif draft.resolved(after) != number:
                draft.bind(number, after, row.line)
                idle = True


def _behind(draft: PathDraft, row: Draft) -> int | None:
    """The one row that a copy goes on at; None if that depends on a value which is not known."""
    if row.operands[0] < 0:
        return row.then.nonzero if draft.value_of(row.operands[0]) else row.then.zero
    return row.then.zero if row.then.zero == row.then.nonzero else None


def _read_later(rows: Mapping[int, Draft]) -> dict[int, int]:
    """Of each row, the slots that may be read behind it before they are written again, as a set of bits."""
    steps = [_step(number, row) for number, row in reversed(list(rows.items()))]
    before = dict.fromkeys((*rows, _NOWHERE), 0)
    changed = True
    while changed:
        changed = False
        for number, zero, nonzero, kept, read in steps:
            needed = (before[zero] | before[nonzero]) & kept | read
            if needed != before[number]:
                before[number] = needed
                changed = True
    return {number: before[zero] | before[nonzero] for number, zero, nonzero, _, _ in steps}


def _step(number: int, row: Draft) -> tuple[int, int, int, int, int]:
    """A row's number, where it goes on, and as bits the slots that it leaves as they are, and those that it reads."""
    zero, nonzero = (_NOWHERE, _NOWHERE) if row.op == RETURN else row.then
    read = 0
    for slot in row.operands:
        read |= _bit(slot)
    return number, zero, nonzero, -1 if row.op == NEXT else ~_bit(row.dst), read


def _bit(slot: int) -> int:
    return 1 << slot if slot >= 0 else 0
