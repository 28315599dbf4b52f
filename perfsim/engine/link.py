"""From the drafts of all paths to one program: frames get their places, rows their numbers, and idle rows go."""

from __future__ import annotations

from collections.abc import Mapping

from perfsim.engine.draft import CALL_ROW_SLOT, Draft, PathDraft, Then
from perfsim.engine.program import CALL, FIRST_PRIMITIVE, NEXT, RETURN, Place, Program, Row

Drafts = Mapping[str, PathDraft]


def linked(drafts: Drafts, entry: str) -> Program:
    """The program that begins with the path `entry`. drafts: all that it reaches; none of them calls itself."""
    constants = drafts[entry].constants
    offsets = _frame_offsets(drafts, entry, len(constants))
    live = [(drafts[name], number, row) for name in drafts for number, row in live_rows(drafts[name]).items()]
    numbers = {(draft.path, number): place for place, (draft, number, _) in enumerate(live)}
    unread = max(offsets[name] + draft.frame_slots for name, draft in drafts.items())
    rows = tuple(_row(draft, row, offsets, numbers, drafts) for draft, _, row in live)
    rows = tuple(row._replace(dst=unread, frame=row.dst) if row.op == NEXT else row for row in rows)
    places = tuple(row.origin or Place(draft.path, draft.file, row.line) for draft, _, row in live)
    return Program(rows, places, tuple(constants), unread + 1, numbers[entry, _entry(drafts[entry])])


def _row(
    draft: PathDraft,
    row: Draft,
    offsets: Mapping[str, int],
    numbers: Mapping[tuple[str, int], int],
    drafts: Drafts,
) -> Row:
    own = offsets[draft.path]
    dst, *operands = [~slot if slot < 0 else own + slot for slot in (row.dst, *row.operands)]
    a, b, c = (*operands, 0, 0, 0)[:3]
    if row.op == RETURN:
        return Row(RETURN, dst, a, frame=own + CALL_ROW_SLOT)
    zero, nonzero = (numbers[draft.path, number] for number in row.then)
    if row.op != CALL:
        arguments = len(operands) if row.op >= FIRST_PRIMITIVE else 0
        return Row(row.op, dst, a, b, c, arguments=arguments, on_zero=zero, on_nonzero=nonzero)
    target = numbers[row.callee, _entry(drafts[row.callee])]
    return Row(CALL, dst, a, b, c, offsets[row.callee], len(operands), zero, nonzero, target)


def _frame_offsets(drafts: Drafts, entry: str, first: int) -> dict[str, int]:
    """The first slot of each path's frame: behind those of all that may be waiting for it."""
    offsets = {entry: first}
    for name in callers_first(drafts, entry):
        behind = offsets[name] + drafts[name].frame_slots
        for callee in callees(drafts[name]):
            offsets[callee] = max(offsets.get(callee, first), behind)
    return offsets


def callers_first(drafts: Drafts, entry: str) -> list[str]:
    """Names of paths, each after all that call it."""
    finished: dict[str, None] = {}

    def visit(name: str) -> None:
        for callee in callees(drafts[name]):
            if callee not in finished:
                visit(callee)
        finished[name] = None

    visit(entry)
    return list(reversed(finished))


def callees(draft: PathDraft) -> list[str]:
    """Names of the paths that a path calls, each once."""
    return list(dict.fromkeys(row.callee for row in live_rows(draft).values() if row.op == CALL))


def _entry(draft: PathDraft) -> int:
    return draft.resolved(draft.entry)


def live_rows(draft: PathDraft) -> dict[int, Draft]:
    """The rows that can be reached, by number, in the order of the source; they go on at one another directly."""
    found: dict[int, Draft] = {}
    open_ends = [_entry(draft)]
    while open_ends:
        number = open_ends.pop()
        if number in found:
            continue
        row = draft.row(number)
        if row.op != RETURN:
            then = Then(_beyond_tests(draft, row, 0), _beyond_tests(draft, row, 1))
            row = row if row.then == then else row._replace(then=then)
            open_ends += then
        found[number] = row
    return dict(sorted(found.items(), reverse=True))


def _beyond_tests(draft: PathDraft, row: Draft, way: int) -> int:
    """Where a row goes on, way 0 if its value is zero: a test of the very value it has left in its slot is decided.

    A turn of `for` is no such row: what it leaves is not its value.
    """
    number = draft.resolved(row.then[way])
    seen = {number}
    while row.op != NEXT and (after := draft.row(number)).is_test and after.operands == (row.dst,):
        number = draft.resolved(after.then[way])
        if number in seen:
            break
        seen.add(number)
    return number
