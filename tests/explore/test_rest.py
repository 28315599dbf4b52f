"""At rest pagevecs are drained, what is wrong is told, and who cannot go on has a reason."""

import pytest

from perfsim.explore.columns import END
from perfsim.explore.properties import COUNTER_DRIFT, DEADLOCK, LIST_FLAG, LOCK_LEFT, LOST_PAGE, LOST_WAKEUP, STRANDED
from perfsim.explore.question import Question
from perfsim.explore.rest import at_rest, settle, stuck
from perfsim.explore.search import explore
from perfsim.kernel.constants import LRU_INACTIVE_ANON, NONE, PG_LOCKED, PG_LRU, PG_MLOCKED, PG_UNEVICTABLE
from perfsim.kernel.invariants import pages_of_list
from tests.explore.searches import compiled_search, final_states, on_lists, rest_of, shipped, steps_of

QUIET = (STRANDED, LOST_PAGE, LIST_FLAG, COUNTER_DRIFT, LOCK_LEFT)


def test_what_is_in_a_pagevec_at_the_end_is_on_its_list_when_settled() -> None:
    running = compiled_search(*shipped("recheck", 0), Question())
    ends = {rest_of(s) for s in final_states(running)}
    assert len(ends) >= 1
    for end in ends:
        flags = end.pages[0][0]
        assert flags & PG_LRU
        assert sum(0 in list_ for list_ in end.lists) == 1


@pytest.mark.parametrize(
    "what, number",
    [
        ("clear PG_lru", LIST_FLAG),
        ("lose it", LOST_PAGE),
        ("count once more", COUNTER_DRIFT),
        ("lock it", LOCK_LEFT),
        ("strand it", STRANDED),
    ],
)
def test_each_thing_that_is_wrong_at_rest_is_told_by_its_property(what: str, number: int) -> None:
    x = on_lists(*shipped("wait_queue", 0), Question())
    for cpu in (0, 1):
        steps_of(x, cpu)
    settle(x)
    assert [at_rest(x, one) for one in QUIET] == [0] * len(QUIET)
    pages, zones = x.s.pages, x.s.zones
    if what == "clear PG_lru":
        pages.flags[0] &= ~PG_LRU
    elif what == "lose it":
        head = pages.next[x.s.settings.first_head + LRU_INACTIVE_ANON]
        assert head == 0
        pages.flags[0] &= ~PG_LRU
        zones.lru_length[LRU_INACTIVE_ANON] -= 1
    elif what == "count once more":
        pages.refcount[0] += 1
    elif what == "lock it":
        pages.flags[0] |= PG_LOCKED
    else:
        first = x.s.settings.first_head
        pages.flags[0] = pages.flags[0] & ~PG_MLOCKED | PG_UNEVICTABLE
        pages.next[first + 4], pages.before[first + 4], pages.next[0], pages.before[0] = 0, 0, first + 4, first + 4
    assert at_rest(x, number) > 0


def test_two_that_wait_for_each_other_are_a_deadlock_and_a_wake_up_missed_is_lost() -> None:
    x = on_lists(*shipped("wait_queue", 0), Question())
    steps_of(x, 0, until="test_and_clear")
    steps_of(x, 1)
    assert stuck(x) == DEADLOCK
    x.s.pages.flags[0] &= ~PG_LOCKED
    x.b.row[0] = END
    assert stuck(x) == LOST_WAKEUP
    x.b.row[1] = END
    assert stuck(x) == NONE
    assert pages_of_list(x.s, 0, LRU_INACTIVE_ANON) == [0]


def test_a_deadlock_that_is_reached_is_broken_and_no_end() -> None:
    outcome = explore(*shipped("reclaim_reclaim", 0))
    assert (outcome.verdict, outcome.property) == ("broken", "deadlock")
