"""What calls add to a way: counts, lines that are fetched once, and the price of both."""

import pytest

from perfsim.kernel.constants import LRU_LOCK, PG_ACTIVE, PG_LOCKED
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.static.answers import Called
from perfsim.kernel.static.values import Some, Value
from perfsim.kernel.static.way import Counts, Lines, after, contended_price_ps, price_ps
from perfsim.machine.costs import (
    ATOMIC_LOCAL,
    BARRIER_RELEASE,
    CONTEXT_SWITCH,
    L1_HIT,
    LINE_SERVICE,
    SOCKET_TRANSFER,
    SYSCALL,
)
from perfsim.machine.profile import load_profile

PAGE, OTHER = Some("page"), Some("other")
IA64 = load_profile("ia64")
COST = IA64.best_ps

Call = tuple[str, *tuple[Value, ...]]


def way(*calls: Call) -> Counts:
    """The way of these calls, one after the other."""
    counts = Counts()
    lines: Lines = {}
    for name, *arguments in calls:
        assert len(arguments) == PRIMITIVES[name].arguments
        counts, lines = after(Called(name, tuple(arguments), "here"), 0, counts, lines)
    return counts


def test_each_kind_of_step_is_counted_in_its_column() -> None:
    found = way(
        ("test_flag", PAGE, PG_ACTIVE),
        ("test_and_set", PAGE, PG_LOCKED),
        ("spin_lock", LRU_LOCK, 0),
        ("smp_mb",),
        ("io_schedule",),
    )
    assert (found.accesses, found.atomics, found.page_locks, found.locks) == (1, 1, 1, 1)
    assert (found.barriers, found.sleeps) == (1, 1)


def test_a_line_is_fetched_once_and_once_more_for_the_first_write_after_a_read() -> None:
    assert way(("get_page", PAGE), ("get_page", PAGE), ("page_anon", PAGE)).transfers == 1
    assert way(("page_anon", PAGE), ("page_anon", PAGE)).transfers == 1
    assert way(("page_anon", PAGE), ("get_page", PAGE), ("page_anon", PAGE)).transfers == 2
    assert way(("get_page", PAGE), ("get_page", OTHER)).transfers == 2


def test_a_lock_is_fetched_each_time_that_it_is_taken_and_given_back() -> None:
    pair: tuple[Call, Call] = (("spin_lock", LRU_LOCK, 0), ("spin_unlock", LRU_LOCK, 0))
    assert way(*pair, *pair).transfers == 4


def test_on_one_cpu_every_access_is_a_hit() -> None:
    found = way(("page_anon", PAGE), ("get_page", PAGE), ("work", SYSCALL))
    assert price_ps(found, IA64) == COST[L1_HIT] + COST[ATOMIC_LOCAL] + COST[SYSCALL]


def test_among_many_a_plain_access_is_a_transfer_and_an_atomic_one_more() -> None:
    assert contended_price_ps(way(("page_anon", PAGE)), IA64) == COST[SOCKET_TRANSFER]
    assert contended_price_ps(way(("get_page", PAGE)), IA64) == COST[SOCKET_TRANSFER] + COST[ATOMIC_LOCAL]


def test_among_many_a_lock_is_handed_over() -> None:
    found = way(("spin_lock", LRU_LOCK, 0), ("spin_unlock", LRU_LOCK, 0))
    handed_ps = COST[SOCKET_TRANSFER] + COST[ATOMIC_LOCAL] + COST[LINE_SERVICE]
    assert contended_price_ps(found, IA64) == handed_ps + COST[SOCKET_TRANSFER] + COST[BARRIER_RELEASE]


def test_a_sleep_costs_two_switches_and_more_and_is_no_longer_among_many() -> None:
    found = way(("io_schedule",))
    assert price_ps(found, IA64) == contended_price_ps(found, IA64) > 2 * COST[CONTEXT_SWITCH]


def test_what_may_sleep_sleeps_only_when_another_holds_it() -> None:
    call = Called("rwsem_schedule", (), "here")
    sleeps = [after(call, 0, Counts(), {}, contended=contended)[0].sleeps for contended in (False, True)]
    assert sleeps == [0, 1]


def test_two_ways_together_cost_what_each_does() -> None:
    one, other = way(("get_page", PAGE), ("smp_mb",)), way(("spin_lock_irq", LRU_LOCK, 0), ("page_anon", OTHER))
    both = one.plus(other)
    assert both == way(("get_page", PAGE), ("smp_mb",), ("spin_lock_irq", LRU_LOCK, 0), ("page_anon", OTHER))
    assert price_ps(both, IA64) == price_ps(one, IA64) + price_ps(other, IA64)


def test_work_whose_figure_the_path_does_not_name_is_an_error() -> None:
    with pytest.raises(AssertionError, match="does not say which figure"):
        way(("work", Some("cost")))
