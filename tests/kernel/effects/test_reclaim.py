"""What reclaim counts and decides by: statistics of a zone, and a task's own plan of a scan."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    LRU_ACTIVE_ANON,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_LISTS,
    SWAP_CLUSTER_MAX,
)
from perfsim.kernel.sizes import inactive_ratio
from perfsim.kernel.state import State
from tests.kernel.conftest import Do, StateMaker


def test_pages_due_add_up_over_calls_until_they_are_worth_a_batch(s: State, do: Do) -> None:
    """Each call adds one page more than asked, so that every list is sifted through in the end."""
    found = [do(s, "due_to_scan", 1, LRU_INACTIVE_FILE, 14).value for _ in range(3)]
    assert found == [0, 0, 45]
    assert do(s, "due_to_scan", 1, LRU_INACTIVE_FILE, 14).value == 0, "counted from nothing again"
    assert do(s, "due_to_scan", 0, LRU_INACTIVE_FILE, SWAP_CLUSTER_MAX - 1).value == SWAP_CLUSTER_MAX


def test_reclaimers_of_a_zone_add_to_one_word_and_plan_apart(s: State, do: Do) -> None:
    assert do(s, "due_to_scan", 0, LRU_ACTIVE_FILE, 30, task=0).value == 0
    assert do(s, "due_to_scan", 0, LRU_ACTIVE_FILE, 30, task=1).value == 62
    assert [do(s, "left_to_scan", task=task).value for task in (0, 1)] == [0, 1]


def test_a_plan_is_taken_by_batches_to_its_rest(s: State, do: Do) -> None:
    do(s, "due_to_scan", 0, LRU_INACTIVE_ANON, 79)
    batches = [do(s, "next_batch", LRU_INACTIVE_ANON).value for _ in range(4)]
    assert batches == [SWAP_CLUSTER_MAX, SWAP_CLUSTER_MAX, 80 - 2 * SWAP_CLUSTER_MAX, 0]
    assert do(s, "left_to_scan").value == 0


def test_active_anonymous_pages_alone_keep_no_scan_going(s: State, do: Do) -> None:
    """C: while (nr[LRU_INACTIVE_ANON] || nr[LRU_ACTIVE_FILE] || nr[LRU_INACTIVE_FILE])."""
    do(s, "due_to_scan", 0, LRU_ACTIVE_ANON, 100)
    assert do(s, "left_to_scan").value == 0
    do(s, "due_to_scan", 0, LRU_INACTIVE_FILE, 100)
    assert do(s, "left_to_scan").value == 1


@pytest.mark.parametrize("active,low", [(6, 0), (7, 0), (8, 1)])
def test_inactive_anonymous_pages_are_low_when_active_ones_are_more(s: State, do: Do, active: int, low: int) -> None:
    s.zones.lru_length[LRU_LISTS + LRU_INACTIVE_ANON] = 7
    s.zones.lru_length[LRU_LISTS + LRU_ACTIVE_ANON] = active
    assert do(s, "inactive_anon_is_low", 1).value == low


def test_large_zones_may_have_more_active_pages_to_an_inactive_one() -> None:
    assert [inactive_ratio(gib << 30) for gib in (0, 1, 10, 100)] == [1, 3, 10, 31]


def test_rotation_is_kept_by_kind_and_halved_together(s: State, do: Do) -> None:
    do(s, "add_recent_scanned", 1, LRU_ACTIVE_ANON, 9)
    do(s, "add_recent_scanned", 1, LRU_INACTIVE_ANON, 32)
    do(s, "add_recent_rotated", 1, LRU_INACTIVE_ANON, 5)
    do(s, "add_recent_scanned", 1, LRU_INACTIVE_FILE, 3)
    assert do(s, "recent_scanned", 1, LRU_INACTIVE_ANON).value == 41
    do(s, "halve_recent", 1, LRU_INACTIVE_ANON)
    found = [do(s, name, 1, LRU_INACTIVE_ANON).value for name in ("recent_scanned", "recent_rotated")]
    assert found == [20, 2]
    assert do(s, "recent_scanned", 1, LRU_ACTIVE_FILE).value == 3
    assert do(s, "recent_scanned", 0, LRU_INACTIVE_ANON).value == 0


def test_a_freed_page_ends_a_zones_distress(s: State, do: Do) -> None:
    page = do(s, "rmqueue", 1).value
    assert do(s, "pages_scanned", 1, 500).value == 500
    do(s, "zone_set_all_unreclaimable", 1)
    assert [do(s, "zone_is_all_unreclaimable", zone).value for zone in (0, 1)] == [0, 1]
    s.pages.refcount[page] = 0
    do(s, "free_page_to_zone", page)
    assert do(s, "pages_scanned", 1, 0).value == do(s, "zone_is_all_unreclaimable", 1).value == 0


def test_a_tasks_scan_is_counted_from_where_it_began(s: State, do: Do) -> None:
    assert [do(s, "sc_scanned", 2, task=task).value for task in (0, 0, 1)] == [2, 4, 2]
    do(s, "sc_begin", task=0)
    assert [do(s, "sc_scanned", 0, task=task).value for task in (0, 1)] == [0, 2]


def test_only_kswapd_is_kswapd(s: State, do: Do) -> None:
    assert [do(s, "current_is_kswapd", task=task).value for task in (0, 4, 5, 6, 7)] == [0, 0, 1, 1, 0]


def test_a_batch_is_as_large_as_the_settings_say(make_state: StateMaker, do: Do) -> None:
    s = make_state()
    small = s._replace(settings=s.settings._replace(swap_cluster_max=8))
    assert do(small, "swap_cluster_max").value == 8
    assert do(small, "due_to_scan", 0, LRU_INACTIVE_FILE, 19).value == 20
    assert do(small, "next_batch", LRU_INACTIVE_FILE).value == 8
