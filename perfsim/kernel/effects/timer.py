"""Timers: a task sleeps for some ticks, and the machine's timer, a device of its own, wakes it (kernel/timer.c).

The timer's interrupt is taken by no CPU: its device acts at the ticks by itself, and rests while no timer is set.
"""

from __future__ import annotations

from perfsim.kernel.constants import JIFFY_PS, NONE, TASK_RUNNING, TASK_SLEEPING
from perfsim.kernel.effects.sched import set_state, sleep, wake_task
from perfsim.kernel.state import State
from perfsim.machine.state import BLOCKED, DEVICE_WAITS, wake


def schedule_timeout(s: State, task: int, now: int, ticks: int) -> int:
    """schedule_timeout_uninterruptible(): sleep until the nth tick from now."""
    return _sleep_until_tick(s, task, now, ticks)


def congestion_wait(s: State, task: int, now: int, ticks: int) -> int:
    """congestion_wait(): as that, or until some disk completes a request and is not congested."""
    s.timers.congestion[task] = 1
    return _sleep_until_tick(s, task, now, ticks)


def wait_for_tick(s: State, task: int, now: int) -> int:
    """The timer waits: for the next tick while a task has set a timer, else until one does."""
    for other in range(s.settings.tasks):
        if s.timers.expires_ps[other] != NONE:
            return wait_as_device(s, task, now, (now // JIFFY_PS + 1) * JIFFY_PS)
    return rest(s, task, now)


def run_timers(s: State, task: int, now: int) -> int:
    """Wake every task whose time has come."""
    for other in range(s.settings.tasks):
        if s.timers.expires_ps[other] != NONE and s.timers.expires_ps[other] <= now:
            end_timer(s, task, now, other)
    return 0


def end_timer(s: State, device: int, now: int, task: int) -> None:
    """A device wakes a task that sleeps with a timer."""
    s.timers.expires_ps[task] = NONE
    s.timers.congestion[task] = 0
    wake_task(s, device, now, task)


def wait_as_device(s: State, task: int, now: int, until_ps: int) -> int:
    """A device goes on at an instant; until then it does what nobody sees. Returns BLOCKED."""
    cpu = s.tasks.cpu[task]
    s.m.cpu_state[cpu] = DEVICE_WAITS
    wake(s.m, cpu, until_ps)
    return BLOCKED


def rest(s: State, task: int, now: int) -> int:
    """A device has nothing to do until it is roused. Returns BLOCKED."""
    set_state(s, task, now, TASK_SLEEPING)
    s.m.cpu_state[s.tasks.cpu[task]] = DEVICE_WAITS
    return BLOCKED


def rouse(s: State, device: int, now: int, at_ps: int) -> None:
    """Let a device that rests go on at an instant; one that does not will see for itself."""
    if s.tasks.state[device] == TASK_SLEEPING:
        set_state(s, device, now, TASK_RUNNING)
        wake(s.m, s.tasks.cpu[device], at_ps)


def _sleep_until_tick(s: State, task: int, now: int, ticks: int) -> int:
    tick = now // JIFFY_PS
    s.timers.expires_ps[task] = (tick + ticks) * JIFFY_PS
    rouse(s, s.settings.first_device, now, (tick + 1) * JIFFY_PS)
    return sleep(s, task, now)
