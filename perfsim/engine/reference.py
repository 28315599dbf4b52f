"""The reference engine: SimPy runs the paths as they stand. Simple enough to be believed on sight.

A shared primitive first pays for the work that its CPU did before it (one calendar event), takes effect at that
instant, and leaves its own cost to be paid. If it blocks, another effect asks for the resumption of its CPU; those are
scheduled at once, before the CPU's own next event, so that ties break by the order of scheduling. A CPU with nothing to
pay goes on without an event.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Collection, Coroutine, Generator, Iterator, Mapping, Sequence
from heapq import heapify
from typing import Any, NamedTuple

import simpy
from simpy.core import Infinity
from simpy.events import NORMAL, PENDING, EventPriority

from perfsim.engine.budget import UNLIMITED, Budget
from perfsim.engine.checks import Checks
from perfsim.engine.program import Place
from perfsim.engine.standstill import EFFECTS_AT_INSTANT_MAX, standstill
from perfsim.engine.trace import Observer, Trace
from perfsim.errors import StuckError
from perfsim.kernel import designs
from perfsim.kernel.bounds import Bounds, bounds_of_each, check_arguments
from perfsim.kernel.constants import TASK_DONE, TASK_NEW
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import Design
from perfsim.kernel.effects.sched import resume
from perfsim.kernel.invariants import violated
from perfsim.kernel.primitives import PRIMITIVES, TASK_BEGIN, Primitive
from perfsim.kernel.run import ask_to_stop
from perfsim.kernel.state import State
from perfsim.kernel.waits import has_no_work, unfinished, waits_of
from perfsim.machine.state import BLOCKED, INTERRUPTED

LATE = EventPriority(NORMAL + 1)


class ReferenceCpu(Cpu):
    """One task on its CPU. resumption: what it waits for while it is blocked. bounds: of arguments, by primitive.
    observer: is told of every step. path: run_task() of this task.
    """

    bounds: Mapping[str, tuple[Bounds, ...]] | None = None
    observer: Observer | None = None
    path: Coroutine[Any, Any, Any]

    def __init__(
        self, env: simpy.Environment, s: State, task: int, all_cpus: list[ReferenceCpu], trace: Trace | None
    ) -> None:
        self.env = env
        self.s = s
        self.task = task
        self.cpu = s.tasks.cpu[task]
        self.pending_ps = s.m.pending_ps
        self.cost_ps = s.m.cost_ps
        self.wakes = s.m.wakes
        self.all_cpus = all_cpus
        self.resumption = simpy.Event(env)
        self.trace = trace
        self.effects = 0
        self.instant_ps = -1
        self.standstill_ps = -1
        self.standstill_effects = 0

    @types.coroutine
    def perform(self, primitive: Primitive, *arguments: int) -> Generator[simpy.Event, None, int]:
        """See Cpu.perform."""
        env, cpu = self.env, self.cpu
        if not primitive.shared:
            self.check(primitive, arguments)
            result = primitive.effect(self.s, self.task, env.now, *arguments)
            if self.observer is not None:
                self.observer.performed(self.task, int(env.now), primitive, arguments, result)
            return result
        delay_ps = self.pending_ps[cpu]
        if primitive.before >= 0:
            delay_ps += self.cost_ps[primitive.before]
        if delay_ps:
            self.pending_ps[cpu] = 0
            yield simpy.Timeout(env, delay_ps)
        now = int(env.now)
        self.check(primitive, arguments)
        if self.trace is not None:
            self.trace((now, cpu, primitive.name, arguments))
        self.effects += 1
        if now == self.instant_ps:
            self.refuse_standstill()
        self.instant_ps = now
        result = primitive.effect(self.s, self.task, now, *arguments)
        if self.observer is not None:
            self.observer.performed(self.task, now, primitive, arguments, result)
        while result == BLOCKED:
            self.resumption = simpy.Event(env)
            self.schedule_wakes()
            yield self.resumption
            result = resume(self.s, self.task, int(env.now))
            if self.observer is not None:
                self.observer.resumed(self.task, int(env.now), result)
        if self.wakes.length[0]:
            self.schedule_wakes()
        return result

    def check(self, primitive: Primitive, arguments: tuple[int, ...]) -> None:
        """Refuse arguments that are out of bounds, if there are any."""
        if self.bounds:
            check_arguments(primitive, self.bounds[primitive.name], arguments)

    def refuse_standstill(self) -> None:
        """Another effect at the instant of the last one: fine, unless it goes on like that for ever."""
        if self.standstill_ps != self.instant_ps:
            self.standstill_ps = self.instant_ps
            self.standstill_effects = 0
        self.standstill_effects += 1
        if self.standstill_effects > EFFECTS_AT_INSTANT_MAX:
            raise StuckError((standstill(self.instant_ps, self.cpu),))

    def schedule_wakes(self) -> None:
        """Put the resumptions that an effect asked for on the calendar, in order."""
        for number in range(self.wakes.length[0]):
            cpu = self.wakes.cpu[number]
            resumption = self.all_cpus[self.s.run.current[cpu]].resumption
            if self.s.m.cpu_state[cpu] == INTERRUPTED:
                withdraw(self.env, resumption)
            priority = LATE if self.wakes.late[number] else NORMAL
            wake_at(self.env, resumption, self.wakes.at_ps[number], priority)
        self.wakes.length[0] = 0


def wake_at(env: simpy.Environment, resumption: simpy.Event, at_ps: int, priority: EventPriority) -> None:
    """Let a blocked task's event happen at an instant; simpy.Event.succeed() would mean now."""
    assert not resumption.triggered, "a CPU is resumed twice"
    resumption._ok = True
    resumption._value = None
    env.schedule(resumption, priority, at_ps - env.now)


def withdraw(env: simpy.Environment, resumption: simpy.Event) -> None:
    """Take an event that is to happen off the calendar; SimPy has no word for it, nor for waiting on another event."""
    assert resumption.triggered, "a CPU is interrupted that has no instant to be resumed at"
    env._queue = [entry for entry in env._queue if entry[-1] is not resumption]
    heapify(env._queue)
    resumption._value = PENDING


Call = tuple[str, tuple[int, ...]]
"""A path, and its arguments behind `cpu`."""


class Pace(NamedTuple):
    """What a CPU does, and when. calls: paths and their arguments, in order; at_last: those behind them, from rest_ps
    on. turns_ps: the instants, in order, at which it goes on from one of its stops to the next; after the last of them
    it goes on from all of them at rest_ps.
    """

    calls: Sequence[Call]
    at_last: Sequence[Call]
    turns_ps: Sequence[int]
    rest_ps: int


class PacedCpu(ReferenceCpu):
    """A task that stops before certain primitives until its turn comes. stops: their names."""

    stops: Collection[str]
    pace: Pace

    def begin(self, stops: Collection[str], pace: Pace, design: Design) -> None:
        """Put the first step on the calendar."""
        self.stops = stops
        self.pace = pace
        self.turns = iter(pace.turns_ps)
        self.path = self.script(design)
        self.env.process(self.path)  # type: ignore[arg-type]  # a coroutine has send and throw

    async def script(self, design: Design) -> None:
        """All that the task does; it is never at its end, as tasks are that have an end."""
        await super().perform(TASK_BEGIN)
        for path, arguments in self.pace.calls:
            await design.paths[path](self, *arguments)
        await self.pause(self.pace.rest_ps)
        for path, arguments in self.pace.at_last:
            await design.paths[path](self, *arguments)

    @types.coroutine
    def pause(self, until_ps: int) -> Generator[simpy.Event, None, None]:
        """Do nothing before an instant."""
        if until_ps > self.env.now:
            yield simpy.Timeout(self.env, until_ps - self.env.now)

    @types.coroutine
    def perform(self, primitive: Primitive, *arguments: int) -> Generator[simpy.Event, None, int]:
        """See Cpu.perform."""
        if primitive.name in self.stops:
            yield from self.pause(next(self.turns, self.pace.rest_ps))
        return (yield from super().perform(primitive, *arguments))


class Running(NamedTuple):
    """A run under way: its calendar, its state, its tasks (cpus), their names, what is checked meanwhile, and what
    it may take.
    """

    env: simpy.Environment
    s: State
    cpus: list[ReferenceCpu]
    names: list[str]
    checks: Checks
    budget: Budget


def start(s: State, design: Design, names: list[str], trace: Trace | None = None) -> Running:
    """Put the first step of every task of a booted state on the calendar. names: of the tasks, for reports."""
    env = simpy.Environment(initial_time=0)
    cpus: list[ReferenceCpu] = []
    bounds = None if design.is_shipped else bounds_of_each(s, PRIMITIVES.values())
    for task in range(len(names)):
        cpus.append(ReferenceCpu(env, s, task, cpus, trace))
        cpus[task].bounds = bounds
        cpus[task].path = design.paths["run_task"](cpus[task])
        env.process(cpus[task].path)  # type: ignore[arg-type]  # a coroutine has send and throw
    return Running(env, s, cpus, names, Checks(), Budget())


def start_paced(s: State, design: Design, stops: Collection[str], paces: Sequence[Pace]) -> Running:
    """Put the first step of tasks on the calendar, one a CPU, whose turns are given. stops: names of primitives."""
    running = Running(simpy.Environment(initial_time=0), s, [], [], Checks(), Budget())
    bounds = bounds_of_each(s, PRIMITIVES.values())
    for task, pace in enumerate(paces):
        cpu = PacedCpu(running.env, s, task, running.cpus, None)
        cpu.bounds = bounds
        running.cpus.append(cpu)
        cpu.begin(stops, pace, design)
    return running


def is_done(cpu: ReferenceCpu) -> bool:
    """Whether a task has done all that it was to do."""
    return inspect.getcoroutinestate(cpu.path) == inspect.CORO_CLOSED


def observe(running: Running, observer: Observer) -> None:
    """Tell an observer of every step from now on."""
    for cpu in running.cpus:
        cpu.observer = observer


def advance(running: Running, until_ps: int) -> None:
    """Process every event before an instant. Raises StuckError when nobody can run any more."""
    run_until(running, until_ps)
    if running.env.peek() == Infinity:
        _refuse_unfinished(running)


def finish(running: Running, at_ps: int) -> None:
    """Ask the tasks to stop at an instant, and let them. Raises StuckError when one never comes to its end."""
    running.env.run(until=at_ps)
    ask_to_stop(running.s, at_ps)
    if running.cpus:
        running.cpus[0].schedule_wakes()
    run_until(running, Infinity)
    _refuse_unfinished(running)


def run_until(running: Running, until_ps: float) -> None:
    """Process every event before an instant, with a look at the invariants before it whenever one is due.

    Nobody is refused who cannot run any more: see advance().
    """
    env, checks, budget = running.env, running.checks, running.budget
    is_limited = budget.limits != UNLIMITED
    while env.peek() < until_ps:
        if checks.every and events_of(running) >= checks.due and _goes_on(running.s):
            checks.look(events_of(running), int(env.now), lambda number: violated(running.s, number))
        env.step()
        if is_limited and env.now:  # Python warns of a task that is dropped before it has begun
            budget.check(events_of(running), int(env.now))


def _goes_on(s: State) -> bool:
    """Every task has begun, and not all have ended or are at rest: SimPy has events of its own before and after."""
    states = s.tasks.state
    ended = all(state == TASK_DONE or has_no_work(s, task) for task, state in enumerate(states))
    return TASK_NEW not in states and not ended


def events_of(running: Running) -> int:
    """Shared primitives that have taken effect so far."""
    return sum(cpu.effects for cpu in running.cpus)


def stack_of(error: BaseException) -> list[Place]:
    """The places of the paths that an exception came through, the innermost first. SimPy raises a copy of it."""
    places = []
    trace = (error.__cause__ or error).__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if _is_path(code):
            places.append(Place(code.co_name, code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return places[::-1]


def waiting_frames(cpu: ReferenceCpu) -> list[types.FrameType]:
    """The frames of a task's paths while another task goes on, the outermost first."""
    frames = []
    path: Any = cpu.path
    while inspect.iscoroutine(path):
        frames.append(path.cr_frame)
        path = path.cr_await
    return [frame for frame in frames if frame is not None and _is_path(frame.f_code)]


def running_frames(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    """The frames of the paths that a frame was called from, the innermost first."""
    while frame is not None:
        if _is_path(frame.f_code):
            yield frame
        frame = frame.f_back


def _is_path(code: types.CodeType) -> bool:
    """Whether a frame's code is that of a path; a probe around one is none, nor is a script that calls it."""
    return bool(code.co_flags & inspect.CO_COROUTINE) and code.co_filename not in (designs.__file__, __file__)


def _refuse_unfinished(running: Running) -> None:
    """StuckError unless all tasks are done or at rest."""
    waiting = unfinished(running.s)
    if waiting:
        lines = tuple(waits_of(running.s, task, running.names) for task in waiting)
        raise StuckError((f"nobody can run at {running.env.now} ps; {len(waiting)} unfinished:", *lines))
