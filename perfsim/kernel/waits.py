"""Who waits for what: the tasks that a run has left unfinished, and in words what each waits for."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel.constants import KEVENTD, NONE, PG_LOCKED, TASK_DONE, TASK_SLEEPING
from perfsim.kernel.state import State


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
