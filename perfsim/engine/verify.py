"""Both engines in lock step: the same events, one by one, and the same state at the end.

The reference engine leads: it calls the comparison at every event. The compiled engine follows, a full trace buffer at
a time, whenever the comparison has run out of its events; so neither trace is ever kept whole.
"""

from __future__ import annotations

import inspect
import linecache
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from perfsim.engine import compiled
from perfsim.engine.calendar import NEVER
from perfsim.engine.compiled import Written, take_written
from perfsim.engine.engines import CompiledEngine, ReferenceEngine
from perfsim.engine.prepare import design_of, profile_of, task_names
from perfsim.engine.program import Place
from perfsim.engine.trace import TraceRow, told_by_nobody
from perfsim.errors import PerfsimError
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import Design, failure
from perfsim.kernel.state import State
from perfsim.numeric.columns import leaves, mapped
from perfsim.scenario.schema import MeasureSpec, Scenario

BEFORE_MAX = 20
"""Events shown before the first difference."""

Progress = Callable[[int, int], None]
"""(events found equal so far, ps simulated so far)"""


class Event(NamedTuple):
    """The event of a number, from 0, and what asked for it: task, path and line that await it, and that line's text."""

    number: int
    row: TraceRow
    task: str
    place: Place
    source: str


class Ended(NamedTuple):
    """An engine has no further event. error: what it raised; "" if it came to its end."""

    error: str


class EventDifference(NamedTuple):
    """The first event that the engines do not share. number: from 0, which is how many events are equal.

    before: those before it on the CPUs concerned, at most BEFORE_MAX, in order.
    """

    number: int
    reference: Event | Ended
    compiled: Event | Ended
    before: tuple[Event, ...]


class StateDifference(NamedTuple):
    """What differs though all events are equal. when: the instant, in words; column: its dotted name in State, or that
    of a figure; place: in the column, None for a figure. A value of None: the column is shorter.
    """

    when: str
    column: str
    place: int | None
    reference: int | None
    compiled: int | None


Difference = EventDifference | StateDifference


class Verified(NamedTuple):
    """events: found equal. *_s: seconds spent in each engine, both with a trace; by the compiled one for
    compiled_events, which are more where a difference has ended the comparison. difference: None if there is none.
    """

    events: int
    reference_s: float
    compiled_s: float
    compiled_events: int
    difference: Difference | None


def verify(scenario: Scenario, design: str, seed: Seed, progress: Progress | None = None) -> Verified:
    """Run one scenario under one design by both engines, through warm-up, window and wind-down, up to what differs.

    Compared are every event (time, CPU, primitive, arguments), the whole state at the end of the window and at the end,
    the number of events and the verdict of the invariants. progress: called now and then, a buffer of events apart.
    Raises InputError for a scenario that cannot run, and what both engines raise alike: InputError for a user's design
    that fails, StuckError when nobody can run any more.
    """
    chosen = design_of(scenario, design)
    follower = _Follower(scenario, chosen, seed)
    comparison = _Comparison(follower, progress)
    leader = ReferenceEngine(scenario, chosen, seed, comparison.compare)
    started = time.perf_counter()
    error = _lead(leader, scenario.measure, comparison)
    reference_s = time.perf_counter() - started - comparison.outside_s
    if not isinstance(error, _DifferError):
        reason = error if error is None or isinstance(error, PerfsimError) else failure(chosen, error)
        comparison.compare_ends(leader, reason)
    compiled_events = follower.engine.events()
    return Verified(comparison.equal, reference_s, follower.seconds, compiled_events, comparison.difference)


class _DifferError(Exception):
    """Ends the reference engine's run; what differs, the comparison knows."""


def _lead(leader: ReferenceEngine, measure: MeasureSpec, comparison: _Comparison) -> Exception | None:
    """Let the reference engine pass through a run as measure/row.py does. Returns what ended it before its time.

    SimPy lets the other tasks' events of the same instant pass before it raises what a task has raised. So a difference
    may be noted that comes after an error: the error is what is raised first.
    """
    end_ps = measure.warmup_ps + measure.duration_ps
    try:
        leader.advance(measure.warmup_ps)
        leader.begin_window(measure.warmup_ps)
        leader.advance(end_ps)
        leader.end_window(end_ps)
        comparison.compare_window(leader.counts(), end_ps)
        leader.finish(end_ps)
    except Exception as error:
        return error
    return None


class _Follower:
    """The compiled engine's run, a buffer of events at a time. seconds: spent in it so far."""

    def __init__(self, scenario: Scenario, design: Design, seed: Seed) -> None:
        self.engine = CompiledEngine(scenario, design, seed, told_by_nobody)
        self.running = self.engine.running
        self.names = task_names(scenario, profile_of(scenario))
        self.seconds = 0.0
        self.error: Exception | None = None
        self.window: State | None = None
        self.steps = self._steps(scenario.measure)

    def _steps(self, measure: MeasureSpec) -> Iterator[None]:
        """The phases of a run; stops wherever the trace is full."""
        end_ps = measure.warmup_ps + measure.duration_ps
        while compiled.fill_trace(self.running, measure.warmup_ps):
            yield
        self.engine.begin_window(measure.warmup_ps)
        while compiled.fill_trace(self.running, end_ps):
            yield
        self.engine.end_window(end_ps)
        self.window = mapped(self.running.run.s, lambda _, column: np.array(column))
        compiled.stop(self.running, end_ps)
        while compiled.fill_trace(self.running, NEVER):
            yield

    def more(self) -> list[Written]:
        """The next events; none when there are none any more, and `error` is why if that is no good end."""
        started = time.perf_counter()
        try:
            next(self.steps)
        except StopIteration:
            pass
        except Exception as error:
            self.error = error
        self.seconds += time.perf_counter() - started
        return take_written(self.running.run, self.running.authored.program)

    def event(self, number: int, written: Written) -> Event:
        """An event with its source."""
        return self.event_at(
            number, written.row, written.task, self.running.authored.program.places[written.program_row]
        )

    def event_at(self, number: int, row: TraceRow, task: int, place: Place) -> Event:
        """An event that a task asks for at a place."""
        return Event(number, row, self.names[task], place, linecache.getline(place.file, place.line).strip())


class _Comparison:
    """Events of the reference engine beside those of the compiled one. equal: events found equal; outside_s: seconds
    spent here while the reference engine was waiting.
    """

    def __init__(self, follower: _Follower, progress: Progress | None) -> None:
        self.follower = follower
        self.progress = progress
        self.written: list[Written] = []
        self.position = 0
        self.equal = 0
        self.outside_s = 0.0
        self.difference: Difference | None = None
        self.history: dict[int, deque[tuple[int, Written]]] = defaultdict(lambda: deque(maxlen=BEFORE_MAX))

    def compare(self, row: TraceRow) -> None:
        """The reference engine's trace. Raises _DifferError at a difference, and whenever it is called again."""
        started = time.perf_counter()
        try:
            written = self._next()
            if written is None or written.row != row or self.difference is not None:
                self._differ(row, written)
            else:
                self.history[row[1]].append((self.equal, written))
                self.position += 1
                self.equal += 1
        finally:
            self.outside_s += time.perf_counter() - started

    def compare_window(self, reference: State, end_ps: int) -> None:
        """The states at the end of the window. Raises _DifferError."""
        started = time.perf_counter()
        following = self._next()
        window = self.follower.window
        # Without a state, or with an event left in the window, an event is what differs: the next comparison tells.
        if window is not None and (following is None or following.row[0] >= end_ps):
            self.difference = _state_difference("at the end of the window", reference, window)
        self.follower.window = None
        self.outside_s += time.perf_counter() - started
        if self.difference is not None:
            raise _DifferError

    def compare_ends(self, leader: ReferenceEngine, error: Exception | None) -> None:
        """The reference engine has no further event. error: why, if no good end; raised if both engines agree."""
        ended = Ended(_text(error))
        following = self._following(self._next())
        if following != ended:
            self.difference = EventDifference(self.equal, ended, following, self._before(following))
        elif error is not None:
            raise error
        else:
            self.difference = self._figures_difference(leader)

    def _figures_difference(self, leader: ReferenceEngine) -> StateDifference | None:
        """The states at the end of the run, and what is concluded from them."""
        follower = self.follower
        when = "at the end"
        figures = (
            ("number of events", leader.events(), follower.engine.events()),
            ("violated invariants", sum(leader.violated().values()), sum(follower.engine.violated().values())),
            ("stranded pages", leader.stranded_pages(), follower.engine.stranded_pages()),
        )
        in_figures = [StateDifference(when, name, None, *values) for name, *values in figures if values[0] != values[1]]
        in_state = _state_difference(when, leader.counts(), follower.running.run.s)
        return in_state or (in_figures[0] if in_figures else None)

    def _next(self) -> Written | None:
        """The compiled engine's next event; it is let go on if it has to be asked."""
        if self.position == len(self.written):
            if self.progress is not None:
                self.progress(self.equal, self.written[-1].row[0] if self.written else 0)
            self.written = self.follower.more()
            self.position = 0
        return self.written[self.position] if self.written else None

    def _differ(self, row: TraceRow, written: Written | None) -> None:
        """Note the first difference, and leave. row: the event that the reference engine is about to perform."""
        if self.difference is None:
            leading = self.follower.event_at(self.equal, row, *_asked_by())
            following = self._following(written)
            self.difference = EventDifference(self.equal, leading, following, self._before(leading, following))
        raise _DifferError

    def _following(self, written: Written | None) -> Event | Ended:
        """What the compiled engine does next."""
        return Ended(_text(self.follower.error)) if written is None else self.follower.event(self.equal, written)

    def _before(self, *differing: Event | Ended) -> tuple[Event, ...]:
        """The last events on the CPUs of those that differ; on all CPUs if both engines have ended."""
        concerned = [one.row[1] for one in differing if isinstance(one, Event)] or list(self.history)
        numbered = sorted(pair for cpu in set(concerned) for pair in self.history.get(cpu, ()))
        return tuple(self.follower.event(*pair) for pair in numbered[-BEFORE_MAX:])


def _asked_by() -> tuple[int, Place]:
    """The task whose primitive is being traced by the reference engine, and where its path awaits it."""
    frame = inspect.currentframe()
    while frame is not None and not frame.f_code.co_flags & inspect.CO_COROUTINE:
        frame = frame.f_back
    assert frame is not None, "an event that no path has asked for"
    code = frame.f_code
    task: int = frame.f_locals[code.co_varnames[0]].task
    return task, Place(code.co_name, code.co_filename, frame.f_lineno)


def _state_difference(when: str, reference: State, other: State) -> StateDifference | None:
    """The first value in which two states differ, in the order of State. other: in arrays."""
    others = dict(leaves(other))
    for name, expected in leaves(reference):
        values: Any = np.asarray(others[name]).tolist()
        if expected == values:
            continue
        for place, (left, right) in enumerate(zip_longest(expected, values)):
            if left != right:
                return StateDifference(when, name, place, left, right)
    return None


def _text(error: Exception | None) -> str:
    """What an error says; of one that is our bug, its type too."""
    if error is None:
        return ""
    return str(error) if isinstance(error, PerfsimError) else f"{type(error).__name__}: {error}"
