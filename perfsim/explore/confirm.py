"""A way under sequential consistency once more, by the reference engine: the paths as they stand, as coroutines.

Each CPU stops before what the search takes for a step, until the way says that it is its turn; a step takes a
microsecond, so that the n-th is made n microseconds after the beginning. What the engine performs is compared with what
the search did, one primitive after another, and so is the state that it ends in.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

from perfsim.engine.reference import Pace, Running, is_done, observe, run_until, start_paced
from perfsim.explore.layout import IN_STATE
from perfsim.explore.prepare import STEPS
from perfsim.explore.properties import CORRUPTION, SCHEDULING_WHILE_ATOMIC, UNLOCK_NOT_HELD
from perfsim.explore.rest import stuck
from perfsim.explore.rows import AT_LAST, calls_of
from perfsim.explore.small import numbers_of, small_state
from perfsim.explore.supported import IDLE
from perfsim.explore.walk import MIDWAY, STEP, Moment, Waiting, Walked, broken_on_the_way, broken_when_done
from perfsim.kernel.constants import NONE, VECTOR_SLOTS
from perfsim.kernel.primitives import PROBE_BEGIN, PROBE_END, TASK_BEGIN, Primitive
from perfsim.machine.state import BLOCKED
from perfsim.numeric.columns import leaves

if TYPE_CHECKING:
    from types import FrameType

    from perfsim.explore.scenario import ExploreScenario
    from perfsim.kernel.designs import Design
    from perfsim.kernel.state import State

STEP_PS = 10**6
"""How long a step takes."""


UNTOLD = IDLE | {PROBE_BEGIN.name, PROBE_END.name, TASK_BEGIN.name}
"""Primitives that are not compared: the search leaves out what only takes time, or only counts."""


class Witness(Protocol):
    """Is shown the run of the reference engine; the state, and the frames of the paths, are to be looked at only."""

    def begin(self, s: State) -> None:
        """All is as the scenario says."""

    def saw(self, moment: Moment, now: int, frame: FrameType) -> None:
        """A primitive has taken effect, as the search says too. frame: called by those of the task's paths."""

    def blocked(self, cpu: int, call: Waiting, now: int, frame: FrameType) -> None:
        """A CPU is held by a primitive: for ever, if the engine does what the search says."""


class Confirmed(NamedTuple):
    """steps: that the engine made as the way says. broken: what is broken at its end. differs: the first thing that it
    did otherwise, in a line, or "".
    """

    steps: int
    broken: tuple[str, ...]
    differs: str


def confirm(scenario: ExploreScenario, design: Design, way: Walked, witness: Witness | None = None) -> Confirmed:
    """Run a way, as walk_to_rest() tells it, on the reference engine."""
    s = small_state(scenario, unevictable_lru=design.unevictable_lru)
    way = _without_untold(way)
    comparison = _Comparison(way, witness)
    if witness is not None:
        witness.begin(s)
    running = start_paced(s, design, STEPS, _paces(scenario, design, way))
    observe(running, comparison)
    failed = _run(running, comparison, way)
    differs = comparison.differs or comparison.left(failed != NONE) or _end_differs(way, running, comparison)
    broken = _broken(way, s, failed)
    if not differs and broken != way.broken:
        differs = f"it ends with {_listed(broken)}; the way with {_listed(way.broken)}"
    return Confirmed(comparison.steps, broken, differs)


def _without_untold(way: Walked) -> Walked:
    acted = [moment for moment in way.moments[: way.acted] if moment.primitive not in UNTOLD]
    at_last = [moment for moment in way.moments[way.acted :] if moment.primitive not in UNTOLD]
    return way._replace(moments=[*acted, *at_last], acted=len(acted))


def _paces(scenario: ExploreScenario, design: Design, way: Walked) -> list[Pace]:
    """The turns of each CPU; behind them each drains its pagevecs, one after another, or is let go to where it
    cannot go on.
    """
    owners = _owners(way)
    numbers = numbers_of(scenario)
    at_last = [(AT_LAST, ())] if way.ends == NONE else []
    return [
        Pace(
            calls=calls_of(scenario, cpu, design, numbers),
            at_last=at_last,
            turns_ps=[number * STEP_PS for number, owner in enumerate(owners, 1) if owner == cpu],
            rest_ps=(len(owners) + 1 + cpu) * STEP_PS,
        )
        for cpu in range(len(scenario.cpus))
    ]


def _owners(way: Walked) -> list[int]:
    """The CPU of each step. Who would go to sleep with a spinlock in the end does so, which the engine notices."""
    owners = [moment.cpu for moment in way.moments[: way.acted] if moment.kind == STEP]
    return [*owners, owners[-1]] if way.x.turn.failed[0] == SCHEDULING_WHILE_ATOMIC else owners


def _run(running: Running, comparison: _Comparison, way: Walked) -> int:
    """Go on to the way's end, or to the first difference. Returns the property broken by a primitive that cannot be
    performed, or NONE.
    """
    steps = len(_owners(way))
    last = steps if way.ends == MIDWAY else steps + way.x.settings.cpus
    try:
        for step in range(last + 1):
            run_until(running, (step + 1) * STEP_PS)
            if comparison.differs:
                return NONE
    except AssertionError:
        primitive = way.moments[way.acted - 1].primitive if way.acted else ""
        return UNLOCK_NOT_HELD if primitive.startswith("spin_unlock") else CORRUPTION
    except ValueError:  # an argument out of bounds
        return CORRUPTION
    return NONE


class _Comparison:
    """An observer of the engine, with the way in hand. seen: moments met so far. held: what blocks each CPU."""

    def __init__(self, way: Walked, witness: Witness | None) -> None:
        self.way = way
        self.witness = witness
        self.seen = 0
        self.steps = 0
        self.differs = ""
        self.held: dict[int, Waiting] = {}

    def performed(self, task: int, now: int, primitive: Primitive, arguments: tuple[int, ...], result: int) -> None:
        """See Observer."""
        if primitive.name in UNTOLD:
            return
        call = Waiting(primitive.name, arguments)
        if result == BLOCKED:
            self.held[task] = call
            if self.witness is not None:
                self.witness.blocked(task, call, now, sys._getframe(1))
        else:
            self._meet(task, call, result, now)

    def resumed(self, task: int, now: int, result: int) -> None:
        """See Observer."""
        if result != BLOCKED:
            self._meet(task, self.held.pop(task), result, now)

    def left(self, failed: bool) -> str:
        """What the way has and the engine has not done, or "". The step that breaks off a run is not told."""
        moments = self.way.moments
        if self.seen == len(moments):
            return ""
        expected = moments[self.seen]
        is_last = self.seen == self.way.acted - 1
        call = Waiting(expected.primitive, expected.arguments)
        if is_last and (failed or self.held.get(expected.cpu) == call) and self.way.ends == MIDWAY:
            self.steps += 1
            return ""
        return f"{self._where()}: the way has {_told(expected.cpu, call, expected.value)}, the engine nothing"

    def _meet(self, task: int, call: Waiting, result: int, now: int) -> None:
        """Compare what a CPU did with what the way says that it does."""
        if self.differs:
            return
        said = self.way.moments[self.seen] if self.seen < len(self.way.moments) else None
        done = _told(task, call, result)
        if said is None:
            self.differs = f"behind the last step: it makes {done}, and the way nothing"
        elif (said.cpu, said.primitive, said.arguments, said.value) != (task, *call, result):
            expected = _told(said.cpu, Waiting(said.primitive, said.arguments), said.value)
            self.differs = f"{self._where()}: it makes {done}, and the way {expected}"
        else:
            self.steps += said.kind == STEP and self.seen < self.way.acted
            self.seen += 1
            if self.witness is not None:
                self.witness.saw(said, now, sys._getframe(2))

    def _where(self) -> str:
        return f"step {self.steps + 1}"


def _told(cpu: int, call: Waiting, value: int | None) -> str:
    arguments = ", ".join(map(str, call.arguments))
    return f"CPU {cpu}'s {call.primitive}({arguments}) -> {value}"


def _broken(way: Walked, s: State, failed: int) -> tuple[str, ...]:
    """What is broken at the end of the engine's run, as the way's end is judged. failed: see _run()."""
    if failed != NONE:
        return broken_on_the_way(s, failed)
    x = way.x._replace(s=s)
    if way.ends == NONE:
        return broken_when_done(x)
    return broken_on_the_way(s, NONE if way.ends == MIDWAY else stuck(x))


def _end_differs(way: Walked, running: Running, comparison: _Comparison) -> str:
    """What of the end is otherwise than the way says, or ""."""
    if way.x.turn.failed[0] in (CORRUPTION, UNLOCK_NOT_HELD):
        return ""
    if way.ends != MIDWAY and comparison.held != way.standing:
        return f"in the end it holds {comparison.held or 'nobody'}, and the way {way.standing or 'nobody'}"
    done = [is_done(cpu) for cpu in running.cpus]
    if way.ends != MIDWAY and done != [cpu not in way.standing for cpu in range(len(done))]:
        return f"in the end {sum(done)} CPUs are done, and by the way {len(done) - len(way.standing)}"
    engine, search = _columns(running.s), _columns(way.x.s)
    if way.ends == MIDWAY and way.x.turn.failed[0] == NONE:
        engine["violations"], search["violations"] = list(running.s.violations), list(way.x.s.violations)
    for name, column in search.items():
        if engine[name] != column:
            return f"in the end {name} is {engine[name]}, and by the way {column}"
    return ""


def _columns(s: State) -> dict[str, list[int]]:
    """The columns of a state that mean anything, by name; of wait queues what is queued, of vectors what is in them."""
    found = {name: list(column) for name, column in leaves(s) if f"s.{name}" in IN_STATE}
    queued = s.queues.queued
    for name in ("next", "page", "flag", "exclusive"):
        column = found[f"queues.{name}"]
        found[f"queues.{name}"] = [value for value, is_queued in zip(column, queued, strict=True) if is_queued]
    found["vectors"] = [
        page
        for vector, length in enumerate(s.vectors.length)
        for page in s.vectors.pages[vector * VECTOR_SLOTS :][:length]
    ]
    return found


def _listed(properties: tuple[str, ...]) -> str:
    return " and ".join(properties) or "nothing broken"
