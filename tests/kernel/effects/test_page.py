"""Flags, references and mapping of a page: what each primitive changes, returns and costs."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    AS_UNEVICTABLE,
    BUG_GET_PAGE,
    BUG_PAGE_COUNT,
    BUG_PUT_PAGE,
    BUG_UNLOCKED_PAGE,
    BUG_VM,
    PAGE_LOCK,
    PAGE_LOCK_STEALS,
    PG_ACTIVE,
    PG_DIRTY,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPBACKED,
    PG_UNEVICTABLE,
)
from perfsim.kernel.state import State
from perfsim.machine.costs import ATOMIC_LOCAL, DRAM_LOCAL, DRAM_REMOTE, L1_HIT, LLC_TRANSFER
from tests.kernel.conftest import Do

PAGE = 5
FAR_PAGE = 512 + 5
"""A page of zone 1, remote for task 0."""

READS = [
    ("test_flag", (PG_LRU,)),
    ("page_mapping", ()),
    ("page_has_mapping", ()),
    ("page_anon", ()),
    ("page_mapped", ()),
    ("page_count", ()),
]
ATOMICS = [
    ("set_flag", (PG_ACTIVE,)),
    ("clear_flag", (PG_ACTIVE,)),
    ("test_and_set", (PG_ACTIVE,)),
    ("test_and_clear", (PG_ACTIVE,)),
    ("get_page", ()),
    ("get_page_unless_zero", ()),
    ("put_page_testzero", ()),
    ("page_freeze_refs", (77,)),
    ("trylock_page_cgroup", ()),
    ("unlock_page_cgroup", ()),
]
STORES = [
    ("clear_flag_nonatomic", (PG_ACTIVE,)),
    ("page_unfreeze_refs", (2,)),
    ("clear_mapping", ()),
    ("remove_from_page_cache", ()),
]


@pytest.mark.parametrize("name, arguments", READS)
def test_a_read_costs_its_line_and_then_a_hit(s: State, do: Do, name: str, arguments: tuple[int, ...]) -> None:
    costs = [do(s, name, page, *arguments).cost_ps for page in (PAGE, PAGE, FAR_PAGE)]
    assert costs == [s.m.cost_ps[DRAM_LOCAL], s.m.cost_ps[L1_HIT], s.m.cost_ps[DRAM_REMOTE]]


@pytest.mark.parametrize("name, arguments", ATOMICS)
def test_an_atomic_costs_its_line_and_the_operation(s: State, do: Do, name: str, arguments: tuple[int, ...]) -> None:
    s.pages.refcount[PAGE] = 5
    first, again = do(s, name, PAGE, *arguments), do(s, name, PAGE, *arguments)
    other = do(s, name, PAGE, *arguments, task=1)
    atomic_ps = s.m.cost_ps[ATOMIC_LOCAL]
    assert first.cost_ps == s.m.cost_ps[DRAM_LOCAL] + atomic_ps
    assert (again.cost_ps, other.cost_ps) == (atomic_ps, s.m.cost_ps[LLC_TRANSFER] + atomic_ps)


@pytest.mark.parametrize("name, arguments", STORES)
def test_a_store_costs_its_line_and_then_a_hit(s: State, do: Do, name: str, arguments: tuple[int, ...]) -> None:
    costs = [do(s, name, PAGE, *arguments).cost_ps for _ in range(2)]
    assert costs == [s.m.cost_ps[DRAM_LOCAL], s.m.cost_ps[L1_HIT]]


@pytest.mark.parametrize("name", ["VM_BUG_ON", "VM_BUG_ON_NOT", "VM_BUG_ON_COUNT_NOT", "page_zone"])
def test_what_is_compiled_out_or_known_costs_nothing(s: State, do: Do, name: str) -> None:
    arguments = () if name == "page_zone" else (PG_LRU,)
    assert do(s, name, PAGE, *arguments).cost_ps == 0


def test_a_flag_is_set_tested_and_cleared_alone(s: State, do: Do) -> None:
    s.pages.flags[PAGE] = PG_LRU
    assert do(s, "test_flag", PAGE, PG_ACTIVE).value == 0
    assert do(s, "set_flag", PAGE, PG_ACTIVE).value == 0
    assert (do(s, "test_flag", PAGE, PG_ACTIVE).value, s.pages.flags[PAGE]) == (1, PG_LRU | PG_ACTIVE)
    do(s, "clear_flag", PAGE, PG_LRU)
    assert s.pages.flags[PAGE] == PG_ACTIVE
    do(s, "clear_flag_nonatomic", PAGE, PG_ACTIVE)
    assert s.pages.flags[PAGE] == 0


@pytest.mark.parametrize("flag", [PG_ACTIVE, PG_UNEVICTABLE, PG_MLOCKED])
def test_test_and_set_and_test_and_clear_tell_what_was(s: State, do: Do, flag: int) -> None:
    s.pages.flags[PAGE] = PG_LRU
    values = [do(s, name, PAGE, flag).value for name in ("test_and_set",) * 2 + ("test_and_clear",) * 2]
    assert values == [0, 1, 1, 0]
    assert s.pages.flags[PAGE] == PG_LRU


def test_nr_mlock_follows_each_change_of_the_flag_and_only_that(s: State, do: Do) -> None:
    s.pages.flags[FAR_PAGE] = PG_LRU
    before = list(s.zones.nr_mlock)
    counts = []
    for name in ("test_and_set", "test_and_set", "test_and_clear", "test_and_clear"):
        do(s, name, FAR_PAGE, PG_MLOCKED)
        counts.append(s.zones.nr_mlock[1] - before[1])
    assert counts == [1, 1, 0, 0]
    assert s.zones.nr_mlock[0] == before[0]


def test_a_page_lock_that_is_free_is_an_acquisition_with_a_wait_of_zero(s: State, do: Do) -> None:
    taken = do(s, "test_and_set", PAGE, PG_LOCKED, now=1_000)
    do(s, "test_and_clear", PAGE, PG_LOCKED, now=500_000)
    tally = s.m.tally
    assert (tally.acquisitions[PAGE_LOCK], tally.contentions[PAGE_LOCK], tally.wait_total_ps[PAGE_LOCK]) == (1, 0, 0)
    assert tally.hold_total_ps[PAGE_LOCK] == 500_000 - (1_000 + taken.cost_ps)


def test_a_trylock_that_fails_is_no_acquisition(s: State, do: Do) -> None:
    do(s, "test_and_set", PAGE, PG_LOCKED)
    assert do(s, "test_and_set", PAGE, PG_LOCKED, task=1).value == 1
    assert (s.m.tally.acquisitions[PAGE_LOCK], s.events[PAGE_LOCK_STEALS]) == (1, 0)


def test_a_page_lock_waited_for_counts_its_wait_from_the_first_attempt(s: State, do: Do) -> None:
    do(s, "page_lock_contended", PAGE, task=1, now=2_000)
    do(s, "test_and_set", PAGE, PG_LOCKED, task=1, now=9_000)
    tally = s.m.tally
    assert (tally.contentions[PAGE_LOCK], tally.wait_total_ps[PAGE_LOCK]) == (1, 7_000)
    do(s, "test_and_clear", PAGE, PG_LOCKED, task=1, now=10_000)
    do(s, "test_and_set", PAGE, PG_LOCKED, task=1, now=20_000)
    assert (tally.contentions[PAGE_LOCK], tally.wait_total_ps[PAGE_LOCK]) == (1, 7_000)


def test_a_woken_waiter_that_finds_the_lock_taken_has_lost_it_to_a_barger(s: State, do: Do) -> None:
    s.pages.flags[PAGE] |= PG_LOCKED
    do(s, "page_lock_contended", PAGE, task=1)
    s.queues.woken[1] = 1
    do(s, "test_and_set", PAGE, PG_LOCKED, task=1)
    do(s, "test_and_set", PAGE, PG_LOCKED, task=1)
    assert (s.events[PAGE_LOCK_STEALS], s.queues.woken[1]) == (1, 0)


def test_who_is_woken_for_another_bit_has_lost_no_page_lock(s: State, do: Do) -> None:
    s.queues.woken[1] = 1
    do(s, "test_and_set", PAGE, PG_LOCKED, task=0)
    do(s, "test_and_set", PAGE, PG_LOCKED, task=1)
    assert (s.events[PAGE_LOCK_STEALS], s.queues.woken[1]) == (0, 0)


def test_to_unlock_an_unlocked_page_is_a_bug_of_the_kernel(s: State, do: Do) -> None:
    assert do(s, "test_and_clear", PAGE, PG_LOCKED).value == 0
    assert s.violations[BUG_UNLOCKED_PAGE] == 1
    assert s.m.tally.hold_total_ps[PAGE_LOCK] == 0


@pytest.mark.parametrize("mapping, file, has, anon", [(0, 0, 0, 0), (6, 3, 1, 0), (7, 0, 1, 1)])
def test_a_mapping_is_none_a_file_or_anonymous(s: State, do: Do, mapping: int, file: int, has: int, anon: int) -> None:
    s.pages.mapping[PAGE] = mapping
    values = [do(s, name, PAGE).value for name in ("page_mapping", "page_has_mapping", "page_anon")]
    assert values == [file, has, anon]


def test_page_mapped_counts_ptes(s: State, do: Do) -> None:
    s.pages.mapcount[PAGE] = 2
    assert do(s, "page_mapped", PAGE).value == 2


def test_a_mapping_is_unevictable_by_its_own_word(s: State, do: Do) -> None:
    assert do(s, "mapping_unevictable", 0) == (0, 0)
    assert do(s, "mapping_unevictable", 1) == (0, s.m.cost_ps[DRAM_LOCAL])
    s.mapping_flags[1] = AS_UNEVICTABLE
    assert do(s, "mapping_unevictable", 1) == (1, s.m.cost_ps[L1_HIT])
    assert do(s, "mapping_unevictable", 2) == (0, s.m.cost_ps[DRAM_REMOTE])


def test_references_go_up_and_down_and_the_last_one_says_so(s: State, do: Do) -> None:
    s.pages.refcount[PAGE] = 1
    do(s, "get_page", PAGE)
    assert do(s, "get_page_unless_zero", PAGE).value == 1
    assert s.pages.refcount[PAGE] == 3
    assert [do(s, "put_page_testzero", PAGE).value for _ in range(3)] == [0, 0, 1]
    assert set(s.violations) == {0}


def test_a_page_without_references_gives_none(s: State, do: Do) -> None:
    s.pages.refcount[PAGE] = 0
    assert do(s, "get_page_unless_zero", PAGE).value == 0
    assert s.pages.refcount[PAGE] == 0
    assert set(s.violations) == {0}


def test_get_and_put_of_a_page_without_references_are_bugs_of_the_kernel(s: State, do: Do) -> None:
    s.pages.refcount[PAGE] = 0
    assert do(s, "put_page_testzero", PAGE).value == 0
    assert (s.pages.refcount[PAGE], s.violations[BUG_PUT_PAGE], s.violations[BUG_GET_PAGE]) == (0, 1, 0)
    do(s, "get_page", PAGE)
    assert (s.pages.refcount[PAGE], s.violations[BUG_PUT_PAGE], s.violations[BUG_GET_PAGE]) == (1, 1, 1)


def test_references_freeze_only_when_they_are_as_expected(s: State, do: Do) -> None:
    s.pages.refcount[PAGE] = 2
    assert (do(s, "page_freeze_refs", PAGE, 1).value, s.pages.refcount[PAGE]) == (0, 2)
    assert (do(s, "page_freeze_refs", PAGE, 2).value, s.pages.refcount[PAGE]) == (1, 0)
    do(s, "page_unfreeze_refs", PAGE, 2)
    assert s.pages.refcount[PAGE] == 2


def test_references_are_counted_by_a_read(s: State, do: Do) -> None:
    s.pages.refcount[PAGE] = 3
    assert do(s, "page_count", PAGE).value == 3
    assert s.pages.refcount[PAGE] == 3


@pytest.mark.parametrize("flags, copied", [(0, 0), (PG_SWAPBACKED | PG_DIRTY | PG_LRU, PG_SWAPBACKED)])
def test_a_new_page_takes_the_mapping_of_the_old_one_and_what_it_is_backed_by(
    s: State, do: Do, flags: int, copied: int
) -> None:
    s.pages.mapping[PAGE], s.pages.flags[PAGE] = 7, flags
    s.pages.mapping[FAR_PAGE], s.pages.flags[FAR_PAGE] = 0, PG_LOCKED
    assert do(s, "copy_mapping", FAR_PAGE, PAGE) == (0, s.m.cost_ps[DRAM_LOCAL] + s.m.cost_ps[DRAM_REMOTE])
    assert do(s, "copy_mapping", FAR_PAGE, PAGE).cost_ps == 2 * s.m.cost_ps[L1_HIT]
    assert (s.pages.mapping[FAR_PAGE], s.pages.flags[FAR_PAGE]) == (7, PG_LOCKED | copied)
    assert (s.pages.mapping[PAGE], s.pages.flags[PAGE]) == (7, flags)
    do(s, "clear_mapping", FAR_PAGE)
    assert (do(s, "page_has_mapping", FAR_PAGE).value, do(s, "page_has_mapping", PAGE).value) == (0, 1)


def test_an_assertion_counts_any_of_its_flags_and_goes_on(s: State, do: Do) -> None:
    s.pages.flags[PAGE] = PG_LRU
    do(s, "VM_BUG_ON", PAGE, PG_ACTIVE | PG_UNEVICTABLE)
    do(s, "VM_BUG_ON_NOT", PAGE, PG_LRU)
    assert s.violations[BUG_VM] == 0
    do(s, "VM_BUG_ON", PAGE, PG_ACTIVE | PG_LRU)
    do(s, "VM_BUG_ON_NOT", PAGE, PG_ACTIVE)
    assert s.violations[BUG_VM] == 2


def test_an_assertion_of_the_number_of_references_wants_exactly_that(s: State, do: Do) -> None:
    s.pages.refcount[PAGE] = 2
    assert do(s, "VM_BUG_ON_COUNT_NOT", PAGE, 2) == (0, 0)
    assert s.violations[BUG_PAGE_COUNT] == 0
    do(s, "VM_BUG_ON_COUNT_NOT", PAGE, 1)
    do(s, "VM_BUG_ON_COUNT_NOT", PAGE, 3)
    assert s.violations[BUG_PAGE_COUNT] == sum(s.violations) == 2


def test_a_pages_zone_is_where_its_number_lies(s: State, do: Do) -> None:
    assert [do(s, "page_zone", page).value for page in (0, 511, 512, 1023)] == [0, 0, 1, 1]


def test_a_page_lock_bounces_when_another_cpu_had_it_last(s: State, do: Do) -> None:
    """Task 4 runs on the CPU of task 0."""
    bounces = []
    for task in (1, 1, 0, 4, 1):
        do(s, "test_and_set", PAGE, PG_LOCKED, task=task)
        do(s, "test_and_clear", PAGE, PG_LOCKED, task=task)
        bounces.append(s.m.tally.acq_bounces[PAGE_LOCK])
    assert bounces == [0, 0, 1, 1, 2]


def test_the_page_lock_of_another_page_does_not_bounce(s: State, do: Do) -> None:
    do(s, "test_and_set", PAGE, PG_LOCKED, task=1)
    do(s, "test_and_set", FAR_PAGE, PG_LOCKED, task=2)
    assert s.m.tally.acq_bounces[PAGE_LOCK] == 0
