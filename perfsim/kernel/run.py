"""The instants of a run: warm-up over, window over, tasks to finish; and who waits for what."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel.constants import (
    KEVENTD,
    NONE,
    PAGE_LOCK,
    PG_LOCKED,
    ROTATE_PVEC,
    TASK_DONE,
    TASK_SLEEPING,
    VM_EVENTS,
)
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


def unfinished(s: State) -> list[int]:
    """Tasks that are not done when nobody can run; none if all are kswapds asleep, at rest before the stop.

    events/N is never done; it is at rest when it sleeps and nothing is queued. So is a device that waits to be roused.
    """
    waiting = [task for task, state in enumerate(s.tasks.state) if state != TASK_DONE and not has_no_work(s, task)]
    at_rest = [task for task in waiting if s.sc.kswapd_waits[task]]
    return waiting if len(waiting) > len(at_rest) else []


def waits_of(s: State, task: int, names: list[str]) -> str:
    """What an unfinished task waits for, held by whom, since when: one line of a report. names: of the tasks."""
    cpu = s.tasks.cpu[task]
    who = f"{names[task]} on CPU {cpu}"
    lock = s.m.waits_for[cpu]
    if s.run.current[cpu] == task and lock != NONE:
        owner = s.m.lock_owner[lock]
        holder = f"{_task_name(s, owner, names)} on CPU {owner} since {s.m.lock_since_ps[lock]} ps"
        if owner == NONE:
            holder = "nobody"
        kind = ("zone->lru_lock", "page lock", "memcg zone lock", "wait bucket lock")[s.m.lock_class[lock]]
        return f"{who} spins for {kind} {lock} since {s.m.wait_since_ps[cpu]} ps; held by {holder}"
    found = sleeps_on(s, task, names)
    if found is not None:
        since = "" if found.since_ps == NONE else f" since {found.since_ps} ps"
        holder = f"; held by {found.holder}{since}" if found.holder else ""
        return f"{who} sleeps {found.what} since {s.tasks.since_ps[task]} ps{holder}"
    state = ("not started", "running", "ready", "asleep", "done")[s.tasks.state[task]]
    return f"{who} is {state} since {s.tasks.since_ps[task]} ps"


class Wait(NamedTuple):
    """What a sleeping task waits for, in words behind "sleeps"; who has it, "" if it is nobody's to have; since when,
    NONE if nobody knows.
    """

    what: str
    holder: str = ""
    since_ps: int = NONE


def sleeps_on(s: State, task: int, names: list[str]) -> Wait | None:
    """What a task sleeps on, None if it does not sleep, or on nothing that another task has. names: of the tasks."""
    if s.tasks.state[task] != TASK_SLEEPING:
        return None
    if s.queues.queued[task]:
        page = s.queues.page[task]
        if s.queues.flag[task] != PG_LOCKED:
            return Wait(f"until page {page} is written")
        if not s.pages.flags[page] & PG_LOCKED:
            return Wait(f"on the lock of page {page}", "nobody")
        return Wait(f"on the lock of page {page}", names[s.pages.locker[page]], s.pages.locked_ps[page])
    mm = s.mms.waits_for[task]
    if mm != NONE:
        writer = s.mms.writer[mm]
        return Wait(f"on mmap_sem {mm}", f"{s.mms.activity[mm]} readers" if writer == NONE else names[writer])
    flushed = s.work.waits_for[task]
    if flushed != NONE:
        left = s.work.target[task] - s.work.done[flushed]
        return Wait(f"until {names[s.work.thread[flushed]]} has done {left} more")
    return None


def has_no_work(s: State, task: int) -> bool:
    """Is the task at rest: a device that waits to be roused, or keventd's thread asleep with nothing queued?"""
    if s.tasks.state[task] != TASK_SLEEPING:
        return False
    if task >= s.settings.first_device:
        return True
    cpu = s.tasks.cpu[task]
    return s.tasks.kind[task] == KEVENTD and s.work.inserted[cpu] == s.work.done[cpu]


def _task_name(s: State, cpu: int, names: list[str]) -> str:
    current = s.run.current[cpu]
    return "no task" if current == NONE else names[current]


def _settle(s: State, now: int) -> None:
    """Tell idle CPUs' time from that of switching up to now: else it is told only when a task runs again."""
    for cpu in range(s.m.rules.cpus):
        if s.m.cpu_state[cpu] == SWITCHED_OUT:
            book_idle(s, cpu, now)
