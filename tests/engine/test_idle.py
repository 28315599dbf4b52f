"""Rows that only copy what nobody reads go; what is read later, or decides a branch, stays."""

import pytest

from perfsim.engine import program as p
from perfsim.engine.draft import Draft, PathDraft, Then
from perfsim.engine.idle import leave_out_idle_rows
from perfsim.engine.link import live_rows
from perfsim.engine.program import FIRST_PRIMITIVE, MOVE, NEXT, RETURN

A, B, C = 1, 2, 3  # slots behind that of the call


def path_of(*rows: tuple[int, int, tuple[int, ...]]) -> PathDraft:
    """A path of rows (op, dst, operands) one after another; the last returns."""
    draft = PathDraft("drawn", "drawn.py", ("a", "b", "c"), {})
    after = 0
    for op, dst, operands in reversed(rows):
        after = draft.emit(Draft(op, dst, operands, Then(after, after), 1))
    draft.entry = after
    return draft


def ops(draft: PathDraft) -> list[int]:
    """Operations in the order in which they run."""
    leave_out_idle_rows(draft)
    return [row.op for row in live_rows(draft).values()]


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_a_copy_that_nobody_reads_goes(copies: int) -> None:
    draft = path_of(*[(MOVE, B, (A,))] * copies, (RETURN, 0, (A,)))
    assert ops(draft) == [RETURN]


def test_a_chain_of_copies_goes_once_its_end_is_read_by_nobody() -> None:
    assert ops(path_of((MOVE, B, (A,)), (MOVE, C, (B,)), (RETURN, 0, (A,)))) == [RETURN]


def test_a_copy_that_is_read_stays() -> None:
    assert ops(path_of((MOVE, B, (A,)), (RETURN, 0, (B,)))) == [MOVE, RETURN]
    assert ops(path_of((MOVE, B, (A,)), (FIRST_PRIMITIVE, C, (B,)), (RETURN, 0, (A,)))) == [
        MOVE,
        FIRST_PRIMITIVE,
        RETURN,
    ]


def test_a_copy_that_is_written_over_before_it_is_read_goes() -> None:
    assert ops(path_of((MOVE, B, (A,)), (p.ADD, B, (A, A)), (RETURN, 0, (B,)))) == [p.ADD, RETURN]


def test_what_is_no_copy_stays_though_nobody_reads_it() -> None:
    """A primitive has an effect, and an operator may fail."""
    assert ops(path_of((p.FLOOR_DIVIDE, B, (A, C)), (RETURN, 0, (A,)))) == [p.FLOOR_DIVIDE, RETURN]


def test_a_turn_of_a_loop_reads_its_counter_and_need_not_write_its_variable() -> None:
    draft = path_of((MOVE, B, (A,)), (NEXT, C, (B, A, A)), (RETURN, 0, (C,)))
    assert ops(draft) == [MOVE, NEXT, RETURN]
    kept = path_of((MOVE, C, (A,)), (NEXT, C, (B, A, A)), (RETURN, 0, (C,)))
    assert ops(kept) == [MOVE, NEXT, RETURN]


def test_a_copy_that_branches_on_what_is_not_known_becomes_a_test() -> None:
    draft = PathDraft("drawn", "drawn.py", ("a", "b", "c"), {})
    ends = [draft.emit(Draft(RETURN, 0, (slot,), Then(0, 0), 1)) for slot in (A, C)]
    draft.entry = draft.emit(Draft(MOVE, B, (A,), Then(*ends), 1))
    leave_out_idle_rows(draft)
    assert live_rows(draft)[draft.entry].is_test
    assert len(live_rows(draft)) == 3


@pytest.mark.parametrize("value,way", [(0, 0), (7, 1)])
def test_a_copy_of_a_constant_that_branches_leaves_the_way_it_always_goes(value: int, way: int) -> None:
    draft = PathDraft("drawn", "drawn.py", ("a", "b", "c"), {})
    ends = [draft.emit(Draft(RETURN, 0, (slot,), Then(0, 0), 1)) for slot in (A, C)]
    draft.entry = draft.emit(Draft(MOVE, B, (draft.constant(value),), Then(*ends), 1))
    leave_out_idle_rows(draft)
    assert list(live_rows(draft)) == [ends[way]]


def test_a_loop_that_does_nothing_keeps_a_row_to_go_on_with() -> None:
    draft = PathDraft("drawn", "drawn.py", ("a", "b", "c"), {})
    draft.entry = draft.label()
    draft.bind(draft.entry, draft.emit(Draft(MOVE, B, (A,), Then(draft.entry, draft.entry), 1)), 1)
    leave_out_idle_rows(draft)
    assert len(live_rows(draft)) == 1
