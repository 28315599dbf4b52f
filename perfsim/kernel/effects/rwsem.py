"""mmap_sem, an rwsem an mm (lib/rwsem-spinlock.c): first come first served, granted by who releases it, never stolen.

activity: 0 free, -1 a writer, else readers. The semaphore's own spinlock, sem->wait_lock, is held for a few
instructions only, so that it is a figure, an atomic on the semaphore's line, and not a lock that others may be seen
to spin for.
"""

from __future__ import annotations

from perfsim.kernel.constants import NONE
from perfsim.kernel.effects.lines import charge_atomic, charge_write
from perfsim.kernel.effects.sched import sleep, wake_waiter
from perfsim.kernel.state import State


def current_mm(s: State, task: int, now: int) -> int:
    """current->mm, by number."""
    return s.tasks.mm[task]


def down_read_or_queue(s: State, task: int, now: int, mm: int) -> int:
    """The part of __down_read() under sem->wait_lock. Returns 1 with the semaphore taken, 0 with the task queued."""
    if down_read_trylock(s, task, now, mm):
        return 1
    _queue(s, task, mm, 0)
    return 0


def down_read_trylock(s: State, task: int, now: int, mm: int) -> int:
    """down_read_trylock(). Returns 1 with the semaphore taken, 0 if there is a writer or anyone waits."""
    _take_line(s, task, mm)
    if not readable(s, mm):
        return 0
    s.mms.activity[mm] += 1
    return 1


def down_write_or_queue(s: State, task: int, now: int, mm: int) -> int:
    """The part of __down_write() under sem->wait_lock. Returns 1 with the semaphore taken, 0 with the task queued."""
    _take_line(s, task, mm)
    if s.mms.activity[mm] == 0 and s.mms.head[mm] == NONE:
        s.mms.activity[mm] = -1
        s.mms.writer[mm] = task
        return 1
    _queue(s, task, mm, 1)
    return 0


def rwsem_schedule(s: State, task: int, now: int) -> int:
    """`if (waiter.task) schedule();`: sleep until the semaphore has been granted."""
    return 0 if s.mms.waits_for[task] == NONE else sleep(s, task, now)


def up_read(s: State, task: int, now: int, mm: int) -> int:
    """up_read(): the last reader lets the first waiter have it, who is a writer."""
    assert s.mms.activity[mm] > 0, f"task {task} releases mmap_sem {mm}, which nobody reads"
    _take_line(s, task, mm)
    s.mms.activity[mm] -= 1
    if s.mms.activity[mm] == 0:
        _grant(s, task, now, mm)
    return 0


def up_write(s: State, task: int, now: int, mm: int) -> int:
    """up_write(): the first waiter has it now, and if that is a reader, all readers up to the next writer."""
    assert s.mms.activity[mm] == -1, f"task {task} releases mmap_sem {mm}, which nobody writes"
    _take_line(s, task, mm)
    s.mms.activity[mm] = 0
    s.mms.writer[mm] = NONE
    _grant(s, task, now, mm)
    return 0


def readable(s: State, mm: int) -> int:
    """1 if down_read_trylock() would succeed."""
    return 1 if s.mms.activity[mm] >= 0 and s.mms.head[mm] == NONE else 0


def line_of_mm(s: State, mm: int) -> int:
    """The cache line of a semaphore."""
    return s.settings.first_mm_line + mm


def _take_line(s: State, task: int, mm: int) -> None:
    charge_atomic(s, task, line_of_mm(s, mm))


def _queue(s: State, task: int, mm: int, write: int) -> None:
    charge_write(s, task, line_of_mm(s, mm))
    s.mms.waits_for[task] = mm
    s.mms.write[task] = write
    s.mms.next[task] = NONE
    if s.mms.head[mm] == NONE:
        s.mms.head[mm] = task
    else:
        s.mms.next[s.mms.tail[mm]] = task
    s.mms.tail[mm] = task


def _grant(s: State, waker: int, now: int, mm: int) -> None:
    """__rwsem_do_wake(), of a semaphore that is free."""
    first = s.mms.head[mm]
    if first == NONE:
        return
    if s.mms.write[first]:
        s.mms.activity[mm] = -1
        s.mms.writer[mm] = first
        _wake_first(s, waker, now, mm)
        return
    while s.mms.head[mm] != NONE and not s.mms.write[s.mms.head[mm]]:
        s.mms.activity[mm] += 1
        _wake_first(s, waker, now, mm)


def _wake_first(s: State, waker: int, now: int, mm: int) -> None:
    waiter = s.mms.head[mm]
    s.mms.head[mm] = s.mms.next[waiter]
    s.mms.waits_for[waiter] = NONE
    wake_waiter(s, waker, now, waiter)
