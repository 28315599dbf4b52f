"""A window of a run as a timeline, told by the reference engine: it is the one whose paths can be looked into.

Its rows are those of the compiled engine, event by event, so that the timeline is of either's run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple

from perfsim.engine.engines import ReferenceEngine
from perfsim.engine.prepare import design_of
from perfsim.engine.reference import Running, observe, running_frames, waiting_frames
from perfsim.kernel import constants as k
from perfsim.kernel import primitives as p
from perfsim.kernel.boot import Seed
from perfsim.kernel.primitives import Primitive
from perfsim.kernel.state import spinlock
from perfsim.machine.state import ATTEMPTING, BLOCKED, IN_USER, INTERRUPTED, NONE, SPINNING
from perfsim.measure.lanes import CpuLanes, Entry, ListCounters, LockLanes, TaskLanes, is_of_kernel
from perfsim.measure.row import failures_of
from perfsim.measure.timeline import Slice, Timeline
from perfsim.scenario.schema import Scenario

USER = "user mode"
CLEARS = {p.TEST_AND_CLEAR: "TestClearPageMlocked", p.MAPPING_CLEAR_UNEVICTABLE: "mapping_clear_unevictable"}
"""What makes a page evictable while another CPU puts it back, and its name in C."""
WAKERS = frozenset(
    one.name
    for one in (
        *(p.WAKE_UP_BIT, p.UP_READ, p.UP_WRITE, p.QUEUE_WORK, p.WORK_DONE),
        *(p.COMPLETE_REQUEST, p.RUN_TIMERS, p.WAKEUP_KSWAPD),
    )
)

Arguments = tuple[int, ...]
Handler = Callable[[int, int, Arguments, int], None]


class Cleared(NamedTuple):
    """A page, or all of a mapping, has become evictable: when, by whom, and the slice that shows it."""

    at_ps: int
    task: str
    slice: Slice


def timeline_of(scenario: Scenario, design: str, seed: Seed, window_ps: tuple[int, int]) -> Timeline:
    """What happens in a run from one instant to another, both in ps after its beginning.

    Raises what the run raises, if it ends before: InputError, StuckError.
    """
    chosen = design_of(scenario, design)
    begin_ps, end_ps = window_ps
    with failures_of(chosen):
        run = ReferenceEngine(scenario, chosen, seed, None)
        run.advance(begin_ps)
        tracer = Tracer(run.running, begin_ps, end_ps)
        observe(run.running, tracer)
        run.advance(end_ps)
    tracer.timeline.close()
    return tracer.timeline


class Tracer:
    """Watches a run, and writes its timeline. clock_ps: [task], what it has yet to pay for included."""

    def __init__(self, running: Running, begin_ps: int, end_ps: int) -> None:
        self.s = running.s
        self.names = running.names
        self.timeline = Timeline(begin_ps, end_ps)
        self.cpus = CpuLanes(self.timeline, self.s, self.names)
        self.locks = LockLanes(self.timeline, self.s)
        self.tasks = TaskLanes(self.timeline, self.s, self.names)
        self.lists = ListCounters(self.timeline, self.s)
        self.clock_ps = [begin_ps] * len(self.names)
        self.inner: list[FrameType | None] = [None] * len(self.names)
        self.spins: dict[int, int] = {}
        self.cleared: dict[tuple[Primitive, int], Cleared] = {}
        self.woken_by: dict[int, Slice] = {}
        self.handlers = self._handlers()
        self._look_around(running, begin_ps)

    def performed(self, task: int, now: int, primitive: Primitive, arguments: Arguments, result: int) -> None:
        """See Observer."""
        s, cpu = self.s, self.s.tasks.cpu[task]
        self._follow(task, sys._getframe(1))
        runs = s.tasks.state[task] == k.TASK_RUNNING
        if runs and self.cpus.on_cpu[cpu] != task:
            self.cpus.switch_in(task, now)
        handler = self.handlers.get(primitive.name)
        if handler is not None:
            handler(task, now, arguments, result)
        if result != BLOCKED:
            self.clock_ps[task] = now + s.m.pending_ps[cpu]
        elif task not in self.spins:
            self._block(task, now)

    def resumed(self, task: int, now: int, result: int) -> None:
        """See Observer."""
        s, cpu = self.s, self.s.tasks.cpu[task]
        self.clock_ps[task] = now + s.m.pending_ps[cpu]
        if task in self.spins:
            if result != BLOCKED:
                self._spun(task, now)
            return
        stack = self.cpus.stacks[task]
        if stack[-1].name == USER:
            self.cpus.pop(task, len(stack) - 1, now)
        if s.tasks.state[task] == k.TASK_RUNNING and self.cpus.on_cpu[cpu] != task:
            self.tasks.come(task, now)
            shown = self.cpus.switch_in(task, now)
            if task in self.woken_by:
                self.timeline.arrow(self.woken_by.pop(task), shown)
        if result == BLOCKED:
            self._block(task, now)

    def _look_around(self, running: Running, now: int) -> None:
        """Where everybody is when the window begins. Of those asleep, who fell asleep last has left its CPU idle."""
        s = self.s
        for cpu in sorted(running.cpus, key=lambda cpu: s.tasks.since_ps[cpu.task], reverse=True):
            task, state = cpu.task, s.tasks.state[cpu.task]
            if state in (k.TASK_NEW, k.TASK_DONE):
                continue
            frames = waiting_frames(cpu)
            self.inner[task] = frames[-1] if frames else None
            self.cpus.follow(task, list(filter(is_of_kernel, frames)), now)
            if task >= s.settings.first_device:
                continue
            if state == k.TASK_RUNNING:
                self.cpus.switch_in(task, now)
            else:
                self._leave(task, now)
            if s.m.cpu_state[cpu.cpu] in (IN_USER, INTERRUPTED) and state == k.TASK_RUNNING:
                self.cpus.push(task, Entry(USER, {}), now)
        self._look_at_locks(now)

    def _look_at_locks(self, now: int) -> None:
        s = self.s
        for cpu, state in enumerate(s.m.cpu_state):
            if state in (SPINNING, ATTEMPTING):
                self._spin(s.run.current[cpu], now, s.m.waits_for[cpu])
        for lock, owner in enumerate(s.m.lock_owner):
            if owner != NONE and s.m.waits_for[owner] != lock:
                self._take(s.run.current[owner], max(now, s.m.lock_since_ps[lock]), lock)
        for page, flags in enumerate(s.pages.flags):
            if flags & k.PG_LOCKED:
                self._lock_page(s.pages.locker[page], now, page)
        for zone in range(s.settings.nodes):
            self.locks.spin(zone, now, 0)
            self.lists.look(zone, now)

    def _handlers(self) -> dict[str, Handler]:
        """What is to be done about each primitive that is more than a part of its path."""
        handlers: dict[str, Handler] = dict.fromkeys(WAKERS, self._wake)
        for lock in p.SPIN_LOCKS:
            handlers[lock.name] = self._spin_lock
        for unlock in p.SPIN_UNLOCKS:
            handlers[unlock.name] = self._spin_unlock
        handlers[p.TEST_AND_SET.name] = self._test_and_set
        handlers[p.TEST_AND_CLEAR.name] = self._test_and_clear
        handlers[p.MAPPING_CLEAR_UNEVICTABLE.name] = self._mapping_clear_unevictable
        handlers[p.COUNT_VM_EVENT.name] = self._count_vm_event
        handlers[p.TASK_EXIT.name] = self._task_exit
        return handlers

    def _follow(self, task: int, frame: FrameType) -> None:
        """Note where the task's paths are; they went there when it had done what came before."""
        frames = running_frames(frame)
        innermost = next(frames)
        if innermost is not self.inner[task]:
            self.inner[task] = innermost
            outwards = [one for one in (innermost, *frames) if is_of_kernel(one)]
            self.cpus.follow(task, outwards[::-1], self.clock_ps[task])

    def _block(self, task: int, now: int) -> None:
        """The task does not go on by itself."""
        s, cpu = self.s, self.s.tasks.cpu[task]
        if s.m.cpu_state[cpu] == IN_USER and s.tasks.state[task] == k.TASK_RUNNING:
            self.cpus.push(task, Entry(USER, {}), now)
            return
        if self.cpus.on_cpu[cpu] == task:
            self.cpus.switch_out(task, now)
        if task < s.settings.first_device:
            self._leave(task, now)

    def _leave(self, task: int, now: int) -> None:
        """It is off its CPU, which may have nothing else to do."""
        cpu = self.s.tasks.cpu[task]
        where = self.tasks.leave(task, now)
        if self.s.run.current[cpu] == NONE and not self.cpus.is_idle[cpu]:
            self.cpus.rest(cpu, where)

    def _spin_lock(self, task: int, now: int, arguments: Arguments, result: int) -> None:
        lock = spinlock(self.s, *arguments)
        if result == BLOCKED:
            self._spin(task, now, lock)
        else:
            self._take(task, self.s.m.lock_since_ps[lock], lock)

    def _spin(self, task: int, now: int, lock: int) -> None:
        m, name = self.s.m, self.locks.names[lock]
        holder = m.lock_owner[lock]
        if holder != NONE:
            whom = self.s.run.current[holder]
            facts: dict[str, int | str] = {"holder": self.names[whom], "holder is in": self.cpus.innermost(whom)}
            title = f"spin: {name}, held by {self.cpus.lanes[holder].path[-1]}"
        else:
            facts = {}
            title = f"spin: {name}, CPU {m.lock_attempt[lock]} is about to take it"
        self.spins[task] = lock
        self.cpus.push(task, Entry(title, {"lock": name, **facts}), now)
        self.locks.spin(lock, now, 1)

    def _spun(self, task: int, now: int) -> None:
        """It has the lock that it was spinning for."""
        lock = self.spins.pop(task)
        stack = self.cpus.stacks[task]
        shown = stack[-1].slice
        assert shown is not None, f"{self.names[task]} spins off its CPU"
        shown.facts = {**shown.facts, "wait_ps": now - self.s.m.wait_since_ps[self.s.tasks.cpu[task]]}
        self.cpus.pop(task, len(stack) - 1, now)
        self.locks.spin(lock, now, -1)
        self._take(task, now, lock)

    def _take(self, task: int, at_ps: int, lock: int) -> None:
        cpu, path = self.s.tasks.cpu[task], self.cpus.innermost(task)
        title = f"{self.cpus.lanes[cpu].path[-1]}: {path or self.names[task]}"
        self.locks.take(lock, at_ps, title, {"task": self.names[task], "in": path})
        self.cpus.hold(cpu, self.locks.names[lock], at_ps, {"in": path})

    def _spin_unlock(self, task: int, now: int, arguments: Arguments, result: int) -> None:  # noqa: ARG002
        lock = spinlock(self.s, *arguments)
        self.locks.release(lock, now)
        self.cpus.let_go(self.s.tasks.cpu[task], self.locks.names[lock], now)
        if arguments[0] == k.LRU_LOCK:
            self.lists.look(arguments[1], now)

    def _test_and_set(self, task: int, now: int, arguments: Arguments, result: int) -> None:
        page, flag = arguments
        if flag == k.PG_LOCKED and not result:
            self._lock_page(task, now + self.s.m.pending_ps[self.s.tasks.cpu[task]], page)

    def _lock_page(self, task: int, at_ps: int, page: int) -> None:
        self.cpus.hold(self.s.tasks.cpu[task], f"page {page}", at_ps, {"in": self.cpus.innermost(task)})

    def _test_and_clear(self, task: int, now: int, arguments: Arguments, result: int) -> None:
        page, flag = arguments
        if flag == k.PG_LOCKED and result:
            self.cpus.let_go(self.s.tasks.cpu[self.s.pages.locker[page]], f"page {page}", now)
        elif flag == k.PG_MLOCKED and result:
            self._clear(task, now, p.TEST_AND_CLEAR, page)

    def _mapping_clear_unevictable(self, task: int, now: int, arguments: Arguments, result: int) -> None:  # noqa: ARG002
        self._clear(task, now, p.MAPPING_CLEAR_UNEVICTABLE, arguments[0])

    def _clear(self, task: int, now: int, primitive: Primitive, number: int) -> None:
        """Show an instant that a putback may have missed. number: of the page or the mapping."""
        cpu = self.s.tasks.cpu[task]
        what = "page" if primitive is p.TEST_AND_CLEAR else "mapping"
        shown = self.timeline.begin(
            self.cpus.lanes[cpu], now, Slice(f"{CLEARS[primitive]}: {what} {number}", {what: number})
        )
        self.timeline.end(self.cpus.lanes[cpu], now + self.s.m.pending_ps[cpu])
        self.cleared[primitive, number] = Cleared(now, self.names[task], shown)

    def _count_vm_event(self, task: int, now: int, arguments: Arguments, result: int) -> None:  # noqa: ARG002
        if arguments[0] == k.REDO_RETRIES:
            self._redo(task, now + self.s.m.pending_ps[self.s.tasks.cpu[task]])

    def _redo(self, task: int, at_ps: int) -> None:
        """A putback starts over: who has made its page evictable since it began, or began again?"""
        stack = self.cpus.stacks[task]
        place = max(place for place, entry in enumerate(stack) if entry.frame is not None)
        began_ps = stack[-1].since_ps  # of the putback, or of the redo before
        page = next((int(entry.facts["page"]) for entry in reversed(stack) if "page" in entry.facts), NONE)
        mapping = self.s.pages.mapping[page] >> 1 if page != NONE else NONE
        numbers = {p.TEST_AND_CLEAR: page, p.MAPPING_CLEAR_UNEVICTABLE: mapping}
        racers = [one for one in map(self.cleared.get, numbers.items()) if one and one.at_ps >= began_ps]
        facts: dict[str, int | str] = {"page": page}
        racer = max(racers, key=lambda one: one.at_ps, default=None)
        if racer is not None:
            facts["raced by"] = racer.task
        self.cpus.pop(task, place + 1, at_ps)
        self.cpus.push(task, Entry(f"redo: page {page}", facts), at_ps)
        shown = stack[-1].slice
        if racer is not None and shown is not None:
            self.timeline.arrow(racer.slice, shown)

    def _wake(self, task: int, now: int, arguments: Arguments, result: int) -> None:  # noqa: ARG002
        shown = self.cpus.stacks[task][-1].slice
        for woken in self.tasks.woken(now):
            if shown is not None:
                self.woken_by[woken] = shown

    def _task_exit(self, task: int, now: int, arguments: Arguments, result: int) -> None:  # noqa: ARG002
        self.cpus.switch_out(task, now)
