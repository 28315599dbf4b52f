"""The lanes of a timeline, each kind with what it has to remember: CPUs, locks, tasks that are off their CPU, lists."""

from __future__ import annotations

from types import FrameType

from perfsim.kernel.constants import (
    KEVENTD,
    KSWAPD,
    LOCK_NAMES,
    LRU_LISTS,
    LRU_LOCK,
    LRU_NAMES,
    MZ_LOCK,
    NONE,
    TASK_SLEEPING,
    WAIT_BUCKET,
)
from perfsim.kernel.paths import tasks as workload_paths
from perfsim.kernel.state import State
from perfsim.kernel.waits import sleeps_on
from perfsim.machine.costs import CONTEXT_SWITCH
from perfsim.measure.timeline import Counter, Facts, Lane, Slice, Timeline

LOCKS, CPUS, TASKS, PAGES = range(4)
"""Kinds of lanes, in the order in which they are shown."""
HOLDS = "holds"
OFF_CPU = "tasks off their CPU"
ON_LISTS = "pages"
COUNTED = ("free", *LRU_NAMES, "mlocked")
SHOWN_LOCKS = (LRU_LOCK, MZ_LOCK)
"""Classes whose locks have lanes of their own. Of wait queues there are too many: they are seen on the CPUs' lanes."""


class Entry:
    """An open slice of a task: of a path, if frame is one. slice: None while the task is not on its CPU. since_ps: when
    it was pushed.
    """

    __slots__ = ("facts", "frame", "name", "since_ps", "slice")

    def __init__(self, name: str, facts: Facts, frame: FrameType | None = None) -> None:
        self.name = name
        self.facts = facts
        self.frame = frame
        self.slice: Slice | None = None
        self.since_ps = 0


class CpuLanes:
    """What every CPU does: the task that it runs, in it the paths that the task is in, in these what it waits for.

    stacks: [task], the slices that are open, the outermost first; on_cpu: [cpu], the task whose slices are on its lane.
    """

    def __init__(self, timeline: Timeline, s: State, names: list[str]) -> None:
        self.timeline = timeline
        self.s = s
        cpus = s.m.rules.cpus
        of_device = {s.tasks.cpu[task]: names[task] for task in range(s.settings.first_device, len(names))}
        titles = [of_device.get(cpu, f"CPU {cpu}") for cpu in range(len(s.m.cpu_state))]
        self.lanes = [Lane((title,), (CPUS, cpu)) for cpu, title in enumerate(titles)]
        self.held = [Lane((*lane.path, HOLDS), (*lane.order, 1)) for lane in self.lanes]
        self.stacks = [[Entry(name, {"task": task})] for task, name in enumerate(names)]
        self.on_cpu = [NONE] * len(titles)
        self.free_ps = [0] * len(titles)
        self.holdings: list[list[tuple[str, Slice]]] = [[] for _ in titles]
        self.is_idle = [False] * len(titles)
        self.is_device = [cpu >= cpus for cpu in range(len(titles))]

    def follow(self, task: int, frames: list[FrameType], at_ps: int) -> None:
        """The task is in these frames now, the outermost first; those that it has left, it left at that instant."""
        stack = self.stacks[task]
        known = [place for place, entry in enumerate(stack) if entry.frame is not None]
        shared = 0
        while shared < min(len(known), len(frames)) and stack[known[shared]].frame is frames[shared]:
            shared += 1
        if shared < len(known):
            self.pop(task, known[shared], at_ps)
        for frame in frames[shared:]:
            self.push(task, Entry(frame.f_code.co_name, arguments_of(frame), frame), at_ps)

    def push(self, task: int, entry: Entry, at_ps: int) -> None:
        """Open a slice inside of the task's innermost one."""
        entry.since_ps = at_ps
        self.stacks[task].append(entry)
        if self.on_cpu[self.s.tasks.cpu[task]] == task:
            self._show(task, entry, at_ps)

    def pop(self, task: int, place: int, at_ps: int) -> None:
        """Close the slice at this place of the task's stack, and all in it."""
        stack = self.stacks[task]
        while len(stack) > place:
            if stack.pop().slice is not None:
                self.timeline.end(self.lanes[self.s.tasks.cpu[task]], at_ps)

    def switch_in(self, task: int, at_ps: int) -> Slice:
        """The CPU runs the task from now on. Returns the slice that says so."""
        cpu = self.s.tasks.cpu[task]
        self.on_cpu[cpu] = task
        switch_ps = self.s.m.cost_ps[CONTEXT_SWITCH]
        if self.is_idle[cpu]:
            self.is_idle[cpu] = False
            self.timeline.end(self.lanes[cpu], at_ps - switch_ps)
        if at_ps - switch_ps >= self.free_ps[cpu] and not self.is_device[cpu]:
            self._switch(cpu, at_ps - switch_ps, at_ps)
        for entry in self.stacks[task]:
            self._show(task, entry, at_ps)
        shown = self.stacks[task][0].slice
        assert shown is not None, f"task {task} runs, and nothing shows it"
        return shown

    def switch_out(self, task: int, at_ps: int) -> None:
        """The CPU leaves the task, wherever that is."""
        cpu = self.s.tasks.cpu[task]
        for entry in self.stacks[task]:
            if entry.slice is not None:
                self.timeline.end(self.lanes[cpu], at_ps)
                entry.slice = None
        self.on_cpu[cpu] = NONE
        self.free_ps[cpu] = at_ps
        if not self.is_device[cpu]:
            self.free_ps[cpu] += self.s.m.cost_ps[CONTEXT_SWITCH]
            self._switch(cpu, at_ps, self.free_ps[cpu])

    def rest(self, cpu: int, why: str) -> None:
        """The CPU has nothing to do when the task that it has left is switched out. why: where that task is."""
        self.is_idle[cpu] = True
        from_ps = self.s.run.idle_from_ps[cpu]
        if self.free_ps[cpu] < from_ps:  # it has left it before the window
            self._switch(cpu, self.timeline.begin_ps, from_ps)
        self.timeline.begin(self.lanes[cpu], from_ps, Slice(f"idle: {why}"))

    def hold(self, cpu: int, name: str, at_ps: int, facts: Facts) -> None:
        """The CPU's task has taken a lock."""
        self.holdings[cpu].append((name, self.timeline.begin(self.held[cpu], at_ps, Slice(name, facts))))

    def let_go(self, cpu: int, name: str, at_ps: int) -> None:
        """It has released it; what it took later and holds on to goes on in a new slice."""
        holdings = self.holdings[cpu]
        places = [place for place, (held, _) in enumerate(holdings) if held == name]
        if not places:
            return
        later = holdings[places[-1] + 1 :]
        for _ in holdings[places[-1] :]:
            self.timeline.end(self.held[cpu], at_ps)
        del holdings[places[-1] :]
        for held, slice_ in later:
            self.hold(cpu, held, at_ps, slice_.facts)

    def innermost(self, task: int) -> str:
        """The path that a task is in; "" in none."""
        return next((entry.name for entry in reversed(self.stacks[task]) if entry.frame is not None), "")

    def _show(self, task: int, entry: Entry, at_ps: int) -> None:
        lane = self.lanes[self.s.tasks.cpu[task]]
        entry.slice = self.timeline.begin(lane, at_ps, Slice(entry.name, entry.facts))

    def _switch(self, cpu: int, from_ps: int, to_ps: int) -> None:
        self.timeline.begin(self.lanes[cpu], from_ps, Slice("context switch"))
        self.timeline.end(self.lanes[cpu], to_ps)


class LockLanes:
    """Who holds every lock, and how many spin for it."""

    def __init__(self, timeline: Timeline, s: State) -> None:
        self.timeline = timeline
        self.held = [False] * s.m.rules.locks
        self.spinning = [0] * s.m.rules.locks
        firsts = {LRU_LOCK: 0, MZ_LOCK: s.settings.first_mz_lock, WAIT_BUCKET: s.settings.first_bucket_lock}
        indices = [lock - firsts[lock_class] for lock, lock_class in enumerate(s.m.lock_class)]
        self.names = [f"{LOCK_NAMES[one]} {index}" for one, index in zip(s.m.lock_class, indices, strict=True)]
        self.shown = [one in SHOWN_LOCKS for one in s.m.lock_class]
        self.lanes = [Lane((name,), (LOCKS, lock)) for lock, name in enumerate(self.names)]
        self.waiters = [
            Counter((f"{name}: CPUs that spin",), (LOCKS, lock, 1), "CPUs") for lock, name in enumerate(self.names)
        ]

    def take(self, lock: int, at_ps: int, title: str, facts: Facts) -> None:
        """Somebody has it."""
        if self.shown[lock]:
            self.held[lock] = True
            self.timeline.begin(self.lanes[lock], at_ps, Slice(title, facts))

    def release(self, lock: int, at_ps: int) -> None:
        """Nobody has it any more, or not yet."""
        if self.held[lock]:
            self.held[lock] = False
            self.timeline.end(self.lanes[lock], at_ps)

    def spin(self, lock: int, at_ps: int, more: int) -> None:
        """One more CPU spins for it, or one less."""
        self.spinning[lock] += more
        if self.shown[lock]:
            self.timeline.count(self.waiters[lock], at_ps, self.spinning[lock])


class TaskLanes:
    """Where tasks are that could not go on: asleep, and on what, or ready, and waiting for their CPU."""

    def __init__(self, timeline: Timeline, s: State, names: list[str]) -> None:
        self.timeline = timeline
        self.s = s
        self.names = names
        self.lanes = [Lane((OFF_CPU, name), (TASKS, task)) for task, name in enumerate(names)]
        self.asleep: dict[int, None] = {}
        self.is_open = [False] * len(names)

    def leave(self, task: int, at_ps: int) -> str:
        """The task, which is no device, has left its CPU. Returns where it is, as the state says, in words."""
        self.come(task, at_ps)
        self.is_open[task] = True
        shown = Slice("ready")
        if self.s.tasks.state[task] == TASK_SLEEPING:
            self.asleep[task] = None
            shown = self._sleep(task)
        self.timeline.begin(self.lanes[task], at_ps, shown)
        return f"{self.names[task]} {shown.name}"

    def woken(self, at_ps: int) -> list[int]:
        """The tasks that slept until now and are ready."""
        found = [task for task in self.asleep if self.s.tasks.state[task] != TASK_SLEEPING]
        for task in found:
            self.come(task, at_ps)
            self.is_open[task] = True
            self.timeline.begin(self.lanes[task], at_ps, Slice("ready"))
        return found

    def come(self, task: int, at_ps: int) -> None:
        """The task is neither asleep nor ready any more."""
        self.asleep.pop(task, None)
        if self.is_open[task]:
            self.is_open[task] = False
            self.timeline.end(self.lanes[task], at_ps)

    def _sleep(self, task: int) -> Slice:
        found = sleeps_on(self.s, task, self.names)
        if found is not None:
            holder = f", held by {found.holder}" if found.holder else ""
            facts: dict[str, int | str] = {"waits for": found.what}
            if found.holder:
                facts["holder"] = found.holder
            return Slice(f"asleep {found.what}{holder}", facts)
        if self.s.timers.expires_ps[task] != NONE:
            return Slice("asleep until a timer ends", {"expires_ps": self.s.timers.expires_ps[task]})
        return Slice("asleep until needed" if self.s.tasks.kind[task] in (KSWAPD, KEVENTD) else "asleep")


class ListCounters:
    """Pages on every list of every zone, as they are when its lru_lock is free."""

    def __init__(self, timeline: Timeline, s: State) -> None:
        self.timeline = timeline
        self.s = s
        self.counters = [
            [
                Counter((ON_LISTS, f"zone {zone}: {name}"), (PAGES, zone, place), "pages")
                for place, name in enumerate(COUNTED)
            ]
            for zone in range(s.settings.nodes)
        ]

    def look(self, zone: int, at_ps: int) -> None:
        """Count what has changed in a zone."""
        for counter, value in zip(self.counters[zone], counted_pages(self.s, zone), strict=True):
            self.timeline.count(counter, at_ps, value)


def counted_pages(s: State, zone: int) -> tuple[int, ...]:
    """Pages of a zone, as COUNTED names them."""
    lists = s.zones.lru_length[zone * LRU_LISTS : (zone + 1) * LRU_LISTS]
    return (s.zones.free_count[zone], *lists, s.zones.nr_mlock[zone])


def is_of_kernel(frame: FrameType) -> bool:
    """Whether a frame is of the kernel's and not of the loop that is the task's own: the workload."""
    return frame.f_code.co_filename != workload_paths.__file__


def arguments_of(frame: FrameType) -> dict[str, int | str]:
    """A path's arguments by name, without `cpu`."""
    code, values = frame.f_code, frame.f_locals
    return {name: int(values[name]) for name in code.co_varnames[1 : code.co_argcount]}
