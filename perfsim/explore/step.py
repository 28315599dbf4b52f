"""One action of the search: a CPU's next step, or one of its writes becoming visible. In place, on one state."""

from __future__ import annotations

from perfsim.engine.loop import put, slot_of, turn
from perfsim.engine.program import NEXT, RETURN
from perfsim.explore.acts import (
    LATE,
    LOCAL,
    give_up,
    is_out_of_bounds,
    needs_late,
    operands_of,
    perform,
    perform_waiting,
    sleeps_in_atomic,
    take_effect,
)
from perfsim.explore.columns import END, Search
from perfsim.explore.memory import forget_unusable
from perfsim.explore.properties import CORRUPTION, SCHEDULING_WHILE_ATOMIC
from perfsim.kernel.constants import NONE
from perfsim.machine.state import BLOCKED

ROWS_MAX = 10_000
"""Rows that need no step of their own, one after another, before they are taken for a loop that never ends."""
ENDLESS = -2
"""In Turn.why: rows without a step that never end."""
TOO_LARGE = -3
"""In Turn.why: a local that has no room in a state."""
TOO_FULL = -4
"""In Turn.why: a vector of more pages than a state has room for."""
VECTOR_PAGES = 4
"""Pages of a vector that are part of a state."""


def refused() -> int:
    """1 if an assert did not hold. In Python it would have raised; compiled, it has ended its function early."""
    return 0


def step(x: Search, cpu: int, choice: int) -> None:
    """Let a CPU make its next step, in one of its ways, and go on to where the next one begins. After unpack()."""
    row = x.b.row[cpu]
    if is_out_of_bounds(x, cpu, row):
        x.turn.failed[0] = CORRUPTION
        return
    if choice == LATE:
        x.b.late[cpu] = row
        value = 0
    else:
        value = take_effect(x, cpu, row, choice)
    if refused() or value == BLOCKED:
        x.turn.failed[0] = CORRUPTION
        return
    pack(x, cpu, go_on(x, cpu, answer(x, cpu, row, value)))


def perform_one(x: Search, cpu: int, number: int) -> None:
    """Let a waiting write of a CPU's become visible to all, or its late load be performed: number == room."""
    if number < x.settings.room:
        perform_waiting(x, cpu, number)
    else:
        _perform_late(x, cpu)
    if refused():
        x.turn.failed[0] = CORRUPTION


def go_on(x: Search, cpu: int, row: int) -> int:
    """Follow the rows from one on, until one needs a step of its own. Returns that row, or END."""
    for _ in range(ROWS_MAX):
        if x.code.act[row] != LOCAL or x.code.op[row] == RETURN:
            return END if x.code.op[row] == RETURN else row
        if x.b.late[cpu] != NONE and needs_late(x, cpu, row):
            return row
        if x.code.op[row] == NEXT:
            row = x.code.on_nonzero[row] if turn(x, cpu * x.settings.slots, row) else x.code.on_zero[row]
            continue
        is_wrong = is_out_of_bounds(x, cpu, row)
        value = 0 if is_wrong else perform(x, cpu, row, operands_of(x, cpu, row))
        if is_wrong or refused():
            x.turn.failed[0] = CORRUPTION
            return END
        row = answer(x, cpu, row, value)
    give_up(x, row, ENDLESS)
    return END


def answer(x: Search, cpu: int, row: int, value: int) -> int:
    """Store a row's value. Returns the row to go on at."""
    put(x.values, cpu * x.settings.slots, x.code.dst[row], value)
    return x.code.on_nonzero[row] if value else x.code.on_zero[row]


def unpack(x: Search, cpu: int) -> None:
    """Bring a CPU's live registers and its vectors from the state to where rows and effects find them."""
    row = x.b.row[cpu]
    if row != END:
        first = x.code.live_first[row]
        for number in range(x.code.live_count[row]):
            put(x.values, cpu * x.settings.slots, x.code.live[first + number], _register(x, cpu, number))
    used = x.settings.used
    for at in range(cpu * used, (cpu + 1) * used):
        pages = x.b.vectors[at]
        x.vector_words[x.used[at]] = pages
        x.s.vectors.length[x.used[at]] = 0 if pages == NONE else _pages_in(pages)


def pack(x: Search, cpu: int, row: int) -> None:
    """Let a CPU stand before a row, and keep what it will still read there, and nothing else."""
    x.b.row[cpu] = row
    if row != END and x.turn.failed[0] == NONE and sleeps_in_atomic(x, cpu, row):
        x.turn.failed[0] = SCHEDULING_WHILE_ATOMIC
    count = 0
    if row != END:
        first, count = x.code.live_first[row], x.code.live_count[row]
        for number in range(count):
            value = slot_of(x.values, cpu * x.settings.slots, x.code.live[first + number])
            x.b.registers[cpu * x.settings.registers + number] = value
            if _register(x, cpu, number) != value:
                give_up(x, row, TOO_LARGE)
    for number in range(count, x.settings.registers):
        x.b.registers[cpu * x.settings.registers + number] = 0
    used = x.settings.used
    for at in range(cpu * used, (cpu + 1) * used):
        vector = x.used[at]
        length = x.s.vectors.length[vector]
        if length > VECTOR_PAGES:
            give_up(x, row if row != END else x.settle[cpu], TOO_FULL)
        if length == 0:
            x.b.vectors[at] = NONE
            x.vector_words[vector] = NONE
        else:
            x.b.vectors[at] = x.vector_words[vector] | (NONE << 8 * length if length < VECTOR_PAGES else 0)
    if x.b.stale[cpu]:
        forget_unusable(x, cpu, x.code.usable[row] if row != END else 0)
    for task in range(x.settings.cpus):
        if not x.s.queues.queued[task]:
            x.s.queues.page[task] = x.s.queues.next[task] = NONE
            x.s.queues.flag[task] = x.s.queues.exclusive[task] = 0


def _pages_in(word: int) -> int:
    """How many pages a vector's word holds: those that are none are behind the others, all bits set."""
    count = 0
    while count < VECTOR_PAGES and word >> 8 * count & 0xFF != 0xFF:
        count += 1
    return count


def _register(x: Search, cpu: int, number: int) -> int:
    return x.b.registers[cpu * x.settings.registers + number]


def _perform_late(x: Search, cpu: int) -> None:
    """The load returns what there is now, to a register that nobody has read since; who needs it now goes on."""
    late, row = x.b.late[cpu], x.b.row[cpu]
    unpack(x, cpu)
    x.b.late[cpu] = NONE
    value = take_effect(x, cpu, late, 0)
    put(x.values, cpu * x.settings.slots, x.code.dst[late], value)
    pack(x, cpu, go_on(x, cpu, row) if row != END else END)
