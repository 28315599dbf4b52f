"""Which CPUs and pages of a scenario are interchangeable, together: renumbered, it is the same scenario.

CPUs are, if they do the same to the same pages, or each to its own page of pages that begin alike; nothing that one of
them has to itself at the start may be another's. Whatever may follow a state may then follow the renumbered one,
renumbered, and what is wrong with one is wrong with the other: one state of them need be looked at. (Emerson and Sistla
1996. That this goes with persistent sets: Emerson, Jha and Peled 1997.)

Pages take each other's place only if kinds.py knows every number of a page from other numbers, and if no list, whose
order tells them apart, has two of them. Pages of objects keep theirs: a word of the mapping would have to be told, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import NamedTuple

from perfsim.engine.program import FIRST_PRIMITIVE
from perfsim.explore.columns import PAGE, PLAIN, RANGE
from perfsim.explore.kinds import Kinds, kinds_of
from perfsim.explore.pages import OBJECTS, OFF
from perfsim.explore.rows import ORDERED, Scripts, reads_of, writes_of
from perfsim.explore.scenario import ExploreScenario
from perfsim.explore.small import numbers_of

TELLING = ("nr_cpus", "current_mm", "down_", "up_")
"""Beginnings of names of primitives that tell CPUs apart: they count them, or take mmap_sem of their own process."""


class Renumbering(NamedTuple):
    """[cpu], [page], [range]: the number that each gets."""

    cpus: tuple[int, ...]
    pages: tuple[int, ...]
    ranges: tuple[int, ...]

    @property
    def moves_pages(self) -> bool:
        """Whether any page gets another number."""
        return self.pages != tuple(range(len(self.pages)))


def renumberings_of(scenario: ExploreScenario, scripts: Scripts, fences: Sequence[int]) -> list[Renumbering]:
    """All under which the scenario is the same, but that which renumbers nothing. fences: rows behind a barrier."""
    sizes = [scripts.cpus.count(cpu) for cpu in range(len(scenario.cpus))]
    begin_alike = [
        one
        for cpus in permutations(range(len(scenario.cpus)))
        if all(sizes[cpu] == sizes[place] for cpu, place in enumerate(cpus))
        for one in _with_pages(scenario, cpus)
    ][1:]  # permutations() begin with the identity
    if not begin_alike or _tells_cpus_apart(scripts):
        return []
    kinds = kinds_of(scripts) if any(one.moves_pages for one in begin_alike) else None
    own = [_script_of(scripts, kinds, frozenset(fences), cpu) for cpu in range(len(scenario.cpus))]
    moves = [[_moves(script, other) for other in own] for script in own]
    return [
        one
        for one in begin_alike
        if (kinds or not one.moves_pages) and all(_makes(one, moves[cpu][place]) for cpu, place in enumerate(one.cpus))
    ]


def first_rows(scripts: Scripts) -> list[int]:
    """The first row of each CPU's."""
    return [scripts.cpus.index(cpu) for cpu in range(len(scripts.begin))]


def _tells_cpus_apart(scripts: Scripts) -> bool:
    names = {ORDERED[row.op - FIRST_PRIMITIVE].name for row in scripts.rows if row.op >= FIRST_PRIMITIVE}
    return any(name.startswith(TELLING) for name in names)


def _with_pages(scenario: ExploreScenario, cpus: tuple[int, ...]) -> Iterator[Renumbering]:
    """Those of CPUs with every renumbering of pages under which the beginning is the same."""
    numbers = numbers_of(scenario)
    names = [page.name for page in scenario.pages]
    for pages in _one_of_each([_like(scenario, cpus, page) for page in range(len(names))]):
        if _keeps_orders(scenario, cpus, pages):
            to = {name: names[pages[number]] for name, number in numbers.pages.items()}
            yield Renumbering(cpus, pages, tuple(numbers.ranges[to[name]] for name in numbers.ranges))


def _like(scenario: ExploreScenario, cpus: tuple[int, ...], number: int) -> list[int]:
    """The pages whose numbers a page may get: each is where, and as, it is, and asked for as it is."""
    page = scenario.pages[number]
    owner = cpus[page.owner] if page.owner >= 0 else page.owner
    wanted = page._replace(name="", owner=owner), scenario.exists.get(page.name)
    found = [(one._replace(name=""), scenario.exists.get(one.name)) for one in scenario.pages]
    like = [other for other, one in enumerate(found) if one == wanted]
    return [other for other in like if other == number or page.mapping not in OBJECTS]


def _one_of_each(choices: Sequence[Sequence[int]], before: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Every way to take another number from each of the choices, in order."""
    if len(before) == len(choices):
        yield before
        return
    for one in choices[len(before)]:
        if one not in before:
            yield from _one_of_each(choices, (*before, one))


def _keeps_orders(scenario: ExploreScenario, cpus: tuple[int, ...], pages: tuple[int, ...]) -> bool:
    """Whether the pages of each list are in the same order, renumbered."""
    in_order = [(page.where, page.owner, number) for number, page in enumerate(scenario.pages) if page.where != OFF]
    moved = [(where, cpus[owner] if owner >= 0 else owner, pages[number]) for where, owner, number in in_order]
    return sorted(moved, key=lambda one: one[:2]) == sorted(in_order, key=lambda one: one[:2])


SLOT = -1
"""The kind of an operand that is no constant."""


class _Operand(NamedTuple):
    """kind: what a constant is, or SLOT. value: the constant, or the slot, from the CPU's first one on."""

    kind: int
    value: int


class _Step(NamedTuple):
    """A row, without what its CPU's number and its place in the table do to it: slots and rows from its CPU's first."""

    op: int
    operands: tuple[_Operand, ...]
    writes: tuple[int, ...]
    targets: tuple[int, int]
    is_behind_fence: bool


class _Script(NamedTuple):
    """begin, settle: rows of a CPU's, from its first one on. steps: all of its rows."""

    begin: int
    settle: int
    steps: tuple[_Step, ...]


def _script_of(scripts: Scripts, kinds: Kinds | None, fences: frozenset[int], cpu: int) -> _Script:
    first = scripts.cpus.index(cpu)
    own = [number for number, owner in enumerate(scripts.cpus) if owner == cpu]
    steps = tuple(_step_of(scripts, kinds, number, number in fences) for number in own)
    return _Script(scripts.begin[cpu] - first, scripts.settle[cpu] - first, steps)


def _step_of(scripts: Scripts, kinds: Kinds | None, number: int, is_behind_fence: bool) -> _Step:
    row, cpu = scripts.rows[number], scripts.cpus[number]
    first, constants = scripts.cpus.index(cpu), scripts.constants[cpu]
    read = reads_of(row)
    operands = tuple(
        _Operand(kind, constants[slot]) if slot < len(constants) else _Operand(SLOT, slot - len(constants))
        for slot, kind in zip(read, kinds.operands[number] if kinds else (PLAIN,) * len(read), strict=True)
    )
    writes = tuple(slot - len(constants) for slot in writes_of(row))
    return _Step(row.op, operands, writes, (row.on_zero - first, row.on_nonzero - first), is_behind_fence)


def _moves(script: _Script, other: _Script) -> set[tuple[_Operand, _Operand]] | None:
    """What each operand of a script is in another, which is None if they differ in more than that."""
    if script[:2] != other[:2] or len(script.steps) != len(other.steps):
        return None
    moves: set[tuple[_Operand, _Operand]] = set()
    for step, twin in zip(script.steps, other.steps, strict=True):
        if step._replace(operands=twin.operands) != twin or len(step.operands) != len(twin.operands):
            return None
        moves.update(zip(step.operands, twin.operands, strict=True))
    return moves


def _makes(one: Renumbering, moves: set[tuple[_Operand, _Operand]] | None) -> bool:
    """Whether pages and ranges, renumbered, make these moves."""
    numbers = {PAGE: one.pages, RANGE: one.ranges}

    def moved(operand: _Operand) -> _Operand:
        to = numbers.get(operand.kind, ())
        return operand._replace(value=to[operand.value]) if 0 <= operand.value < len(to) else operand

    return moves is not None and all(moved(operand) == to for operand, to in moves)
