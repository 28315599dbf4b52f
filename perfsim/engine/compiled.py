"""The compiled engine: a design's program, interpreted by one compiled loop over columns that are arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perfsim.engine import entry
from perfsim.engine.budget import Budget
from perfsim.engine.calendar import NEVER, Calendar
from perfsim.engine.checks import Checks
from perfsim.engine.fault import fault_of
from perfsim.engine.layout import as_arrays, as_lists, table_of
from perfsim.engine.load import Act
from perfsim.engine.loop import (
    BY_NUMBER,
    CHECKED,
    FLOW,
    LOCAL,
    PAUSED,
    REFUSED,
    SHARED,
    STANDS_STILL,
    TRACE_FULL,
    Code,
    Control,
    Run,
    TraceBuffer,
)
from perfsim.engine.program import ARGUMENTS_MAX, CALL, FIRST_PRIMITIVE, NEXT, RETURN, Program, Row
from perfsim.engine.standstill import standstill
from perfsim.engine.trace import Trace, TraceRow
from perfsim.errors import StuckError
from perfsim.kernel.bounds import Bounds, bounds_of_each
from perfsim.kernel.constants import NONE
from perfsim.kernel.designs import Design
from perfsim.kernel.primitives import PRIMITIVES, Primitive
from perfsim.kernel.state import State
from perfsim.kernel.waits import unfinished, waits_of
from perfsim.numeric.columns import Filled

TRACE_ROOM = 1 << 16
EVENTS_AT_A_TIME = 2_000_000
"""Events between two returns to Python: a fifth of a second."""


class Authored(NamedTuple):
    """What is run: a design, its program, and the names of the tasks, for reports."""

    design: Design
    program: Program
    names: list[str]


class Written(NamedTuple):
    """An event of the trace: what is told of it, its task, its row of the program."""

    row: TraceRow
    task: int
    program_row: int


class Running(NamedTuple):
    """A run under way: its columns, the table of their addresses, the code that works on them; its trace, what is
    checked meanwhile, and what it may take.
    """

    run: Run
    table: np.ndarray
    act: Act
    authored: Authored
    trace: Trace | None
    checks: Checks
    budget: Budget


def start(s: State, authored: Authored, act: Act, trace: Trace | None = None) -> Running:
    """A run at time 0, its memory filled. s: a blueprint."""
    run = as_arrays(new_run(s, authored, TRACE_ROOM if trace else 0))
    running = Running(run, table_of(run), act, authored, trace, Checks(), Budget())
    perform(running, entry.FILL_MEMORY, 0)
    return running


def advance(running: Running, until_ps: int) -> None:
    """Process every event before an instant. Raises StuckError when nobody can run any more."""
    going = True
    while going:
        try:
            going = fill_trace(running, until_ps)
        finally:
            hand_over(running)


def fill_trace(running: Running, until_ps: int) -> bool:
    """Process events before an instant while the trace has room. Returns whether more are to come: empty it first.

    Raises StuckError when nobody can run any more; the trace holds what came before.
    """
    checks = running.checks
    status = PAUSED
    while status == PAUSED:  # here Python sees to signals, such as Ctrl-C
        look_or_end = min(checks.due, running.budget.limits.events_max + 1)
        running.run.pause_at[0] = min(int(running.run.events[0]) + EVENTS_AT_A_TIME, look_or_end)
        status = perform(running, entry.ADVANCE, until_ps)
        events, now = int(running.run.events[0]), int(running.run.now_ps[0])
        running.budget.check(events, now)
        if status == PAUSED and not running.run.unfinished[0] and events >= checks.due:
            checks.look(events, now, lambda number: violated(running, number))
    if status == TRACE_FULL:
        return True
    if status == STANDS_STILL:
        cpu = int(running.run.s.tasks.cpu[running.run.task[0]])
        raise StuckError((standstill(int(running.run.now_ps[0]), cpu),))
    if status == REFUSED:
        raise fault_of(running.run, running.authored.program, running.authored.design)
    if running.run.begun[0] == running.run.s.settings.tasks and running.run.calendar.time_ps[1] == NEVER:
        _refuse_unfinished(running)
    return False


def finish(running: Running, at_ps: int) -> None:
    """Ask the tasks to stop at an instant, and let them. Raises StuckError when one never comes to its end."""
    stop(running, at_ps)
    advance(running, NEVER)


def stop(running: Running, at_ps: int) -> None:
    """Ask the tasks to stop at an instant; every event before it has been processed."""
    running.run.now_ps[0] = at_ps
    perform(running, entry.STOP, at_ps)


def perform(running: Running, what: int, now: int) -> int:
    """One act on the run: see entry.py."""
    return running.act(running.table.ctypes.data, what, now)


def violated(running: Running, number: int) -> int:
    """How often an invariant is violated now, by its number."""
    return perform(running, entry.VIOLATED + number, 0)


def hand_over(running: Running) -> None:
    """Tell the trace what has been written down since, and forget it."""
    for event in take_written(running.run, running.authored.program):
        assert running.trace is not None, "a trace that nobody asked for"
        running.trace(event.row)


def take_written(run: Run, program: Program) -> list[Written]:
    """The events in the trace buffer, which is empty afterwards."""
    buffer = run.trace
    length = int(buffer.length[0])
    buffer.length[0] = 0
    columns = (buffer.time_ps, buffer.task, buffer.row, buffer.a, buffer.b, buffer.c)
    events: list[Written] = []
    for at_ps, task, row, *values in zip(*(np.asarray(one[:length]).tolist() for one in columns), strict=True):
        primitive = BY_NUMBER[program.rows[row].op]
        arguments = tuple(values[: primitive.arguments])
        events.append(Written((at_ps, int(run.s.tasks.cpu[task]), primitive.name, arguments), task, row))
    return events


def new_run(s: State, authored: Authored, trace_room: int) -> Run:
    """Everything that the loop needs, at time 0. s: a blueprint. trace_room: events; 0 for no trace."""
    program = authored.program
    bounds = bounds_of_ops(s)
    tasks = s.settings.tasks
    leaves = len(s.run.current)
    task_file = [*program.constants, NONE, *([0] * (program.slots - len(program.constants) - 1))]
    return Run(
        s=s,
        code=_code(authored, s.m.cost_ps),
        calendar=Calendar(leaves, [0], [NEVER] * (2 * leaves), [0] * (2 * leaves)),
        control=Control([program.entry] * tasks, [0] * tasks, [NONE] * tasks, [NONE] * tasks, [0] * tasks),
        trace=TraceBuffer(trace_room, [0], *(Filled(0, trace_room) for _ in range(6))),
        slots=program.slots,
        bounds_low=[bound.low for bound in bounds],
        bounds_high=[bound.high for bound in bounds],
        values=task_file * tasks,
        events=[0],
        pause_at=[0],
        begun=[0],
        task=[0],
        now_ps=[0],
        popped=[NONE],
        unfinished=[0],
    )


def _code(authored: Authored, cost_ps: list[int]) -> Code:
    """The program for the loop. The arguments of a user's design are checked; what is shipped has been tested."""
    rows = authored.program.rows
    checked = 0 if authored.design.is_shipped else CHECKED
    primitives = [BY_NUMBER.get(row.op) for row in rows]
    return Code(
        op=[row.op for row in rows],
        kind=[_kind(row, one, checked) for row, one in zip(rows, primitives, strict=True)],
        dst=[row.dst for row in rows],
        a=[row.a for row in rows],
        b=[row.b for row in rows],
        c=[row.c for row in rows],
        frame=[row.frame for row in rows],
        arguments=[row.arguments for row in rows],
        before_ps=[0 if one is None or one.before < 0 else cost_ps[one.before] for one in primitives],
        on_zero=[row.on_zero for row in rows],
        on_nonzero=[row.on_nonzero for row in rows],
        target=[row.target for row in rows],
    )


def _kind(row: Row, primitive: Primitive | None, checked: int) -> int:
    if row.op in (NEXT, CALL, RETURN):
        return FLOW
    if primitive is None:
        return LOCAL
    return checked | (SHARED if primitive.shared else LOCAL)


def bounds_of_ops(s: State) -> list[Bounds]:
    """[op * ARGUMENTS_MAX + argument], what each may be; an argument that an op does not have may be anything."""
    anything = Bounds(-(1 << 63), (1 << 63) - 1)
    bounds = [anything] * (ARGUMENTS_MAX * FIRST_PRIMITIVE)
    for own in bounds_of_each(s, PRIMITIVES.values()).values():
        bounds += [*own, *([anything] * (ARGUMENTS_MAX - len(own)))]
    return bounds


def _refuse_unfinished(running: Running) -> None:
    """StuckError unless all tasks are done or at rest."""
    waiting = unfinished(as_lists(running.run.s, pages=False))
    if waiting:
        s = as_lists(running.run.s)
        lines = tuple(waits_of(s, task, running.authored.names) for task in waiting)
        raise StuckError((f"nobody can run at {running.run.now_ps[0]} ps; {len(waiting)} unfinished:", *lines))
