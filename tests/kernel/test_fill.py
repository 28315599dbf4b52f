"""Memory at time 0: who has which page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from perfsim.engine.prepare import profile_of
from perfsim.kernel.boot import Seed, boot
from perfsim.kernel.constants import (
    LOCKED_ELSEWHERE,
    LRU_ACTIVE_ANON,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    NONE,
    PG_DIRTY,
    PG_LRU,
    PG_MLOCKED,
    PG_REFERENCED,
    PG_SWAPBACKED,
    PG_UNEVICTABLE,
)
from perfsim.kernel.invariants import EVERY, pages_of_list
from perfsim.kernel.state import State
from tests.kernel.conftest import NOMAD, SEGMENT, WRITERS, ScenarioMaker, StateMaker

EVICTABLE = (LRU_INACTIVE_ANON, LRU_ACTIVE_ANON, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE)


def free_pages(s: State, zone: int) -> Iterator[int]:
    """Pages of a zone's free list."""
    page = s.zones.free_head[zone]
    while page != NONE:
        yield page
        page = s.pages.next[page]


def evictable(s: State, zone: int) -> list[int]:
    """All pages of a zone that reclaim may find."""
    return [page for lru in EVICTABLE for page in pages_of_list(s, zone, lru)]


@pytest.mark.parametrize("zone", [0, 1])
def test_each_page_of_a_zone_is_free_locked_or_evictable(s: State, zone: int) -> None:
    free, locked, rest = list(free_pages(s, zone)), pages_of_list(s, zone, LRU_UNEVICTABLE), evictable(s, zone)
    assert sorted([*free, *locked, *rest]) == list(range(512 * zone, 512 * (zone + 1)))
    assert (len(free), len(locked), len(rest)) == (48, 128, 336)


@pytest.mark.parametrize("locked, pages", [("0", 0), ("0.1", 51), ("0.25", 128), ("0.5", 256)])
def test_the_share_of_locked_pages_is_what_the_workload_says(make_state: StateMaker, locked: str, pages: int) -> None:
    s = make_state(f"memory.mlocked_fraction={locked}")
    assert s.zones.nr_mlock == [pages, pages]
    assert [sum(1 for flags in s.pages.flags[first : first + 512] if flags & PG_MLOCKED) for first in (0, 512)] == [
        pages,
        pages,
    ]


@pytest.mark.parametrize("share, low, high", [("0", 0, 0), ("0.5", 0.48, 0.52), ("0.9", 0.88, 0.92), ("1", 1, 1)])
def test_the_share_of_file_pages_is_what_the_workload_says(
    make_state: StateMaker, share: str, low: float, high: float
) -> None:
    s = make_state(f"memory.file_fraction={share}", "memory.mlocked_fraction=0")
    pages = [page for zone in (0, 1) for page in evictable(s, zone)]
    files = [page for page in pages if not s.pages.flags[page] & PG_SWAPBACKED]
    assert low <= len(files) / len(pages) <= high


@pytest.mark.parametrize("share, low, high", [("0", 0, 0), ("0.1", 0.08, 0.12), ("1", 1, 1)])
def test_the_share_of_dirty_pages_is_what_the_workload_says(
    make_state: StateMaker, share: str, low: float, high: float
) -> None:
    s = make_state(f"memory.dirty_fraction={share}")
    pages = evictable(s, 1)
    assert low <= sum(bool(s.pages.flags[page] & PG_DIRTY) for page in pages) / len(pages) <= high


@pytest.mark.parametrize(
    "inactive, active", [(LRU_INACTIVE_ANON, LRU_ACTIVE_ANON), (LRU_INACTIVE_FILE, LRU_ACTIVE_FILE)]
)
def test_half_of_each_kind_is_active(s: State, inactive: int, active: int) -> None:
    assert 0 <= s.zones.lru_length[inactive] - s.zones.lru_length[active] <= 1


def test_references_are_of_the_cache_and_of_one_pte_if_any(s: State) -> None:
    for page in evictable(s, 0):
        mapped = s.pages.slot[page] != NONE
        cached = not s.pages.flags[page] & PG_SWAPBACKED  # nothing has been swapped out yet
        assert (s.pages.mapcount[page], s.pages.refcount[page]) == (mapped, cached + mapped)
        assert not s.pages.flags[page] & PG_SWAPBACKED or mapped
    for page in free_pages(s, 0):
        assert (s.pages.mapcount[page], s.pages.refcount[page], s.pages.flags[page]) == (0, 0, 0)


@pytest.mark.parametrize("zone", [0, 1])
def test_a_page_in_use_belongs_to_its_zones_file_or_to_its_anonymous_object(s: State, zone: int) -> None:
    for page in evictable(s, zone):
        is_anonymous = bool(s.pages.flags[page] & PG_SWAPBACKED)
        assert divmod(s.pages.mapping[page], 2) == (zone + 1, is_anonymous)


def test_locked_ranges_have_their_pages_on_the_unevictable_list(s: State) -> None:
    for range_, locked in enumerate(s.ranges.locked):
        flags = {s.pages.flags[page] & (PG_MLOCKED | PG_UNEVICTABLE | PG_LRU) for page in pages_of_range(s, range_)}
        assert flags == {PG_LRU | (PG_MLOCKED | PG_UNEVICTABLE if locked else 0)}


def pages_of_range(s: State, range_: int) -> list[int]:
    """Pages that a range maps."""
    size = s.settings.range_pages
    return s.ranges.pte[range_ * size : (range_ + 1) * size]


def test_a_range_is_of_one_kind_and_one_zone(s: State) -> None:
    for range_, is_file in enumerate(s.ranges.file):
        pages = pages_of_range(s, range_)
        assert {page // 512 for page in pages} == {s.ranges.zone[range_]}
        assert {bool(s.pages.flags[page] & PG_SWAPBACKED) for page in pages} == {not is_file}


def test_locked_pages_that_fill_no_range_are_locked_for_good(make_state: StateMaker) -> None:
    s = make_state("memory.mlocked_fraction=0.1")  # 51 pages: three ranges of 16, and 3
    pinned = [page for page in pages_of_list(s, 0, LRU_UNEVICTABLE) if s.pages.slot[page] == LOCKED_ELSEWHERE]
    assert len(pinned) == 51 % 16


def test_ranges_of_tasks_that_migrate_or_lock_a_segment_are_full_and_the_others_empty(ranged: State) -> None:
    s = ranged
    full = {s.ranges.owner[range_]: sum(page != NONE for page in pages_of_range(s, range_)) for range_ in range(32, 38)}
    assert full == {4: 0, 5: 0, NOMAD: 12, WRITERS[0]: 0, WRITERS[1]: 0, SEGMENT: 10}
    for task in (NOMAD, SEGMENT):
        pages = pages_of_range(s, s.ranges.owner.index(task))[: full[task]]
        assert {page // 512 for page in pages} == {s.tasks.zone[task]}
        assert all(s.pages.flags[page] & (PG_LRU | PG_MLOCKED) == PG_LRU for page in pages)


def test_pages_of_a_segment_are_swap_backed_and_in_its_cache_and_files_are_empty(ranged: State) -> None:
    s = ranged
    pages = pages_of_range(s, s.ranges.owner.index(SEGMENT))[:10]
    assert s.objects.cached[-16:-6] == pages
    assert set(s.objects.cached[:-16]) == {NONE}
    assert s.objects.size == [0, 0, 10]
    assert {s.pages.mapping[page] for page in pages} == {2 * (s.settings.nodes + 1 + 2)}
    assert {s.pages.refcount[page] for page in pages} == {2}
    assert all(s.pages.flags[page] & PG_SWAPBACKED for page in pages)


def test_a_zone_keeps_pages_free_for_the_ranges_that_are_faulted_in_later(ranged: State) -> None:
    assert ranged.zones.free_count == [48 + 8 + 8, 48 + 8 + 8]  # a process and a writer on each node


def test_a_kernel_without_an_unevictable_list_has_locked_pages_among_the_others(make_scenario: ScenarioMaker) -> None:
    scenario = make_scenario("memory.mlocked_fraction=0.3")  # 153 pages: nine ranges of 16, and 9
    with_list = boot(scenario, profile_of(scenario), Seed(1, 0))
    s = boot(scenario, profile_of(scenario), Seed(1, 0), unevictable_lru=False)
    assert (s.ranges.locked, s.ranges.pte) == (with_list.ranges.locked, with_list.ranges.pte)
    assert pages_of_list(s, 0, LRU_UNEVICTABLE) == []
    assert (s.zones.nr_mlock, s.zones.lru_length[LRU_UNEVICTABLE]) == ([0, 0], 0)
    locked = pages_of_list(with_list, 0, LRU_UNEVICTABLE)
    assert len(locked) == 153
    assert set(locked) < set(evictable(s, 0))
    assert not any(flags & (PG_MLOCKED | PG_UNEVICTABLE) for flags in s.pages.flags)
    assert sum(s.pages.slot[page] == LOCKED_ELSEWHERE for page in locked) == 9, "reclaim is to find them locked"
    assert [invariant.__name__ for invariant in EVERY if invariant(s)] == []


def test_neighbours_in_memory_are_no_neighbours_in_a_range(s: State) -> None:
    pages = pages_of_range(s, 0)
    assert all(abs(a - b) > 1 for a, b in pairwise(pages))


def test_filling_draws_nothing_and_sets_no_referenced_flag(s: State) -> None:
    assert set(s.tasks.draws) == {0}
    assert not any(flags & PG_REFERENCED for flags in s.pages.flags)


def test_memory_without_memcg_charges_nothing(make_state: StateMaker) -> None:
    s = make_state("kernel.memcg=false")
    assert set(s.pages.cgroup) == {0}
    assert set(s.zones.cgroup_length) == {0}


def test_memory_with_memcg_charges_every_page_to_its_list(s: State) -> None:
    assert s.zones.cgroup_length == s.zones.lru_length
    for lru in range(5):
        assert {s.pages.cgroup[page] for page in pages_of_list(s, 1, lru)} == {lru + 1 << 1}
