"""Each invariant catches the corruption it is there for, and what is sound passes all of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perfsim.kernel import invariants
from perfsim.kernel.constants import (
    BAD_PAGE_MLOCKED,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_FILE,
    LRU_LISTS,
    LRU_UNEVICTABLE,
    NONE,
    PG_ACTIVE,
    PG_LOCKED,
    PG_LRU,
    TASK_DONE,
)
from perfsim.kernel.invariants import (
    ALWAYS,
    EVERY,
    IN_HAND_MAX,
    INSTANTS,
    INVARIANTS,
    counters_equal_lengths,
    links_are_doubly_linked,
    lists_agree_with_flags,
    pages_of_list,
    references_cover_users,
    violated,
)
from perfsim.kernel.state import State, cache_index
from perfsim.machine.state import SPINNING
from tests.kernel.conftest import Do

Corruption = Callable[[State], None]


def inactive(s: State) -> int:
    """A page in the middle of an LRU list."""
    return pages_of_list(s, 0, LRU_INACTIVE_FILE)[3]


def clear_pg_lru(s: State) -> None:
    s.pages.flags[inactive(s)] &= ~PG_LRU


def set_pg_lru_of_a_free_page(s: State) -> None:
    s.pages.flags[s.zones.free_head[0]] |= PG_LRU


def make_active_on_the_inactive_list(s: State) -> None:
    s.pages.flags[inactive(s)] |= PG_ACTIVE


def be_active_and_unevictable(s: State) -> None:
    s.pages.flags[pages_of_list(s, 0, LRU_UNEVICTABLE)[0]] |= PG_ACTIVE


def unlink_a_page(s: State) -> None:
    page = inactive(s)
    before, after = s.pages.before[page], s.pages.next[page]
    s.pages.next[before], s.pages.before[after] = after, before


def move_to_another_zones_list(s: State) -> None:
    page = inactive(s)
    unlink_a_page(s)
    head = s.settings.first_head + LRU_LISTS + LRU_INACTIVE_FILE
    first = s.pages.next[head]
    s.pages.next[page], s.pages.before[page] = first, head
    s.pages.next[head] = s.pages.before[first] = page


def bend_a_backward_link(s: State) -> None:
    s.pages.before[inactive(s)] = pages_of_list(s, 0, LRU_ACTIVE_FILE)[0]


def miscount_a_list(s: State) -> None:
    s.zones.lru_length[LRU_INACTIVE_FILE] += 1


def miscount_nr_mlock(s: State) -> None:
    s.zones.nr_mlock[1] -= 1


def forget_a_reference(s: State) -> None:
    s.pages.refcount[inactive(s)] += 1


def keep_a_reference_to_a_free_page(s: State) -> None:
    s.pages.refcount[s.zones.free_head[1]] = 1


def lose_a_free_page(s: State) -> None:
    s.zones.free_head[0] = s.pages.next[s.zones.free_head[0]]


def miscount_free_pages(s: State) -> None:
    s.zones.free_count[0] += 1


def free_a_page_twice(s: State) -> None:
    page = s.zones.free_head[0]
    s.pages.next[s.pages.next[page]] = page


def free_a_page_of_another_zone(s: State) -> None:
    first, second = s.zones.free_head
    s.zones.free_head[0], s.zones.free_head[1] = second, first
    s.zones.free_count[0], s.zones.free_count[1] = s.zones.free_count[1], s.zones.free_count[0]


def leave_a_page_locked(s: State) -> None:
    s.pages.flags[inactive(s)] |= PG_LOCKED


def leave_a_spinlock_held(s: State) -> None:
    s.m.lock_owner[1] = 2


def leave_a_cgroup_bit_set(s: State) -> None:
    s.pages.cgroup[inactive(s)] |= 1


def leave_a_cpu_spinning(s: State) -> None:
    s.m.lock_waiters[0] = 1


def leave_a_task_queued(s: State) -> None:
    s.queues.queued[3] = 1


def leave_mmap_sem_held(s: State) -> None:
    s.mms.activity[s.tasks.mm[2]] = -1


def leave_a_task_asleep_on_mmap_sem(s: State) -> None:
    s.mms.waits_for[3] = 0


def forget_a_pte(s: State) -> None:
    s.pages.slot[s.ranges.pte[0]] = NONE


def map_another_page(s: State) -> None:
    s.ranges.pte[0] = s.ranges.pte[1]


def count_a_pte_too_many(s: State) -> None:
    s.pages.mapcount[s.ranges.pte[0]] += 1


def drop_the_reference_of_a_pte(s: State) -> None:
    s.pages.refcount[s.ranges.pte[0]] = 0


def drop_the_reference_of_a_private_list(s: State) -> None:
    page = inactive(s)
    unlink_a_page(s)
    s.pages.flags[page] &= ~PG_LRU
    head = s.settings.first_private
    s.pages.next[head] = s.pages.before[head] = page
    s.pages.next[page] = s.pages.before[page] = head


def link_a_free_page(s: State) -> None:
    s.pages.before[s.zones.free_head[0]] = s.settings.first_head


def keep_more_pages_in_hand_than_tasks_have_hands(s: State) -> None:
    for _ in range(IN_HAND_MAX * s.settings.tasks + 1):
        page = inactive(s)
        unlink_a_page(s)
        s.pages.before[page] = NONE


def hold_a_spinlock_uncounted(s: State) -> None:
    s.m.lock_owner[0] = 1


def count_a_spinlock_that_nobody_holds(s: State) -> None:
    s.m.locks_held[2] = 1


def be_done_with_a_page_locked(s: State) -> None:
    page = inactive(s)
    s.pages.flags[page] |= PG_LOCKED
    s.pages.locker[page] = 3
    s.tasks.state[3] = TASK_DONE


def cached_slot(s: State) -> int:
    """The pte of the first page of a segment."""
    return (s.settings.first_object_range + 2) * s.settings.range_pages


def forget_a_cached_page(s: State) -> None:
    s.objects.cached[cache_index(s, cached_slot(s))] = NONE


def cache_another_page(s: State) -> None:
    at = cache_index(s, cached_slot(s))
    s.objects.cached[at] = s.objects.cached[at + 1]


def cache_a_page_of_no_object(s: State) -> None:
    s.objects.cached[0] = inactive(s)


def be_of_an_object_that_has_no_such_page(s: State) -> None:
    s.pages.mapping[inactive(s)] = 2 * (s.settings.nodes + 1)


CORRUPTIONS: list[tuple[str, Corruption]] = [
    ("lists_agree_with_flags", clear_pg_lru),
    ("lists_agree_with_flags", set_pg_lru_of_a_free_page),
    ("lists_agree_with_flags", make_active_on_the_inactive_list),
    ("lists_agree_with_flags", unlink_a_page),
    ("lists_agree_with_flags", move_to_another_zones_list),
    ("links_are_doubly_linked", bend_a_backward_link),
    ("counters_equal_lengths", miscount_a_list),
    ("nr_mlock_counts_mlocked_pages", miscount_nr_mlock),
    ("counters_equal_lengths", unlink_a_page),
    ("active_excludes_unevictable", be_active_and_unevictable),
    ("references_balance", forget_a_reference),
    ("references_balance", keep_a_reference_to_a_free_page),
    ("no_page_is_lost", clear_pg_lru),
    ("no_page_is_lost", set_pg_lru_of_a_free_page),
    ("no_page_is_lost", lose_a_free_page),
    ("no_page_is_lost", miscount_free_pages),
    ("no_page_is_lost", free_a_page_twice),
    ("no_page_is_lost", free_a_page_of_another_zone),
    ("no_lock_is_left", leave_a_page_locked),
    ("no_lock_is_left", leave_a_spinlock_held),
    ("no_lock_is_left", leave_a_cgroup_bit_set),
    ("no_lock_is_left", leave_a_cpu_spinning),
    ("no_lock_is_left", leave_a_task_queued),
    ("no_lock_is_left", leave_mmap_sem_held),
    ("no_lock_is_left", leave_a_task_asleep_on_mmap_sem),
    ("ptes_agree_with_pages", forget_a_pte),
    ("ptes_agree_with_pages", map_another_page),
    ("ptes_agree_with_pages", count_a_pte_too_many),
    ("caches_agree_with_pages", forget_a_cached_page),
    ("caches_agree_with_pages", cache_another_page),
    ("caches_agree_with_pages", cache_a_page_of_no_object),
    ("caches_agree_with_pages", be_of_an_object_that_has_no_such_page),
    ("references_cover_users", drop_the_reference_of_a_pte),
    ("references_cover_users", drop_the_reference_of_a_private_list),
    ("references_cover_users", keep_a_reference_to_a_free_page),
    ("every_page_has_a_place", lose_a_free_page),
    ("every_page_has_a_place", miscount_free_pages),
    ("every_page_has_a_place", free_a_page_of_another_zone),
    ("every_page_has_a_place", link_a_free_page),
    ("every_page_has_a_place", keep_more_pages_in_hand_than_tasks_have_hands),
    ("locks_are_held_by_who_runs", hold_a_spinlock_uncounted),
    ("locks_are_held_by_who_runs", count_a_spinlock_that_nobody_holds),
    ("locks_are_held_by_who_runs", be_done_with_a_page_locked),
]


def broken(s: State) -> set[str]:
    """Names of the invariants that do not hold."""
    return {invariant.__name__ for invariant in EVERY if invariant(s) > 0}


@pytest.mark.parametrize("name, corrupt", CORRUPTIONS, ids=lambda value: getattr(value, "__name__", value))
def test_a_corruption_is_caught_by_its_invariant(ranged: State, name: str, corrupt: Corruption) -> None:
    assert broken(ranged) == set()
    corrupt(ranged)
    assert name in broken(ranged)


def test_a_page_of_an_object_that_nobody_maps_is_sound_and_so_is_one_that_migrates(ranged: State, do: Do) -> None:
    s = ranged
    kept, moved = (s.ranges.pte[cached_slot(s) + i] for i in (0, 1))
    assert do(s, "zap_pte", cached_slot(s)).value == kept
    do(s, "put_page_testzero", kept)
    do(s, "set_migration_pte", moved)
    assert (s.pages.mapcount[kept], s.pages.mapcount[moved]) == (0, 0)
    assert broken(s) == set()
    s.pages.mapcount[kept] = 1
    assert "ptes_agree_with_pages" in broken(s)


def test_an_entry_of_migration_is_no_page_that_a_pte_maps(ranged: State, do: Do) -> None:
    page = ranged.ranges.pte[0]
    do(ranged, "set_migration_pte", page)
    assert broken(ranged) == set()
    ranged.pages.mapcount[page] += 1
    assert "ptes_agree_with_pages" in broken(ranged)


def test_every_invariant_is_shown_to_catch_something() -> None:
    assert {name for name, _ in CORRUPTIONS} == {invariant.__name__ for invariant in EVERY}


def test_every_invariant_has_its_number_and_belongs_to_the_end_or_to_every_instant(s: State) -> None:
    lose_a_free_page(s)
    be_active_and_unevictable(s)
    assert [violated(s, number) for number in range(len(EVERY))] == [invariant(s) for invariant in EVERY]
    assert set(EVERY) == set(INVARIANTS) | set(INSTANTS)
    assert set(ALWAYS) == set(INVARIANTS) & set(INSTANTS)


@pytest.mark.parametrize("number", range(len(EVERY)))
def test_the_number_of_an_invariant_is_its_own(s: State, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, EVERY[number].__name__, lambda _: 77)
    assert violated(s, number) == 77


@pytest.mark.parametrize("corrupt", [clear_pg_lru, miscount_a_list, be_active_and_unevictable, unlink_a_page])
def test_what_is_on_its_way_under_lru_lock_is_not_looked_at(s: State, corrupt: Corruption) -> None:
    corrupt(s)
    s.m.lock_owner[0] = 1
    quiet = {"lists_agree_with_flags", "counters_equal_lengths", "active_excludes_unevictable"}
    assert broken(s) & quiet == set()
    s.m.lock_owner[0] = NONE
    assert broken(s) & quiet


def test_the_lists_of_a_zone_are_looked_at_though_another_is_locked(s: State) -> None:
    s.m.lock_owner[1] = 1
    clear_pg_lru(s)
    miscount_a_list(s)
    assert lists_agree_with_flags(s) > 0
    assert counters_equal_lengths(s) == 1


def test_a_frozen_page_has_no_reference_and_is_locked(s: State) -> None:
    page = inactive(s)
    s.pages.refcount[page] = 0
    assert references_cover_users(s) == 1
    s.pages.flags[page] |= PG_LOCKED
    assert references_cover_users(s) == 0


def test_a_page_that_was_freed_mlocked_is_missed_once_and_not_by_nr_mlock(s: State) -> None:
    s.violations[BAD_PAGE_MLOCKED] = 1
    assert broken(s) == {"nr_mlock_counts_mlocked_pages"}
    s.zones.nr_mlock[1] += 1
    assert broken(s) == set()


def test_a_spinlock_handed_to_a_cpu_that_has_not_noticed_is_no_violation(s: State) -> None:
    s.run.current[2] = 2
    s.m.lock_owner[0], s.m.waits_for[2], s.m.cpu_state[2] = 2, 0, SPINNING
    assert "locks_are_held_by_who_runs" not in broken(s)
    s.m.locks_held[2] = 1
    assert "locks_are_held_by_who_runs" in broken(s), "it spins for what it holds"


@pytest.mark.parametrize(
    "name, corrupt",
    [(name, corrupt) for name, corrupt in CORRUPTIONS if corrupt in (miscount_nr_mlock, forget_a_reference)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_corruption_of_one_thing_breaks_one_invariant(s: State, name: str, corrupt: Corruption) -> None:
    corrupt(s)
    assert broken(s) == {name}


@pytest.mark.parametrize("target", ["itself", "nowhere"])
def test_a_link_that_leads_astray_is_caught_and_not_followed_for_ever(s: State, target: str) -> None:
    page = inactive(s)
    s.pages.next[page] = page if target == "itself" else NONE
    assert links_are_doubly_linked(s) > 0


def test_pages_of_a_list_end_where_the_links_lead_nowhere(s: State) -> None:
    page = inactive(s)
    s.pages.next[page] = NONE
    assert pages_of_list(s, 0, LRU_INACTIVE_FILE)[-1] == page
    s.pages.next[page] = page
    assert len(pages_of_list(s, 0, LRU_INACTIVE_FILE)) <= s.settings.pages + 1
