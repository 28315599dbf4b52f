"""What must hold of the state, whatever the design (kernel-protocol §13): one function an invariant.

Each returns the number of violations. Those of ALWAYS hold at every instant between two steps of the tasks: they look
away from what is on its way, such as the lists of a zone whose lru_lock is held. Those of AT_REST need quiescence:
every task finished, every pagevec drained. Those of UNDER_WAY say of a run that goes on what AT_REST says at its end.
"""

from __future__ import annotations

from collections.abc import Callable

from perfsim.kernel.constants import (
    BAD_PAGE_MLOCKED,
    LRU_LISTS,
    LRU_UNEVICTABLE,
    MAPPING_ANON,
    NONE,
    PAGELIST,
    PG_ACTIVE,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    PRIVATE_LISTS,
    STACK_VECTORS,
    TASK_DONE,
)
from perfsim.kernel.state import State, cache_index, is_of_object, list_head, page_lru, zone_of
from perfsim.machine.state import SPINNING

Invariant = Callable[[State], int]

IN_HAND_MAX = 4
"""Pages that a path has in its locals alone: an old and a new one of migration, and those of a reclaim within."""


def lists_agree_with_flags(s: State) -> int:
    """I1: PG_lru is set if and only if the page is linked on the one list of its own zone that page_lru() names.

    Of zones whose lru_lock is free. A page that is linked twice is on a wrong list too, or breaks
    links_are_doubly_linked().
    """
    wrong = 0
    for zone in range(s.settings.nodes):
        if s.m.lock_owner[zone] != NONE:
            continue
        linked = 0
        for lru in range(LRU_LISTS):
            node, length = s.pages.next[list_head(s, zone, lru)], 0
            while 0 <= node < s.settings.pages and length <= s.settings.pages:
                flags = s.pages.flags[node]
                wrong += 0 if zone_of(s, node) == zone and page_lru(flags) == lru and flags & PG_LRU else 1
                node, length = s.pages.next[node], length + 1
            linked += length
        wrong += abs(linked - pages_of_zone_with(s, zone, PG_LRU))
    return wrong


def links_are_doubly_linked(s: State) -> int:
    """I1: forwards and backwards, a list is the same list: those of zones and those of tasks."""
    wrong = 0
    for head in range(s.settings.first_head, _after_heads(s)):
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
    """I8: zone counters are the lengths of the lists, of zones whose lru_lock is free."""
    wrong = 0
    for list_ in range(s.settings.nodes * LRU_LISTS):
        length = length_of_list(s, s.settings.first_head + list_)
        is_free = s.m.lock_owner[list_ // LRU_LISTS] == NONE
        wrong += 1 if is_free and s.zones.lru_length[list_] != length else 0
    return wrong


def nr_mlock_counts_mlocked_pages(s: State) -> int:
    """I8: a zone's NR_MLOCK is the number of its pages with PG_mlocked, and of those that bad_page() found freed so."""
    difference = 0
    for zone in range(s.settings.nodes):
        difference += abs(s.zones.nr_mlock[zone] - pages_of_zone_with(s, zone, PG_MLOCKED))
    return abs(difference - s.violations[BAD_PAGE_MLOCKED])


def active_excludes_unevictable(s: State) -> int:
    """I2: no page on a list is both active and unevictable, in zones whose lru_lock is free."""
    wrong = 0
    for page in range(s.settings.pages):
        flags = s.pages.flags[page]
        both = flags & PG_ACTIVE and flags & PG_UNEVICTABLE and flags & PG_LRU
        wrong += 1 if both and s.m.lock_owner[zone_of(s, page)] == NONE else 0
    return wrong


def ptes_agree_with_pages(s: State) -> int:
    """I5: a pte and the page it maps name each other, and _mapcount counts it.

    A page whose pte is a migration entry, or that is only in the cache of an object, names a pte that does not map it.
    """
    wrong = 0
    for slot in range(s.settings.ranges * s.settings.range_pages):
        page = s.ranges.pte[slot]
        wrong += 1 if page >= 0 and s.pages.slot[page] != slot else 0
    for page in range(s.settings.pages):
        slot = s.pages.slot[page]
        mapped = slot != NONE and (slot < 0 or s.ranges.pte[slot] == page)
        wrong += 1 if s.pages.mapcount[page] != (1 if mapped else 0) else 0
    return wrong


def caches_agree_with_pages(s: State) -> int:
    """I5: at rest the page cache of an object and its pages name each other."""
    wrong = cached = 0
    for index in range((s.settings.ranges - s.settings.first_object_range) * s.settings.range_pages):
        page = s.objects.cached[index]
        if page != NONE:
            cached += 1
            wrong += 1 if s.pages.slot[page] < 0 or cache_index(s, s.pages.slot[page]) != index else 0
    for page in range(s.settings.pages):
        cached -= is_of_object(s, page)
    return wrong + abs(cached)


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
    """I9: at rest every page is free or on an LRU list, and none is both."""
    wrong = free = 0
    for zone in range(s.settings.nodes):
        page, length = s.zones.free_head[zone], 0
        while 0 <= page < s.settings.pages and length <= s.settings.pages:
            wrong += 1 if zone_of(s, page) != zone or s.pages.flags[page] & PG_LRU else 0
            page, length = s.pages.next[page], length + 1
        wrong += 1 if length != s.zones.free_count[zone] else 0
        free += length
    return wrong + abs(free + pages_with(s, PG_LRU) - s.settings.pages)


def no_lock_is_left(s: State) -> int:
    """I11: at rest no page lock, spinlock, page_cgroup bit or mmap_sem is held, nobody is queued for one."""
    left = pages_with(s, PG_LOCKED)
    for page in range(s.settings.pages):
        left += s.pages.cgroup[page] & 1
    for lock in range(s.m.rules.locks):
        left += s.m.lock_waiters[lock] + (1 if s.m.lock_owner[lock] != NONE else 0)
    for task in range(s.settings.tasks):
        left += s.queues.queued[task]
        left += 1 if s.mms.activity[s.tasks.mm[task]] or s.mms.waits_for[task] != NONE else 0
    return left


def references_cover_users(s: State) -> int:
    """I5, under way: _count is at least the ptes', the file cache's, and a private list's that the page is on.

    Vectors hold references too, but nobody sees which of them a release has dropped already; nor whether a page of swap
    is in its cache. A page that is frozen has 0, and is locked by whoever froze it; one that is locked to be migrated
    has a mapping for a while when the cache has let it go. A free page has none.
    """
    wrong = 0
    for page in range(s.settings.pages):
        is_frozen = s.pages.refcount[page] == 0 and s.pages.flags[page] & PG_LOCKED
        wrong += 1 if s.pages.refcount[page] < _users(s, page) and not is_frozen else 0
    for head in range(s.settings.first_private, _after_heads(s)):
        page, length = s.pages.next[head], 0
        while 0 <= page < s.settings.pages and length <= s.settings.pages:
            is_locked = s.pages.flags[page] & PG_LOCKED
            migrates = is_locked and (head - s.settings.first_private) % PRIVATE_LISTS == PAGELIST
            is_frozen = is_locked and s.pages.refcount[page] == 0
            lacks = s.pages.refcount[page] < _users(s, page) + 1 and not is_frozen and not migrates
            wrong += 1 if lacks else 0
            page, length = s.pages.next[page], length + 1
    for zone in range(s.settings.nodes):
        page, length = s.zones.free_head[zone], 0
        while 0 <= page < s.settings.pages and length <= s.settings.pages:
            wrong += 1 if s.pages.refcount[page] else 0
            page, length = s.pages.next[page], length + 1
    return wrong


def every_page_has_a_place(s: State) -> int:
    """I9, under way: free + linked + in hand = all pages.

    A page is on its zone's free list; or linked on one list, a zone's or a private one; or unlinked, and then in a
    vector or in the locals of a task that has not finished, of which each has room for IN_HAND_MAX.
    """
    free = linked = unlinked = room = wrong = 0
    for zone in range(s.settings.nodes):
        page, length = s.zones.free_head[zone], 0
        while 0 <= page < s.settings.pages and length <= s.settings.pages:
            wrong += 1 if zone_of(s, page) != zone or s.pages.before[page] != NONE else 0
            page, length = s.pages.next[page], length + 1
        wrong += abs(length - s.zones.free_count[zone])
        free += length
    for head in range(s.settings.first_head, _after_heads(s)):
        linked += length_of_list(s, head)
    for page in range(s.settings.pages):
        unlinked += 1 if s.pages.before[page] == NONE else 0
    for vector in range(_vectors(s)):
        room += s.vectors.length[vector]
    for task in range(s.settings.tasks):
        room += 0 if s.tasks.state[task] == TASK_DONE else IN_HAND_MAX
    in_hand = unlinked - free
    wrong += abs(linked + unlinked - s.settings.pages)
    return wrong + max(0, -in_hand) + max(0, in_hand - room)


def locks_are_held_by_who_runs(s: State) -> int:
    """I11, under way: who holds a spinlock has a task and counts it; no page lock is that of a finished task.

    A CPU to whom a spinlock has been handed counts it when it has noticed.
    """
    wrong = 0
    for cpu in range(s.m.rules.cpus):
        lock = s.m.waits_for[cpu]
        handed = 1 if lock != NONE and s.m.cpu_state[cpu] == SPINNING and s.m.lock_owner[lock] == cpu else 0
        owned = 0
        for other in range(s.m.rules.locks):
            owned += 1 if s.m.lock_owner[other] == cpu else 0
        wrong += 1 if owned != s.m.locks_held[cpu] + handed or (owned and s.run.current[cpu] == NONE) else 0
    for page in range(s.settings.pages):
        if s.pages.flags[page] & PG_LOCKED:
            wrong += 1 if s.tasks.state[s.pages.locker[page]] == TASK_DONE else 0
    return wrong


ALWAYS: tuple[Invariant, ...] = (
    lists_agree_with_flags,
    links_are_doubly_linked,
    counters_equal_lengths,
    nr_mlock_counts_mlocked_pages,
    active_excludes_unevictable,
    ptes_agree_with_pages,
)
AT_REST: tuple[Invariant, ...] = (references_balance, caches_agree_with_pages, no_page_is_lost, no_lock_is_left)
UNDER_WAY: tuple[Invariant, ...] = (references_cover_users, every_page_has_a_place, locks_are_held_by_who_runs)

INVARIANTS: tuple[Invariant, ...] = (*ALWAYS, *AT_REST)
"""What holds when a run has come to its end."""
INSTANTS: tuple[Invariant, ...] = (*ALWAYS, *UNDER_WAY)
"""What holds while it goes on."""
EVERY: tuple[Invariant, ...] = (*ALWAYS, *AT_REST, *UNDER_WAY)
"""By number."""


def violated(s: State, number: int) -> int:
    """How often one of EVERY is violated, by its number there. Written out: compiled code has no table of functions."""
    if number < 3:
        if number == 0:
            return lists_agree_with_flags(s)
        return links_are_doubly_linked(s) if number == 1 else counters_equal_lengths(s)
    if number < 6:
        if number == 3:
            return nr_mlock_counts_mlocked_pages(s)
        return active_excludes_unevictable(s) if number == 4 else ptes_agree_with_pages(s)
    if number < 10:
        if number < 8:
            return references_balance(s) if number == 6 else caches_agree_with_pages(s)
        return no_page_is_lost(s) if number == 8 else no_lock_is_left(s)
    if number == 10:
        return references_cover_users(s)
    return every_page_has_a_place(s) if number == 11 else locks_are_held_by_who_runs(s)


def stranded_pages(s: State) -> int:
    """I3: evictable pages that rest on the unevictable list, where nobody will ever look for them."""
    stranded = 0
    for zone in range(s.settings.nodes):
        page, length = s.pages.next[list_head(s, zone, LRU_UNEVICTABLE)], 0
        while 0 <= page < s.settings.pages and length <= s.settings.pages:
            stranded += _is_stranded(s, page)
            page, length = s.pages.next[page], length + 1
    return stranded


def stranded_since_ps(s: State) -> int:
    """When the page lock of the first stranded page was taken last: by the munlock that should have rescued it.

    NONE if no page is stranded. A page that was never locked, by SHM_UNLOCK for instance, counts from time 0.
    """
    first_ps = NONE
    for zone in range(s.settings.nodes):
        page, length = s.pages.next[list_head(s, zone, LRU_UNEVICTABLE)], 0
        while 0 <= page < s.settings.pages and length <= s.settings.pages:
            since_ps = max(0, s.pages.locked_ps[page])
            if _is_stranded(s, page) and (first_ps == NONE or since_ps < first_ps):
                first_ps = since_ps
            page, length = s.pages.next[page], length + 1
    return first_ps


def pages_with(s: State, flag: int) -> int:
    """Number of pages that have a flag."""
    count = 0
    for zone in range(s.settings.nodes):
        count += pages_of_zone_with(s, zone, flag)
    return count


def pages_of_zone_with(s: State, zone: int, flag: int) -> int:
    """Number of a zone's pages that have a flag."""
    count = 0
    for page in range(zone * s.settings.pages_per_node, (zone + 1) * s.settings.pages_per_node):
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
    node = s.pages.next[list_head(s, zone, lru)]
    while 0 <= node < s.settings.pages and len(pages) <= s.settings.pages:
        pages.append(node)
        node = s.pages.next[node]
    return pages


def _users(s: State, page: int) -> int:
    """References that the page's own fields tell of: its ptes', and the page cache's to a page of a file."""
    mapping = s.pages.mapping[page]
    return s.pages.mapcount[page] + (1 if mapping and not mapping & MAPPING_ANON else 0)


def _is_stranded(s: State, page: int) -> int:
    """1 for a page that nothing makes unevictable: neither PG_mlocked nor its mapping."""
    mapping = s.pages.mapping[page]
    unevictable = 0 if mapping & MAPPING_ANON else s.mapping_flags[mapping >> 1]
    return 0 if unevictable or s.pages.flags[page] & PG_MLOCKED else 1


def _after_heads(s: State) -> int:
    """The number after those of all list heads."""
    return s.settings.first_private + s.settings.tasks * PRIVATE_LISTS


def _vectors(s: State) -> int:
    """How many vectors of pages there are: those of CPUs, and those on the stacks of tasks."""
    return s.vectors.first_stack + s.settings.tasks * STACK_VECTORS
