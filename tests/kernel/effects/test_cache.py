"""The page caches of files and of shared memory: who is in them, who is found, and what their mappings say."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    AS_UNEVICTABLE,
    LRU_ACTIVE_ANON,
    LRU_INACTIVE_FILE,
    MAPPED_ELSEWHERE,
    NO_MAPPING,
    NONE,
    PG_DIRTY,
    PG_SWAPBACKED,
    PG_UPTODATE,
)
from perfsim.kernel.state import State, cache_index
from perfsim.machine.costs import ATOMIC_LOCAL, DRAM_LOCAL, DRAM_REMOTE, L1_HIT, RADIX_DELETE
from tests.kernel.conftest import NOMAD, SEGMENT, WITH_RANGES, WRITERS, Do, StateMaker, violated


@pytest.fixture
def costs(ranged: State) -> list[int]:
    """The machine's figures."""
    return ranged.m.cost_ps


@pytest.fixture
def newpage(ranged: State, do: Do) -> int:
    """A page just allocated."""
    return do(ranged, "rmqueue", 0).value


def range_of(s: State, task: int) -> int:
    """The range that is a task's own."""
    return s.ranges.order[s.tasks.range_first[task]]


def slot_of(s: State, task: int) -> int:
    """The first pte of that range."""
    return range_of(s, task) * s.settings.range_pages


def test_files_and_segments_are_mapped_objects_and_other_memory_is_not(ranged: State, do: Do) -> None:
    slots = [slot_of(ranged, task) for task in (*WRITERS, SEGMENT, NOMAD, 0)]
    assert [do(ranged, "mapped_object", slot) for slot in slots] == [(1, 0), (1, 0), (1, 0), (0, 0), (0, 0)]
    assert do(ranged, "mapped_object", MAPPED_ELSEWHERE).value == 0


def test_a_file_ends_where_it_was_written_to_and_other_memory_has_no_end(ranged: State, do: Do) -> None:
    first, second = (slot_of(ranged, task) for task in WRITERS)
    assert do(ranged, "within_i_size", first).value == 0, "a file is empty at time 0"
    do(ranged, "i_size_write", range_of(ranged, WRITERS[0]), 3)
    assert [do(ranged, "within_i_size", first + i).value for i in (0, 2, 3)] == [1, 1, 0]
    assert do(ranged, "within_i_size", second).value == 0
    assert [do(ranged, "within_i_size", slot_of(ranged, SEGMENT) + i).value for i in (9, 10)] == [1, 0]
    assert [do(ranged, "within_i_size", slot_of(ranged, task) + 15).value for task in (0, NOMAD)] == [1, 1]


def test_a_cached_page_is_found_with_a_reference(ranged: State, do: Do, costs: list[int]) -> None:
    slot = slot_of(ranged, SEGMENT)
    page = ranged.ranges.pte[slot]
    before = ranged.pages.refcount[page]
    found = do(ranged, "find_get_page", slot)
    assert found == (page, costs[RADIX_DELETE] + costs[DRAM_LOCAL] + costs[ATOMIC_LOCAL])
    assert ranged.pages.refcount[page] == before + 1
    empty = slot_of(ranged, WRITERS[0])
    assert do(ranged, "find_get_page", empty) == (NONE, costs[RADIX_DELETE])


def test_a_frozen_page_gives_no_reference_though_it_is_in_the_cache(ranged: State, do: Do) -> None:
    slot = slot_of(ranged, SEGMENT)
    page = ranged.ranges.pte[slot]
    ranged.pages.refcount[page] = 0
    assert do(ranged, "find_get_page", slot).value < 0
    assert ranged.pages.refcount[page] == 0


@pytest.mark.parametrize(
    "task, flags, charged", [(WRITERS[0], 0, LRU_INACTIVE_FILE), (SEGMENT, PG_SWAPBACKED, LRU_ACTIVE_ANON)]
)
def test_a_page_that_is_added_belongs_to_its_object(
    ranged: State, do: Do, newpage: int, task: int, flags: int, charged: int
) -> None:
    s = ranged
    slot = slot_of(s, task) + 12
    before = list(s.zones.cgroup_length)
    added = do(s, "add_to_page_cache", newpage, slot)
    assert added == (1, s.m.cost_ps[RADIX_DELETE] + s.m.cost_ps[ATOMIC_LOCAL])
    assert (s.objects.cached[cache_index(s, slot)], s.pages.slot[newpage], s.pages.refcount[newpage]) == (
        newpage,
        slot,
        2,
    )
    object_ = range_of(s, task) - s.settings.first_object_range
    assert do(s, "page_mapping", newpage).value == s.settings.nodes + 1 + object_
    assert s.pages.flags[newpage] & ~PG_DIRTY == PG_UPTODATE | flags
    assert s.zones.cgroup_length[charged] == before[charged] + 1
    assert s.pages.mapcount[newpage] == 0


@pytest.mark.parametrize("share, dirty", [("0", 0), ("1", PG_DIRTY)])
def test_a_page_that_is_added_is_as_often_dirty_as_the_workload_says(
    make_state: StateMaker, do: Do, share: str, dirty: int
) -> None:
    s = make_state(f"memory.dirty_fraction={share}", workload=WITH_RANGES)
    for i in range(8):
        page = do(s, "rmqueue", 0).value
        do(s, "add_to_page_cache", page, slot_of(s, WRITERS[0]) + i)
        assert s.pages.flags[page] & PG_DIRTY == dirty


def test_a_place_that_is_taken_is_not_taken_again(ranged: State, do: Do, newpage: int, costs: list[int]) -> None:
    slot = slot_of(ranged, SEGMENT)
    page = ranged.ranges.pte[slot]
    assert do(ranged, "add_to_page_cache", newpage, slot) == (0, costs[RADIX_DELETE])
    assert (ranged.objects.cached[cache_index(ranged, slot)], ranged.pages.refcount[newpage]) == (page, 1)
    assert ranged.pages.mapping[newpage] == 0


def test_a_page_knows_its_index_until_it_leaves_the_cache(ranged: State, do: Do, costs: list[int]) -> None:
    slot = slot_of(ranged, SEGMENT) + 2
    page = ranged.ranges.pte[slot]
    assert do(ranged, "page_index", page) == (slot, costs[DRAM_LOCAL])
    assert do(ranged, "page_cached_at", page, slot) == (1, costs[L1_HIT])
    assert do(ranged, "page_cached_at", page, slot + 1).value == 0
    do(ranged, "zap_pte", slot)
    references = ranged.pages.refcount[page]
    do(ranged, "remove_from_page_cache", page)
    assert ranged.pages.refcount[page] == references, "the cache's reference is its remover's to put"
    assert do(ranged, "page_index", page).value == NONE
    assert do(ranged, "page_cached_at", page, slot).value == 0
    assert (ranged.objects.cached[cache_index(ranged, slot)], ranged.pages.mapping[page]) == (NONE, NO_MAPPING)
    assert ranged.objects.cached[cache_index(ranged, slot) + 1] != NONE


def test_the_new_page_of_a_migration_takes_the_old_ones_place_in_the_cache(
    ranged: State, do: Do, newpage: int, costs: list[int]
) -> None:
    slot = slot_of(ranged, SEGMENT)
    page = ranged.ranges.pte[slot]
    assert do(ranged, "replace_slot", page, newpage) == (0, costs[RADIX_DELETE] + costs[L1_HIT])
    assert (ranged.objects.cached[cache_index(ranged, slot)], ranged.pages.slot[newpage]) == (newpage, slot)


def test_a_page_of_no_object_has_no_place_to_be_replaced_in(ranged: State, do: Do, newpage: int) -> None:
    before = list(ranged.objects.cached)
    page = ranged.ranges.pte[0]
    assert do(ranged, "replace_slot", page, newpage).cost_ps == ranged.m.cost_ps[RADIX_DELETE]
    assert (ranged.objects.cached, ranged.pages.slot[newpage]) == (before, NONE)


def test_a_mapping_is_made_unevictable_and_evictable_by_atomics_on_its_own_word(
    ranged: State, do: Do, costs: list[int]
) -> None:
    range_ = range_of(ranged, SEGMENT)
    page = ranged.ranges.pte[slot_of(ranged, SEGMENT)]
    mapping = do(ranged, "page_mapping", page).value
    assert do(ranged, "mapping_set_unevictable", range_) == (0, costs[DRAM_LOCAL] + costs[ATOMIC_LOCAL])
    assert do(ranged, "mapping_unevictable", mapping) == (1, costs[L1_HIT])
    assert ranged.mapping_flags.count(AS_UNEVICTABLE) == sum(ranged.mapping_flags) == 1
    assert do(ranged, "mapping_clear_unevictable", range_) == (0, costs[ATOMIC_LOCAL])
    assert do(ranged, "mapping_unevictable", mapping).value == 0


def test_the_word_of_a_mapping_lies_on_the_node_of_its_task(ranged: State, do: Do, costs: list[int]) -> None:
    assert [ranged.tasks.zone[task] for task in (WRITERS[0], SEGMENT)] == [1, 0]
    cost_ps = do(ranged, "mapping_set_unevictable", range_of(ranged, WRITERS[0])).cost_ps
    assert cost_ps == costs[DRAM_REMOTE] + costs[ATOMIC_LOCAL]


def test_a_page_that_is_faulted_in_mapped_and_truncated_leaves_nothing_behind(
    ranged: State, do: Do, newpage: int
) -> None:
    s = ranged
    slot = slot_of(s, WRITERS[0])
    do(s, "add_to_page_cache", newpage, slot)
    do(s, "set_pte", newpage, slot)  # with the reference of who has found it
    assert "caches_agree_with_pages" not in violated(s)
    assert do(s, "zap_pte", slot).value == newpage
    do(s, "remove_from_page_cache", newpage)
    assert [do(s, "put_page_testzero", newpage).value for _ in range(2)] == [0, 1]
    do(s, "free_page_to_zone", newpage)
    assert violated(s) == []
    assert set(s.violations) == {0}


def test_a_truncated_page_has_left_the_cache(s: State, do: Do) -> None:
    assert do(s, "remove_from_page_cache", 600).cost_ps == s.m.cost_ps[DRAM_REMOTE]
    assert s.pages.mapping[600] == NO_MAPPING
