"""Filling a zone with pages at time 0, by arithmetic alone: no draw, so that every seed starts from the same memory."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import NamedTuple

from perfsim.kernel.state import (
    LRU_ACTIVE,
    LRU_FILE,
    LRU_LISTS,
    LRU_UNEVICTABLE,
    MAPPED_ELSEWHERE,
    MAPPING_ANON,
    NONE,
    PG_ACTIVE,
    PG_DIRTY,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPBACKED,
    PG_UNEVICTABLE,
    PG_UPTODATE,
    State,
    list_head,
)
from perfsim.units import PPM_PER_WHOLE


class Share(NamedTuple):
    """One zone: free pages; ranges locked and ranges that may be; pages locked for good. The rest is evictable.

    looped: the zone's first pages, whose page locks are a lock_loop's: locked for good too, so that nobody frees them.
    """

    free: int
    locked: int
    unlocked: int
    pinned: int
    looped: int = 0


def fill_zone(s: State, zone: int, share: Share) -> None:
    """Give every page of the zone its place. Neighbours in memory are no neighbours on a list, as in a used system."""
    first = zone * s.settings.pages_per_node
    for page in range(first, first + share.looped):
        _lock(s, zone, page, 1, MAPPED_ELSEWHERE)
    pages = _scattered(first, s.settings.pages_per_node)
    taken = iter([page for page in pages if page >= first + share.looped])
    for _ in range(share.free):
        _free(s, zone, next(taken))
    for number in range(share.locked + share.unlocked):
        _fill_range(s, zone, taken, number < share.locked)
    for number in range(share.pinned):
        _lock(s, zone, next(taken), _spread(number, s.settings.file_ppm), MAPPED_ELSEWHERE)
    for number, page in enumerate(taken):
        is_file = _spread(number, s.settings.file_ppm)
        _set_page(s, page, is_file, NONE if is_file else MAPPED_ELSEWHERE, 0)
    _link_evictable(s, zone)


def _scattered(first: int, count: int) -> list[int]:
    """The zone's pages in the order of a stride that meets each once."""
    stride = count * 618 // 1000 | 1
    while gcd(stride, count) != 1:
        stride += 2
    return [first + position * stride % count for position in range(count)]


def _spread(number: int, ppm: int) -> int:
    """1 for a share of all numbers, evenly spread."""
    return (number + 1) * ppm // PPM_PER_WHOLE - number * ppm // PPM_PER_WHOLE


def _fill_range(s: State, zone: int, taken: Iterator[int], locked: bool) -> None:
    ranges = s.ranges
    range_ = len(ranges.locked)
    is_file = _spread(range_, s.settings.file_ppm)
    ranges.locked.append(1 if locked else 0)
    ranges.owner.append(NONE)
    ranges.file.append(is_file)
    ranges.zone.append(zone)
    first = range_ * s.settings.range_pages
    for slot in range(first, first + s.settings.range_pages):
        page = next(taken)
        ranges.pte[slot] = page
        if locked:
            _lock(s, zone, page, is_file, slot)
        else:
            _set_page(s, page, is_file, slot, 0)


def _free(s: State, zone: int, page: int) -> None:
    s.pages.next[page] = s.zones.free_head[zone]
    s.pages.before[page] = NONE
    s.zones.free_head[zone] = page
    s.zones.free_count[zone] += 1


def _lock(s: State, zone: int, page: int, is_file: int, slot: int) -> None:
    _set_page(s, page, is_file, slot, PG_MLOCKED | PG_UNEVICTABLE)
    s.zones.nr_mlock[zone] += 1
    _append(s, zone, page, LRU_UNEVICTABLE)


def _set_page(s: State, page: int, is_file: int, slot: int, flags: int) -> None:
    mapped = 0 if slot == NONE else 1
    zone = page // s.settings.pages_per_node
    s.pages.flags[page] = PG_UPTODATE | PG_LRU | flags | (0 if is_file else PG_SWAPBACKED)
    s.pages.refcount[page] = 1 + mapped
    s.pages.mapcount[page] = mapped
    s.pages.slot[page] = slot
    s.pages.mapping[page] = 2 * (zone + 1) | (0 if is_file else MAPPING_ANON)


def _link_evictable(s: State, zone: int) -> None:
    """All evictable pages onto the four lists, in the order of their numbers: ranges and streams are mixed there."""
    first = zone * s.settings.pages_per_node
    seen = [0, 0]
    for page in range(first, first + s.settings.pages_per_node):
        flags = s.pages.flags[page]
        if not flags & PG_LRU or flags & PG_UNEVICTABLE:
            continue
        is_file = 0 if flags & PG_SWAPBACKED else 1
        number = seen[is_file]
        seen[is_file] += 1
        lru = LRU_FILE * is_file
        if number % 2:
            lru += LRU_ACTIVE
            s.pages.flags[page] |= PG_ACTIVE
        if _spread(number // 2, s.settings.dirty_ppm):
            s.pages.flags[page] |= PG_DIRTY
        _append(s, zone, page, lru)


def _append(s: State, zone: int, page: int, lru: int) -> None:
    head = list_head(zone, lru, s)
    first = s.pages.next[head]
    s.pages.next[page], s.pages.before[page] = first, head
    s.pages.next[head] = s.pages.before[first] = page
    s.zones.lru_length[zone * LRU_LISTS + lru] += 1
    if s.settings.memcg:
        s.pages.cgroup[page] = lru + 1 << 1
        s.zones.cgroup_length[zone * LRU_LISTS + lru] += 1
