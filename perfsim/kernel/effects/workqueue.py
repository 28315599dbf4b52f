"""keventd_wq: a queue and a thread, events/N, on every CPU (kernel/workqueue.c).

All work is of one sort, lru_add_drain(), so that a queue is two numbers: items inserted, items done. Its spinlock,
cwq->lock, is held for a few instructions only: a figure, an atomic on the queue's line.
"""

from __future__ import annotations

from perfsim.kernel.constants import NONE, TASK_SLEEPING
from perfsim.kernel.effects.lines import charge_atomic
from perfsim.kernel.effects.sched import sleep, wake_task, wake_waiter
from perfsim.kernel.state import State


def drain_all(s: State, task: int, now: int) -> int:
    """How often an mlock() drains all pagevecs: DRAIN_NEVER, DRAIN_ONCE or DRAIN_TWICE, as the workload says."""
    return s.settings.drain_all


def nr_cpus(s: State, task: int, now: int) -> int:
    """num_online_cpus()."""
    return s.m.rules.cpus


def queue_work(s: State, task: int, now: int, on_cpu: int) -> int:
    """__queue_work(): insert an item and wake the thread if it sleeps."""
    thread = s.work.thread[on_cpu]
    assert thread != NONE, f"task {task} queues work on CPU {on_cpu}, which has no thread for it"
    _take_line(s, task, on_cpu)
    s.work.inserted[on_cpu] += 1
    if s.tasks.state[thread] == TASK_SLEEPING:
        wake_task(s, task, now, thread)
    return 0


def wait_for_work(s: State, task: int, now: int) -> int:
    """`if (list_empty(&cwq->worklist)) schedule();`. Returns kthread_should_stop(), which it never shall."""
    cpu = s.tasks.cpu[task]
    return 0 if s.work.inserted[cpu] > s.work.done[cpu] else sleep(s, task, now)


def next_work(s: State, task: int, now: int) -> int:
    """list_del_init() of the first item of this CPU's queue. Returns 1 with the item, 0 when there is none."""
    cpu = s.tasks.cpu[task]
    _take_line(s, task, cpu)
    return 1 if s.work.inserted[cpu] > s.work.done[cpu] else 0


def work_done(s: State, task: int, now: int) -> int:
    """The item is done; wq_barrier_func() of those who wait for no later one: complete() wakes them."""
    cpu = s.tasks.cpu[task]
    _take_line(s, task, cpu)
    s.work.done[cpu] += 1
    first = s.work.head[cpu]
    while first != NONE and s.work.target[first] <= s.work.done[cpu]:
        s.work.head[cpu] = s.work.next[first]
        s.work.waits_for[first] = NONE
        wake_waiter(s, task, now, first)
        first = s.work.head[cpu]
    return 0


def insert_wq_barrier(s: State, task: int, now: int, on_cpu: int) -> int:
    """insert_wq_barrier(), behind all that a CPU's queue holds now. Returns 0 if it holds nothing, else 1."""
    _take_line(s, task, on_cpu)
    if s.work.inserted[on_cpu] == s.work.done[on_cpu]:
        return 0
    s.work.waits_for[task] = on_cpu
    s.work.target[task] = s.work.inserted[on_cpu]
    s.work.next[task] = NONE
    if s.work.head[on_cpu] == NONE:
        s.work.head[on_cpu] = task
    else:
        s.work.next[s.work.tail[on_cpu]] = task
    s.work.tail[on_cpu] = task
    return 1


def wait_for_completion(s: State, task: int, now: int) -> int:
    """wait_for_completion() of the barrier: sleep until the work before it is done."""
    return 0 if s.work.waits_for[task] == NONE else sleep(s, task, now)


def _take_line(s: State, task: int, of_cpu: int) -> None:
    charge_atomic(s, task, s.settings.first_work_line + of_cpu)
