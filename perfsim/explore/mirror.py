"""A state as it would be if interchangeable CPUs had changed places; see symmetry.py for which those are.

Of all those states of one kind, one stands for all: that of the smallest rows, and of the smallest fingerprint. The
state that the search keeps, and goes on from, stays the one that it has come to, so that every way is a real one.
"""

from __future__ import annotations

from perfsim.explore.columns import END, SC, Search
from perfsim.explore.locations import LOCK, PER_KIND, QUEUE
from perfsim.kernel.constants import NONE, PRIVATE_LISTS

AS_IT_IS = -1
"""The number of the mirror in which every CPU keeps its place."""


def place_in(x: Search, by: int, cpu: int) -> int:
    """The CPU whose place a CPU takes in a mirror."""
    return cpu if by == AS_IT_IS else x.mirror.place[by * x.settings.cpus + cpu]


def has_smaller_rows(x: Search, by: int, other: int) -> int:
    """1 if the CPUs' rows, in their order, are smaller in one mirror than in another, -1 if they are larger, or 0."""
    for cpu in range(x.settings.cpus):
        difference = _row_in(x, by, cpu) - _row_in(x, other, cpu)
        if difference:
            return 1 if difference < 0 else -1
    return 0


def _row_in(x: Search, by: int, cpu: int) -> int:
    """The row at which a CPU is in a mirror, counted from the first of its script; END as it is."""
    source = cpu if by == AS_IT_IS else x.mirror.taken_by[by * x.settings.cpus + cpu]
    row = x.b.row[source]
    return row if row == END else row - x.mirror.first_row[source]


def reflect(x: Search, by: int) -> None:
    """Make x.mirror.words the state at hand as it is in a mirror."""
    for word in range(x.settings.words):
        x.mirror.words[word] = x.words[word]
    for cpu in range(x.settings.cpus):
        _move_cpu(x, by, cpu)
        if x.turn.model[0] != SC:
            _move_buffer(x, by, cpu)
            _move_stale(x, by, cpu)
    _move_links(x, by)
    if x.settings.buckets:
        _move_waiters(x, by)
    for lock in range(x.settings.locks):
        x.mirror.lock_owner[lock] = _task(x, by, x.s.m.lock_owner[lock])


def _move_cpu(x: Search, by: int, cpu: int) -> None:
    """Where it is in its script, its registers, its vectors."""
    to = place_in(x, by, cpu)
    x.mirror.b.row[to] = _row(x, x.b.row[cpu], cpu, to)
    x.mirror.b.late[to] = _row(x, x.b.late[cpu], cpu, to)
    x.mirror.b.waiting[to] = x.b.waiting[cpu]
    x.mirror.b.stale[to] = x.b.stale[cpu]
    for number in range(x.settings.registers):
        x.mirror.b.registers[to * x.settings.registers + number] = x.b.registers[cpu * x.settings.registers + number]
    for number in range(x.settings.used):
        x.mirror.b.vectors[to * x.settings.used + number] = x.b.vectors[cpu * x.settings.used + number]


def _move_buffer(x: Search, by: int, cpu: int) -> None:
    to = place_in(x, by, cpu)
    for number in range(x.settings.room):
        at, then = cpu * x.settings.room + number, to * x.settings.room + number
        x.mirror.b.wait_kind[then] = x.b.wait_kind[at]
        x.mirror.b.wait_row[then] = x.b.wait_row[at]
        if number < x.b.waiting[cpu]:
            x.mirror.b.wait_row[then] = _row(x, x.b.wait_row[at], cpu, to)
        x.mirror.b.wait_cell[then] = x.b.wait_cell[at]
        x.mirror.b.wait_a[then] = x.b.wait_a[at]
        x.mirror.b.wait_b[then] = x.b.wait_b[at]
        x.mirror.b.wait_seen[then] = _cpus(x, by, x.b.wait_seen[at])


def _move_stale(x: Search, by: int, cpu: int) -> None:
    to = place_in(x, by, cpu)
    for number in range(x.settings.stale_room):
        at, then = cpu * x.settings.stale_room + number, to * x.settings.stale_room + number
        cell, value = x.b.stale_cell[at], x.b.stale_value[at]
        names_task = cell != NONE and cell // PER_KIND in (QUEUE, LOCK)
        x.mirror.b.stale_cell[then] = cell
        x.mirror.b.stale_mask[then] = x.b.stale_mask[at]
        x.mirror.b.stale_value[then] = _task(x, by, value) if names_task else value


def _move_links(x: Search, by: int) -> None:
    """Heads of the tasks' own lists change places, and links lead to where they are then."""
    for node in range(x.settings.links):
        to = _node(x, by, node)
        x.mirror.next[to] = _node(x, by, x.s.pages.next[node])
        x.mirror.before[to] = _node(x, by, x.s.pages.before[node])


def _move_waiters(x: Search, by: int) -> None:
    for bucket in range(x.settings.buckets):
        x.mirror.queues.head[bucket] = _task(x, by, x.s.queues.head[bucket])
    for task in range(x.settings.cpus):
        to = place_in(x, by, task)
        x.mirror.queues.next[to] = _task(x, by, x.s.queues.next[task])
        x.mirror.queues.page[to] = x.s.queues.page[task]
        x.mirror.queues.queued[to] = x.s.queues.queued[task]
        x.mirror.queues.woken[to] = x.s.queues.woken[task]
        x.mirror.queues.flag[to] = x.s.queues.flag[task]
        x.mirror.queues.exclusive[to] = x.s.queues.exclusive[task]


def _row(x: Search, row: int, cpu: int, to: int) -> int:
    """A row of one CPU's as it is among those of another; END, or NONE, as it is."""
    return row if row < 0 else row - x.mirror.first_row[cpu] + x.mirror.first_row[to]


def _task(x: Search, by: int, task: int) -> int:
    """The task of a CPU, or NONE."""
    return task if task == NONE else place_in(x, by, task)


def _node(x: Search, by: int, node: int) -> int:
    """A page or the head of a list; NONE, and what is no node, as it is."""
    own = node - x.s.settings.first_private
    if own < 0:
        return node
    return x.s.settings.first_private + place_in(x, by, own // PRIVATE_LISTS) * PRIVATE_LISTS + own % PRIVATE_LISTS


def _cpus(x: Search, by: int, bits: int) -> int:
    """A set of CPUs, as bits."""
    moved = 0
    for cpu in range(x.settings.cpus):
        moved |= (bits >> cpu & 1) << place_in(x, by, cpu)
    return moved
