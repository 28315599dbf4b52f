"""Page table entries: followed, locked, set, zapped, and turned into migration entries and back."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import LOCKED_ELSEWHERE, MIGRATION_ENTRY, NONE, PTE_LOCKED
from perfsim.kernel.state import State
from perfsim.machine.costs import ATOMIC_LOCAL, DRAM_LOCAL, GUP_PAGE, RMAP_UNMAP, TLB_FLUSH_LOCAL
from tests.kernel.conftest import SEGMENT, Do, violated

PTE = 3 * 16 + 5
"""A pte of a file's range, VM_LOCKED."""


@pytest.fixture
def costs(ranged: State) -> list[int]:
    """The machine's figures."""
    return ranged.m.cost_ps


@pytest.fixture
def newpage(ranged: State, do: Do) -> int:
    """A page just allocated."""
    return do(ranged, "rmqueue", 0).value


def segment_slot(s: State) -> int:
    """The first pte of the segment's range."""
    return s.ranges.order[s.tasks.range_first[SEGMENT]] * s.settings.range_pages


def test_a_pte_that_is_followed_gives_its_page_with_a_reference(ranged: State, do: Do, costs: list[int]) -> None:
    page = ranged.ranges.pte[PTE]
    before = ranged.pages.refcount[page]
    assert do(ranged, "follow_page", PTE) == (page, costs[GUP_PAGE] + costs[DRAM_LOCAL] + costs[ATOMIC_LOCAL])
    assert ranged.pages.refcount[page] == before + 1
    assert do(ranged, "pte_page", PTE) == (page, 0)
    assert ranged.pages.refcount[page] == before + 1


def test_a_pte_that_is_not_present_has_no_page(ranged: State, do: Do, costs: list[int]) -> None:
    do(ranged, "zap_pte", PTE)
    assert do(ranged, "follow_page", PTE) == (NONE, costs[GUP_PAGE])
    assert do(ranged, "pte_page", PTE) == (NONE, 0)


def test_an_empty_pte_is_locked_once_until_it_is_given_back_or_set(ranged: State, do: Do) -> None:
    s = ranged
    page = s.ranges.pte[PTE]
    assert do(s, "pte_lock_none", PTE) == (0, 0)
    assert do(s, "zap_pte", PTE).value == page
    assert [do(s, "pte_lock_none", PTE).value for _ in range(2)] == [1, 0]
    assert do(s, "follow_page", PTE).value == do(s, "zap_pte", PTE).value == NONE
    assert s.ranges.pte[PTE] == PTE_LOCKED
    do(s, "pte_unlock", PTE)
    assert do(s, "pte_lock_none", PTE).value == 1
    do(s, "set_pte", page, PTE)
    assert (s.ranges.pte[PTE], do(s, "pte_lock_none", PTE).value) == (page, 0)
    assert violated(s) == []


def test_a_pte_that_is_set_counts_but_takes_no_reference(ranged: State, do: Do, newpage: int, costs: list[int]) -> None:
    s = ranged
    do(s, "zap_pte", PTE)
    assert do(s, "set_pte", newpage, PTE) == (0, costs[ATOMIC_LOCAL])
    found = s.ranges.pte[PTE], s.pages.slot[newpage], s.pages.mapcount[newpage], s.pages.refcount[newpage]
    assert found == (newpage, PTE, 1, 1)


def test_a_zapped_pte_leaves_its_reference_to_who_zaps_it(ranged: State, do: Do, costs: list[int]) -> None:
    s = ranged
    page = s.ranges.pte[PTE]
    assert do(s, "zap_pte", PTE) == (page, costs[DRAM_LOCAL] + costs[ATOMIC_LOCAL])
    assert (s.ranges.pte[PTE], s.pages.slot[page], s.pages.mapcount[page], s.pages.refcount[page]) == (NONE, NONE, 0, 2)
    assert do(s, "zap_pte", PTE) == (NONE, 0)
    assert violated(s) == ["references_balance"], "whoever has zapped it has not put it yet"


def test_a_page_of_an_object_keeps_its_index_when_its_pte_is_zapped(ranged: State, do: Do) -> None:
    slot = segment_slot(ranged)
    page = do(ranged, "zap_pte", slot).value
    assert (ranged.pages.slot[page], ranged.pages.mapcount[page]) == (slot, 0)
    do(ranged, "put_page_testzero", page)
    assert violated(ranged) == []


def test_a_page_that_is_zapped_while_it_migrates_is_nobodys_to_put(ranged: State, do: Do, newpage: int) -> None:
    page = ranged.ranges.pte[PTE]
    do(ranged, "set_migration_pte", page)
    assert do(ranged, "zap_pte", PTE) == (NONE, 0)
    assert ranged.ranges.pte[PTE] == NONE
    do(ranged, "remove_migration_pte", page, newpage)
    assert (ranged.ranges.pte[PTE], ranged.pages.mapcount[newpage], ranged.pages.slot[page]) == (NONE, 0, NONE)


def test_a_migration_entry_names_its_page_and_drops_its_ptes_reference(ranged: State, do: Do, costs: list[int]) -> None:
    s = ranged
    page = s.ranges.pte[PTE]
    cost_ps = costs[RMAP_UNMAP] + costs[TLB_FLUSH_LOCAL] + costs[DRAM_LOCAL] + costs[ATOMIC_LOCAL]
    assert do(s, "set_migration_pte", page) == (0, cost_ps)
    assert (s.ranges.pte[PTE], s.pages.mapcount[page], s.pages.refcount[page]) == (MIGRATION_ENTRY - page, 0, 1)
    assert do(s, "pte_migration_page", PTE) == (page, 0)
    assert do(s, "pte_page", PTE).value < 0
    assert do(s, "follow_page", PTE) == (NONE, costs[GUP_PAGE])
    assert violated(s) == []


@pytest.mark.parametrize("page", [0, 1023])
def test_the_entry_of_every_page_is_told_from_all_else_that_a_pte_can_be(ranged: State, do: Do, page: int) -> None:
    values = []
    for pte in (MIGRATION_ENTRY - page, page, NONE, PTE_LOCKED):
        ranged.ranges.pte[PTE] = pte
        values.append(do(ranged, "pte_migration_page", PTE).value)
    assert values == [page, NONE, NONE, NONE]


@pytest.mark.parametrize("slot", [NONE, LOCKED_ELSEWHERE])
def test_a_page_without_a_pte_of_ours_gets_no_entry(ranged: State, do: Do, costs: list[int], slot: int) -> None:
    page = next(page for page in range(512) if ranged.pages.slot[page] == NONE and ranged.pages.refcount[page] == 1)
    ranged.pages.slot[page] = slot
    before = list(ranged.ranges.pte)
    assert do(ranged, "set_migration_pte", page) == (0, costs[RMAP_UNMAP])
    assert (ranged.ranges.pte, ranged.pages.refcount[page]) == (before, 1)


def test_a_cached_page_whose_pte_maps_another_by_now_gets_no_entry(ranged: State, do: Do, newpage: int) -> None:
    slot = segment_slot(ranged)
    page = do(ranged, "zap_pte", slot).value
    do(ranged, "set_pte", newpage, slot)
    do(ranged, "set_migration_pte", page)
    assert (ranged.ranges.pte[slot], ranged.pages.mapcount[newpage]) == (newpage, 1)


def test_the_new_page_takes_the_place_of_the_old_one(ranged: State, do: Do, newpage: int, costs: list[int]) -> None:
    s = ranged
    page = s.ranges.pte[PTE]
    do(s, "set_migration_pte", page)
    assert do(s, "remove_migration_pte", page, newpage) == (0, costs[RMAP_UNMAP] + costs[ATOMIC_LOCAL])
    assert (s.ranges.pte[PTE], s.pages.slot[newpage], s.pages.slot[page]) == (newpage, PTE, NONE)
    assert (s.pages.mapcount[newpage], s.pages.refcount[newpage]) == (1, 2)
    assert (s.pages.mapcount[page], s.pages.refcount[page]) == (0, 1)


def test_a_migration_that_fails_leaves_all_as_it_was(ranged: State, do: Do) -> None:
    s = ranged
    page = s.ranges.pte[PTE]
    before = s.pages.mapcount[page], s.pages.refcount[page], s.pages.slot[page]
    do(s, "set_migration_pte", page)
    do(s, "remove_migration_pte", page, page)
    assert (s.ranges.pte[PTE], s.pages.mapcount[page], s.pages.refcount[page], s.pages.slot[page]) == (page, *before)
    assert violated(s) == []


def test_who_meets_an_entry_waits_with_a_reference_unless_the_page_is_frozen(
    ranged: State, do: Do, costs: list[int]
) -> None:
    s = ranged
    page = s.ranges.pte[PTE]
    assert do(s, "get_migration_page", PTE) == (NONE, 0)
    do(s, "set_migration_pte", page)
    assert do(s, "get_migration_page", PTE) == (page, costs[ATOMIC_LOCAL])
    assert s.pages.refcount[page] == 2
    s.pages.refcount[page] = 0
    assert do(s, "get_migration_page", PTE) == (NONE, costs[ATOMIC_LOCAL])
    assert s.pages.refcount[page] == 0
