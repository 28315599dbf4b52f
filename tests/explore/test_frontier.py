"""States are told apart by every bit, each is kept once, and what is wrong at the very start is told."""

from itertools import combinations
from pathlib import Path

import numpy as np

from perfsim.explore import frontier
from perfsim.explore.confirm import Confirmed, confirm
from perfsim.explore.question import Question
from perfsim.explore.running import Running
from perfsim.explore.scenario import CPUS_MAX
from perfsim.explore.search import STALE_ROOM_MAX, explore
from perfsim.explore.setup import WEAK_ROOM
from perfsim.explore.walk import walk_to_rest
from tests.explore.files import design_file, scenario_file
from tests.explore.searches import PlainColumn, as_plain, before_search, compiled_search, shipped

AT_ONCE = '''\
"""A path that does wrong before its first step that others see."""

from perfsim.kernel.constants import L_HOLD
from perfsim.kernel.cpu import Cpu

extends = "redo"


async def take_twice(cpu: Cpu, page: int) -> None:
    await cpu.list_del(page)
    await cpu.list_del(page)
    await cpu.list_add(L_HOLD, page)
'''


def fingerprints(flips: list[tuple[int, ...]]) -> int:
    """How many different ones states have in which these bits alone are set."""
    running = Running(*before_search(*shipped("recheck", 0), Question()))
    running.grow()
    x = as_plain(running.x)
    seen = set()
    for flip in flips:
        for word in range(len(x.words)):
            bits = sum(1 << bit % 64 for bit in flip if bit // 64 == word)
            x.words[word] = int(np.array(bits, "u8").astype("i8"))
        x.turn.successors[0] = 0
        frontier.put_down(x, 0)
        seen.add((x.found.next_mark[0], x.found.next_tag[0]))
    return len(seen)


BITS = 64 * 20
ONE_BIT = [(), *((bit,) for bit in range(BITS))]


def test_states_that_differ_in_one_bit_have_different_fingerprints() -> None:
    assert fingerprints(ONE_BIT) == len(ONE_BIT)


def test_states_that_differ_in_two_bits_have_different_fingerprints() -> None:
    corners = [64 * word + bit for word in range(BITS // 64) for bit in (0, 1, 31, 33, 62, 63)]
    flips = [*ONE_BIT, *combinations(corners, 2)]
    assert fingerprints(flips) == len(flips)


def test_every_state_of_a_search_has_a_block_of_its_own() -> None:
    running = compiled_search(*shipped("recheck", 1), Question("kernel", reduce=False))
    x = running.x
    states, words = int(x.turn.states[0]), x.settings.words
    assert states < x.turn.ring_room[0]
    blocks = np.asarray(x.found.ring)[: states * words].reshape(states, words)
    assert len(np.unique(blocks, axis=0)) == states


def test_a_state_is_told_by_its_number_and_loaded_as_it_was_kept() -> None:
    running = compiled_search(*shipped("recheck", 1), Question(reduce=False))
    x = as_plain(running.x)
    frontier.load(x, 7)
    assert isinstance(x.words, PlainColumn)
    first = 7 * x.settings.words
    assert [x.words[word] for word in range(len(x.words))] == [
        x.found.ring[first + word] for word in range(x.settings.words)
    ]


def test_there_is_room_for_every_way_on_from_a_state() -> None:
    to_load = 1 + STALE_ROOM_MAX + (CPUS_MAX - 1) + 1  # the newest, old ones, others' stores, and later
    to_perform = WEAK_ROOM + 1  # what waits, and the late load
    assert CPUS_MAX * (to_load + to_perform) <= frontier.SUCCESSORS_MAX


def test_what_is_wrong_before_the_first_step_is_broken_at_the_start(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, ["take_twice(page)", "lock_page(page), unlock_page(page)"])
    outcome = explore(scenario, design_file(tmp_path, AT_ONCE))
    assert (outcome.verdict, outcome.property) == ("broken", "corruption")
    assert (outcome.states, outcome.actions) == (1, ())
    way = walk_to_rest(scenario, design_file(tmp_path, AT_ONCE), outcome.actions)
    assert way.broken == ("corruption",)
    assert confirm(scenario, design_file(tmp_path, AT_ONCE), way) == Confirmed(0, ("corruption",), "")
