"""Searches for tests: compiled, or by the very same functions as plain Python, and what is left when all is done."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from perfsim.engine.program import FIRST_PRIMITIVE
from perfsim.explore import frontier
from perfsim.explore.acts import ways
from perfsim.explore.columns import END, MODELS, Search
from perfsim.explore.properties import PROPERTIES
from perfsim.explore.question import Question
from perfsim.explore.rest import settle
from perfsim.explore.rows import ORDERED, scripts_of
from perfsim.explore.running import Running, search_all
from perfsim.explore.scenario import ExploreScenario, load_explore_scenario
from perfsim.explore.search import Action, _shortest
from perfsim.explore.setup import Asked, new_search, unused_columns
from perfsim.explore.step import go_on, pack, step, unpack
from perfsim.kernel.constants import LRU_LISTS, NONE
from perfsim.kernel.designs import Design, load_design
from perfsim.kernel.invariants import pages_of_list
from perfsim.kernel.state import State
from perfsim.numeric.columns import Ints, mapped


class PlainColumn:
    """A column whose elements are plain integers, and that takes those of too many bits as compiled code does."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: int) -> int:
        return int(self.array[index])

    def __setitem__(self, index: int, value: int) -> None:
        self.array[index] = np.array(value, "i8").astype(self.array.dtype)


class Seen(NamedTuple):
    """What a search saw. ways: by property, the shortest way to a breach. why: it did not see all."""

    states: int
    transitions: int
    finals: int
    ways: dict[str, tuple[Action, ...]]
    why: str


def shipped(name: str, number: int) -> tuple[ExploreScenario, Design]:
    """A scenario that is shipped, with one of its designs."""
    scenario = load_explore_scenario(name)
    return scenario, load_design(scenario.designs[number])


def before_search(scenario: ExploreScenario, design: Design, question: Question) -> tuple[Search, list[str]]:
    """A search before its first state, and its columns that do not change."""
    scripts = scripts_of(scenario, design)
    wanted = tuple(1 if not question.properties or one.name in question.properties else 0 for one in PROPERTIES)
    model, reduce, symmetry = MODELS[question.memory_model], question.reduce, question.symmetry
    asked = Asked(model, question.flags == "bits", question.fences, wanted, reduce=reduce, symmetry=symmetry)
    return new_search(scenario, design, scripts, asked), unused_columns(scripts)


def compiled_search(scenario: ExploreScenario, design: Design, question: Question) -> Running:
    """To the end, once, reduced or not as the question says."""
    return search_all(*before_search(scenario, design, question), question.limits, time.monotonic())


def plain_search(scenario: ExploreScenario, design: Design, question: Question) -> Running:
    """The same by Python. Of small searches alone: nothing grows."""
    running = Running(*before_search(scenario, design, question))
    running.grow()
    x = running.x = as_plain(running.x)
    frontier.begin(x)
    status = frontier.PAUSED
    while status == frontier.PAUSED:
        status = frontier.expand_all(x, 1)
        x.s.m.wakes.length[0] = 0
    assert status == frontier.DONE, "the search is too large for Python"
    running.x = mapped(x, lambda _, column: column.array)  # type: ignore[attr-defined]  # a PlainColumn
    return running


def seen_by(running: Running) -> Seen:
    """The search's figures."""
    turn = running.x.turn
    ways = {breach.property: breach.actions for breach in _shortest(running)}
    return Seen(int(turn.states[0]), int(turn.transitions[0]), int(turn.finals[0]), ways, running.why)


def as_plain(x: Search) -> Search:
    """A view of a search's arrays for Python."""
    return mapped(x, lambda _, column: PlainColumn(column))


def final_states(running: Running) -> Iterator[State]:
    """The kernel's state, in one place that changes, at each end of a small search where all is done and drained."""
    x = as_plain(running.x)
    states = int(x.turn.states[0])
    assert states <= x.turn.ring_room[0], "the first states have been overwritten"
    for state in range(states):
        frontier.load(x, state)
        everyone = range(x.settings.cpus)
        if all(x.b.row[cpu] == END and x.b.waiting[cpu] == 0 and x.b.late[cpu] == NONE for cpu in everyone):
            settle(x)
            x.s.m.wakes.length[0] = 0
            yield x.s


class Rest(NamedTuple):
    """What of the kernel's state means something when all is done, with lists as sets."""

    pages: tuple[tuple[int, ...], ...]
    lists: tuple[frozenset[int], ...]
    free: frozenset[int]
    zone: tuple[tuple[int, ...], ...]
    ranges: tuple[tuple[int, ...], ...]


def rest_of(s: State) -> Rest:
    """Comparable between searches and runs of the timed engines."""
    pages = range(s.settings.pages)
    free, page = set(), s.zones.free_head[0]
    while page != NONE and page not in free:
        free.add(int(page))
        page = s.pages.next[page]
    of_pages = (s.pages.flags, s.pages.refcount, s.pages.mapcount, s.pages.mapping, s.pages.cgroup, s.pages.slot)
    of_zone = (s.zones.lru_length, s.zones.cgroup_length, s.zones.free_count, s.zones.nr_mlock, s.mapping_flags)
    of_ranges = (s.ranges.pte, s.ranges.locked, s.objects.size, s.objects.cached)
    return Rest(
        tuple(tuple(int(column[page]) for column in of_pages) for page in pages),
        tuple(frozenset(int(one) for one in pages_of_list(s, 0, lru)) for lru in range(LRU_LISTS)),
        frozenset(free),
        tuple(_values(column) for column in of_zone),
        tuple(_values(column) for column in of_ranges),
    )


def _values(column: Ints) -> tuple[int, ...]:
    return tuple(int(column[index]) for index in range(len(column)))


def on_lists(scenario: ExploreScenario, design: Design, question: Question) -> Search:
    """A search before its first state on plain lists, every CPU at its first step."""
    x, _ = before_search(scenario, design, question)
    for cpu in range(x.settings.cpus):
        pack(x, cpu, go_on(x, cpu, x.b.row[cpu]))
    return x


def primitive_at(x: Search, cpu: int) -> str:
    """The name of the primitive that is a CPU's next step; "" at its end."""
    row = x.b.row[cpu]
    return "" if row == END else ORDERED[x.code.op[row] - FIRST_PRIMITIVE].name


def steps_of(x: Search, cpu: int, until: str = "") -> list[str]:
    """Let a CPU go on by itself until it stands before a primitive, has to wait, or is done. What it did."""
    done = []
    while primitive_at(x, cpu) not in ("", until):
        unpack(x, cpu)
        if ways(x, cpu, x.b.row[cpu]) == 0:
            break
        done.append(primitive_at(x, cpu))
        step(x, cpu, 0)
    return done
