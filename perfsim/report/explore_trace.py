"""A way through a scenario as a timeline: who does what in which step, who holds which lock, what is on which list.

A step takes a microsecond. What its CPU does behind it without being seen shares that with it, as far as it is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from perfsim.engine.reference import running_frames
from perfsim.explore.columns import END
from perfsim.explore.confirm import STEP_PS
from perfsim.explore.properties import NUMBERS, PROPERTIES
from perfsim.explore.walk import MIDWAY, STEP
from perfsim.kernel.constants import PG_LOCKED
from perfsim.kernel.state import spinlock
from perfsim.measure.lanes import COUNTED, CPUS, LOCKS, PAGES, LockLanes, arguments_of, counted_pages
from perfsim.measure.timeline import Counter, Facts, Lane, Slice, Timeline
from perfsim.report.explore_calls import kernel_call
from perfsim.report.explore_diagram import TELLING, cpu_said, place_said, said

if TYPE_CHECKING:
    from types import FrameType

    from perfsim.explore.scenario import ExploreScenario
    from perfsim.explore.walk import Moment, Waiting, Walked
    from perfsim.kernel.state import State

ZONE = 0
BREACH = Lane(("what breaks",), (-1,))


class Told(NamedTuple):
    """A moment that is drawn, and the frames of its task's paths, the outermost first."""

    moment: Moment
    frames: list[FrameType]


class StepTracer:
    """Watches the reference engine make a way, and writes its timeline: see confirm.Witness.

    together: what is drawn of the step under way, which began at step_ps. stacks: [cpu], the frames that are shown.
    clock_ps: [cpu], the end of what it did last. shown: the last step that took effect. held: CPUs that wait for ever.
    locked: [page], the lane's slice is open.
    """

    def __init__(self, scenario: ExploreScenario, way: Walked) -> None:
        self.way = way
        self.pages = [page.name for page in scenario.pages]
        self.names = [cpu_said(number, cpu.name) for number, cpu in enumerate(scenario.cpus)]
        self.lanes = [Lane((name,), (CPUS, cpu)) for cpu, name in enumerate(self.names)]
        self.steps = sum(moment.kind == STEP for moment in way.moments[: way.acted])
        behind = 1 if way.ends == MIDWAY else 1 + len(self.names)
        self.timeline = Timeline(0, (self.steps + 1 + behind) * STEP_PS)
        self.together: list[Told] = []
        self.shown = 0
        self.held: list[int] = []
        self.step_ps = 0
        self.stacks: list[list[FrameType]] = [[] for _ in self.names]
        self.clock_ps = [0] * len(self.names)
        self.locked = [False] * len(self.pages)

    def begin(self, s: State) -> None:
        """See Witness."""
        self.s = s
        self.locks = LockLanes(self.timeline, s)
        self.locks.shown = [True] * len(self.locks.shown)
        self.counts = [(0, counted_pages(s, ZONE))]
        self._look_at_page_locks("at the start", 0)

    def saw(self, moment: Moment, now: int, frame: FrameType) -> None:
        """See Witness."""
        if self.together and (self.step_ps, self.together[0].moment.cpu) != (now, moment.cpu):
            self._draw_step()
        self.step_ps = now
        self.shown = now // STEP_PS
        if moment.kind == STEP or moment.primitive in TELLING:
            self.together.append(Told(moment, list(running_frames(frame))[::-1]))
        whose = f"{self.names[moment.cpu]}: {moment.place.path}()"
        if moment.primitive.startswith("spin_lock"):
            self.locks.take(spinlock(self.s, *moment.arguments), now, whose, {"line": place_said(moment)})
        elif moment.primitive.startswith("spin_unlock"):
            self.locks.release(spinlock(self.s, *moment.arguments), now + STEP_PS)
        self._look_at_page_locks(whose, now)
        self.counts.append((now, counted_pages(self.s, ZONE)))

    def blocked(self, cpu: int, call: Waiting, now: int, frame: FrameType) -> None:
        """See Witness."""
        self._draw_step()
        self.held.append(cpu)
        self._follow(cpu, list(running_frames(frame))[::-1], now)
        title = f"waits for ever: {kernel_call(*call, self.pages)}"
        self.timeline.begin(self.lanes[cpu], now, Slice(title))

    def close(self, broken: tuple[str, ...]) -> Timeline:
        """The way is over. broken: properties. Returns the timeline."""
        self._draw_step()
        self._draw_refused()
        for cpu, row in enumerate(self.way.x.b.row):
            if row == END:
                self._follow(cpu, [], self.clock_ps[cpu])
        for name in broken:
            meaning = f"{name}: {PROPERTIES[NUMBERS[name]].meaning}"
            self.timeline.begin(BREACH, self.steps * STEP_PS, Slice(meaning))
        self._draw_counts()
        self.timeline.close()
        return self.timeline

    def _draw_refused(self) -> None:
        """The step that ends the way, if it was too wrong to take effect."""
        last = self.way.moments[self.way.acted - 1] if self.way.acted else None
        if last is not None and self.shown < self.steps and last.cpu not in self.held:
            self.together = [Told(last, self.stacks[last.cpu])]
            self.step_ps = self.steps * STEP_PS
            self._draw_step()

    def _draw_counts(self) -> None:
        """The lengths of the lists that change."""
        for place, name in enumerate(COUNTED):
            values = [counted[place] for _, counted in self.counts]
            counter = Counter((f"pages: {name}",), (PAGES, place), "pages")
            for now, counted in self.counts if len(set(values)) > 1 else ():
                self.timeline.count(counter, now, counted[place])

    def _draw_step(self) -> None:
        """Draw what a CPU did in one step, one thing after another."""
        for number, (moment, frames) in enumerate(self.together):
            begin_ps, end_ps = (self.step_ps + STEP_PS * at // len(self.together) for at in (number, number + 1))
            self._follow(moment.cpu, frames, begin_ps)
            facts: Facts = {"step": self.step_ps // STEP_PS, "line": place_said(moment)}
            self.timeline.begin(self.lanes[moment.cpu], begin_ps, Slice(said(moment, self.pages), facts))
            self.timeline.end(self.lanes[moment.cpu], end_ps)
            self.clock_ps[moment.cpu] = end_ps
        self.together = []

    def _follow(self, cpu: int, frames: list[FrameType], at_ps: int) -> None:
        """The CPU is in these frames from an instant on; those that it has left, it left when it had done the last."""
        stack, lane = self.stacks[cpu], self.lanes[cpu]
        shared = 0
        while shared < min(len(stack), len(frames)) and stack[shared] is frames[shared]:
            shared += 1
        for _ in stack[shared:]:
            self.timeline.end(lane, self.clock_ps[cpu])
        for frame in frames[shared:]:
            self.timeline.begin(lane, at_ps, Slice(f"{frame.f_code.co_name}()", arguments_of(frame)))
        stack[shared:] = frames[shared:]

    def _look_at_page_locks(self, whose: str, now: int) -> None:
        for page, flags in enumerate(self.s.pages.flags[: len(self.pages)]):
            is_locked = bool(flags & PG_LOCKED)
            if is_locked != self.locked[page]:
                self.locked[page] = is_locked
                lane = Lane((f"lock of {self.pages[page]}",), (LOCKS, len(self.locks.lanes) + page))
                if is_locked:
                    self.timeline.begin(lane, now, Slice(whose))
                else:
                    self.timeline.end(lane, now + STEP_PS)
