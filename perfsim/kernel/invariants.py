"""What must hold of the state, whatever the design (kernel-protocol §13): one function an invariant.

Checked at quiescence: every task finished, every pagevec drained. Each returns the number of violations.
"""

from __future__ import annotations

from collections.abc import Callable

from perfsim.kernel.state import (
    LRU_LISTS,
    LRU_UNEVICTABLE,
    NONE,
    PG_ACTIVE,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_UNEVICTABLE,
    State,
    list_head,
    page_lru,
    zone_of,
)

Invariant = Callable[[State], int]


def lists_agree_with_flags(s: State) -> int:
    """I1: PG_lru is set if and only if the page is linked on the one list of its own zone that page_lru() names."""
    wrong = 0
    linked = [0] * s.settings.pages
    for zone in range(s.settings.nodes):
        for lru in range(LRU_LISTS):
            for page in pages_of_list(s, zone, lru):
                linked[page] += 1
                wrong += zone_of(s, page) != zone or page_lru(s.pages.flags[page]) != lru
    return wrong + sum(bool(flags & PG_LRU) != (times == 1) for flags, times in zip(s.pages.flags, linked, strict=True))


def links_are_doubly_linked(s: State) -> int:
    """I1: forwards and backwards, a list is the same list."""
    heads = [list_head(zone, lru, s) for zone in range(s.settings.nodes) for lru in range(LRU_LISTS)]
    wrong = 0
    for head in heads:
        node = head
        for _ in range(s.settings.pages + 1):
            follower = s.pages.next[node]
            if follower < 0 or s.pages.before[follower] != node:
                wrong += 1
                break
            node = follower
            if node == head:
                break
    return wrong


def counters_equal_lengths(s: State) -> int:
    """I8: zone counters are the lengths of the lists, NR_MLOCK the number of pages with PG_mlocked."""
    wrong = 0
    for zone in range(s.settings.nodes):
        for lru in range(LRU_LISTS):
            wrong += s.zones.lru_length[zone * LRU_LISTS + lru] != sum(1 for _ in pages_of_list(s, zone, lru))
        first = zone * s.settings.pages_per_node
        flags = s.pages.flags[first : first + s.settings.pages_per_node]
        wrong += s.zones.nr_mlock[zone] != sum(1 for word in flags if word & PG_MLOCKED)
    return wrong


def active_excludes_unevictable(s: State) -> int:
    """I2: no page is both active and unevictable."""
    both = PG_ACTIVE | PG_UNEVICTABLE
    return sum(flags & both == both for flags in s.pages.flags)


def references_balance(s: State) -> int:
    """I5: at rest a page's references are the cache's and its ptes'; a free page has none."""
    return sum(
        count != (1 + mapcount if mapping else 0)
        for count, mapcount, mapping in zip(s.pages.refcount, s.pages.mapcount, s.pages.mapping, strict=True)
    )


def no_page_is_lost(s: State) -> int:
    """I9: every page is free or on an LRU list, and none is both."""
    wrong = 0
    free = [0] * s.settings.pages
    for zone in range(s.settings.nodes):
        page, length = s.zones.free_head[zone], 0
        while page != NONE and length <= s.settings.pages:
            free[page] += 1
            wrong += zone_of(s, page) != zone
            page, length = s.pages.next[page], length + 1
        wrong += length != s.zones.free_count[zone]
    return wrong + sum(times + bool(flags & PG_LRU) != 1 for times, flags in zip(free, s.pages.flags, strict=True))


def no_lock_is_left(s: State) -> int:
    """I11: no page lock, spinlock or page_cgroup bit is held by anybody, nobody is queued for one."""
    locked = sum(1 for flags in s.pages.flags if flags & PG_LOCKED)
    owned = sum(1 for owner in s.m.lock_owner if owner != NONE)
    bits = sum(1 for word in s.pages.cgroup if word & 1)
    return locked + owned + bits + sum(s.m.lock_waiters) + sum(s.queues.queued)


def ptes_agree_with_pages(s: State) -> int:
    """I5: a pte and the page it maps name each other."""
    wrong = sum(page != NONE and s.pages.slot[page] != slot for slot, page in enumerate(s.ranges.pte))
    return wrong + sum(slot >= 0 and s.ranges.pte[slot] != page for page, slot in enumerate(s.pages.slot))


INVARIANTS: tuple[Invariant, ...] = (
    lists_agree_with_flags,
    links_are_doubly_linked,
    counters_equal_lengths,
    active_excludes_unevictable,
    references_balance,
    no_page_is_lost,
    no_lock_is_left,
    ptes_agree_with_pages,
)


def stranded_pages(s: State) -> int:
    """I3: evictable pages that rest on the unevictable list, where nobody will ever look for them."""
    return sum(
        not s.pages.flags[page] & PG_MLOCKED and not s.mapping_flags[_file_mapping(s, page)]
        for zone in range(s.settings.nodes)
        for page in pages_of_list(s, zone, LRU_UNEVICTABLE)
    )


def pages_of_list(s: State, zone: int, lru: int) -> list[int]:
    """The pages of an LRU list from its head; stops when the links lead nowhere."""
    head = list_head(zone, lru, s)
    pages: list[int] = []
    node = s.pages.next[head]
    while node != head and 0 <= node < s.settings.pages and len(pages) <= s.settings.pages:
        pages.append(node)
        node = s.pages.next[node]
    return pages


def _file_mapping(s: State, page: int) -> int:
    mapping = s.pages.mapping[page]
    return 0 if mapping & 1 else mapping >> 1
