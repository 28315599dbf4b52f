"""The allocator, and what the reverse map says of a page (mm/page_alloc.c, memory.c, rmap.c).

A reverse map is a local cost: a page is mapped by one pte at most (kernel-protocol §14, D10). What in life depends on
the program (was the page referenced, is it dirty) is a draw of the task's own streams.
"""

from __future__ import annotations

from perfsim.kernel.constants import (
    BAD_PAGE,
    BAD_PAGE_LOCKED,
    BAD_PAGE_MLOCKED,
    CONTENT,
    LOCKED_ELSEWHERE,
    LRU_ACTIVE,
    LRU_FILE,
    MAPPING_ANON,
    NO_MAPPING,
    NONE,
    PG_ACTIVE,
    PG_DIRTY,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPBACKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    PG_UPTODATE,
    PG_WRITEBACK,
    REFERENCED,
    WMARK_MIN,
)
from perfsim.kernel.effects.bug import bug
from perfsim.kernel.effects.lines import charge_atomic, charge_write
from perfsim.kernel.effects.memcontrol import mem_cgroup_charge
from perfsim.kernel.effects.rwsem import line_of_mm, readable
from perfsim.kernel.effects.sched import draw_of
from perfsim.kernel.state import State, is_of_object, zone_of
from perfsim.machine.account import synchronize
from perfsim.machine.coherence import own_line
from perfsim.machine.costs import (
    ATOMIC_LOCAL,
    PAGE_ALLOC,
    PAGE_FREE,
    RMAP_REFERENCED,
    RMAP_UNMAP,
    TLB_FLUSH_LOCAL,
)
from perfsim.machine.state import work
from perfsim.numeric.random import chance

SWAP_SUCCESS = 0
SWAP_AGAIN = 1
SWAP_FAIL = 2
SWAP_MLOCK = 3


def zone_watermark_ok(s: State, task: int, now: int, zone: int, mark: int) -> int:
    """zone_watermark_ok(): more free pages than the mark."""
    return 1 if s.zones.free_count[zone] > s.zones.watermark[zone * 3 + mark] else 0


def rmqueue(s: State, task: int, now: int, zone: int) -> int:
    """Take a free page, down to pages_min. Returns the page with one reference, or NONE."""
    if not zone_watermark_ok(s, task, now, zone, WMARK_MIN):
        return NONE
    cpu = s.tasks.cpu[task]
    page = s.zones.free_head[zone]
    work(s.m, cpu, PAGE_ALLOC)
    s.m.pending_ps[cpu] += own_line(s.m, cpu, page)
    s.zones.free_head[zone] = s.pages.next[page]
    s.zones.free_count[zone] -= 1
    s.pages.next[page] = s.pages.before[page] = NONE
    s.pages.flags[page] = 0
    s.pages.refcount[page] = 1
    return page


def free_page_to_zone(s: State, task: int, now: int, page: int) -> int:
    """free_hot_cold_page(): the checks of bad_page(), then back to the allocator. Only here an anonymous page loses its
    mapping; one of a file has lost it before. A zone that frees is not unreclaimable; in C it is told so by the batch.

    A page of which nothing is wrong but that it is locked is told apart: that is how B4 shows.
    """
    flags = s.pages.flags[page]
    in_use = flags & (PG_ACTIVE | PG_UNEVICTABLE | PG_LRU | PG_SWAPCACHE | PG_WRITEBACK)
    in_file = s.pages.mapping[page] and not s.pages.mapping[page] & MAPPING_ANON
    if in_use or s.pages.mapcount[page] or s.pages.refcount[page] or in_file:
        bug(s, task, now, page, BAD_PAGE)
    elif flags & PG_LOCKED:
        bug(s, task, now, page, BAD_PAGE_LOCKED)
    if flags & PG_MLOCKED:
        bug(s, task, now, page, BAD_PAGE_MLOCKED)
    work(s.m, s.tasks.cpu[task], PAGE_FREE)
    charge_write(s, task, page)
    zone = zone_of(s, page)
    mem_cgroup_charge(s, page, NONE)
    s.pages.flags[page] = 0
    s.pages.mapping[page] = NO_MAPPING
    s.pages.slot[page] = NONE
    s.pages.next[page] = s.zones.free_head[zone]
    s.zones.free_head[zone] = page
    s.zones.free_count[zone] += 1
    s.zones.pages_scanned[zone] = 0
    s.zones.all_unreclaimable[zone] = 0
    return 0


def new_page(s: State, task: int, now: int, page: int, slot: int) -> int:
    """Give a page just allocated its mapping: file or anonymous as its range is, or as the zone's mix says.

    A page of a file has the page cache's reference, a mapped one that of its pte; an anonymous page is in no cache
    until it is to be swapped out. slot: the pte, which is set later; or MAPPED_ELSEWHERE for the stream of a reclaimer.
    Nobody else knows the page yet.
    """
    if slot >= 0:
        is_file = s.ranges.file[slot // s.settings.range_pages]
    else:
        is_file = chance(draw_of(s, task, CONTENT), s.settings.file_ppm)
    dirty = chance(draw_of(s, task, CONTENT), s.settings.dirty_ppm)
    mapped = 1 if slot >= 0 or not is_file else 0
    zone = zone_of(s, page)
    s.pages.flags[page] = PG_UPTODATE | (PG_DIRTY if dirty else 0) | (0 if is_file else PG_SWAPBACKED)
    s.pages.mapping[page] = 2 * (zone + 1) | (0 if is_file else MAPPING_ANON)
    s.pages.refcount[page] = is_file + mapped
    s.pages.mapcount[page] = mapped if slot < 0 else 0
    s.pages.slot[page] = slot if slot < 0 and mapped else NONE
    mem_cgroup_charge(s, page, LRU_FILE if is_file else LRU_ACTIVE)
    return 0


def page_referenced(s: State, task: int, now: int, page: int) -> int:
    """page_referenced(): a walk of the reverse map for mapped pages, a flag else; the answer is a draw."""
    if s.pages.mapcount[page]:
        work(s.m, s.tasks.cpu[task], RMAP_REFERENCED)
    return chance(draw_of(s, task, REFERENCED), s.settings.referenced_ppm)


def try_to_unmap(s: State, task: int, now: int, page: int) -> int:
    """try_to_unmap(): clear the pte and drop its reference, unless its range is VM_LOCKED.

    VM_LOCKED: SWAP_MLOCK if down_read_trylock() of the range's mmap_sem succeeds, which costs an up_read() too, else
    SWAP_AGAIN. A page that nothing maps any more, since its owner has unmapped it meanwhile, is as good as unmapped.
    """
    cpu = s.tasks.cpu[task]
    work(s.m, cpu, RMAP_UNMAP)
    if s.pages.mapcount[page] == 0:
        return SWAP_SUCCESS
    locked = _locked_by_range(s, task, page)
    if locked != SWAP_SUCCESS:
        return locked
    slot = s.pages.slot[page]
    work(s.m, cpu, TLB_FLUSH_LOCAL)
    charge_atomic(s, task, page)
    if slot >= 0:
        s.ranges.pte[slot] = NONE
    if not is_of_object(s, page):
        s.pages.slot[page] = NONE
    s.pages.mapcount[page] -= 1
    s.pages.refcount[page] -= 1
    return SWAP_SUCCESS


def try_to_munlock(s: State, task: int, now: int, page: int) -> int:
    """try_to_munlock(): does a range that maps the page want it locked? As try_to_unmap(), the pte left alone."""
    work(s.m, s.tasks.cpu[task], RMAP_UNMAP)
    return _locked_by_range(s, task, page)


def _locked_by_range(s: State, task: int, page: int) -> int:
    """SWAP_SUCCESS unless the range that maps the page is VM_LOCKED; then whether its mmap_sem can be read-locked."""
    slot = s.pages.slot[page]
    if slot == LOCKED_ELSEWHERE:
        return SWAP_MLOCK
    if slot < 0 or not s.ranges.locked[slot // s.settings.range_pages]:
        return SWAP_SUCCESS
    owner = s.ranges.owner[slot // s.settings.range_pages]
    if owner == NONE:
        return SWAP_AGAIN
    cpu, mm = s.tasks.cpu[task], s.tasks.mm[owner]
    charge_atomic(s, task, line_of_mm(s, mm))
    if not readable(s, mm):
        return SWAP_AGAIN
    synchronize(s.m, cpu, ATOMIC_LOCAL)  # up_read
    return SWAP_MLOCK
