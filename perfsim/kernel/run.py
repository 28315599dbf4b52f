"""The instants of a run: warm-up over, window over, tasks to finish."""

from __future__ import annotations

from perfsim.kernel.constants import NONE, PAGE_LOCK, PG_LOCKED, ROTATE_PVEC, VM_EVENTS
from perfsim.kernel.effects.sched import book_idle, wake_cpu
from perfsim.kernel.effects.timer import rouse
from perfsim.kernel.state import State, cpu_vector
from perfsim.machine.state import SWITCHED_OUT
from perfsim.machine.tally import held_so_far, spend, start_window


def begin_window(s: State, now: int) -> None:
    """The warm-up is over: what was counted until now does not count, violations excepted."""
    _settle(s, now)
    start_window(s.m.tally, now)
    for event in range(VM_EVENTS):
        s.events[event] = 0


def end_window(s: State, now: int) -> None:
    """The window is over: book the CPUs' time, and the part so far of every hold."""
    _settle(s, now)
    for cpu in range(s.m.rules.cpus):
        spend(s.m.tally, cpu, now, s.m.tally.cpu_category[cpu])
    for lock in range(s.m.rules.locks):
        if s.m.lock_owner[lock] != NONE:
            held_so_far(s.m.tally, s.m.lock_class[lock], s.m.lock_since_ps[lock], now)
    for page in range(s.settings.pages):
        if s.pages.flags[page] & PG_LOCKED:
            held_so_far(s.m.tally, PAGE_LOCK, s.pages.locked_ps[page], now)


def ask_to_stop(s: State, now: int) -> None:
    """Tasks finish the round they are in; those of kswapd that sleep are woken to see it, and disks that
    left pages to be rotated.
    """
    s.stop[0] = 1
    for task in range(s.settings.tasks):
        if s.sc.kswapd_waits[task]:
            s.sc.kswapd_waits[task] = 0
            wake_cpu(s, now, s.tasks.cpu[task], task, now)
    for disk in range(s.settings.nodes):
        if s.vectors.length[cpu_vector(s.disks.irq_cpu[disk], ROTATE_PVEC)]:
            rouse(s, s.settings.first_device + 1 + disk, now, now)


def _settle(s: State, now: int) -> None:
    """Tell idle CPUs' time from that of switching up to now: else it is told only when a task runs again."""
    for cpu in range(s.m.rules.cpus):
        if s.m.cpu_state[cpu] == SWITCHED_OUT:
            book_idle(s, cpu, now)
