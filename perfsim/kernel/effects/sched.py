"""Tasks on CPUs: run queue, sleeping, waking, user time (kernel/sched.c, simplified).

A CPU runs one task; the others that could run wait in its queue: first those that were woken, as CFS prefers who has
slept, then those that have had the CPU; each first come first served. A task gives its CPU up when it sleeps, between
two rounds of its work (so that tasks of one CPU take turns by the round, not by the time slice), and at cond_resched()
when need_resched is set. As in a kernel without CONFIG_PREEMPT, a task that is woken preempts user mode alone: the
waker's interrupt ends it, and what is left of it passes when its task runs again. Each change costs a context switch.
"""

from __future__ import annotations

from perfsim.kernel.constants import (
    BUG_ATOMIC,
    CHOICE,
    HOLD,
    KEVENTD,
    KINDS,
    NONE,
    PAGE_LOCK,
    SLEEP,
    STREAMS,
    TASK_DONE,
    TASK_READY,
    TASK_RUNNING,
    TASK_SLEEPING,
    THINK,
    WAKE_UP,
)
from perfsim.kernel.effects.bug import bug
from perfsim.kernel.state import State
from perfsim.machine.costs import CONTEXT_SWITCH, IDLE_EXIT, IPI, IPI_SEND, WAKEUP
from perfsim.machine.locks import resume_spin
from perfsim.machine.state import (
    ATTEMPTING,
    BLOCKED,
    DEVICE_WAITS,
    IN_USER,
    INTERRUPTED,
    RUNNING,
    SPINNING,
    SWITCHED_OUT,
    wake,
)
from perfsim.machine.state import work as machine_work
from perfsim.machine.tally import IDLE, KERNEL, SWITCH, USER, spend
from perfsim.numeric.columns import Ints
from perfsim.numeric.random import below, draw, duration

TIMESLICE_PS = 4 * 10**9
"""sysctl_sched_min_granularity of 2.6.26: 4 ms."""


def task_begin(s: State, task: int, now: int) -> int:
    """The task's first step: it runs if its CPU has nothing to do. events/N, made at boot, sleeps until it has."""
    cpu = s.tasks.cpu[task]
    if s.tasks.kind[task] == KEVENTD and s.work.inserted[cpu] == 0:
        set_state(s, task, now, TASK_SLEEPING)
        return BLOCKED
    if s.run.current[cpu] != NONE:
        return _make_ready(s, task, now)
    s.run.current[cpu] = task
    set_state(s, task, now, TASK_RUNNING)
    s.m.cpu_state[cpu] = RUNNING
    spend(s.m.tally, cpu, now, KERNEL)
    return 0


def task_exit(s: State, task: int, now: int) -> int:
    """The task's last step: the next one runs, or the CPU idles."""
    set_state(s, task, now, TASK_DONE)
    _switch_away(s, s.tasks.cpu[task], now)
    return 0


def task_kind(s: State, task: int, now: int) -> int:
    """What the workload says the task is: one of TASK_KINDS, by number; KEVENTD of a thread of the kernel's."""
    return s.tasks.kind[task]


def numa_zone(s: State, task: int, now: int) -> int:
    """The zone the task works on: that of its CPU's node; a kswapd's own."""
    return s.tasks.zone[task]


def task_range_pages(s: State, task: int, now: int) -> int:
    """How many pages of each of its ranges a task works on."""
    return s.tasks.range_pages[task]


def task_locks_pages(s: State, task: int, now: int) -> int:
    """1 for a lock_loop that takes page locks, 0 for one that takes lru_lock."""
    return 1 if s.tasks.lock_class[task] == PAGE_LOCK else 0


def should_stop(s: State, task: int, now: int) -> int:
    """1 when the run is over and tasks shall finish."""
    return s.stop[0]


def cond_resched(s: State, task: int, now: int) -> int:
    """cond_resched(): give the CPU up if need_resched is set: a task was woken on it, or the time slice is over."""
    cpu = s.tasks.cpu[task]
    if not s.run.need_resched[cpu] and now - s.tasks.since_ps[task] < TIMESLICE_PS:
        return 0
    return sched_yield(s, task, now)


def sched_yield(s: State, task: int, now: int) -> int:
    """Let the next task of the run queue have the CPU, if there is one: what every task does between two rounds."""
    cpu = s.tasks.cpu[task]
    if s.run.head[cpu] == NONE:
        return 0
    _make_ready(s, task, now)
    _switch_away(s, cpu, now)
    return BLOCKED


def think(s: State, task: int, now: int) -> int:
    """User mode for a think time."""
    return _run_user(s, task, now, _duration(s, task, s.tasks.think, THINK))


def hold_in_user(s: State, task: int, now: int) -> int:
    """User mode for a hold time, what was taken (a locked range) still held."""
    return _run_user(s, task, now, _duration(s, task, s.tasks.hold, HOLD))


def hold(s: State, task: int, now: int) -> int:
    """Kernel work for a hold time, a lock held."""
    s.m.pending_ps[s.tasks.cpu[task]] += _duration(s, task, s.tasks.hold, HOLD)
    return 0


def work(s: State, task: int, now: int, cost: int) -> int:
    """Local work of one figure of the cost profile."""
    machine_work(s.m, s.tasks.cpu[task], cost)
    return 0


def kswapd_sleep(s: State, task: int, now: int) -> int:
    """kswapd's schedule(): until an allocation finds its zone low."""
    if s.stop[0]:
        return 0
    s.sc.kswapd_waits[task] = 1
    return sleep(s, task, now)


def wakeup_kswapd(s: State, task: int, now: int, zone: int) -> int:
    """wakeup_kswapd(): wake the zone's kswapd if it waits for that, and for nothing else."""
    kswapd = s.zones.kswapd[zone]
    if kswapd != NONE and s.sc.kswapd_waits[kswapd]:
        s.sc.kswapd_waits[kswapd] = 0
        wake_task(s, task, now, kswapd)
    return 0


def choose(s: State, task: int, limit: int) -> int:
    """One of 0 .. limit-1, uniformly, from the task's stream of choices."""
    return below(draw_of(s, task, CHOICE), limit)


def draw_of(s: State, task: int, stream: int) -> int:
    """The next 32-bit number of a task's stream."""
    at = task * STREAMS + stream
    number = draw(s.tasks.key[at], s.tasks.draws[at])
    s.tasks.draws[at] += 1
    return number


def sleep(s: State, task: int, now: int, kind: int = SLEEP) -> int:
    """schedule() with the task not runnable. kind: what the time is booked as. Returns BLOCKED."""
    s.tasks.sleep_kind[task] = kind
    set_state(s, task, now, TASK_SLEEPING)
    _switch_away(s, s.tasks.cpu[task], now)
    return BLOCKED


def wake_task(s: State, waker: int, now: int, task: int) -> None:
    """try_to_wake_up(): the waker pays wake-up and interrupt, one after another if it wakes several."""
    own, cpu = s.tasks.cpu[waker], s.tasks.cpu[task]
    machine_work(s.m, own, WAKEUP)
    wake_cpu(s, now + s.m.pending_ps[own], cpu, task, now)
    if own != cpu:
        machine_work(s.m, own, IPI_SEND)


def wake_waiter(s: State, waker: int, now: int, task: int) -> None:
    """Wake a task that waits in a queue. One that is still on its way to sleep only becomes TASK_RUNNING again."""
    if s.tasks.state[task] == TASK_SLEEPING:
        wake_task(s, waker, now, task)
    else:
        machine_work(s.m, s.tasks.cpu[waker], WAKEUP)


def wake_cpu(s: State, from_ps: int, cpu: int, task: int, now: int) -> None:
    """Make a sleeping task runnable; its CPU is told at an instant.

    An idle CPU leaves idle and switches it in; a busy one has it queued, and is interrupted in user mode.
    """
    if s.run.current[cpu] != NONE:
        _make_ready_first(s, task, now)
        s.run.need_resched[cpu] = 1
        interrupt_ps = from_ps + s.m.cost_ps[IPI]
        # User time that ends before goes on in the kernel, which looks at need_resched by itself.
        if s.m.cpu_state[cpu] == IN_USER and interrupt_ps < s.run.user_end_ps[cpu]:
            s.m.cpu_state[cpu] = INTERRUPTED
            wake(s.m, cpu, interrupt_ps)
        return
    s.run.current[cpu] = task
    set_state(s, task, now, TASK_READY)
    ready_ps = max(from_ps, s.run.idle_from_ps[cpu]) + s.m.cost_ps[IPI] + s.m.cost_ps[IDLE_EXIT]
    s.run.idle_to_ps[cpu] = ready_ps
    wake(s.m, cpu, ready_ps + s.m.cost_ps[CONTEXT_SWITCH])


def book_idle(s: State, cpu: int, now: int) -> None:
    """Split the time of a CPU since its last task left, up to now, into switch out, idle, and switch in."""
    idle_from_ps = s.run.idle_from_ps[cpu]
    if idle_from_ps == NONE or idle_from_ps > now:
        return
    _turn_to(s, cpu, idle_from_ps, IDLE)
    if s.run.current[cpu] != NONE and s.run.idle_to_ps[cpu] <= now:
        _turn_to(s, cpu, s.run.idle_to_ps[cpu], SWITCH)


def set_state(s: State, task: int, now: int, state: int) -> None:
    """A task runs, waits, sleeps or is done from now on; if it did not run until now, that is booked on its account."""
    before = s.tasks.state[task]
    if before == TASK_SLEEPING:
        s.m.spent_ps[task * KINDS + s.tasks.sleep_kind[task]] += now - s.tasks.since_ps[task]
    elif before == TASK_READY:
        s.m.spent_ps[task * KINDS + WAKE_UP] += now - s.tasks.since_ps[task]
    if state == TASK_RUNNING:
        s.m.account[s.tasks.cpu[task]] = task * KINDS
    s.tasks.state[task] = state
    s.tasks.since_ps[task] = now


def resume(s: State, task: int, now: int) -> int:
    """A blocked task's CPU is resumed, now: complete what has blocked it. Returns 0, or BLOCKED if it must wait on."""
    cpu = s.tasks.cpu[task]
    state = s.m.cpu_state[cpu]
    if state in (SPINNING, ATTEMPTING):
        return resume_spin(s.m, cpu, now)
    if state == DEVICE_WAITS:
        s.m.cpu_state[cpu] = RUNNING
        return 0
    if state == INTERRUPTED:
        s.tasks.user_ps[task] = s.run.user_end_ps[cpu] - now
        _make_ready(s, task, now)
        _switch_away(s, cpu, now)
        return BLOCKED
    if state == SWITCHED_OUT:
        book_idle(s, cpu, now)
        set_state(s, task, now, TASK_RUNNING)
        if s.tasks.user_ps[task]:
            return _return_to_user(s, task, now)
    assert state in (IN_USER, SWITCHED_OUT), f"CPU {cpu} resumed in state {state}"
    s.m.cpu_state[cpu] = RUNNING
    spend(s.m.tally, cpu, now, KERNEL)
    return 0


def _run_user(s: State, task: int, now: int, length_ps: int) -> int:
    if length_ps == 0:
        return 0
    s.tasks.user_ps[task] = length_ps
    return _return_to_user(s, task, now)


def _return_to_user(s: State, task: int, now: int) -> int:
    """The way out of the kernel: schedule() first if need_resched is set, then what is left of the user time."""
    cpu = s.tasks.cpu[task]
    if s.run.need_resched[cpu]:
        _make_ready(s, task, now)
        _switch_away(s, cpu, now)
        return BLOCKED
    spend(s.m.tally, cpu, now, USER)
    s.m.cpu_state[cpu] = IN_USER
    s.run.user_end_ps[cpu] = now + s.tasks.user_ps[task]
    s.tasks.user_ps[task] = 0
    # Whoever comes at the instant of a release finds the lock released: fixed times meet like that again and again.
    wake(s.m, cpu, s.run.user_end_ps[cpu], 1)
    return BLOCKED


def _duration(s: State, task: int, spec: Ints, stream: int) -> int:
    kind, first_ps, second_ps = spec[3 * task], spec[3 * task + 1], spec[3 * task + 2]
    high = draw_of(s, task, stream)
    low = draw_of(s, task, stream)
    return duration(kind, first_ps, second_ps, high, low)


def _make_ready(s: State, task: int, now: int) -> int:
    """Append to the CPU's run queue."""
    cpu = s.tasks.cpu[task]
    set_state(s, task, now, TASK_READY)
    s.tasks.next_ready[task] = NONE
    if s.run.head[cpu] == NONE:
        s.run.head[cpu] = task
    else:
        s.tasks.next_ready[s.run.tail[cpu]] = task
    s.run.tail[cpu] = task
    return BLOCKED


def _make_ready_first(s: State, task: int, now: int) -> None:
    """Put into the CPU's run queue before all that have had the CPU, behind those that were woken earlier."""
    cpu = s.tasks.cpu[task]
    before = s.run.woken_tail[cpu]
    if before == NONE and s.run.head[cpu] != NONE:
        set_state(s, task, now, TASK_READY)
        s.tasks.next_ready[task] = s.run.head[cpu]
        s.run.head[cpu] = task
    elif before == NONE or s.run.tail[cpu] == before:
        _make_ready(s, task, now)
    else:
        set_state(s, task, now, TASK_READY)
        s.tasks.next_ready[task] = s.tasks.next_ready[before]
        s.tasks.next_ready[before] = task
    s.run.woken_tail[cpu] = task


def _switch_away(s: State, cpu: int, now: int) -> None:
    """The running task leaves its CPU to the next of the queue, or to the idle loop; holding no spinlock (I10)."""
    if s.m.locks_held[cpu]:
        task = s.run.current[cpu]
        page = s.queues.page[task] if s.queues.since_ps[task] >= 0 else NONE
        bug(s, task, now, page, BUG_ATOMIC)
    spend(s.m.tally, cpu, now, SWITCH)
    s.m.cpu_state[cpu] = SWITCHED_OUT
    s.run.need_resched[cpu] = 0
    successor = s.run.head[cpu]
    s.run.current[cpu] = successor
    switched_ps = now + s.m.cost_ps[CONTEXT_SWITCH]
    if successor == NONE:
        s.run.idle_from_ps[cpu] = switched_ps
        return
    s.run.idle_from_ps[cpu] = NONE
    s.run.head[cpu] = s.tasks.next_ready[successor]
    if s.run.woken_tail[cpu] == successor:
        s.run.woken_tail[cpu] = NONE
    wake(s.m, cpu, switched_ps)


def _turn_to(s: State, cpu: int, at_ps: int, category: int) -> None:
    """The CPU's category changes at an instant; what has been booked beyond it is booked already."""
    if at_ps > s.m.tally.cpu_since[cpu]:
        spend(s.m.tally, cpu, at_ps, category)
    else:
        s.m.tally.cpu_category[cpu] = category
