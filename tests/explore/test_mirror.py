"""What a CPU may do in a state, who has taken its place may do in the mirrored one, and the same comes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perfsim.explore.acts import LATE, may_be_late, ways
from perfsim.explore.columns import END, SC, Search
from perfsim.explore.frontier import fingerprint_of_all, load
from perfsim.explore.memory import may_perform
from perfsim.explore.mirror import place_in, reflect
from perfsim.explore.question import Question
from perfsim.explore.scenario import ExploreScenario, load_explore_scenario
from perfsim.explore.step import perform_one, step, unpack
from perfsim.kernel.constants import NONE
from perfsim.kernel.designs import Design, load_design
from tests.explore.litmus_programs import FOLDER
from tests.explore.searches import as_plain, compiled_search, shipped
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
STATES_LOOKED_AT = 10_000 if SLOW else 200


WORDS = """\
name: words
meaning: two CPUs read a word and write another, of which a third one sees the stores before they are performed.
designs: [DESIGN]
pages: [{name: x, where: off}, {name: y, where: off}, {name: p, where: off}, {name: q, where: off}]
cpus:
  - {name: first, does: ["load_store(x, y, p)"]}
  - {name: second, does: ["load_store(x, y, p)"]}
  - {name: third, does: ["load_store(y, x, q)"]}
exists: {p: 3, q: 3}
"""


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


def check_mirrored_states(scenario: ExploreScenario, design: Design, model: str) -> None:
    """Those at the end of the search, which are still there."""
    x = as_plain(compiled_search(scenario, design, Question(model)).x)
    states, acted = min(x.turn.states[0], x.turn.ring_room[0]), 0
    assert x.settings.mirrors == 1
    for state in range(max(0, x.turn.states[0] - states), x.turn.states[0], -(-states // STATES_LOOKED_AT)):
        load(x, state)
        words = words_of(x)
        other = mirrored(x, 0)
        fingerprint = fingerprint_of_all(x)
        put_back(x, other)
        assert mirrored(x, 0) == words
        assert fingerprint_of_all(x) == fingerprint
        for cpu in range(x.settings.cpus):
            there = after(x, other, place_in(x, 0, cpu), None)
            assert after(x, words, cpu, 0) == there
            acted += len(there)
    assert acted > states // 100


@pytest.mark.parametrize("name, number, model", CASES)
def test_a_mirrored_state_goes_on_as_the_state_does(name: str, number: int, model: str) -> None:
    check_mirrored_states(*shipped(name, number), model)


@pytest.mark.parametrize("model", ["tso", "ia64", "kernel"])
def test_so_it_does_where_writes_wait_and_loads_are_late(model: str, tmp_path: Path) -> None:
    design = load_design(str(FOLDER / "plain.py"))
    file = tmp_path / "words.yaml"
    file.write_text(WORDS.replace("DESIGN", str(FOLDER / "plain.py")), encoding="utf-8")
    check_mirrored_states(load_explore_scenario(str(file)), design, model)


@pytest.mark.parametrize("name, number, model", CASES[:-2])
def test_the_first_state_is_its_own_mirror(name: str, number: int, model: str) -> None:
    x = as_plain(compiled_search(*shipped(name, number), Question(model)).x)
    load(x, 0)
    assert mirrored(x, 0) == words_of(x)
