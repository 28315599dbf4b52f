"""The page lock's hashed wait queues (mm/filemap.c, kernel/wait.c; kernel-protocol §8).

The queue of a bucket is changed under the bucket's spinlock alone. A woken waiter is taken off the queue by its waker
(autoremove) and has to compete for the bit like anyone who comes by.
"""

from __future__ import annotations

from perfsim.kernel.constants import NONE, PAGE_LOCK, PAGE_LOCK_SLEEPS, PG_LOCKED
from perfsim.kernel.effects.lines import charge_read, charge_write
from perfsim.kernel.effects.sched import sleep, wake_waiter
from perfsim.kernel.state import State, bucket_of
from perfsim.machine.account import WAIT, synchronize
from perfsim.machine.costs import BARRIER_FULL
from perfsim.machine.tally import contended


def page_waitqueue(s: State, task: int, now: int, page: int) -> int:
    """page_waitqueue(): the bucket's number."""
    return bucket_of(s, page)


def page_lock_contended(s: State, task: int, now: int, page: int) -> int:
    """The slow path begins: the wait is counted from the failed attempt, which is this instant."""
    s.queues.since_ps[task] = now
    s.queues.woken[task] = 0
    contended(s.m.tally, PAGE_LOCK, 1 if s.tasks.cpu[s.pages.locker[page]] != s.tasks.cpu[task] else 0)
    return 0


def prepare_to_wait_exclusive(s: State, task: int, now: int, page: int) -> int:
    """prepare_to_wait_exclusive(): at the tail unless queued; state = UNINTERRUPTIBLE is a full barrier."""
    if not _enqueues(s, task, page, PG_LOCKED):
        return 0
    s.queues.exclusive[task] = 1
    s.queues.next[task] = NONE
    bucket = bucket_of(s, page)
    last = s.queues.head[bucket]
    if last == NONE:
        s.queues.head[bucket] = task
        return 0
    while s.queues.next[last] != NONE:
        last = s.queues.next[last]
    s.queues.next[last] = task
    return 0


def prepare_to_wait(s: State, task: int, now: int, page: int, flag: int) -> int:
    """prepare_to_wait(), for a bit to be clear: not exclusive, so at the head, unless queued; a full barrier too."""
    if not _enqueues(s, task, page, flag):
        return 0
    s.queues.exclusive[task] = 0
    bucket = bucket_of(s, page)
    s.queues.next[task] = s.queues.head[bucket]
    s.queues.head[bucket] = task
    return 0


def io_schedule(s: State, task: int, now: int) -> int:
    """io_schedule(): sleep, unless the wake-up has come since prepare_to_wait."""
    if s.queues.woken[task]:
        return 0
    if s.queues.flag[task] != PG_LOCKED:
        return sleep(s, task, now)
    s.events[PAGE_LOCK_SLEEPS] += 1
    return sleep(s, task, now, WAIT + PAGE_LOCK)


def wait_queued(s: State, task: int, now: int) -> int:
    """!list_empty(&wait->task_list): what finish_wait() asks before it takes the lock, and again under it."""
    return s.queues.queued[task]


def remove_wait_queue(s: State, task: int, now: int, page: int) -> int:
    """The dequeue of finish_wait()."""
    bucket = bucket_of(s, page)
    charge_write(s, task, _line(s, bucket))
    _dequeue(s, bucket, task)
    return 0


def waitqueue_active(s: State, task: int, now: int, bucket: int) -> int:
    """waitqueue_active(): a read of the bucket's list head."""
    charge_read(s, task, _line(s, bucket))
    return 0 if s.queues.head[bucket] == NONE else 1


def wake_up_bit(s: State, task: int, now: int, page: int, flag: int) -> int:
    """__wake_up_bit(): wake all who wait for a bit of the page to be clear, and the first who wants to set it.

    Nobody whose bit is set again meanwhile.
    """
    bucket = bucket_of(s, page)
    waiter = s.queues.head[bucket]
    while waiter != NONE:
        follower = s.queues.next[waiter]
        waits_for_it = s.queues.page[waiter] == page and s.queues.flag[waiter] == flag
        if waits_for_it and not s.pages.flags[page] & flag:
            _wake(s, task, now, waiter)
            if s.queues.exclusive[waiter]:
                return 0
        waiter = follower
    return 0


def _enqueues(s: State, task: int, page: int, flag: int) -> int:
    """What both forms of prepare_to_wait do: 1 if the task is still to be queued."""
    cpu = s.tasks.cpu[task]
    synchronize(s.m, cpu, BARRIER_FULL)
    s.queues.woken[task] = 0
    if s.queues.queued[task]:
        return 0
    charge_write(s, task, _line(s, bucket_of(s, page)))
    s.queues.queued[task] = 1
    s.queues.page[task] = page
    s.queues.flag[task] = flag
    return 1


def _wake(s: State, task: int, now: int, waiter: int) -> None:
    bucket = bucket_of(s, s.queues.page[waiter])
    charge_write(s, task, _line(s, bucket))
    _dequeue(s, bucket, waiter)
    s.queues.woken[waiter] = 1
    wake_waiter(s, task, now, waiter)


def _dequeue(s: State, bucket: int, waiter: int) -> None:
    assert s.queues.head[bucket] != NONE, f"task {waiter} leaves wait queue {bucket}, which is empty"
    s.queues.queued[waiter] = 0
    if s.queues.head[bucket] == waiter:
        s.queues.head[bucket] = s.queues.next[waiter]
        return
    before = s.queues.head[bucket]
    while s.queues.next[before] != waiter:
        assert s.queues.next[before] != NONE, f"task {waiter} leaves wait queue {bucket}, which it is not in"
        before = s.queues.next[before]
    s.queues.next[before] = s.queues.next[waiter]


def _line(s: State, bucket: int) -> int:
    return s.m.lock_line[s.settings.first_bucket_lock + bucket]
