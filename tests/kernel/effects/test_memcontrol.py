"""The memcg: the bit spinlock of a page, and its place on the lists."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import LRU_INACTIVE_FILE, LRU_LISTS, LRU_UNEVICTABLE, MZ_LOCK
from perfsim.kernel.invariants import pages_of_list
from perfsim.kernel.state import State
from perfsim.machine.costs import DRAM_LOCAL, L1_HIT, MEMCG_MOVE
from tests.kernel.conftest import Do, StateMaker


@pytest.mark.parametrize("memcg", [0, 1])
def test_memcg_is_there_when_the_workload_says_so(make_state: StateMaker, do: Do, memcg: int) -> None:
    state = make_state(f"kernel.memcg={'true' if memcg else 'false'}")
    assert do(state, "memcg_enabled").value == memcg


def test_the_page_cgroup_bit_is_taken_by_one_at_a_time(s: State, do: Do) -> None:
    word = s.pages.cgroup[100]
    values = [do(s, "trylock_page_cgroup", 100, task=task).value for task in (0, 1)]
    assert (values, s.pages.cgroup[100]) == ([1, 0], word | 1)
    do(s, "unlock_page_cgroup", 100)
    assert s.pages.cgroup[100] == word
    assert do(s, "trylock_page_cgroup", 100, task=1).value == 1


def test_a_page_moves_to_another_list_of_its_memcg(s: State, do: Do) -> None:
    page = pages_of_list(s, 0, LRU_INACTIVE_FILE)[0]
    before = list(s.zones.cgroup_length)
    do(s, "spin_lock", MZ_LOCK, 0)
    do(s, "trylock_page_cgroup", page)
    costs = s.m.cost_ps
    moved = do(s, "mem_cgroup_move", page, LRU_UNEVICTABLE)
    assert moved.cost_ps == costs[DRAM_LOCAL] + costs[MEMCG_MOVE] + costs[L1_HIT]
    assert s.zones.cgroup_length[LRU_INACTIVE_FILE] == before[LRU_INACTIVE_FILE] - 1
    assert s.zones.cgroup_length[LRU_UNEVICTABLE] == before[LRU_UNEVICTABLE] + 1
    assert s.pages.cgroup[page] == LRU_UNEVICTABLE + 1 << 1 | 1
    assert do(s, "mem_cgroup_move", page, LRU_UNEVICTABLE).cost_ps == costs[L1_HIT]
    assert sum(s.zones.cgroup_length) == sum(before)


def test_the_new_page_of_a_migration_is_charged_as_the_old_one_is(s: State, do: Do) -> None:
    old = pages_of_list(s, 0, LRU_UNEVICTABLE)[0]
    new = do(s, "rmqueue", 1).value
    before = list(s.zones.cgroup_length)
    assert do(s, "mem_cgroup_prepare_migration", old, new) == (0, s.m.cost_ps[MEMCG_MOVE])
    assert s.pages.cgroup[new] == s.pages.cgroup[old] == LRU_UNEVICTABLE + 1 << 1
    before[LRU_LISTS + LRU_UNEVICTABLE] += 1
    assert s.zones.cgroup_length == before, "in the zone of the new page, the old one still charged"


def test_without_memcg_a_migration_charges_nothing_and_pays_nothing(make_state: StateMaker, do: Do) -> None:
    s = make_state("kernel.memcg=false")
    new = do(s, "rmqueue", 1).value
    assert do(s, "mem_cgroup_prepare_migration", pages_of_list(s, 0, LRU_UNEVICTABLE)[0], new) == (0, 0)
    assert (s.pages.cgroup[new], set(s.zones.cgroup_length)) == (0, {0})
