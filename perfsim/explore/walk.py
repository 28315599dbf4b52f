"""One way through a scenario again, action by action, on plain Python lists: what each step did, read and left unseen.

The search keeps of a way the actions alone. Here they are made once more, by the same functions, not compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from perfsim.engine.loop import put
from perfsim.engine.loop import turn as loop_turn
from perfsim.engine.program import FIRST_PRIMITIVE, NEXT, RETURN, Place
from perfsim.errors import InputError
from perfsim.explore.acts import (
    LATE,
    LOAD,
    LOCAL,
    is_out_of_bounds,
    may_be_late,
    needs_late,
    operands_of,
    perform,
    take_effect,
    ways,
)
from perfsim.explore.columns import END, MODELS, Search
from perfsim.explore.memory import may_perform
from perfsim.explore.properties import CORRUPTION, OUTCOME, PROPERTIES, PROPERTY_OF
from perfsim.explore.question import SIMPLE
from perfsim.explore.rest import at_rest, stuck
from perfsim.explore.rows import ORDERED, Scripts, scripts_of
from perfsim.explore.setup import Asked, new_search
from perfsim.explore.step import ROWS_MAX, VECTOR_PAGES, answer, pack, perform_one, unpack
from perfsim.kernel.constants import NONE, VECTOR_SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfsim.explore.question import Question
    from perfsim.explore.scenario import ExploreScenario
    from perfsim.explore.search import Action
    from perfsim.kernel.designs import Design
    from perfsim.kernel.state import State

PLACE = "--replay"
WRONG_ARGUMENT = "an argument is none that the primitive may have"

MIDWAY = -2
"""The end of a way from which somebody can go on."""

STEP, LOCALLY, PERFORM, LATER, LATE_LOAD = "step", "local", "perform", "later", "late"


class Waiting(NamedTuple):
    """A write that other CPUs do not see yet."""

    primitive: str
    arguments: tuple[int, ...]


class Moment(NamedTuple):
    """What happened. kind: `step`; `local`, of what follows in the same step and is seen by nobody; `perform`, a write
    that waited is seen by all now; `later`, a load that is still to be performed, and `late`, when it is.

    value: what it returned, None if it returned nothing or not yet. old: whether a load returned what is not in memory
    any more, or not yet. waiting: of the CPU, behind it. row: of the program of all CPUs.
    """

    kind: str
    cpu: int
    primitive: str
    arguments: tuple[int, ...]
    value: int | None
    old: bool
    waiting: tuple[Waiting, ...]
    place: Place
    row: int


def walk(
    scenario: ExploreScenario, design: Design, actions: Iterable[Action], question: Question = SIMPLE
) -> list[Moment]:
    """Make the actions from the start on. Raises InputError at --replay for one that is not possible there."""
    return _walked(scenario, design, actions, question).moments


class Walked(NamedTuple):
    """moments: of the actions, as many as `acted`; behind them of the draining of pagevecs, if all is done. x: the
    search in the state that it ends in. ends: nobody could go on, and why: NONE if all was done; or it was not so:
    MIDWAY. broken: the properties that are broken in the end. standing: of each CPU that nobody lets go on in the end,
    by number, the primitive that it stands before.
    """

    moments: list[Moment]
    acted: int
    x: Search
    ends: int
    broken: tuple[str, ...]
    standing: dict[int, Waiting]


def walk_to_rest(scenario: ExploreScenario, design: Design, actions: Iterable[Action]) -> Walked:
    """Make the actions as walk() does, sequentially consistent; if nobody can go on then, look at what is wrong."""
    walker = _walked(scenario, design, actions, SIMPLE)
    acted, x = len(walker.moments), walker.x
    if x.turn.failed[0] == NONE and not any(walker.may_step(cpu, 0) for cpu in range(x.settings.cpus)):
        reason = stuck(x)
        return Walked(walker.moments, acted, x, reason, walker.come_to_rest(), walker.standing())
    return Walked(walker.moments, acted, x, MIDWAY, broken_on_the_way(x.s, x.turn.failed[0]), {})


def broken_on_the_way(s: State, failed: int = NONE) -> tuple[str, ...]:
    """The properties that the kernel's own checks found broken, and one that failed otherwise, or NONE."""
    found = {PROPERTY_OF[check] for check, count in enumerate(s.violations) if count}
    return tuple(one.name for number, one in enumerate(PROPERTIES) if number in found or number == failed)


def broken_when_done(x: Search) -> tuple[str, ...]:
    """The properties that are broken when all is done and pagevecs are drained. Of a scenario that asks for an outcome,
    whose pages are but words, that one.
    """
    found = broken_on_the_way(x.s)
    asked = [OUTCOME] if x.settings.wanted else range(len(PROPERTIES))
    return tuple(PROPERTIES[one].name for one in asked if PROPERTIES[one].name in found or at_rest(x, one))


def _walked(scenario: ExploreScenario, design: Design, actions: Iterable[Action], question: Question) -> _Walker:
    scripts = scripts_of(scenario, design)
    model, everything = MODELS[question.memory_model], (1,) * len(PROPERTIES)
    asked = Asked(model, question.flags == "bits", question.fences, everything, reduce=False, symmetry=False)
    walker = _Walker(new_search(scenario, design, scripts, asked), scripts)
    try:
        walker.begin()
        for number, action in enumerate(actions, 1):
            walker.check_possible(action, number)
            walker.do(action)
    except AssertionError:  # nothing that follows would mean anything
        walker.x.turn.failed[0] = CORRUPTION
    return walker


class _Walker:
    """The state at hand, and what has happened so far. waiting: [cpu], what of its writes others do not see."""

    def __init__(self, x: Search, scripts: Scripts) -> None:
        self.x = x
        self.scripts = scripts
        self.moments: list[Moment] = []
        self.waiting: list[list[Waiting]] = [[] for _ in range(x.settings.cpus)]

    def begin(self) -> None:
        """Let every CPU go to its first step."""
        for cpu in range(self.x.settings.cpus):
            self._follow(cpu, self.x.b.row[cpu])

    def check_possible(self, action: Action, number: int) -> None:
        """Refuse an action of a damaged word."""
        cpu, cpus = action.cpu, self.x.settings.cpus
        if cpu >= cpus:
            raise InputError(PLACE, f"action {number} is of CPU {cpu}; expected a CPU below {cpus}")
        if not (self.may_step(cpu, action.choice) if action.kind == STEP else self._may_perform(cpu, action.choice)):
            problem = f"action {number}, of CPU {cpu}, is not possible there; expected a word as explore prints it"
            raise InputError(PLACE, problem)

    def do(self, action: Action) -> None:
        """Make one action."""
        if action.kind == STEP:
            self.step(action.cpu, action.choice)
        else:
            self.perform(action.cpu, action.choice)

    def step(self, cpu: int, choice: int) -> None:
        """As step.step() does, and what it does locally is told too."""
        x, row = self.x, self.x.b.row[cpu]
        unpack(x, cpu)
        arguments = operands_of(x, cpu, row)
        waiting = x.b.waiting[cpu]
        if is_out_of_bounds(x, cpu, row):
            self.moments.append(self._moment((STEP, cpu, row), arguments, None))
            raise AssertionError(WRONG_ARGUMENT)
        if choice == LATE:
            x.b.late[cpu] = row
            value = 0
        else:
            value = self._effect(cpu, row, choice, arguments)
        if x.b.waiting[cpu] > waiting:
            self.waiting[cpu].append(Waiting(*self._called(row, arguments)))
        said = None if choice == LATE or x.b.waiting[cpu] > waiting else value
        old = choice not in (0, LATE) and x.code.act[row] == LOAD
        self.moments.append(self._moment((LATER if choice == LATE else STEP, cpu, row), arguments, said, old=old))
        self._follow(cpu, answer(x, cpu, row, value))

    def _effect(self, cpu: int, row: int, choice: int, arguments: Sequence[int]) -> int:
        """Let a primitive take effect; one that cannot is told too."""
        try:
            return take_effect(self.x, cpu, row, choice)
        except AssertionError:
            self.moments.append(self._moment((STEP, cpu, row), arguments, None))
            raise

    def perform(self, cpu: int, number: int) -> None:
        """Let a write of a CPU's be seen by all, or its late load be performed."""
        x = self.x
        if number < x.settings.room:
            row = x.b.wait_row[cpu * x.settings.room + number]
            waited = self.waiting[cpu].pop(number)
            perform_one(x, cpu, number)
            self.moments.append(self._moment((PERFORM, cpu, row), waited.arguments, None))
            return
        late = x.b.late[cpu]
        unpack(x, cpu)
        arguments = operands_of(x, cpu, late)
        x.b.late[cpu] = NONE
        value = take_effect(x, cpu, late, 0)
        put(x.values, cpu * x.settings.slots, x.code.dst[late], value)
        self.moments.append(self._moment((LATE_LOAD, cpu, late), arguments, value))
        self._follow(cpu, x.b.row[cpu])

    def may_step(self, cpu: int, choice: int) -> bool:
        """Whether a CPU may make its next step now, in one of its ways."""
        x, row = self.x, self.x.b.row[cpu]
        if row == END:
            return False
        unpack(x, cpu)
        count = ways(x, cpu, row)
        return choice < count or (choice == LATE and count > 0 and bool(may_be_late(x, cpu, row)))

    def come_to_rest(self) -> tuple[str, ...]:
        """As rest.settle() does, if all are done. Returns what is broken."""
        x, reason = self.x, stuck(self.x)
        if reason != NONE:
            return broken_on_the_way(x.s, reason)
        try:
            for cpu in range(x.settings.cpus):
                unpack(x, cpu)
                self._follow(cpu, x.settle[cpu])
                while self.may_step(cpu, 0):
                    self.step(cpu, 0)
        except AssertionError:
            x.turn.failed[0] = CORRUPTION
            return broken_on_the_way(x.s, CORRUPTION)
        return broken_when_done(x)

    def standing(self) -> dict[int, Waiting]:
        """What each CPU that cannot go on stands before."""
        x, found = self.x, {}
        for cpu in range(x.settings.cpus):
            if x.b.row[cpu] != END:
                unpack(x, cpu)
                found[cpu] = Waiting(*self._called(x.b.row[cpu], operands_of(x, cpu, x.b.row[cpu])))
        return found

    def _may_perform(self, cpu: int, number: int) -> bool:
        if number < self.x.b.waiting[cpu]:
            return bool(may_perform(self.x, cpu, number))
        return number == self.x.settings.room and self.x.b.late[cpu] != NONE

    def _follow(self, cpu: int, row: int) -> None:
        """As step.go_on() does from a row on, with what primitives did on the way."""
        x = self.x
        for _ in range(ROWS_MAX):
            if row == END or x.code.act[row] != LOCAL or x.code.op[row] == RETURN:
                break
            if x.b.late[cpu] != NONE and needs_late(x, cpu, row):
                break
            if x.code.op[row] == NEXT:
                row = x.code.on_nonzero[row] if loop_turn(x, cpu * x.settings.slots, row) else x.code.on_zero[row]
                continue
            arguments = operands_of(x, cpu, row)
            if is_out_of_bounds(x, cpu, row):
                raise AssertionError(WRONG_ARGUMENT)
            value = perform(x, cpu, row, arguments)
            if self.scripts.rows[row].op >= FIRST_PRIMITIVE:
                self.moments.append(self._moment((LOCALLY, cpu, row), arguments, value))
            row = answer(x, cpu, row, value)
        self._join_vectors(cpu)
        pack(x, cpu, END if row == END or x.code.op[row] == RETURN else row)

    def _join_vectors(self, cpu: int) -> None:
        """The first pages of each vector of a CPU's as one word: compiled, they are the same memory."""
        x = self.x
        for vector in x.used[cpu * x.settings.used : (cpu + 1) * x.settings.used]:
            first = vector * VECTOR_SLOTS
            pages = bytes(page & 0xFF for page in x.s.vectors.pages[first : first + VECTOR_PAGES])
            x.vector_words[vector] = int.from_bytes(pages, "little", signed=True)

    def _called(self, row: int, arguments: Sequence[int]) -> tuple[str, tuple[int, ...]]:
        primitive = ORDERED[self.scripts.rows[row].op - FIRST_PRIMITIVE]
        return primitive.name, tuple(arguments[: primitive.arguments])

    def _moment(
        self, what: tuple[str, int, int], arguments: Sequence[int], value: int | None, *, old: bool = False
    ) -> Moment:
        kind, cpu, row = what
        return Moment(
            kind,
            cpu,
            *self._called(row, arguments),
            value,
            old,
            tuple(self.waiting[cpu]),
            self.scripts.places[row],
            row,
        )
