"""What went wrong in compiled code, in Python's words: the rule that refused is asked again, on plain lists."""

from __future__ import annotations

import operator
from collections.abc import Iterator

from perfsim.engine import program as p
from perfsim.engine.layout import as_lists
from perfsim.engine.loop import BLOCKED_ON_WAKE, BY_NUMBER, Run
from perfsim.kernel.bounds import bounds_of, check_arguments
from perfsim.kernel.constants import NONE
from perfsim.kernel.designs import Design, failed_at
from perfsim.kernel.effects.sched import resume

_OPERATORS = {
    p.ADD: operator.add,
    p.SUBTRACT: operator.sub,
    p.MULTIPLY: operator.mul,
    p.FLOOR_DIVIDE: operator.floordiv,
    p.MODULO: operator.mod,
    p.SHIFT_LEFT: operator.lshift,
    p.SHIFT_RIGHT: operator.rshift,
}


def fault_of(run: Run, program: p.Program, design: Design) -> Exception:
    """The exception to raise for the row that a run stopped at: the rule's own, or InputError for a user's design."""
    task = int(run.task[0])
    row = int(run.control.row[task])
    if run.s.bugs.sprung[0] != NONE:  # what the effect did after the hit would tell another story
        return AssertionError(f"violation {run.s.bugs.sprung[0]} of task {task}")
    error = _error_at(run, program.rows[row], task)
    lines = [place.line for place in stack_of(run, program, task, row) if place.file == design.files[0]]
    return failed_at(design, lines[0] if lines else 0, error)


def _error_at(run: Run, row: p.Row, task: int) -> Exception:
    """Why the row cannot be done."""
    base = task * run.slots
    values = [int(run.values[base + slot]) for slot in (row.a, row.b, row.c)]
    try:
        if row.op >= p.FIRST_PRIMITIVE:
            s = as_lists(run.s)
            primitive = BY_NUMBER[row.op]
            if run.control.step[task] == BLOCKED_ON_WAKE:
                resume(s, task, int(run.now_ps[0]))
            else:
                check_arguments(primitive, bounds_of(s, primitive), tuple(values[: primitive.arguments]))
                primitive.effect(s, task, int(run.now_ps[0]), *values[: primitive.arguments])
            return AssertionError(f"{primitive.name}{tuple(values[: primitive.arguments])} was refused")
        if row.op in _OPERATORS:
            _OPERATORS[row.op](values[0], values[1])
    except Exception as error:
        return error
    return OverflowError("an integer of more than 64 bits")


def stack_of(run: Run, program: p.Program, task: int, row: int) -> Iterator[p.Place]:
    """Where a task is: its row's place, that of the call that it is in, and so on outwards."""
    while row != NONE:
        place = program.places[row]
        yield place
        while place.caller is not None:
            place = place.caller
            yield place
        row = int(run.values[task * run.slots + _frame_of(program, place.path)])


def _frame_of(program: p.Program, path: str) -> int:
    """The first slot of a path's own frame, where the row stands that it is to answer: every call names it.

    Nobody calls run_task(), whose frame is the first. A path that loops for ever has no return to ask.
    """
    calls = (row for row in program.rows if row.op == p.CALL and _outermost(program.places[row.target]) == path)
    return next((row.frame for row in calls), len(program.constants))


def _outermost(place: p.Place) -> str:
    """The path whose own rows hold this one, copied or not."""
    while place.caller is not None:
        place = place.caller
    return place.path
