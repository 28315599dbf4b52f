"""Filling memory with pages at time 0, by arithmetic alone: no draw, so that every seed starts from the same memory."""

from __future__ import annotations

from perfsim.kernel.constants import (
    LOCKED_ELSEWHERE,
    LRU_ACTIVE,
    LRU_FILE,
    LRU_LISTS,
    LRU_UNEVICTABLE,
    MAPPED_ELSEWHERE,
    MAPPING_ANON,
    MIGRATE_TASK,
    NONE,
    PG_ACTIVE,
    PG_DIRTY,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPBACKED,
    PG_UNEVICTABLE,
    PG_UPTODATE,
    PRIVATE_LISTS,
    SHM_LOCK_TASK,
)
from perfsim.kernel.state import State, cache_index, list_head, object_of, zone_of
from perfsim.units import PPM_PER_WHOLE


def fill_memory(s: State) -> None:
    """Give every page its place: free, in a range, locked for good, or evictable, as the zones' shares say."""
    for head in range(s.settings.first_head, s.settings.first_private + s.settings.tasks * PRIVATE_LISTS):
        s.pages.next[head] = s.pages.before[head] = head
    first_range = 0
    for zone in range(s.settings.nodes):
        _fill_zone(s, zone, first_range)
        first_range += s.shares.locked[zone] + s.shares.unlocked[zone]


def spread(number: int, ppm: int) -> int:
    """1 for a share of all numbers, evenly spread."""
    return (number + 1) * ppm // PPM_PER_WHOLE - number * ppm // PPM_PER_WHOLE


def _fill_zone(s: State, zone: int, first_range: int) -> None:
    """Pages are taken in scattered order: neighbours in memory are no neighbours on a list, as in a used system."""
    first = zone * s.settings.pages_per_node
    for page in range(first, first + s.shares.looped[zone]):
        _lock(s, zone, page, 1, LOCKED_ELSEWHERE)
    position = 0
    for _ in range(s.shares.free[zone]):
        position = _next_position(s, zone, position)
        _free(s, zone, _page_at(s, zone, position))
    for range_ in range(first_range, first_range + s.shares.locked[zone] + s.shares.unlocked[zone]):
        position = _fill_range(s, zone, range_, s.settings.range_pages, position)
    for range_ in range(s.settings.first_own_range, s.settings.ranges):
        if s.ranges.zone[range_] == zone and _is_mapped_at_start(s, s.ranges.owner[range_]):
            position = _fill_range(s, zone, range_, s.tasks.range_pages[s.ranges.owner[range_]], position)
    for number in range(s.shares.pinned[zone]):
        position = _next_position(s, zone, position)
        _lock(s, zone, _page_at(s, zone, position), spread(number, s.settings.file_ppm), LOCKED_ELSEWHERE)
    _fill_the_rest(s, zone, position)
    _link_evictable(s, zone)


def _page_at(s: State, zone: int, position: int) -> int:
    """The page at a position, from 1, of the zone's scattered order, which a stride makes: it meets each page once."""
    count = s.settings.pages_per_node
    return zone * count + (position - 1) * s.settings.stride % count


def _next_position(s: State, zone: int, position: int) -> int:
    """The position of the next page that no lock_loop has."""
    position += 1
    while _page_at(s, zone, position) < zone * s.settings.pages_per_node + s.shares.looped[zone]:
        position += 1
    return position


def _is_mapped_at_start(s: State, task: int) -> int:
    return 1 if s.tasks.kind[task] == MIGRATE_TASK or s.tasks.kind[task] == SHM_LOCK_TASK else 0


def _fill_range(s: State, zone: int, range_: int, count: int, position: int) -> int:
    is_file = s.ranges.file[range_]
    first = range_ * s.settings.range_pages
    for slot in range(first, first + count):
        position = _next_position(s, zone, position)
        page = _page_at(s, zone, position)
        s.ranges.pte[slot] = page
        if s.ranges.locked[range_]:
            _lock(s, zone, page, is_file, slot)
        else:
            _set_page(s, page, is_file, slot, 0)
        if object_of(s, slot) != NONE:
            _cache(s, page, slot)
    return position


def _fill_the_rest(s: State, zone: int, position: int) -> None:
    taken = s.shares.free[zone] + s.shares.pinned[zone] + s.shares.looped[zone]
    taken += (s.shares.locked[zone] + s.shares.unlocked[zone]) * s.settings.range_pages + s.shares.mapped[zone]
    for number in range(s.settings.pages_per_node - taken):
        position = _next_position(s, zone, position)
        is_file = spread(number, s.settings.file_ppm)
        _set_page(s, _page_at(s, zone, position), is_file, NONE if is_file else MAPPED_ELSEWHERE, 0)


def _free(s: State, zone: int, page: int) -> None:
    s.pages.next[page] = s.zones.free_head[zone]
    s.pages.before[page] = NONE
    s.zones.free_head[zone] = page
    s.zones.free_count[zone] += 1


def _cache(s: State, page: int, slot: int) -> None:
    """The page is that of an object, in its page cache."""
    s.pages.mapping[page] = 2 * (s.settings.nodes + 1 + object_of(s, slot))
    s.pages.refcount[page] = 2
    s.objects.cached[cache_index(s, slot)] = page


def _lock(s: State, zone: int, page: int, is_file: int, slot: int) -> None:
    """A page of a VM_LOCKED range: a kernel without an unevictable list has it among the others."""
    if not s.settings.unevictable_lru:
        _set_page(s, page, is_file, slot, 0)
        return
    _set_page(s, page, is_file, slot, PG_MLOCKED | PG_UNEVICTABLE)
    s.zones.nr_mlock[zone] += 1
    _append(s, zone, page, LRU_UNEVICTABLE)


def _set_page(s: State, page: int, is_file: int, slot: int, flags: int) -> None:
    """A page of the page cache, or an anonymous one that is mapped and has never been swapped out."""
    mapped = 0 if slot == NONE else 1
    s.pages.flags[page] = PG_UPTODATE | PG_LRU | flags | (0 if is_file else PG_SWAPBACKED)
    s.pages.refcount[page] = is_file + mapped  # of the page cache, and of the pte
    s.pages.mapcount[page] = mapped
    s.pages.slot[page] = slot
    s.pages.mapping[page] = 2 * (zone_of(s, page) + 1) | (0 if is_file else MAPPING_ANON)


def _link_evictable(s: State, zone: int) -> None:
    """All evictable pages onto the four lists, in the order of their numbers: ranges and streams are mixed there."""
    first = zone * s.settings.pages_per_node
    file_seen = anon_seen = 0
    for page in range(first, first + s.settings.pages_per_node):
        flags = s.pages.flags[page]
        if not flags & PG_LRU or flags & PG_UNEVICTABLE:
            continue
        if flags & PG_SWAPBACKED:
            lru, number = 0, anon_seen
            anon_seen += 1
        else:
            lru, number = LRU_FILE, file_seen
            file_seen += 1
        if number % 2:
            lru += LRU_ACTIVE
            s.pages.flags[page] |= PG_ACTIVE
        if spread(number // 2, s.settings.dirty_ppm):
            s.pages.flags[page] |= PG_DIRTY
        _append(s, zone, page, lru)


def _append(s: State, zone: int, page: int, lru: int) -> None:
    head = list_head(s, zone, lru)
    first = s.pages.next[head]
    s.pages.next[page], s.pages.before[page] = first, head
    s.pages.next[head] = s.pages.before[first] = page
    s.zones.lru_length[zone * LRU_LISTS + lru] += 1
    if s.settings.memcg:
        s.pages.cgroup[page] = lru + 1 << 1
        s.zones.cgroup_length[zone * LRU_LISTS + lru] += 1
