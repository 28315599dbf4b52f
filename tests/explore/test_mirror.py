"""What a CPU may do in a state, who has taken its place may do in the mirrored one, and the same comes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perfsim.explore.acts import LATE, may_be_late, ways
from perfsim.explore.columns import END, SC, Search
from perfsim.explore.frontier import begin, fingerprint_of_all, load
from perfsim.explore.memory import may_perform
from perfsim.explore.mirror import place_in, reflect
from perfsim.explore.question import Question
from perfsim.explore.running import Running
from perfsim.explore.scenario import ExploreScenario, load_explore_scenario
from perfsim.explore.step import perform_one, step, unpack
from perfsim.kernel.constants import NONE
from perfsim.kernel.designs import Design, load_design
from tests.explore.files import OFF, with_pages
from tests.explore.litmus_programs import FOLDER
from tests.explore.searches import as_plain, before_search, compiled_search, shipped
from tests.tier import SLOW

Words = tuple[int, ...]
Action = tuple[bool, int]
"""Whether it is a step, and its choice or the number of what is performed."""

CASES = [
    *(("wait_queue", 0, model) for model in ("sc", "tso", "ia64", "kernel")),
    ("wait_queue", 2, "kernel"),
    *(("putback_putback", 0, "sc"), ("putback_putback", 1, "kernel"), ("munlock_munlock", 1, "ia64")),
    *(("putback_putback_munlock", 0, "sc"), ("putback_putback_munlock", 1, "tso")),
]
STATES_LOOKED_AT = 10_000 if SLOW else 60


WORDS = """\
name: words
meaning: CPUs read and write words, and see stores of others before they are performed.
designs: [DESIGN]
pages: [{name: x, where: off}, {name: y, where: off}, {name: p, where: off}, {name: q, where: off}]
cpus: [CPUS]
exists: {p: 3, q: 3}
"""
WORDS_OF = {
    "two alike": ["load_store(x, y, p)", "load_store(x, y, p)", "load_store(y, x, q)"],
    "each other's": ["load_store(x, y, p)", "load_store(y, x, q)"],
    "each other's, stores first": ["store_load(x, y, p)", "store_load(y, x, q)"],
}


def words_of(x: Search) -> Words:
    return tuple(x.words[word] for word in range(x.settings.words))


def put_back(x: Search, words: Words) -> None:
    for number, word in enumerate(words):
        x.words[number] = word


def mirrored(x: Search, by: int) -> Words:
    reflect(x, by)
    return tuple(x.mirror.words[word] for word in range(x.settings.words))


def actions_of(x: Search, cpu: int) -> Iterator[Action]:
    """What a CPU may do in the state at hand, which a step may leave behind."""
    row = x.b.row[cpu]
    if row != END:
        unpack(x, cpu)
        late = [(True, LATE)] if ways(x, cpu, row) and may_be_late(x, cpu, row) else []
        yield from [*((True, choice) for choice in range(ways(x, cpu, row))), *late]
    if x.turn.model[0] != SC:
        yield from [(False, number) for number in range(x.b.waiting[cpu]) if may_perform(x, cpu, number)]
        yield from [(False, x.settings.room)] if x.b.late[cpu] != NONE else []


def after(x: Search, state: Words, cpu: int, by: int | None) -> set[Words]:
    """All that may come of a state by one action of a CPU; mirrored, if it is said how."""
    found = set()
    put_back(x, state)
    for is_step, choice in list(actions_of(x, cpu)):
        put_back(x, state)
        if is_step:
            unpack(x, cpu)
            step(x, cpu, choice)
        else:
            perform_one(x, cpu, choice)
        found.add(words_of(x) if by is None else mirrored(x, by))
        x.s.m.wakes.length[0] = 0
    return found


def check_mirrored_states(scenario: ExploreScenario, design: Design, model: str, mirrors: int = 1) -> None:
    """Those at the end of the search, which are still there."""
    x = as_plain(compiled_search(scenario, design, Question(model)).x)
    states, acted = min(x.turn.states[0], x.turn.ring_room[0]), 0
    assert x.settings.mirrors == mirrors
    every = -(-states * mirrors // STATES_LOOKED_AT)
    for state in range(max(0, x.turn.states[0] - states), x.turn.states[0], every):
        load(x, state)
        words = words_of(x)
        fingerprint = fingerprint_of_all(x)
        for by in range(mirrors):
            put_back(x, words)
            other = mirrored(x, by)
            put_back(x, other)
            assert fingerprint_of_all(x) == fingerprint
            for cpu in range(x.settings.cpus):
                there = after(x, other, place_in(x, by, cpu), None)
                assert after(x, words, cpu, by) == there
                acted += len(there)
    assert acted > 5


def check_first_state(scenario: ExploreScenario, design: Design) -> None:
    running = Running(*before_search(scenario, design, Question()))
    running.grow()
    x = as_plain(running.x)
    begin(x)
    for by in range(x.settings.mirrors):
        load(x, 0)
        assert mirrored(x, by) == words_of(x)


@pytest.mark.parametrize("name, number, model", CASES)
def test_a_mirrored_state_goes_on_as_the_state_does(name: str, number: int, model: str) -> None:
    check_mirrored_states(*shipped(name, number), model)


@pytest.mark.parametrize("model", ["tso", "ia64", "kernel"])
@pytest.mark.parametrize("name", sorted(WORDS_OF))
def test_so_it_does_where_writes_wait_and_loads_are_late(name: str, model: str, tmp_path: Path) -> None:
    design, file = str(FOLDER / "plain.py"), tmp_path / "words.yaml"
    cpus = ", ".join(f'{{name: P{cpu}, does: ["{script}"]}}' for cpu, script in enumerate(WORDS_OF[name]))
    file.write_text(WORDS.replace("DESIGN", design).replace("CPUS", cpus), encoding="utf-8")
    check_mirrored_states(load_explore_scenario(str(file)), load_design(design), model)


PAGES = {
    "each its own": (["putback_lru_page(a)", "putback_lru_page(b)", "putback_lru_page(c)"], 5),
    "two pairs": ([f"lock_page({page}), unlock_page({page})" for page in "aabb"], 7),
    "the other's, too": (["lock_page(a), put_page(b), unlock_page(a)", "lock_page(b), put_page(a), unlock_page(b)"], 1),
    "by their ptes": (["__munlock_pte_handler(pte(a))", "__munlock_pte_handler(pte(b))"], 1),
    "by a pagevec": (
        ["__munlock_pte_handler(pte(a)), putback_lru_page(a)", "__munlock_pte_handler(pte(b)), putback_lru_page(b)"],
        1,
    ),
    "freed": (["put_page(a), put_page(a)", "put_page(b), put_page(b)"], 1),
}


@pytest.mark.parametrize("model", ["sc", "tso", "ia64", "kernel"])
@pytest.mark.parametrize("name", sorted(PAGES))
def test_so_it_does_where_pages_are_renumbered_with_their_cpus(name: str, model: str, tmp_path: Path) -> None:
    scripts, mirrors = PAGES[name]
    scenario = with_pages(tmp_path, OFF, scripts)
    check_mirrored_states(scenario, load_design("redo"), model, mirrors)
    check_first_state(scenario, load_design("redo"))


@pytest.mark.parametrize("name, number, model", CASES[:-2])
def test_the_first_state_is_its_own_mirror(name: str, number: int, model: str) -> None:
    check_first_state(*shipped(name, number))
