"""Where tasks waited for spinlocks, and where those they waited for had taken them: lock_stat's contention points.

A run only counts its waits. Asked for more, it is run again by the compiled engine with a trace, of which the events of
spinlocks alone are looked at: who asks for a lock while another is between its own asking and its release has to wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from perfsim.engine import compiled
from perfsim.engine.engines import CompiledEngine
from perfsim.engine.prepare import design_of
from perfsim.engine.program import PRIMITIVE_NUMBERS, Place, Program
from perfsim.engine.trace import told_by_nobody
from perfsim.kernel import primitives as p
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import NONE
from perfsim.kernel.designs import Design
from perfsim.kernel.state import spinlock
from perfsim.machine.state import ATTEMPTING, SPINNING
from perfsim.measure.row import failures_of
from perfsim.scenario.schema import Scenario

NO_LOCK, LOCK, UNLOCK = range(3)
KINDS = {
    **dict.fromkeys((PRIMITIVE_NUMBERS[one.name] for one in p.SPIN_LOCKS), LOCK),
    **dict.fromkeys((PRIMITIVE_NUMBERS[one.name] for one in p.SPIN_UNLOCKS), UNLOCK),
}


class Point(NamedTuple):
    """Where a path takes a lock: its C name, the line in it, from 0, and how many lines it has."""

    path: str
    line: int
    lines: int


class Points(NamedTuple):
    """Of a lock class: how often tasks waited at each point, and how often for one who had taken the lock there."""

    waiting: Counter[Point]
    waited_for: Counter[Point]


class _Event(NamedTuple):
    kind: int
    cpu: int
    lock_class: int
    lock: int
    row: int


class _Wait:
    """A CPU's wait under way: the lock, the row that asks for it, and the row that had taken it, NONE until told.

    is_sure: False for one who released the lock last and may have come back before the next one was there.
    """

    __slots__ = ("event", "holder_row", "is_sure")

    def __init__(self, event: _Event, *, is_sure: bool) -> None:
        self.event = event
        self.is_sure = is_sure
        self.holder_row = NONE


def contention_points(scenario: Scenario, design: str, seed: Seed, window_ps: tuple[int, int]) -> dict[int, Points]:
    """The points of every class of spinlocks, of the waits that ended in a window of a run.

    Raises what the run raises, if it ends before: InputError, StuckError.
    """
    chosen = design_of(scenario, design)
    with failures_of(chosen):
        run = CompiledEngine(scenario, chosen, seed, told_by_nobody)
        replay = _Replay()
        for until_ps in window_ps:
            for event in _events(run, until_ps):
                replay.follow(event)
            m = run.running.run.s.m
            replay.end_waits([cpu for cpu, state in enumerate(m.cpu_state) if state not in (SPINNING, ATTEMPTING)])
            if until_ps == window_ps[0]:
                replay.ended.clear()
    cpus = run.running.run.s.m.rules.cpus
    return _points(chosen, run.running.authored.program, [wait for wait in replay.ended if wait.event.cpu < cpus])


class _Replay:
    """The spinlocks' events in their order.

    ended: the waits that are over, with all that is known of them; waits: those under way, by CPU. asking: of each
    lock, the CPUs between their asking for it and their release, and the row that asks. released_by: the CPU that
    released each lock last.
    """

    def __init__(self) -> None:
        self.ended: list[_Wait] = []
        self.waits: dict[int, _Wait] = {}
        self.asking: dict[int, dict[int, int]] = {}
        self.released_by: dict[int, int] = {}

    def follow(self, event: _Event) -> None:
        """One more event."""
        self.end_waits([event.cpu])
        asking = self.asking.setdefault(event.lock, {})
        if event.kind == LOCK:
            if asking:
                self.waits[event.cpu] = _Wait(event, is_sure=self.released_by.get(event.lock) != event.cpu)
            asking[event.cpu] = event.row
            return
        row = asking.pop(event.cpu)
        self.released_by[event.lock] = event.cpu
        for cpu in asking:
            wait = self.waits.get(cpu)
            if wait is not None and wait.event.lock == event.lock and wait.holder_row == NONE:
                wait.holder_row, wait.is_sure = row, True

    def end_waits(self, cpus: list[int]) -> None:
        """These CPUs go on: none of them waits any more. One that nobody has released the lock for had not waited."""
        for cpu in cpus:
            wait = self.waits.pop(cpu, None)
            if wait is not None and wait.is_sure:
                self.ended.append(wait)


def _events(run: CompiledEngine, until_ps: int) -> Iterator[_Event]:
    """The events of spinlocks up to an instant, in order."""
    running = run.running
    s, buffer = running.run.s, running.run.trace
    rows = running.authored.program.rows
    kinds = np.array([KINDS.get(row.op, NO_LOCK) for row in rows])
    going = True
    while going:
        going = compiled.fill_trace(running, until_ps)
        length = int(buffer.length[0])
        chosen = np.flatnonzero(kinds[buffer.row[:length]])
        columns = [np.asarray(column)[chosen].tolist() for column in (buffer.row, buffer.task, buffer.a, buffer.b)]
        buffer.length[0] = 0
        for row, task, lock_class, index in zip(*columns, strict=True):
            yield _Event(int(kinds[row]), int(s.tasks.cpu[task]), lock_class, spinlock(s, lock_class, index), row)


def _points(design: Design, program: Program, waits: list[_Wait]) -> dict[int, Points]:
    found: dict[int, Points] = {}
    for wait in waits:
        points = found.setdefault(wait.event.lock_class, Points(Counter(), Counter()))
        points.waiting[_point(design, program.places[wait.event.row])] += 1
        points.waited_for[_point(design, program.places[wait.holder_row])] += 1
    return found


def _point(design: Design, place: Place) -> Point:
    path = design.paths[place.path]
    code = getattr(path, "__wrapped__", path).__code__
    last = max(line for _, _, line in code.co_lines() if line is not None)
    return Point(place.path, place.line - code.co_firstlineno, last - code.co_firstlineno + 1)
