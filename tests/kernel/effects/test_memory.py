"""The allocator, and what the reverse map says of a page: each primitive's change and cost."""

from __future__ import annotations

from collections import Counter

import pytest

from perfsim.kernel.constants import (
    BAD_PAGE,
    BAD_PAGE_LOCKED,
    BAD_PAGE_MLOCKED,
    LOCKED_ELSEWHERE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    MAPPED_ELSEWHERE,
    MAPPING_ANON,
    NO_MAPPING,
    NONE,
    PG_ACTIVE,
    PG_DIRTY,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPBACKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    PG_UPTODATE,
    PG_WRITEBACK,
    WMARK_HIGH,
    WMARK_LOW,
    WMARK_MIN,
)
from perfsim.kernel.effects.memory import SWAP_AGAIN, SWAP_MLOCK, SWAP_SUCCESS
from perfsim.kernel.invariants import no_page_is_lost, pages_of_list, ptes_agree_with_pages
from perfsim.kernel.state import State
from perfsim.machine.costs import (
    ATOMIC_LOCAL,
    DRAM_LOCAL,
    L1_HIT,
    PAGE_ALLOC,
    PAGE_FREE,
    RMAP_REFERENCED,
    RMAP_UNMAP,
    TLB_FLUSH_LOCAL,
)
from tests.kernel.conftest import PINNER, SEGMENT, Do, StateMaker, violated

FREE_AT_BOOT = 48
"""pages_high of two nodes of 512 pages of 4 KiB: 32 * 3/2."""


@pytest.fixture
def costs(s: State) -> list[int]:
    """The machine's figures."""
    return s.m.cost_ps


def slot_of_range(s: State, locked: int, is_file: int | None = None) -> int:
    """The first pte of a range of zone 0 that is locked, or is not."""
    ranges = s.ranges
    for range_, zone in enumerate(ranges.zone):
        if zone == 0 and ranges.locked[range_] == locked and is_file in (None, ranges.file[range_]):
            return range_ * s.settings.range_pages
    raise AssertionError("no such range")


@pytest.mark.parametrize("mark, pages", [(WMARK_MIN, 32), (WMARK_LOW, 40), (WMARK_HIGH, 48)])
def test_a_watermark_is_kept_with_more_free_pages_than_it_says(s: State, do: Do, mark: int, pages: int) -> None:
    s.zones.free_count[1] = pages
    assert do(s, "zone_watermark_ok", 1, mark).value == 0
    s.zones.free_count[1] = pages + 1
    assert do(s, "zone_watermark_ok", 1, mark).value == 1


def test_a_page_is_taken_with_one_reference_and_nothing_else(s: State, do: Do, costs: list[int]) -> None:
    first = s.zones.free_head[0]
    page, cost_ps = do(s, "rmqueue", 0)
    assert (page, cost_ps) == (first, costs[PAGE_ALLOC] + costs[DRAM_LOCAL])
    assert (s.pages.refcount[page], s.pages.flags[page], s.zones.free_count[0]) == (1, 0, FREE_AT_BOOT - 1)
    assert do(s, "rmqueue", 0).value != page


def test_allocation_stops_at_pages_min(s: State, do: Do) -> None:
    pages = [do(s, "rmqueue", 0).value for _ in range(FREE_AT_BOOT - 32)]
    assert NONE not in pages
    assert do(s, "rmqueue", 0) == (NONE, 0)
    assert s.zones.free_count[0] == 32


def test_a_freed_page_is_the_next_to_be_taken(s: State, do: Do, costs: list[int]) -> None:
    page = do(s, "rmqueue", 0).value
    s.pages.refcount[page], s.pages.mapping[page], s.pages.slot[page] = 0, 2 | MAPPING_ANON, 5
    assert do(s, "free_page_to_zone", page) == (0, costs[PAGE_FREE] + costs[L1_HIT])
    assert set(s.violations) == {0}
    assert (s.pages.mapping[page], s.pages.slot[page]) == (NO_MAPPING, NONE)
    assert (s.zones.free_count[0], no_page_is_lost(s)) == (FREE_AT_BOOT, 0)
    assert do(s, "rmqueue", 0).value == page


def test_a_page_is_freed_to_its_own_zone(s: State, do: Do) -> None:
    page = do(s, "rmqueue", 1).value
    s.pages.refcount[page] = 0
    do(s, "free_page_to_zone", page, task=0)
    assert s.zones.free_count == [FREE_AT_BOOT, FREE_AT_BOOT]


@pytest.mark.parametrize("flag", [PG_ACTIVE, PG_UNEVICTABLE, PG_LRU, PG_LRU | PG_LOCKED, PG_SWAPCACHE, PG_WRITEBACK])
def test_a_page_freed_with_a_flag_of_use_is_a_bad_page(s: State, do: Do, flag: int) -> None:
    page = do(s, "rmqueue", 0).value
    s.pages.refcount[page], s.pages.flags[page] = 0, flag
    do(s, "free_page_to_zone", page)
    assert (s.violations[BAD_PAGE], s.violations[BAD_PAGE_LOCKED], s.pages.flags[page]) == (1, 0, 0)


def test_a_page_freed_locked_and_sound_else_is_counted_apart(s: State, do: Do) -> None:
    page = do(s, "rmqueue", 0).value
    s.pages.refcount[page], s.pages.flags[page] = 0, PG_LOCKED
    do(s, "free_page_to_zone", page)
    assert (s.violations[BAD_PAGE], s.violations[BAD_PAGE_LOCKED], s.pages.flags[page]) == (0, 1, 0)


@pytest.mark.parametrize("column", ["refcount", "mapcount"])
def test_a_page_freed_while_in_use_is_a_bad_page(s: State, do: Do, column: str) -> None:
    page = do(s, "rmqueue", 0).value
    s.pages.refcount[page] = 0
    getattr(s.pages, column)[page] = 1
    do(s, "free_page_to_zone", page)
    assert s.violations[BAD_PAGE] == 1


def test_a_page_that_is_freed_while_a_file_has_it_is_a_bad_page(s: State, do: Do) -> None:
    page = do(s, "rmqueue", 0).value
    s.pages.refcount[page], s.pages.mapping[page] = 0, 2
    do(s, "free_page_to_zone", page)
    assert (s.violations[BAD_PAGE], s.pages.mapping[page]) == (1, NO_MAPPING)


def test_an_mlocked_page_that_is_freed_is_counted_apart(s: State, do: Do) -> None:
    page = do(s, "rmqueue", 0).value
    s.pages.refcount[page], s.pages.flags[page] = 0, PG_MLOCKED
    do(s, "free_page_to_zone", page)
    assert (s.violations[BAD_PAGE], s.violations[BAD_PAGE_MLOCKED]) == (0, 1)


def test_a_page_of_a_file_stream_has_the_caches_reference_alone(make_state: StateMaker, do: Do) -> None:
    s = make_state("memory.file_fraction=1", "memory.dirty_fraction=0")
    page = do(s, "rmqueue", 0).value
    do(s, "new_page", page, MAPPED_ELSEWHERE)
    assert (s.pages.flags[page], s.pages.refcount[page], s.pages.mapcount[page]) == (PG_UPTODATE, 1, 0)
    assert (s.pages.mapping[page], s.pages.slot[page]) == (2, NONE)


def test_a_page_of_an_anonymous_stream_is_mapped(make_state: StateMaker, do: Do) -> None:
    s = make_state("memory.file_fraction=0", "memory.dirty_fraction=1")
    page = do(s, "rmqueue", 1).value
    do(s, "new_page", page, MAPPED_ELSEWHERE)
    assert s.pages.flags[page] == PG_UPTODATE | PG_DIRTY | PG_SWAPBACKED
    assert (s.pages.refcount[page], s.pages.mapcount[page]) == (1, 1)  # in no cache: the pte's reference alone
    assert (s.pages.mapping[page], s.pages.slot[page]) == (2 * 2 | 1, MAPPED_ELSEWHERE)


@pytest.mark.parametrize("is_file", [0, 1])
def test_a_page_faulted_into_a_range_is_of_the_ranges_kind(s: State, do: Do, is_file: int) -> None:
    slot = slot_of_range(s, 1, is_file)
    s.ranges.pte[slot] = NONE
    page = do(s, "rmqueue", 0).value
    before = list(s.zones.cgroup_length)
    do(s, "new_page", page, slot)
    assert (s.ranges.pte[slot], s.pages.slot[page], s.pages.mapcount[page]) == (NONE, NONE, 0), "nobody sees it yet"
    do(s, "set_pte", page, slot)
    assert (s.ranges.pte[slot], s.pages.slot[page], s.pages.mapcount[page]) == (page, slot, 1)
    assert s.pages.refcount[page] == 1 + is_file
    assert bool(s.pages.flags[page] & PG_SWAPBACKED) == (not is_file)
    charged = LRU_INACTIVE_FILE if is_file else 1
    assert s.zones.cgroup_length[charged] == before[charged] + 1


def test_the_mix_of_new_pages_is_that_of_the_workload(make_state: StateMaker, do: Do) -> None:
    s = make_state("memory.file_fraction=0.25", "memory.dirty_fraction=0.75")
    page = do(s, "rmqueue", 0).value
    seen: Counter[str] = Counter()
    for _ in range(2_000):
        do(s, "new_page", page, MAPPED_ELSEWHERE)
        seen["anonymous"] += bool(s.pages.flags[page] & PG_SWAPBACKED)
        seen["dirty"] += bool(s.pages.flags[page] & PG_DIRTY)
    assert all(abs(count - 1_500) < 4 * 20 for count in seen.values())  # 20: standard deviation of each count


def test_a_freed_page_is_uncharged(s: State, do: Do) -> None:
    page = do(s, "rmqueue", 0).value
    before = list(s.zones.cgroup_length)
    do(s, "new_page", page, MAPPED_ELSEWHERE)
    s.pages.refcount[page] = s.pages.mapcount[page] = 0
    do(s, "free_page_to_zone", page)
    assert (s.zones.cgroup_length, s.pages.cgroup[page]) == (before, 0)


def test_reclaim_unmaps_a_page_and_drops_its_ptes_reference(s: State, do: Do, costs: list[int]) -> None:
    slot = slot_of_range(s, 0)
    page = s.ranges.pte[slot]
    cost_ps = costs[RMAP_UNMAP] + costs[TLB_FLUSH_LOCAL] + costs[DRAM_LOCAL] + costs[ATOMIC_LOCAL]
    assert do(s, "try_to_unmap", page) == (SWAP_SUCCESS, cost_ps)
    assert (s.ranges.pte[slot], s.pages.slot[page], s.pages.mapcount[page], s.pages.refcount[page]) == (
        NONE,
        NONE,
        0,
        s.ranges.file[slot // 16],
    )
    assert ptes_agree_with_pages(s) == 0


def test_reclaim_unmaps_a_page_of_a_process_that_is_not_followed(s: State, do: Do) -> None:
    page = next(page for page in pages_of_list(s, 0, LRU_INACTIVE_ANON) if s.pages.slot[page] == MAPPED_ELSEWHERE)
    assert do(s, "try_to_unmap", page).value == SWAP_SUCCESS
    assert (s.pages.slot[page], s.pages.refcount[page]) == (NONE, 0)


def test_reclaim_finds_a_locked_range_only_when_mmap_sem_is_free(s: State, do: Do, costs: list[int]) -> None:
    slot = slot_of_range(s, 1)
    page = s.ranges.pte[slot]
    owner = s.ranges.owner[slot // 16]
    assert owner == s.tasks.mm[owner] == 0
    assert do(s, "try_to_unmap", page).value == SWAP_MLOCK
    assert do(s, "try_to_unmap", page) == (SWAP_MLOCK, costs[RMAP_UNMAP] + 2 * costs[ATOMIC_LOCAL])
    do(s, "down_write_or_queue", owner, task=owner)
    assert do(s, "try_to_unmap", page).value == SWAP_AGAIN
    do(s, "up_write", owner, task=owner)
    do(s, "down_read_trylock", owner, task=owner)
    assert do(s, "try_to_unmap", page).value == SWAP_MLOCK
    do(s, "up_read", owner, task=owner)
    assert violated(s) == []


@pytest.mark.parametrize("name", ["try_to_unmap", "try_to_munlock"])
def test_a_page_that_is_locked_elsewhere_stays_mapped_and_mmap_sem_is_not_looked_at(
    make_state: StateMaker, do: Do, name: str
) -> None:
    s = make_state("memory.mlocked_fraction=0.1")
    page = next(page for page in pages_of_list(s, 0, LRU_UNEVICTABLE) if s.pages.slot[page] == LOCKED_ELSEWHERE)
    before = s.pages.mapcount[page], s.pages.refcount[page]
    assert do(s, name, page) == (SWAP_MLOCK, s.m.cost_ps[RMAP_UNMAP])
    assert (s.pages.mapcount[page], s.pages.refcount[page], s.pages.slot[page]) == (*before, LOCKED_ELSEWHERE)


def test_a_page_of_an_object_keeps_its_index_when_reclaim_unmaps_it(ranged: State, do: Do) -> None:
    slot = ranged.ranges.order[ranged.tasks.range_first[SEGMENT]] * 16
    page = ranged.ranges.pte[slot]
    assert do(ranged, "try_to_unmap", page).value == SWAP_SUCCESS
    assert (ranged.ranges.pte[slot], ranged.pages.slot[page], ranged.pages.refcount[page]) == (NONE, slot, 1)
    assert violated(ranged) == []


def test_the_mmap_sem_of_a_shared_range_is_that_of_its_owner(ranged: State, do: Do) -> None:
    range_ = ranged.ranges.order[ranged.tasks.range_first[SEGMENT]]
    page = ranged.ranges.pte[range_ * 16]
    do(ranged, "set_vm_locked", range_, 1)
    assert do(ranged, "try_to_munlock", page).value == SWAP_MLOCK
    mm = do(ranged, "current_mm", task=PINNER).value
    assert mm == SEGMENT
    do(ranged, "down_write_or_queue", mm, task=PINNER)
    assert do(ranged, "try_to_munlock", page).value == SWAP_AGAIN


def test_a_walk_of_the_reverse_map_is_paid_only_for_a_mapped_page(s: State, do: Do, costs: list[int]) -> None:
    s.pages.mapcount[9] = 1
    s.pages.mapcount[10] = 0
    assert [do(s, "page_referenced", page).cost_ps for page in (9, 10)] == [costs[RMAP_REFERENCED], 0]
    assert do(s, "try_to_munlock", 9) == (SWAP_SUCCESS, costs[RMAP_UNMAP])


@pytest.mark.parametrize("share, answers", [("0", {0}), ("1", {1}), ("0.5", {0, 1})])
def test_a_page_is_found_referenced_as_often_as_the_workload_says(
    make_state: StateMaker, do: Do, share: str, answers: set[int]
) -> None:
    s = make_state(f"memory.referenced_fraction={share}")
    assert {do(s, "page_referenced", 9).value for _ in range(100)} == answers


def test_a_page_that_its_owner_has_unmapped_meanwhile_is_not_unmapped_again(s: State, do: Do) -> None:
    """The explorer found it: unmap_region() between reclaim's look at _mapcount and its try_to_unmap()."""
    page = do(s, "zap_pte", slot_of_range(s, 1)).value
    references = s.pages.refcount[page]
    assert do(s, "try_to_unmap", page).value == SWAP_SUCCESS
    assert (s.pages.mapcount[page], s.pages.refcount[page]) == (0, references)
