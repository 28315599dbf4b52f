"""The first violation of a run, caught in the act: which check, when, on which CPU, of which page, in which line.

A run only counts what the kernel's checks find, and goes on. Asked for more, it is run again from its seed, by the same
engine, with a trap at those checks: the first hit ends it, and the task's path is still where it was.
"""

from __future__ import annotations

import linecache
from collections.abc import Collection
from typing import NamedTuple

from perfsim.engine.engines import Engine, begin
from perfsim.engine.prepare import design_of, profile_of, task_names
from perfsim.engine.program import Place
from perfsim.errors import PerfsimError
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import NONE, VIOLATIONS
from perfsim.kernel.designs import failure
from perfsim.kernel.violations import VIOLATION_NAMES
from perfsim.scenario.schema import Scenario

EVERY_CHECK = range(VIOLATIONS)


class Line(NamedTuple):
    """A line of a path: the path's C name, file and line, and what is written there."""

    path: str
    file: str
    line: int
    source: str


class Violation(NamedTuple):
    """check: its name. task: its name. page: NONE if it is about none; then flags, refcount and mapcount are 0.

    lines: the line that hit it first, then those that called, up to the task's own.
    """

    check: str
    time_ps: int
    cpu: int
    task: str
    page: int
    flags: int
    refcount: int
    mapcount: int
    lines: tuple[Line, ...]


def first_violation(
    engine: str, scenario: Scenario, design: str, seed: Seed, violations: Collection[int] = EVERY_CHECK
) -> Violation | None:
    """The first hit of one of these checks in a run, None if there is none. engine: its name. violations: by number.

    Raises what the run raises, if it ends before.
    """
    chosen = design_of(scenario, design)
    run = begin(engine, scenario, chosen, seed)
    run.trap(violations)
    end_ps = scenario.measure.warmup_max_ps + scenario.measure.duration_ps
    try:
        run.advance(end_ps)
        run.finish(end_ps)
    except Exception as error:
        if run.counts().bugs.sprung[0] == NONE:
            raise (error if isinstance(error, PerfsimError) else failure(chosen, error)) from None
        return _violation(run, error, task_names(scenario, profile_of(scenario)))
    return None


def _violation(run: Engine, error: Exception, names: list[str]) -> Violation:
    """What the run was ended by."""
    s = run.counts()
    bugs = s.bugs
    hit = bugs.sprung[0]
    task = bugs.task[hit]
    return Violation(
        check=VIOLATION_NAMES[hit],
        time_ps=bugs.time_ps[hit],
        cpu=s.tasks.cpu[task],
        task=names[task],
        page=bugs.page[hit],
        flags=bugs.flags[hit],
        refcount=bugs.refcount[hit],
        mapcount=bugs.mapcount[hit],
        lines=tuple(_line(place) for place in run.stack(error)),
    )


def _line(place: Place) -> Line:
    return Line(place.path, place.file, place.line, linecache.getline(place.file, place.line).strip())
