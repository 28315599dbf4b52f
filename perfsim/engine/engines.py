"""The engines by name, each with one face: a run that is let go on, looked at, and finished."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from perfsim.engine import check_engine, compiled, entry, reference
from perfsim.engine.budget import Limits
from perfsim.engine.cache import engine_code
from perfsim.engine.checks import Found, named
from perfsim.engine.fault import stack_of
from perfsim.engine.layout import as_lists
from perfsim.engine.load import linked
from perfsim.engine.prepare import profile_of, task_names
from perfsim.engine.program import Place
from perfsim.engine.trace import Trace
from perfsim.engine.translate import program_of
from perfsim.kernel.boot import Seed, blueprint, boot
from perfsim.kernel.constants import NONE
from perfsim.kernel.designs import Design
from perfsim.kernel.invariants import INVARIANTS, stranded_pages, stranded_since_ps, violated
from perfsim.kernel.run import begin_window, end_window
from perfsim.kernel.state import State
from perfsim.scenario.schema import Scenario


class Engine(Protocol):
    """A run under way. Instants in ps; advance() and finish() raise StuckError when nobody can run any more."""

    def advance(self, until_ps: int) -> None:
        """Process every event before an instant."""

    def begin_window(self, now: int) -> None:
        """The warm-up is over: what was counted until now does not count."""

    def end_window(self, now: int) -> None:
        """The window is over."""

    def finish(self, at_ps: int) -> None:
        """Ask the tasks to stop at an instant, and let them."""

    def events(self) -> int:
        """Shared primitives that have taken effect so far."""

    def counts(self) -> State:
        """What is counted now, in lists of plain integers; columns of pages and cache lines may be left out."""

    def columns(self) -> State:
        """The same as it stands, in the engine's own lists or arrays: at no cost, to look at and to leave alone."""

    def check_every(self, events: int) -> None:
        """Look at the invariants of every instant after so many events each; before the first."""

    def limit(self, limits: Limits) -> None:
        """What the run may take from now on; more raises LimitError. Before the first event."""

    def found(self) -> tuple[Found, ...]:
        """What was found by that."""

    def violated(self) -> dict[str, int]:
        """The invariants that are violated, and how often; at quiescence."""

    def stranded_pages(self) -> int:
        """Evictable pages on the unevictable list; at quiescence."""

    def stranded_for_ps(self) -> int | None:
        """How long the first of them has been there, None if there are none: since its page lock was taken last."""

    def trap(self, violations: Collection[int]) -> None:
        """Let the first hit of one of these checks of the kernel's end the run, with an exception; before it begins."""

    def stack(self, error: Exception) -> list[Place]:
        """Where the task was whose hit ended the run by this exception: its path's own place, then its callers'."""


def begin(engine: str, scenario: Scenario, design: Design, seed: Seed, trace: Trace | None = None) -> Engine:
    """A run at time 0, by the engine of this name. trace: called with every event. Raises InputError."""
    check_engine(engine)
    if engine == "simpy":
        return ReferenceEngine(scenario, design, seed, trace)
    return CompiledEngine(scenario, design, seed, trace)


class ReferenceEngine:
    """SimPy runs the paths as they stand."""

    def __init__(self, scenario: Scenario, design: Design, seed: Seed, trace: Trace | None) -> None:
        profile = profile_of(scenario)
        self.s = boot(scenario, profile, seed, unevictable_lru=design.unevictable_lru)
        self.running = reference.start(self.s, design, task_names(scenario, profile), trace)

    def advance(self, until_ps: int) -> None:
        """See Engine."""
        reference.advance(self.running, until_ps)

    def begin_window(self, now: int) -> None:
        """See Engine."""
        begin_window(self.s, now)

    def end_window(self, now: int) -> None:
        """See Engine."""
        end_window(self.s, now)

    def finish(self, at_ps: int) -> None:
        """See Engine."""
        reference.finish(self.running, at_ps)

    def events(self) -> int:
        """See Engine."""
        return reference.events_of(self.running)

    def counts(self) -> State:
        """See Engine."""
        return self.s

    def columns(self) -> State:
        """See Engine."""
        return self.s

    def check_every(self, events: int) -> None:
        """See Engine."""
        self.running.checks.begin(events)

    def limit(self, limits: Limits) -> None:
        """See Engine."""
        self.running.budget.begin(limits)

    def found(self) -> tuple[Found, ...]:
        """See Engine."""
        return tuple(self.running.checks.found.values())

    def violated(self) -> dict[str, int]:
        """See Engine."""
        return named(lambda number: violated(self.s, number), INVARIANTS)

    def stranded_pages(self) -> int:
        """See Engine."""
        return stranded_pages(self.s)

    def stranded_for_ps(self) -> int | None:
        """See Engine."""
        since_ps = stranded_since_ps(self.s)
        return None if since_ps == NONE else int(self.running.env.now) - since_ps

    def trap(self, violations: Collection[int]) -> None:
        """See Engine."""
        for violation in violations:
            self.s.bugs.trap[violation] = 1

    def stack(self, error: Exception) -> list[Place]:
        """See Engine."""
        return reference.stack_of(error)


class CompiledEngine:
    """One compiled loop runs the paths' program."""

    def __init__(self, scenario: Scenario, design: Design, seed: Seed, trace: Trace | None) -> None:
        profile = profile_of(scenario)
        names = task_names(scenario, profile)
        act = linked(engine_code())
        s = blueprint(scenario, profile, seed, unevictable_lru=design.unevictable_lru)
        self.running = compiled.start(s, compiled.Authored(design, program_of(design), names), act, trace)

    def advance(self, until_ps: int) -> None:
        """See Engine."""
        compiled.advance(self.running, until_ps)

    def begin_window(self, now: int) -> None:
        """See Engine."""
        compiled.perform(self.running, entry.BEGIN_WINDOW, now)

    def end_window(self, now: int) -> None:
        """See Engine."""
        compiled.perform(self.running, entry.END_WINDOW, now)

    def finish(self, at_ps: int) -> None:
        """See Engine."""
        compiled.finish(self.running, at_ps)

    def events(self) -> int:
        """See Engine."""
        return int(self.running.run.events[0])

    def counts(self) -> State:
        """See Engine."""
        return as_lists(self.running.run.s, pages=False)

    def columns(self) -> State:
        """See Engine."""
        return self.running.run.s

    def check_every(self, events: int) -> None:
        """See Engine."""
        self.running.checks.begin(events)

    def limit(self, limits: Limits) -> None:
        """See Engine."""
        self.running.budget.begin(limits)

    def found(self) -> tuple[Found, ...]:
        """See Engine."""
        return tuple(self.running.checks.found.values())

    def violated(self) -> dict[str, int]:
        """See Engine."""
        return named(lambda number: compiled.violated(self.running, number), INVARIANTS)

    def stranded_pages(self) -> int:
        """See Engine."""
        return compiled.perform(self.running, entry.STRANDED_PAGES, 0)

    def stranded_for_ps(self) -> int | None:
        """See Engine."""
        since_ps = compiled.perform(self.running, entry.STRANDED_SINCE, 0)
        return None if since_ps == NONE else int(self.running.run.now_ps[0]) - since_ps

    def trap(self, violations: Collection[int]) -> None:
        """See Engine."""
        for violation in violations:
            self.running.run.s.bugs.trap[violation] = 1

    def stack(self, error: Exception) -> list[Place]:  # noqa: ARG002 - the other engine has but this
        """See Engine. The exception is Python's; where the task is, the run's columns know."""
        run = self.running.run
        task = int(run.task[0])
        return list(stack_of(run, self.running.authored.program, task, int(run.control.row[task])))
