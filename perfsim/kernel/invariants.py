"""What must hold of the state, whatever the design (kernel-protocol §13): one function an invariant.

Checked at quiescence: every task finished, every pagevec drained. Each returns the number of violations.
"""

from __future__ import annotations

from collections.abc import Callable

from perfsim.kernel.state import (
    LRU_LISTS,
    LRU_UNEVICTABLE,
    MAPPING_ANON,
    NONE,
    PG_ACTIVE,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    State,
    list_head,
    page_lru,
    zone_of,
)

Invariant = Callable[[State], int]


def lists_agree_with_flags(s: State) -> int:
    """I1: PG_lru is set if and only if the page is linked on the one list of its own zone that page_lru() names.

    A page that is linked twice is on a wrong list too, or breaks links_are_doubly_linked().
    """
    wrong = linked = 0
    for head in range(s.settings.nodes * LRU_LISTS):
        node = s.pages.next[s.settings.first_head + head]
        length = 0
        while 0 <= node < s.settings.pages and length <= s.settings.pages:
            on_its_list = zone_of(s, node) == head // LRU_LISTS and page_lru(s.pages.flags[node]) == head % LRU_LISTS
            wrong += 0 if on_its_list and s.pages.flags[node] & PG_LRU else 1
            node = s.pages.next[node]
            length += 1
        linked += length
    return wrong + abs(linked - pages_with(s, PG_LRU))


def links_are_doubly_linked(s: State) -> int:
    """I1: forwards and backwards, a list is the same list."""
    wrong = 0
    for head in range(s.settings.first_head, s.settings.first_head + s.settings.nodes * LRU_LISTS):
        node, going = head, 1
        while going:
            follower = s.pages.next[node]
            if follower < 0 or s.pages.before[follower] != node:
                wrong += 1
                going = 0
            elif follower == head:
                going = 0
            node = follower
    return wrong


def counters_equal_lengths(s: State) -> int:
    """I8: zone counters are the lengths of the lists, NR_MLOCK the number of pages with PG_mlocked."""
    wrong = 0
    for list_ in range(s.settings.nodes * LRU_LISTS):
        wrong += 1 if s.zones.lru_length[list_] != length_of_list(s, s.settings.first_head + list_) else 0
    for zone in range(s.settings.nodes):
        mlocked = 0
        for page in range(zone * s.settings.pages_per_node, (zone + 1) * s.settings.pages_per_node):
            mlocked += 1 if s.pages.flags[page] & PG_MLOCKED else 0
        wrong += 1 if s.zones.nr_mlock[zone] != mlocked else 0
    return wrong


def active_excludes_unevictable(s: State) -> int:
    """I2: no page is both active and unevictable."""
    wrong = 0
    for page in range(s.settings.pages):
        flags = s.pages.flags[page]
        wrong += 1 if flags & PG_ACTIVE and flags & PG_UNEVICTABLE else 0
    return wrong


def references_balance(s: State) -> int:
    """I5: at rest a page's references are the page or swap cache's and its ptes'; a free page has none."""
    wrong = 0
    for page in range(s.settings.pages):
        mapping = s.pages.mapping[page]
        in_cache = s.pages.flags[page] & PG_SWAPCACHE if mapping & MAPPING_ANON else mapping
        expected = s.pages.mapcount[page] + (1 if in_cache else 0)
        wrong += 1 if s.pages.refcount[page] != expected else 0
    return wrong


def no_page_is_lost(s: State) -> int:
    """I9: every page is free or on an LRU list, and none is both."""
    wrong = free = 0
    for zone in range(s.settings.nodes):
        page, length = s.zones.free_head[zone], 0
        while page != NONE and length <= s.settings.pages:
            wrong += 1 if zone_of(s, page) != zone or s.pages.flags[page] & PG_LRU else 0
            page, length = s.pages.next[page], length + 1
        wrong += 1 if length != s.zones.free_count[zone] else 0
        free += length
    return wrong + abs(free + pages_with(s, PG_LRU) - s.settings.pages)


def no_lock_is_left(s: State) -> int:
    """I11: no page lock, spinlock, page_cgroup bit or mmap_sem is held by anybody, nobody is queued for one."""
    left = pages_with(s, PG_LOCKED)
    for page in range(s.settings.pages):
        left += s.pages.cgroup[page] & 1
    for lock in range(s.m.rules.locks):
        left += s.m.lock_waiters[lock] + (1 if s.m.lock_owner[lock] != NONE else 0)
    for task in range(s.settings.tasks):
        left += s.queues.queued[task]
        left += 1 if s.mms.activity[s.tasks.mm[task]] or s.mms.waits_for[task] != NONE else 0
    return left


def ptes_agree_with_pages(s: State) -> int:
    """I5: a pte and the page it maps name each other."""
    wrong = 0
    for slot in range(s.settings.ranges * s.settings.range_pages):
        page = s.ranges.pte[slot]
        wrong += 1 if page != NONE and s.pages.slot[page] != slot else 0
    for page in range(s.settings.pages):
        slot = s.pages.slot[page]
        wrong += 1 if slot >= 0 and s.ranges.pte[slot] != page else 0
    return wrong


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


def violated(s: State) -> int:
    """How often the invariants above are violated, all together."""
    wrong = lists_agree_with_flags(s) + links_are_doubly_linked(s) + counters_equal_lengths(s)
    wrong += active_excludes_unevictable(s) + references_balance(s) + no_page_is_lost(s)
    return wrong + no_lock_is_left(s) + ptes_agree_with_pages(s)


def stranded_pages(s: State) -> int:
    """I3: evictable pages that rest on the unevictable list, where nobody will ever look for them."""
    stranded = 0
    for zone in range(s.settings.nodes):
        page, length = s.pages.next[list_head(zone, LRU_UNEVICTABLE, s)], 0
        while 0 <= page < s.settings.pages and length <= s.settings.pages:
            mapping = s.pages.mapping[page]
            unevictable = 0 if mapping & MAPPING_ANON else s.mapping_flags[mapping >> 1]
            stranded += 0 if unevictable or s.pages.flags[page] & PG_MLOCKED else 1
            page, length = s.pages.next[page], length + 1
    return stranded


def pages_with(s: State, flag: int) -> int:
    """Number of pages that have a flag."""
    count = 0
    for page in range(s.settings.pages):
        count += 1 if s.pages.flags[page] & flag else 0
    return count


def length_of_list(s: State, head: int) -> int:
    """Pages linked behind a head; stops where the links lead nowhere, or round and round."""
    node, length = s.pages.next[head], 0
    while 0 <= node < s.settings.pages and length <= s.settings.pages:
        node, length = s.pages.next[node], length + 1
    return length


def pages_of_list(s: State, zone: int, lru: int) -> list[int]:
    """The pages of an LRU list from its head; stops when the links lead nowhere."""
    pages: list[int] = []
    node = s.pages.next[list_head(zone, lru, s)]
    while 0 <= node < s.settings.pages and len(pages) <= s.settings.pages:
        pages.append(node)
        node = s.pages.next[node]
    return pages
