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
    return [
        one
        for one in begin_alike
        if (kinds or not one.moves_pages)
        and all(_renumbered(own[cpu], one) == own[place] for cpu, place in enumerate(one.cpus))
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
    for pages in permutations(range(len(names))):
        if _begins_alike(scenario, cpus, pages):
            to = {name: names[pages[number]] for name, number in numbers.pages.items()}
            yield Renumbering(cpus, pages, tuple(numbers.ranges[to[name]] for name in numbers.ranges))


def _begins_alike(scenario: ExploreScenario, cpus: tuple[int, ...], pages: tuple[int, ...]) -> bool:
    """Whether each page is where, and as, the one is whose number it gets; and asked for as that one is."""
    specs = scenario.pages
    for number, page in enumerate(specs):
        owner = cpus[page.owner] if page.owner >= 0 else page.owner
        if page._replace(name="", owner=owner) != specs[pages[number]]._replace(name=""):
            return False
        if pages[number] != number and page.mapping in OBJECTS:
            return False
    wanted = {number: scenario.exists.get(page.name) for number, page in enumerate(specs)}
    in_order = [(page.where, page.owner, number) for number, page in enumerate(specs) if page.where != OFF]
    moved = [(where, cpus[owner] if owner >= 0 else owner, pages[number]) for where, owner, number in in_order]
    is_same_order = sorted(moved, key=lambda one: one[:2]) == sorted(in_order, key=lambda one: one[:2])
    return is_same_order and all(wanted[pages[number]] == value for number, value in wanted.items())


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


def _renumbered(script: _Script, one: Renumbering) -> _Script:
    """The script, with the pages and ranges that it names renumbered."""
    numbers = {PAGE: one.pages, RANGE: one.ranges}

    def moved(operand: _Operand) -> _Operand:
        to = numbers.get(operand.kind, ())
        return operand._replace(value=to[operand.value]) if 0 <= operand.value < len(to) else operand

    steps = tuple(step._replace(operands=tuple(map(moved, step.operands))) for step in script.steps)
    return script._replace(steps=steps)
