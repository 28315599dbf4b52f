"""Reclaim functions that the patch leaves alone. C: mm/vmscan.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import L_HOLD, LRU_LOCK, PG_DIRTY, PG_LRU, PG_SWAPCACHE, PG_UNEVICTABLE, PG_WRITEBACK
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.effects.memory import SWAP_AGAIN, SWAP_FAIL, SWAP_MLOCK
from perfsim.kernel.paths.shared.filemap import trylock_page
from perfsim.kernel.paths.shared.swap_state import __delete_from_swap_cache, __remove_from_page_cache, add_to_swap
from perfsim.kernel.paths.shared.writeback import PAGE_KEEP, PAGE_SUCCESS, pageout
from perfsim.machine.costs import SHRINK_PAGE

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.mlock import mlock_vma_page
    from perfsim.kernel.paths.lock_page.vmscan import page_evictable

# The labels of shrink_page_list(), as the verdict on one page.
KEEP = 0
KEEP_LOCKED = 1
ACTIVATE_LOCKED = 2
CULL_MLOCKED = 3
FREE_IT = 4


async def isolate_lru_page(cpu: Cpu, page: int) -> int:
    """C: mm/vmscan.c, isolate_lru_page(). Returns 0 with the page isolated, -1 for -EBUSY. Differs: nothing."""
    ret = -1
    if await cpu.test_flag(page, PG_LRU):
        zone = await cpu.page_zone(page)
        await cpu.spin_lock_irq(LRU_LOCK, zone)
        if await cpu.test_flag(page, PG_LRU) and await cpu.get_page_unless_zero(page):
            ret = 0
            await cpu.clear_flag(page, PG_LRU)
            lru = await cpu.page_lru_list(page)
            await cpu.del_page_from_lru_list(zone, page, lru)
        await cpu.spin_unlock_irq(LRU_LOCK, zone)
    return ret


async def isolate_lru_pages(cpu: Cpu, nr_to_scan: int, zone: int, lru: int) -> int:
    """C: mm/vmscan.c, isolate_lru_pages(), order 0, onto the private list L_HOLD; lru_lock held. Returns pages scanned.

    Differs: the number of those taken, which C returns, is left out.
    """
    for scan in range(nr_to_scan):
        page = await cpu.lru_to_page(zone, lru)
        if page < 0:
            return scan
        await cpu.prefetchw_prev_lru_page(page)
        await cpu.VM_BUG_ON_NOT(page, PG_LRU)
        if await __isolate_lru_page(cpu, page):
            await cpu.del_page_from_lru_list(zone, page, lru)
            await cpu.list_add(page, L_HOLD)
        else:
            await cpu.list_move_to_lru_head(zone, page, lru)  # being freed elsewhere
    return nr_to_scan


async def __isolate_lru_page(cpu: Cpu, page: int) -> int:
    """C: mm/vmscan.c, __isolate_lru_page(). Returns 1 when the page is the caller's. Differs: order 0, so one list."""
    await cpu.VM_BUG_ON(page, PG_UNEVICTABLE)
    if await cpu.get_page_unless_zero(page):
        await cpu.clear_flag(page, PG_LRU)
        return 1
    return 0


async def page_mapping_inuse(cpu: Cpu, page: int) -> int:
    """C: mm/vmscan.c, page_mapping_inuse(). Differs: a file page that nobody maps counts as not in use."""
    if await cpu.page_mapped(page):
        return 1
    return await cpu.test_flag(page, PG_SWAPCACHE)  # be more reluctant to reclaim swapcache than pagecache


async def shrink_page(cpu: Cpu, page: int) -> int:
    """The body of C: mm/vmscan.c, shrink_page_list(), for one page locked by the caller. Returns its label.

    Differs: nobody has private buffers.
    """
    await cpu.work(SHRINK_PAGE)
    await cpu.sc_scanned(1)
    if not await page_evictable(cpu, page):
        return CULL_MLOCKED
    # Double the slab pressure for mapped and swapcache pages.
    if await cpu.page_mapped(page) or await cpu.test_flag(page, PG_SWAPCACHE):
        await cpu.sc_scanned(1)
    if await cpu.test_flag(page, PG_WRITEBACK):
        return KEEP_LOCKED
    referenced = await cpu.page_referenced(page)
    if referenced and await page_mapping_inuse(cpu, page):
        return ACTIVATE_LOCKED
    # Anonymous process memory without backing store: allocate it some swap space.
    if await cpu.page_anon(page) and not await cpu.test_flag(page, PG_SWAPCACHE):
        swap = await try_to_munlock(cpu, page)
        if swap == SWAP_AGAIN:
            return KEEP_LOCKED
        if swap == SWAP_MLOCK:
            return CULL_MLOCKED
        await add_to_swap(cpu, page)
    if await cpu.page_mapped(page):
        swap = await try_to_unmap(cpu, page)
        if swap == SWAP_FAIL:
            return ACTIVATE_LOCKED
        if swap == SWAP_AGAIN:
            return KEEP_LOCKED
        if swap == SWAP_MLOCK:
            return CULL_MLOCKED
    if await cpu.test_flag(page, PG_DIRTY):
        if referenced:
            return KEEP_LOCKED
        written = await pageout(cpu, page)
        if written == PAGE_KEEP:
            return KEEP_LOCKED
        if written == PAGE_SUCCESS:
            if await cpu.test_flag(page, PG_WRITEBACK | PG_DIRTY):
                return KEEP
            # A synchronous write: go ahead and try to reclaim the page.
            if not await trylock_page(cpu, page):
                return KEEP
            if await cpu.test_flag(page, PG_DIRTY | PG_WRITEBACK):
                return KEEP_LOCKED
    # A truncated page is freed by whoever holds it, and by the pagevec that reclaim puts it back with.
    if not await cpu.page_has_mapping(page) or not await __remove_mapping(cpu, page):
        return KEEP_LOCKED
    return FREE_IT


async def try_to_unmap(cpu: Cpu, page: int) -> int:
    """C: mm/rmap.c, try_to_unmap() with try_to_unmap_one(). Differs: one pte a page, so one step.

    C holds mmap_sem for reading from the look at VM_LOCKED to mlock_vma_page(), here for the look alone; both designs
    take the page lock in munlock, so that nothing comes between.
    """
    ret = await cpu.try_to_unmap(page)
    if ret == SWAP_MLOCK:
        await mlock_vma_page(cpu, page)
    return ret


async def try_to_munlock(cpu: Cpu, page: int) -> int:
    """C: mm/rmap.c, try_to_munlock(). Differs: as try_to_unmap()."""
    ret = await cpu.try_to_munlock(page)
    if ret == SWAP_MLOCK:
        await mlock_vma_page(cpu, page)
    return ret


async def __remove_mapping(cpu: Cpu, page: int) -> int:
    """C: mm/vmscan.c, __remove_mapping(). Returns 1 with _count frozen. Differs: tree_lock is a figure."""
    if not await cpu.page_freeze_refs(page, 2):
        return 0
    if await cpu.test_flag(page, PG_DIRTY):
        await cpu.page_unfreeze_refs(page, 2)
        return 0
    if await cpu.test_flag(page, PG_SWAPCACHE):
        await __delete_from_swap_cache(cpu, page)
    else:
        await __remove_from_page_cache(cpu, page)
    return 1
