"""Calls that need no row: a short path, or one that is called at one place alone, is copied to where it is called.

A copy's locals get slots behind its caller's; a parameter that the path does not change is the argument's own slot; a
`return` goes on behind the call. A third of all rows that a run executes are calls and returns otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from perfsim.engine.draft import CALL_ROW_SLOT, Draft, PathDraft, Then
from perfsim.engine.idle import leave_out_idle_rows
from perfsim.engine.link import callers_first, live_rows
from perfsim.engine.program import CALL, MOVE, NEXT, RETURN, Place

ROWS_MAX = 24
"""Paths of more rows are copied only if they are called at one place alone."""


def inlined(drafts: Mapping[str, PathDraft], entry: str, rows_max: int | None = ROWS_MAX) -> dict[str, PathDraft]:
    """The drafts that are still called, with copies of the others in them. entry: the path that begins. rows_max: of a
    path that is copied to more places than one; None to copy every path, and to leave rows that do nothing where they
    are, for there will be thousands.
    """
    sites = Counter(row.callee for draft in drafts.values() for row in live_rows(draft).values() if row.op == CALL)
    whole: dict[str, _Whole] = {}
    for name in reversed(callers_first(drafts, entry)):
        _inline_calls(drafts[name], whole, sites, rows_max)
        if rows_max is not None:
            leave_out_idle_rows(drafts[name])
        whole[name] = _Whole(drafts[name], live_rows(drafts[name]))
    return {name: drafts[name] for name in callers_first(drafts, entry)}


class _Whole(NamedTuple):
    """A path in which all has been copied that will be, and its rows that can be reached."""

    draft: PathDraft
    rows: dict[int, Draft]


def _inline_calls(
    caller: PathDraft, whole: Mapping[str, _Whole], sites: Mapping[str, int], rows_max: int | None
) -> None:
    first_slot = caller.frame_slots
    for number, row in live_rows(caller).items():
        if row.op == CALL:
            callee = whole[row.callee]
            if rows_max is None or sites[row.callee] == 1 or len(callee.rows) <= rows_max:
                caller.frame_slots = max(caller.frame_slots, first_slot + callee.draft.frame_slots)
                _Copy(caller, callee, row, first_slot).replace(number)


class _Copy:
    """One copy of a path, in place of one call of it."""

    def __init__(self, caller: PathDraft, callee: _Whole, call: Draft, first_slot: int) -> None:
        self.caller = caller
        self.callee = callee.draft
        self.call = call
        self.first_slot = first_slot
        self.rows = callee.rows
        self.at_call = call.origin or Place(caller.path, caller.file, call.line)
        self.called: dict[int, Place] = {}
        written = {row.dst for row in self.rows.values()}
        written |= {row.operands[0] for row in self.rows.values() if row.op == NEXT}
        parameters = range(CALL_ROW_SLOT + 1, CALL_ROW_SLOT + 1 + len(call.operands))
        self.changed = [slot for slot in parameters if slot in written]
        self.argument = dict(zip(parameters, call.operands, strict=True))

    def replace(self, number: int) -> None:
        """Let the row of the call mean the first row of the copy."""
        numbers = {old: self.caller.label() for old in self.rows}
        for old, row in self.rows.items():
            if row.op == RETURN:
                self._return(numbers[old], row)
            else:
                then = Then(numbers[row.then.zero], numbers[row.then.nonzero])
                operands = tuple(self._slot(slot) for slot in row.operands)
                copy = row._replace(dst=self._slot(row.dst), operands=operands, then=then, origin=self._origin(row))
                self.caller.rows[numbers[old]] = self._answering(row, copy)
        at = numbers[self.callee.resolved(self.callee.entry)]
        for slot in self.changed:
            move = Draft(MOVE, self.first_slot + slot, (self.argument[slot],), Then(at, at), self.call.line)
            at = self.caller.emit(move._replace(origin=self.call.origin))
        self.caller.bind(number, at, self.call.line)

    def _return(self, number: int, row: Draft) -> None:
        """A return: the value goes to where the caller wants it, and the caller goes on by it."""
        value = self._slot(row.operands[0])
        then = self.call.then
        if value < 0:
            known = then.nonzero if self.caller.value_of(value) else then.zero
            then = Then(known, known)
        move = Draft(MOVE, self.call.dst, (value,), then, row.line)
        self.caller.rows[number] = move._replace(origin=self._origin(row))

    def _answering(self, row: Draft, copy: Draft) -> Draft:
        """A row whose value is returned at once writes it where the caller wants it."""
        ends = {self.rows[number] for number in row.then}
        if row.op != NEXT and len(set(row.then)) == 1 and all(end.op == RETURN for end in ends):
            [end] = ends
            if end.operands == (row.dst,):
                return copy._replace(dst=self.call.dst, then=self.call.then)
        return copy

    def _slot(self, slot: int) -> int:
        if slot < 0:
            return slot
        if slot in self.argument and slot not in self.changed:
            return self.argument[slot]
        return self.first_slot + slot

    def _origin(self, row: Draft) -> Place:
        own = row.origin or Place(self.callee.path, self.callee.file, row.line)
        return own._replace(caller=self._called_from(own.caller))

    def _called_from(self, place: Place | None) -> Place:
        """The place of a call within the callee, whose outermost caller was called, in turn, from the caller's."""
        if place is None:
            return self.at_call
        # Rows of one copy share the place of its call, so that each is made anew once.
        if id(place) not in self.called:
            self.called[id(place)] = place._replace(caller=self._called_from(place.caller))
        return self.called[id(place)]
