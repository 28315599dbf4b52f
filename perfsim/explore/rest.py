"""What must hold when every CPU has come to the end of its script and everything is visible to all."""

from __future__ import annotations

from perfsim.explore.acts import SLEEP, ways
from perfsim.explore.columns import END, SC, Search
from perfsim.explore.properties import (
    COUNTER_DRIFT,
    DEADLOCK,
    LIST_FLAG,
    LOCK_LEFT,
    LOST_PAGE,
    LOST_WAKEUP,
    OUTCOME,
    STRANDED,
)
from perfsim.explore.step import go_on, pack, step, unpack
from perfsim.kernel.constants import NONE
from perfsim.kernel.invariants import (
    active_excludes_unevictable,
    caches_agree_with_pages,
    counters_equal_lengths,
    links_are_doubly_linked,
    lists_agree_with_flags,
    no_lock_is_left,
    no_page_is_lost,
    nr_mlock_counts_mlocked_pages,
    ptes_agree_with_pages,
    references_balance,
    stranded_pages,
)

STEPS_MAX = 10_000


def settle(x: Search) -> None:
    """Let every CPU drain its pagevecs, one after another, as its task's end would."""
    model = x.turn.model[0]
    x.turn.model[0] = SC
    for cpu in range(x.settings.cpus):
        unpack(x, cpu)
        pack(x, cpu, go_on(x, cpu, x.settle[cpu]))
        for _ in range(STEPS_MAX):
            if x.b.row[cpu] == END or ways(x, cpu, x.b.row[cpu]) == 0:
                break
            step(x, cpu, 0)
    x.turn.model[0] = model


def at_rest(x: Search, number: int) -> int:
    """How often a property is broken at rest: 0 for one that is not asked at rest. After settle()."""
    if number == STRANDED:
        return stranded_pages(x.s)
    if number == LOST_PAGE:
        return no_page_is_lost(x.s)
    if number == LIST_FLAG:
        wrong = lists_agree_with_flags(x.s) + links_are_doubly_linked(x.s)
        return wrong + active_excludes_unevictable(x.s) + ptes_agree_with_pages(x.s)
    if number == COUNTER_DRIFT:
        wrong = counters_equal_lengths(x.s) + nr_mlock_counts_mlocked_pages(x.s)
        return wrong + references_balance(x.s) + caches_agree_with_pages(x.s)
    if number == LOCK_LEFT:
        return no_lock_is_left(x.s)
    return outcome_is_reached(x) if number == OUTCOME else 0


def outcome_is_reached(x: Search) -> int:
    """1 if the words have the values that the scenario asks for."""
    for number in range(x.settings.wanted):
        if x.s.pages.mapping[x.wanted_page[number]] != x.wanted_value[number]:
            return 0
    return 1 if x.settings.wanted else 0


def stuck(x: Search) -> int:
    """What it is that nobody can go on: NONE if all are done, LOST_WAKEUP, or DEADLOCK."""
    status = NONE
    for cpu in range(x.settings.cpus):
        row = x.b.row[cpu]
        if row != END or x.b.waiting[cpu] or x.b.late[cpu] != NONE:
            status = DEADLOCK if status == NONE else status
            if row != END and x.code.act[row] == SLEEP and _waits_for_nothing(x, cpu):
                status = LOST_WAKEUP
    return status


def _waits_for_nothing(x: Search, cpu: int) -> int:
    """1 if the bit that a CPU sleeps on is clear."""
    page = x.s.queues.page[cpu]
    return 1 if page == NONE or not x.s.pages.flags[page] & x.s.queues.flag[cpu] else 0
