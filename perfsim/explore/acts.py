"""What the next step of a CPU may do, and does: one shared primitive on the model's memory.

Each act asks two questions: may it happen now, and in how many ways; and what happens.
"""

from __future__ import annotations

from perfsim.engine.arithmetic import calculate
from perfsim.engine.loop import BY_NUMBER, out_of_bounds, slot_of
from perfsim.explore.columns import IA64, KERNEL, RELEASE_STORE, RELEASE_UPDATE, SC, STORE, TSO, UPDATE, Search
from perfsim.explore.locations import LOCK, PER_KIND, location, read, write
from perfsim.explore.memory import (
    EVERY_BIT,
    forwarded,
    has_room,
    is_update,
    is_weak,
    last_waiting,
    let_wait,
    mask_of,
    order_loads,
    perform_store,
    performed,
    seen_early,
    sees_unperformed,
    take_waiting,
    value_to_read,
    values_to_read,
)
from perfsim.explore.properties import RECURSION, UNLOCK_NOT_HELD
from perfsim.kernel.constants import NONE
from perfsim.kernel.state import spinlock

LOCAL = 0
LOAD = 1
PLAIN_STORE = 2
RMW = 3
RMW_VALUE = 4
RMW_LOCK = 5
RMW_UNLOCK = 6
LOCKS = 7
UNLOCKS = 8
FENCE = 9
UNDER_LOCK = 10
SLEEP = 11
RWSEM_SLEEP = 12
NO_WAY = 13
"""A primitive that the explorer has no way for: one that needs time, a device, or chance."""

LATE = 1 << 7
"""The choice to perform a load later."""


def ways(x: Search, cpu: int, row: int) -> int:
    """In how many ways a CPU's next step may happen now; 0 for a CPU that has to wait, 1 for a step that is wrong."""
    act = x.code.act[row]
    if (x.code.fence[row] and not _is_settled(x, cpu)) or needs_late(x, cpu, row):
        return 0
    if is_out_of_bounds(x, cpu, row):
        return 1
    if act == LOAD:
        cell = cell_of(x, cpu, row)
        mask = mask_of(x, cell, operand_b(x, cpu, row))
        if _waits_for_late(x, cpu, cell):
            return 0
        return values_to_read(x, cpu, cell, mask)
    if act == LOCKS:
        return _may_lock(x, cpu, row)
    if act == SLEEP:
        return 1 if x.s.queues.woken[cpu] else 0
    if act == RWSEM_SLEEP:
        return 1 if x.s.mms.waits_for[cpu] == NONE else 0
    if x.turn.model[0] == SC or act == NO_WAY:
        return 1
    if act in (FENCE, UNDER_LOCK):
        return _is_settled(x, cpu)
    return _may_write(x, cpu, row, act)


def may_be_late(x: Search, cpu: int, row: int) -> int:
    """1 if the load that is a CPU's next step may be performed behind steps that follow it."""
    return 1 if x.code.late[row] and is_weak(x) and x.b.late[cpu] == NONE else 0


def needs_late(x: Search, cpu: int, row: int) -> int:
    """1 if a row reads what a load of the CPU's has still to bring."""
    if x.b.late[cpu] == NONE:
        return 0
    missing = x.code.dst[x.b.late[cpu]]
    return 1 if missing in (x.code.a[row], x.code.b[row], x.code.c[row]) else 0


def is_out_of_bounds(x: Search, cpu: int, row: int) -> int:
    """1 if an argument of the primitive at a row is none that it may have: see kernel/bounds.py."""
    if not x.code.checked[row]:
        return 0
    return out_of_bounds(x, cpu * x.settings.slots, row)  # type: ignore[arg-type]  # it has what of a Run is asked


def take_effect(x: Search, cpu: int, row: int, choice: int) -> int:
    """Let the shared primitive at a row take effect, in one of its ways. Returns its value."""
    act = x.code.act[row]
    if x.code.fence[row]:
        order_loads(x, cpu)
    if act == LOAD:
        return _load(x, cpu, row, choice)
    if act in (LOCKS, UNLOCKS):
        return _lock(x, cpu, row) if act == LOCKS else _unlock(x, cpu, row)
    if act in (FENCE, SLEEP, RWSEM_SLEEP):
        order_loads(x, cpu)
        return 0
    if act == UNDER_LOCK:
        return _under_lock(x, cpu, row)
    if act == PLAIN_STORE and x.turn.model[0] != SC:
        return _store(x, cpu, row)
    if act == NO_WAY:
        give_up(x, row, x.code.op[row])
        return 0
    return _update(x, cpu, row, act)


def perform_waiting(x: Search, cpu: int, number: int) -> None:
    """Let a CPU's waiting entry become visible to all."""
    at = cpu * x.settings.room + number
    cell, row, a, b = x.b.wait_cell[at], x.b.wait_row[at], x.b.wait_a[at], x.b.wait_b[at]
    if is_update(x.b.wait_kind[at]):
        old = read(x.s, cell)
        perform(x, cpu, row, (a, b, 0))
        performed(x, cpu, cell, old, 0)
    else:
        perform_store(x, cpu, at)
    take_waiting(x, cpu, number)


def give_up(x: Search, row: int, why: int) -> None:
    """The step that is being made meets what the search has no way for: it leads nowhere, and not all is explored."""
    x.turn.cut[0] = 1
    if x.turn.why[0] == NONE:
        x.turn.why[0] = why
        x.turn.why_row[0] = row


def cell_of(x: Search, cpu: int, row: int) -> int:
    """The location that the primitive at a row is to."""
    which = x.code.which[row]
    slot = x.code.a[row] if which == 0 else x.code.b[row]
    index = slot_of(x.values, cpu * x.settings.slots, slot)
    kind = x.code.cell[row]
    if kind == LOCK:
        index = spinlock(x.s, index, operand_b(x, cpu, row))
    return location(x.s, kind, index)


def operand_b(x: Search, cpu: int, row: int) -> int:
    """The second argument of the primitive at a row."""
    return slot_of(x.values, cpu * x.settings.slots, x.code.b[row])


def perform(x: Search, cpu: int, row: int, operands: tuple[int, int, int]) -> int:
    """The value of a row: a primitive takes effect, an operator is computed. Compiled, one call."""
    op = x.code.op[row]
    if op in BY_NUMBER:
        primitive = BY_NUMBER[op]
        return primitive.effect(x.s, cpu, 0, *operands[: primitive.arguments])
    return calculate(op, operands[0], operands[1])


def operands_of(x: Search, cpu: int, row: int) -> tuple[int, int, int]:
    """The arguments of the primitive at a row."""
    base = cpu * x.settings.slots
    code = x.code
    return (
        slot_of(x.values, base, code.a[row]),
        slot_of(x.values, base, code.b[row]),
        slot_of(x.values, base, code.c[row]),
    )


def _orders(x: Search, row: int) -> int:
    """1 for a load that acquires, a store that releases: a volatile one on ia64, one that says so in either model."""
    if not is_weak(x):
        return 0
    return 1 if x.code.volatile[row] > (0 if x.turn.model[0] == IA64 else 1) else 0


def _load(x: Search, cpu: int, row: int, choice: int) -> int:
    cell = cell_of(x, cpu, row)
    mask = mask_of(x, cell, operand_b(x, cpu, row))
    seen = value_to_read(x, cpu, (cell, mask), choice, _orders(x, row))
    held = read(x.s, cell)
    write(x.s, cell, seen)
    value = perform(x, cpu, row, operands_of(x, cpu, row))
    write(x.s, cell, held)
    return value


def _store(x: Search, cpu: int, row: int) -> int:
    """The value to be stored is what the effect makes of the location as its own CPU sees it."""
    cell = cell_of(x, cpu, row)
    held = read(x.s, cell)
    write(x.s, cell, forwarded(x, cpu, cell))
    value = perform(x, cpu, row, operands_of(x, cpu, row))
    stored = read(x.s, cell)
    write(x.s, cell, held)
    kind = RELEASE_STORE if _orders(x, row) else STORE
    let_wait(x, cpu, kind, (row, cell), (mask_of(x, cell, operand_b(x, cpu, row)), stored))
    return value


def _update(x: Search, cpu: int, row: int, act: int) -> int:
    """A read-modify-write, or anything at all under sequential consistency."""
    model = x.turn.model[0]
    if model == KERNEL and act in (RMW, RMW_UNLOCK):
        a, b, _ = operands_of(x, cpu, row)
        let_wait(x, cpu, UPDATE if act == RMW else RELEASE_UPDATE, (row, cell_of(x, cpu, row)), (a, b))
        return 0
    if model < IA64:
        return perform(x, cpu, row, operands_of(x, cpu, row))
    cell = cell_of(x, cpu, row)
    old = read(x.s, cell)
    value = perform(x, cpu, row, operands_of(x, cpu, row))
    performed(x, cpu, cell, old, 0)
    if act != RMW_UNLOCK:
        order_loads(x, cpu)
    return value


def _under_lock(x: Search, cpu: int, row: int) -> int:
    if not is_weak(x):
        return perform(x, cpu, row, operands_of(x, cpu, row))
    for number in range(x.settings.cells):
        x.before[number] = read(x.s, x.cells[number])
    value = perform(x, cpu, row, operands_of(x, cpu, row))
    for number in range(x.settings.cells):
        performed(x, cpu, x.cells[number], x.before[number], 0)
    order_loads(x, cpu)
    return value


def _lock(x: Search, cpu: int, row: int) -> int:
    lock = cell_of(x, cpu, row) % PER_KIND
    if x.s.m.lock_owner[lock] == cpu:
        x.turn.failed[0] = RECURSION
    x.s.m.lock_owner[lock] = cpu
    order_loads(x, cpu)
    return 0


def _unlock(x: Search, cpu: int, row: int) -> int:
    cell = cell_of(x, cpu, row)
    if x.s.m.lock_owner[cell % PER_KIND] != cpu or last_waiting(x, cpu, cell, EVERY_BIT) != NONE:
        x.turn.failed[0] = UNLOCK_NOT_HELD
    if x.turn.model[0] == SC:
        x.s.m.lock_owner[cell % PER_KIND] = NONE
    else:
        let_wait(x, cpu, RELEASE_STORE if is_weak(x) else STORE, (row, cell), (EVERY_BIT, NONE))
    return 0


def sleeps_in_atomic(x: Search, cpu: int, row: int) -> int:
    """1 if at a row the CPU calls schedule() while it holds a spinlock; an unlock that others do not see is one."""
    if x.code.act[row] not in (SLEEP, RWSEM_SLEEP):
        return 0
    for lock in range(x.settings.locks):
        if x.s.m.lock_owner[lock] == cpu and last_waiting(x, cpu, LOCK * PER_KIND + lock, EVERY_BIT) == NONE:
            return 1
    return 0


def _may_lock(x: Search, cpu: int, row: int) -> int:
    """Free, or held by the CPU itself, which is a fault; not while the CPU's own unlock is on its way."""
    cell = cell_of(x, cpu, row)
    owner = x.s.m.lock_owner[cell % PER_KIND]
    if owner not in (NONE, cpu) or last_waiting(x, cpu, cell, EVERY_BIT) != NONE:
        return 0
    if x.turn.model[0] == TSO and x.b.waiting[cpu]:
        return 0
    return 0 if x.settings.pair and x.turn.model[0] == KERNEL and _unlock_waits(x, cpu) else 1


def _unlock_waits(x: Search, cpu: int) -> int:
    first = cpu * x.settings.room
    for at in range(first, first + x.b.waiting[cpu]):
        if x.b.wait_kind[at] == RELEASE_STORE:
            return 1
    return 0


def _may_write(x: Search, cpu: int, row: int, act: int) -> int:
    model = x.turn.model[0]
    if act == UNLOCKS:
        return 1 if has_room(x, cpu) and x.b.late[cpu] == NONE else 0
    cell = cell_of(x, cpu, row)
    mask = mask_of(x, cell, operand_b(x, cpu, row))
    if _waits_for_late(x, cpu, cell):
        return 0
    if act == PLAIN_STORE:
        if _orders(x, row) and x.b.late[cpu] != NONE:
            return 0
        return has_room(x, cpu)
    if model == TSO:
        return 1 if x.b.waiting[cpu] == 0 else 0
    if model == KERNEL:
        if act == RMW_VALUE:
            return _is_settled(x, cpu)
        if act != RMW_LOCK:
            return 1 if has_room(x, cpu) and (act == RMW or x.b.late[cpu] == NONE) else 0
    if act == RMW_UNLOCK and (x.b.waiting[cpu] or x.b.late[cpu] != NONE):
        return 0
    return 1 if last_waiting(x, cpu, cell, mask) == NONE and seen_early(x, cpu, cell, mask) == NONE else 0


def _is_settled(x: Search, cpu: int) -> int:
    """1 if all that a CPU has done so far is visible to all, and what it has seen is, where that is promised."""
    if x.b.waiting[cpu] or x.b.late[cpu] != NONE:
        return 0
    return 1 if x.turn.model[0] != KERNEL or not sees_unperformed(x, cpu) else 0


def _waits_for_late(x: Search, cpu: int, cell: int) -> int:
    """1 if a CPU's load that is still to be performed is to this very location: no access overtakes it."""
    late = x.b.late[cpu]
    return 1 if late != NONE and cell_of(x, cpu, late) == cell else 0
