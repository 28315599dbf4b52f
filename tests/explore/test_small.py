"""The small state that a scenario begins with: pages are where it says, and everything agrees."""

import pytest

from perfsim.explore.scenario import load_explore_scenario, shipped_scenarios
from perfsim.explore.small import numbers_of, small_state
from perfsim.kernel.constants import LRU_INACTIVE_ANON, LRU_UNEVICTABLE, PG_LRU, PG_MLOCKED, PG_UNEVICTABLE
from perfsim.kernel.invariants import ALWAYS, no_lock_is_left, pages_of_list
from tests.explore.searches import shipped


@pytest.mark.parametrize("unevictable_lru", [True, False])
@pytest.mark.parametrize("name", shipped_scenarios())
def test_at_the_start_of_every_scenario_nothing_is_wrong(name: str, *, unevictable_lru: bool) -> None:
    s = small_state(load_explore_scenario(name), unevictable_lru=unevictable_lru)
    wrong = [invariant.__name__ for invariant in ALWAYS if invariant(s)]
    assert wrong == []
    assert no_lock_is_left(s) == 0


def test_a_page_is_on_the_list_that_it_is_said_to_be_on() -> None:
    scenario, _ = shipped("munlock_munlock", 1)
    s = small_state(scenario, unevictable_lru=True)
    assert pages_of_list(s, 0, LRU_UNEVICTABLE) == [0]
    assert s.pages.flags[0] & (PG_LRU | PG_UNEVICTABLE | PG_MLOCKED) == PG_LRU | PG_UNEVICTABLE | PG_MLOCKED
    assert (s.pages.mapcount[0], s.ranges.pte[0], s.zones.nr_mlock[0]) == (1, 0, 1)


def test_without_such_lists_an_unevictable_page_is_inactive() -> None:
    scenario, _ = shipped("munlock_munlock", 1)
    s = small_state(scenario, unevictable_lru=False)
    assert pages_of_list(s, 0, LRU_INACTIVE_ANON) == [0]
    assert s.pages.flags[0] & (PG_UNEVICTABLE | PG_MLOCKED) == 0
    assert s.zones.nr_mlock[0] == 0


def test_pages_of_objects_have_the_last_ranges() -> None:
    scenario, _ = shipped("putback_truncate", 1)
    mapped, _ = shipped("reclaim_reclaim", 1)
    assert numbers_of(scenario).ranges == {"page": 0}
    both = scenario._replace(pages=(scenario.pages[0], *mapped.pages))
    assert numbers_of(both).ranges == {"a": 0, "b": 1, "page": 2}
    s = small_state(both, unevictable_lru=True)
    assert s.settings.first_object_range == 2
    assert (s.objects.cached, s.ranges.pte) == ([0], [1, 2, 0])
