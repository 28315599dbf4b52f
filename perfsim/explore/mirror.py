"""A state as it would be if CPUs and pages that are interchangeable had each other's numbers; see symmetry.py.

Of all those states of one kind, one stands for all: that of the smallest rows, and of the smallest fingerprint. The
state that the search keeps, and goes on from, stays the one that it has come to, so that every way is a real one.
"""

from __future__ import annotations

from perfsim.explore.columns import END, PAGE, RANGE, SC, Search
from perfsim.explore.locations import LOCK, OF_PAGES, PER_KIND, QUEUE
from perfsim.explore.memory import is_update
from perfsim.explore.step import VECTOR_PAGES
from perfsim.kernel.constants import MIGRATION_ENTRY, NONE

AS_IT_IS = -1
"""The number of the mirror in which everything keeps its number."""

NO_PAGE = 0xFF
"""Of a vector's word: a page is a byte."""


def place_in(x: Search, by: int, cpu: int) -> int:
    """The number of a CPU in a mirror."""
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
    for node in range(x.settings.links):
        to = _node(x, by, node)
        x.mirror.pages.next[to] = _node(x, by, x.s.pages.next[node])
        x.mirror.pages.before[to] = _node(x, by, x.s.pages.before[node])
    if x.mirror.moves_pages[by]:
        _move_pages(x, by)
    _move_waiters(x, by)
    for lock in range(x.settings.locks):
        x.mirror.lock_owner[lock] = _task(x, by, x.s.m.lock_owner[lock])


def _move_cpu(x: Search, by: int, cpu: int) -> None:
    """Where it is in its script, its registers, its vectors."""
    to, row = place_in(x, by, cpu), x.b.row[cpu]
    x.mirror.b.row[to] = _row(x, row, cpu, to)
    x.mirror.b.late[to] = _row(x, x.b.late[cpu], cpu, to)
    x.mirror.b.waiting[to] = x.b.waiting[cpu]
    x.mirror.b.stale[to] = x.b.stale[cpu]
    for number in range(x.settings.registers):
        value = x.b.registers[cpu * x.settings.registers + number]
        is_live = row != END and number < x.code.live_count[row]
        kind = x.code.live_kind[x.code.live_first[row] + number] if is_live else 0
        x.mirror.b.registers[to * x.settings.registers + number] = _value(x, by, kind, value)
    for number in range(x.settings.used):
        pages = x.b.vectors[cpu * x.settings.used + number]
        x.mirror.b.vectors[to * x.settings.used + number] = _vector(x, by, pages) if x.mirror.moves_pages[by] else pages


def _move_buffer(x: Search, by: int, cpu: int) -> None:
    to = place_in(x, by, cpu)
    for number in range(x.settings.room):
        at, then = cpu * x.settings.room + number, to * x.settings.room + number
        kind, row, a, b = x.b.wait_kind[at], x.b.wait_row[at], x.b.wait_a[at], x.b.wait_b[at]
        is_there = number < x.b.waiting[cpu]
        if is_there and is_update(kind):
            a, b = _value(x, by, x.code.kind_a[row], a), _value(x, by, x.code.kind_b[row], b)
        x.mirror.b.wait_kind[then] = kind
        x.mirror.b.wait_row[then] = _row(x, row, cpu, to) if is_there else row
        x.mirror.b.wait_cell[then] = _cell(x, by, x.b.wait_cell[at]) if is_there else x.b.wait_cell[at]
        x.mirror.b.wait_a[then] = a
        x.mirror.b.wait_b[then] = b
        x.mirror.b.wait_seen[then] = _cpus(x, by, x.b.wait_seen[at])


def _move_stale(x: Search, by: int, cpu: int) -> None:
    to = place_in(x, by, cpu)
    for number in range(x.settings.stale_room):
        at, then = cpu * x.settings.stale_room + number, to * x.settings.stale_room + number
        cell, value = x.b.stale_cell[at], x.b.stale_value[at]
        names_task = cell != NONE and cell // PER_KIND in (QUEUE, LOCK)
        x.mirror.b.stale_cell[then] = _cell(x, by, cell)
        x.mirror.b.stale_mask[then] = x.b.stale_mask[at]
        x.mirror.b.stale_value[then] = _task(x, by, value) if names_task else value


def _move_pages(x: Search, by: int) -> None:
    """Pages with all that they are, and who maps them. A word of the mapping says nothing of a page's number."""
    for page in range(x.s.settings.pages):
        to = _node(x, by, page)
        x.mirror.pages.flags[to] = x.s.pages.flags[page]
        x.mirror.pages.refcount[to] = x.s.pages.refcount[page]
        x.mirror.pages.mapping[to] = x.s.pages.mapping[page]
        x.mirror.pages.slot[to] = _value(x, by, RANGE, x.s.pages.slot[page])
        x.mirror.pages.mapcount[to] = x.s.pages.mapcount[page]
        x.mirror.pages.cgroup[to] = x.s.pages.cgroup[page]
    for range_ in range(x.s.settings.ranges):
        to = _value(x, by, RANGE, range_)
        x.mirror.ranges.pte[to] = _pte(x, by, x.s.ranges.pte[range_])
        x.mirror.ranges.locked[to] = x.s.ranges.locked[range_]
    x.mirror.free_head[0] = _node(x, by, x.s.zones.free_head[0])


def _move_waiters(x: Search, by: int) -> None:
    for bucket in range(x.settings.buckets):
        x.mirror.queues.head[bucket] = _task(x, by, x.s.queues.head[bucket])
    for task in range(x.settings.cpus):
        to = place_in(x, by, task)
        x.mirror.queues.next[to] = _task(x, by, x.s.queues.next[task])
        x.mirror.queues.page[to] = _node(x, by, x.s.queues.page[task])
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
    """A page, or the head of a list, of which each task has its own; NONE as it is."""
    return node if node == NONE else x.mirror.node[by * x.settings.links + node]


def _value(x: Search, by: int, kind: int, value: int) -> int:
    """A number of a kind; one that is no page's, or no range's, as it is."""
    if kind == PAGE and 0 <= value < x.s.settings.pages:
        return x.mirror.node[by * x.settings.links + value]
    if kind == RANGE and 0 <= value < x.s.settings.ranges:
        return x.mirror.range_[by * x.s.settings.ranges + value]
    return value


def _pte(x: Search, by: int, pte: int) -> int:
    """A pte's page, or that of the migration entry which it is; else as it is."""
    return MIGRATION_ENTRY - _node(x, by, MIGRATION_ENTRY - pte) if pte <= MIGRATION_ENTRY else _value(x, by, PAGE, pte)


def _cell(x: Search, by: int, cell: int) -> int:
    """A location: that of a page is the other page's."""
    if cell == NONE or cell // PER_KIND not in OF_PAGES:
        return cell
    return cell // PER_KIND * PER_KIND + _node(x, by, cell % PER_KIND)


def _vector(x: Search, by: int, pages: int) -> int:
    """The pages of a vector, each a byte of its word; all bits are set where there is none."""
    moved = NONE
    for place in range(VECTOR_PAGES):
        page = pages >> 8 * place & NO_PAGE
        if page != NO_PAGE:
            moved &= ~(NO_PAGE << 8 * place) | _node(x, by, page) << 8 * place
    return moved


def _cpus(x: Search, by: int, bits: int) -> int:
    """A set of CPUs, as bits."""
    moved = 0
    for cpu in range(x.settings.cpus):
        moved |= (bits >> cpu & 1) << place_in(x, by, cpu)
    return moved
