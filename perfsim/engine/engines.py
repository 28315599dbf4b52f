"""The engines by name, each with one face: a run that is let go on, looked at, and finished."""

from __future__ import annotations

from typing import Protocol

from perfsim.engine import check_engine, compiled, entry, reference
from perfsim.engine.cache import engine_code
from perfsim.engine.layout import as_lists
from perfsim.engine.load import linked
from perfsim.engine.prepare import profile_of, task_names
from perfsim.engine.trace import Trace
from perfsim.engine.translate import program_of
from perfsim.kernel.boot import Seed, blueprint, boot
from perfsim.kernel.designs import Design
from perfsim.kernel.invariants import stranded_pages, violated
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

    def violated(self) -> int:
        """How often the invariants are violated; at quiescence."""

    def stranded_pages(self) -> int:
        """Evictable pages on the unevictable list; at quiescence."""


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
        self.s = boot(scenario, profile, seed)
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

    def violated(self) -> int:
        """See Engine."""
        return violated(self.s)

    def stranded_pages(self) -> int:
        """See Engine."""
        return stranded_pages(self.s)


class CompiledEngine:
    """One compiled loop runs the paths' program."""

    def __init__(self, scenario: Scenario, design: Design, seed: Seed, trace: Trace | None) -> None:
        profile = profile_of(scenario)
        names = task_names(scenario, profile)
        act = linked(engine_code())
        s = blueprint(scenario, profile, seed)
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

    def violated(self) -> int:
        """See Engine."""
        return compiled.perform(self.running, entry.VIOLATED, 0)

    def stranded_pages(self) -> int:
        """See Engine."""
        return compiled.perform(self.running, entry.STRANDED_PAGES, 0)
