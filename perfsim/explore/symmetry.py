"""Which CPUs of a scenario are interchangeable, and what changing their places does to the numbers of their rows.

CPUs are, if they do the same to the same pages and none of them has a page to itself at the start: whatever the first
may do from there, the second may, and what is wrong with one of two such states is wrong with the other. So one state
of them need be looked at. (Emerson and Sistla 1996. That this goes with persistent sets: Emerson, Jha and Peled 1997.)

Pages are not: which page is meant is in the scripts, or in the order of a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from perfsim.engine.program import FIRST_PRIMITIVE
from perfsim.explore.prepare import ORDERED
from perfsim.explore.rows import Scripts
from perfsim.explore.scenario import ExploreScenario

TELLING = ("nr_cpus", "current_mm", "down_", "up_")
"""Beginnings of names of primitives that tell CPUs apart: they count them, or take mmap_sem of their own process."""


def mirrors_of(scenario: ExploreScenario, scripts: Scripts, fences: Sequence[int]) -> list[tuple[int, ...]]:
    """Every way in which CPUs may change places, the one aside in which none does: [mirror][cpu], whose place it takes.

    fences: rows before which a barrier is put.
    """
    if _tells_cpus_apart(scripts):
        return []
    cpus = range(len(scenario.cpus))
    kinds = [_kind(scenario, scripts, frozenset(fences), cpu) for cpu in cpus]
    return [
        places
        for places in permutations(cpus)
        if places != tuple(cpus) and all(kinds[cpu] == kinds[place] for cpu, place in zip(cpus, places, strict=True))
    ]


def first_rows(scripts: Scripts) -> list[int]:
    """The first row of each CPU's."""
    return [scripts.cpus.index(cpu) for cpu in range(len(scripts.begin))]


def _tells_cpus_apart(scripts: Scripts) -> bool:
    names = {ORDERED[row.op - FIRST_PRIMITIVE].name for row in scripts.rows if row.op >= FIRST_PRIMITIVE}
    return any(name.startswith(TELLING) for name in names)


def _kind(scenario: ExploreScenario, scripts: Scripts, fences: frozenset[int], cpu: int) -> object:
    """What is equal for CPUs that are interchangeable, and for no others."""
    if any(page.owner == cpu for page in scenario.pages):
        return cpu
    first = scripts.cpus.index(cpu)
    own = [number for number, one in enumerate(scripts.cpus) if one == cpu]
    rows = [(scripts.rows[number]._replace(**_ahead(scripts, number, first)), number in fences) for number in own]
    return (rows, scripts.constants[cpu], scripts.begin[cpu] - first, scripts.settle[cpu] - first)


def _ahead(scripts: Scripts, number: int, first: int) -> dict[str, int]:
    row = scripts.rows[number]
    return {"on_zero": row.on_zero - first, "on_nonzero": row.on_nonzero - first}
