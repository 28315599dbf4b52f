"""The kernel's own counters of one run, as its files in /proc tell them: those of the window, and pages at its end."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel import constants as k
from perfsim.kernel.state import State
from perfsim.machine.tally import LEAST_OF_NONE, Tally


class LockCounts(NamedTuple):
    """One lock class, its fields in the order of /proc/lock_stat.

    A bounce is a contention or an acquisition on another CPU than that of the lock's last holder. Waits are those that
    were contended, and have ended; the shortest hold is one of those that lay wholly in the window. Of nothing, the
    shortest and the longest are 0.
    """

    con_bounces: int
    contentions: int
    wait_min_ps: int
    wait_max_ps: int
    wait_total_ps: int
    acq_bounces: int
    acquisitions: int
    hold_min_ps: int
    hold_max_ps: int
    hold_total_ps: int


class Counts(NamedTuple):
    """Pages of all zones: free, mlocked, on each LRU list. events: by number. locks: by number of the lock class."""

    free_pages: int
    mlocked_pages: int
    lru_pages: tuple[int, ...]
    events: tuple[int, ...]
    locks: tuple[LockCounts, ...]


def counts_of(s: State) -> Counts:
    """The counters of a state whose window has just ended."""
    return Counts(
        free_pages=sum(s.zones.free_count),
        mlocked_pages=sum(s.zones.nr_mlock),
        lru_pages=tuple(sum(s.zones.lru_length[lru :: k.LRU_LISTS]) for lru in range(k.LRU_LISTS)),
        events=tuple(s.events),
        locks=tuple(_lock(s.m.tally, lock_class) for lock_class in range(k.LOCK_CLASSES)),
    )


def _lock(tally: Tally, lock_class: int) -> LockCounts:
    values = [getattr(tally, name)[lock_class] for name in LockCounts._fields]
    return LockCounts(*(0 if value == LEAST_OF_NONE else value for value in values))
