"""The compiled engine's loop: every CPU's rows, one calendar. Plain functions on plain columns, compiled as they stand.

The order of things is that of the reference engine, line by line: a shared primitive first pays for the work before it,
takes effect at that instant, and leaves its own cost to be paid; whom it wakes is put on the calendar before its own
CPU; who has nothing to pay goes on at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from perfsim.engine.arithmetic import calculate, following
from perfsim.engine.calendar import CPU_MASK, LATE, Calendar, leave_calendar, next_order, schedule
from perfsim.engine.program import ARGUMENTS_MAX, CALL, NEXT, PRIMITIVE_NUMBERS
from perfsim.engine.standstill import EFFECTS_AT_INSTANT_MAX
from perfsim.kernel.constants import NONE
from perfsim.kernel.effects.sched import resume
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.run import ask_to_stop
from perfsim.kernel.state import State
from perfsim.machine.state import BLOCKED
from perfsim.numeric.columns import Ints

# What a task's next step is.
GO_ON = 0
PAID = 1
BLOCKED_ON_WAKE = 2

# Why advance() returned.
NOTHING_BEFORE = 0
TRACE_FULL = 1
STANDS_STILL = 2
REFUSED = 3
PAUSED = 4

# Kinds of rows: a LOCAL one has its value on the spot, a SHARED one when its CPU has paid; a FLOW goes on elsewhere.
LOCAL = 0
SHARED = 1
FLOW = 2
CHECKED = 4
"""Added to the others: its arguments are looked at first, against bounds_low and bounds_high."""

WAITS = -1
"""A row that takes effect later, when its CPU has paid."""

ROWS_AT_A_TIME = 1 << 24
"""Rows of one task at one instant between two returns to Python: a tenth of a second. A path may loop for ever."""
BY_NUMBER = {number: PRIMITIVES[name] for name, number in PRIMITIVE_NUMBERS.items()}
"""The primitive of each op."""


class Code(NamedTuple):
    """The program, [row]: see program.Row. kind: LOCAL, SHARED or FLOW. before_ps: cost before it takes effect."""

    op: Ints
    kind: Ints
    dst: Ints
    a: Ints
    b: Ints
    c: Ints
    frame: Ints
    arguments: Ints
    before_ps: Ints
    on_zero: Ints
    on_nonzero: Ints
    target: Ints


class Control(NamedTuple):
    """[task]: the row it is at, its next step, and for the watch on time that stands still: the instant of its last
    effect, the last instant that had more than one, and how many.
    """

    row: Ints
    step: Ints
    instant_ps: Ints
    standstill_ps: Ints
    standstill_effects: Ints


class TraceBuffer(NamedTuple):
    """[event]: time, task, row of the program, and arguments. room: 0 for no trace. length: [filled]."""

    room: int
    length: Ints
    time_ps: Ints
    task: Ints
    row: Ints
    a: Ints
    b: Ints
    c: Ints


class Run(NamedTuple):
    """All that the loop works on.

    slots: of a task's file; values: [task * slots + slot]. bounds_low, bounds_high: [op * ARGUMENTS_MAX + argument].
    events: [shared primitives so far]; pause_at: [their number to return at]. begun: [tasks that have]. task, now_ps,
    popped: [arguments of the last run_task()]; unfinished: [1 when a full trace, or a pause, interrupted it].
    """

    s: State
    code: Code
    calendar: Calendar
    control: Control
    trace: TraceBuffer
    slots: int
    bounds_low: Ints
    bounds_high: Ints
    values: Ints
    events: Ints
    pause_at: Ints
    begun: Ints
    task: Ints
    now_ps: Ints
    popped: Ints
    unfinished: Ints


def stop(r: Run, now: int) -> None:
    """Ask the tasks to stop, and put those it wakes on the calendar."""
    ask_to_stop(r.s, now)
    schedule_wakes(r)


def schedule_wakes(r: Run) -> None:
    """Put the resumptions that an effect asked for on the calendar, in order."""
    wakes = r.s.m.wakes
    if wakes.length[0]:
        for number in range(wakes.length[0]):
            cpu = wakes.cpu[number]
            order = next_order(r.calendar, cpu) | LATE * wakes.late[number]
            schedule(r.calendar, cpu, wakes.at_ps[number], order)
        wakes.length[0] = 0


def advance(r: Run, until_ps: int) -> int:
    """Process every event before an instant. Returns why it stopped: NOTHING_BEFORE when there is none any more.

    PAUSED after as many events as were asked for, or very many rows of one task, TRACE_FULL: call it again.
    """
    status = NOTHING_BEFORE
    while until_ps > 0 and status == NOTHING_BEFORE:
        if r.unfinished[0] or r.begun[0] < r.s.settings.tasks:
            task, now, popped = r.task[0], r.now_ps[0], r.popped[0]
            if not r.unfinished[0]:
                task, now, popped = r.begun[0], 0, NONE
                r.begun[0] += 1
            r.unfinished[0] = 0
        else:
            now, popped = r.calendar.time_ps[1], r.calendar.order[1]
            if now >= until_ps:
                return NOTHING_BEFORE
            if r.events[0] >= r.pause_at[0]:
                return PAUSED
            task = r.s.run.current[popped & CPU_MASK]
        status = run_task(r, task, now, popped)
    return status


def run_task(r: Run, task: int, now: int, popped: int) -> int:
    """Let a task go on at an instant until it has to wait: for its own work to pass, or to be resumed.

    popped: the order of the calendar's entry that is being processed; NONE at the task's first step.
    """
    base = task * r.slots
    row = r.control.row[task]
    r.task[0] = task
    r.now_ps[0] = now
    r.popped[0] = popped
    if r.control.step[task] == BLOCKED_ON_WAKE:
        value = resume(r.s, task, now)
        if refused():
            return REFUSED
        schedule_wakes(r)
        if value == BLOCKED:
            leave_calendar(r.calendar, r.s.tasks.cpu[task], popped)
            return 0
        r.control.step[task] = GO_ON
        row = answer(r, base, row, value)
    unpaid = 0 if r.control.step[task] == PAID else 1
    for _ in range(ROWS_AT_A_TIME):
        kind = r.code.kind[row]
        if kind == FLOW:
            row = follow(r, base, row)
            if row == NONE:
                leave_calendar(r.calendar, r.s.tasks.cpu[task], popped)
                return 0
            continue
        if kind != LOCAL:
            status = before(r, task, row, now, unpaid)
            if status:
                return status if status > 0 else 0
            unpaid = 1
        value = perform(r, task, row, now)
        if refused():
            r.control.row[task] = row
            return REFUSED
        if kind & SHARED:
            schedule_wakes(r)
            if value == BLOCKED:
                r.control.row[task] = row
                r.control.step[task] = BLOCKED_ON_WAKE
                leave_calendar(r.calendar, r.s.tasks.cpu[task], popped)
                return 0
        row = answer(r, base, row, value)
    return pause(r, task, row, unpaid)


def pause(r: Run, task: int, row: int, unpaid: int) -> int:
    """Leave a task in front of a row, to be gone on with at once."""
    r.control.row[task] = row
    r.control.step[task] = GO_ON if unpaid else PAID
    r.unfinished[0] = 1
    return PAUSED


def before(r: Run, task: int, row: int, now: int, unpaid: int) -> int:
    """What comes before a row takes effect: its CPU pays, its arguments are checked, it is counted and traced.

    Returns 0 if it takes effect now; else it will when its CPU has paid (WAITS), or why it does not.
    """
    kind = r.code.kind[row]
    r.control.row[task] = row
    if kind & SHARED and unpaid and pays(r, task, row, now):
        return WAITS
    if kind & CHECKED and out_of_bounds(r, task * r.slots, row):
        return REFUSED
    return observe(r, task, row, now) if kind & SHARED else 0


def pays(r: Run, task: int, row: int, now: int) -> int:
    """1 if a CPU has something to pay before its shared primitive takes effect; it goes on when that has passed."""
    cpu = r.s.tasks.cpu[task]
    delay_ps = r.s.m.pending_ps[cpu] + r.code.before_ps[row]
    if delay_ps == 0:
        return 0
    r.s.m.pending_ps[cpu] = 0
    r.control.step[task] = PAID
    schedule(r.calendar, cpu, now + delay_ps, next_order(r.calendar, cpu))
    return 1


def refused() -> int:
    """1 if an assert did not hold. In Python it would have raised; compiled, it has ended its function early."""
    return 0


def out_of_bounds(r: Run, base: int, row: int) -> int:
    """1 if an argument of a row's primitive is not what it may be: see kernel/bounds.py."""
    at = ARGUMENTS_MAX * r.code.op[row]
    a = slot_of(r.values, base, r.code.a[row])
    b = slot_of(r.values, base, r.code.b[row])
    c = slot_of(r.values, base, r.code.c[row])
    a_fits = r.bounds_low[at] <= a <= r.bounds_high[at]
    b_fits = r.bounds_low[at + 1] <= b <= r.bounds_high[at + 1]
    c_fits = r.bounds_low[at + 2] <= c <= r.bounds_high[at + 2]
    return 0 if a_fits and b_fits and c_fits else 1


def observe(r: Run, task: int, row: int, now: int) -> int:
    """Count and trace a shared primitive that takes effect now.

    Returns TRACE_FULL if there is no room, to be called again, STANDS_STILL at a fault, else 0.
    """
    if r.trace.room:
        if r.trace.length[0] == r.trace.room:
            r.control.step[task] = PAID
            r.unfinished[0] = 1
            return TRACE_FULL
        write_trace(r, task, row, now)
    r.events[0] += 1
    if r.control.instant_ps[task] == now:
        if r.control.standstill_ps[task] != now:
            r.control.standstill_ps[task] = now
            r.control.standstill_effects[task] = 0
        r.control.standstill_effects[task] += 1
        if r.control.standstill_effects[task] > EFFECTS_AT_INSTANT_MAX:
            return STANDS_STILL
    r.control.instant_ps[task] = now
    return 0


def perform(r: Run, task: int, row: int, now: int) -> int:
    """The value of a row: a primitive takes effect, an operator is computed. Compiled, one call: dispatch.py."""
    base = task * r.slots
    op = r.code.op[row]
    a, b, c = (slot_of(r.values, base, slot) for slot in (r.code.a[row], r.code.b[row], r.code.c[row]))
    if op in BY_NUMBER:
        primitive = BY_NUMBER[op]
        return primitive.effect(r.s, task, now, *(a, b, c)[: primitive.arguments])
    return calculate(op, a, b)


def answer(r: Run, base: int, row: int, value: int) -> int:
    """Store a row's value. Returns the row to go on at."""
    put(r.values, base, r.code.dst[row], value)
    return r.code.on_nonzero[row] if value else r.code.on_zero[row]


def slot_of(values: Ints, base: int, slot: int) -> int:
    """What is in a slot. Compiled, the place where a task's file begins is computed once, not for each slot."""
    return values[base + slot]


def put(values: Ints, base: int, slot: int, value: int) -> None:
    """Write to a slot. Compiled, as slot_of()."""
    values[base + slot] = value


def follow(r: Run, base: int, row: int) -> int:
    """Call a path, return from one, or turn in a loop. Returns the row to go on at; NONE when the task is done."""
    op = r.code.op[row]
    if op == NEXT:
        return r.code.on_nonzero[row] if turn(r, base, row) else r.code.on_zero[row]
    if op == CALL:
        return call(r, base, row)
    caller = slot_of(r.values, base, r.code.frame[row])
    if caller == NONE:
        return NONE
    return answer(r, base, caller, slot_of(r.values, base, r.code.a[row]))


def call(r: Run, base: int, row: int) -> int:
    """Give the callee its arguments and the row to answer. Returns its first row."""
    frame = base + r.code.frame[row]
    arguments = r.code.arguments[row]
    r.values[frame] = row
    if arguments > 0:
        r.values[frame + 1] = slot_of(r.values, base, r.code.a[row])
    if arguments > 1:
        r.values[frame + 2] = slot_of(r.values, base, r.code.b[row])
    if arguments > 2:
        r.values[frame + 3] = slot_of(r.values, base, r.code.c[row])
    return r.code.target[row]


class Turning(Protocol):
    """What has rows and values: a run, or another record of both."""

    @property
    def code(self) -> Any:
        """Columns of rows."""

    @property
    def values(self) -> Ints:
        """[task * slots + slot]."""


def turn(r: Turning, base: int, row: int) -> int:
    """One turn of `for ... in range`: 1 if there is one, with the loop variable and the counter set; else 0."""
    counter = slot_of(r.values, base, r.code.a[row])
    limit = slot_of(r.values, base, r.code.b[row])
    step = slot_of(r.values, base, r.code.c[row])
    if counter >= limit if step > 0 else counter <= limit:
        return 0
    put(r.values, base, r.code.frame[row], counter)
    put(r.values, base, r.code.a[row], following(counter, step))
    return 1


def write_trace(r: Run, task: int, row: int, now: int) -> None:
    """Append an event to the trace."""
    at = r.trace.length[0]
    base = task * r.slots
    r.trace.time_ps[at] = now
    r.trace.task[at] = task
    r.trace.row[at] = row
    r.trace.a[at] = slot_of(r.values, base, r.code.a[row])
    r.trace.b[at] = slot_of(r.values, base, r.code.b[row])
    r.trace.c[at] = slot_of(r.values, base, r.code.c[row])
    r.trace.length[0] = at + 1
