"""Putback without the page lock. C: mm/vmscan.c of 2.6.26-rc5-mm3 with "putback_lru_page rework" of 2008-06-18."""

from __future__ import annotations

from perfsim.kernel.constants import (
    FREED_PVEC,
    KSWAPD_STEAL,
    L_HOLD,
    L_INACTIVE,
    LRU_ACTIVE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    PAGE_LIST,
    PG_ACTIVE,
    PG_LRU,
    PG_MLOCKED,
    PG_UNEVICTABLE,
    PGACTIVATE,
    PGDEACTIVATE,
    PGREFILL,
    PGSCAN,
    PGSCAN_DIRECT,
    PGSCAN_KSWAPD,
    PGSTEAL,
    PVEC,
    REDO_RETRIES,
    RET_PAGES,
    UNEVICTABLE_PGCULLED,
    UNEVICTABLE_PGRESCUED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import trylock_page, unlock_page
from perfsim.kernel.paths.shared.memcontrol import mem_cgroup_move_lists
from perfsim.kernel.paths.shared.page_alloc import __pagevec_free
from perfsim.kernel.paths.shared.swap import (
    __pagevec_release,
    add_page_to_unevictable_list,
    lru_add_drain,
    lru_cache_add_lru,
    pagevec_release,
    put_page,
)
from perfsim.kernel.paths.shared.vmscan import (
    ACTIVATE_LOCKED,
    CULL_MLOCKED,
    FREE_IT,
    KEEP,
    isolate_lru_page,
    isolate_lru_pages,
    page_mapping_inuse,
    shrink_page,
)


async def putback_lru_page(cpu: Cpu, page: int) -> None:
    """C: mm/vmscan.c, putback_lru_page(). Differs: redo_retries counts the turns."""
    await cpu.VM_BUG_ON(page, PG_LRU)

    was_unevictable = await cpu.test_and_clear(page, PG_UNEVICTABLE)  # for page_evictable()

    lru, redo = LRU_UNEVICTABLE, 1
    while redo:  # redo:
        redo = 0
        lru = await cpu.test_and_clear(page, PG_ACTIVE)  # !!TestClearPageActive
        if await page_evictable(cpu, page):
            lru += await cpu.page_is_file_cache(page)
            await lru_cache_add_lru(cpu, page, lru)
        else:
            lru = LRU_UNEVICTABLE
            await add_page_to_unevictable_list(cpu, page)
        await mem_cgroup_move_lists(cpu, page, lru)

        # The page's status can change while it moves: an evictable page on the unevictable list would never be freed.
        if lru == LRU_UNEVICTABLE and await page_evictable(cpu, page):
            if not await isolate_lru_page(cpu, page):
                await put_page(cpu, page)
                await cpu.count_vm_event(REDO_RETRIES, 1)
                redo = 1  # goto redo
            # else someone has taken it off the list: it will be freed or put back by them

    if was_unevictable and lru != LRU_UNEVICTABLE:
        await cpu.count_vm_event(UNEVICTABLE_PGRESCUED, 1)
    elif not was_unevictable and lru == LRU_UNEVICTABLE:
        await cpu.count_vm_event(UNEVICTABLE_PGCULLED, 1)

    await put_page(cpu, page)  # drop ref from isolate


async def shrink_page_list(cpu: Cpu) -> int:
    """C: mm/vmscan.c, shrink_page_list(), on the private list PAGE_LIST. Returns the pages freed.

    Differs: the labels are verdicts of shrink_page(); see there.
    """
    nr_reclaimed = 0
    page = await cpu.list_last(PAGE_LIST)
    while page >= 0:
        await cpu.cond_resched()
        await cpu.list_del(page)
        verdict = KEEP
        if await trylock_page(cpu, page):
            verdict = await shrink_page(cpu, page)

        if verdict == FREE_IT:
            await unlock_page(cpu, page)
            nr_reclaimed += 1
            if not await cpu.pagevec_add(FREED_PVEC, page):
                await __pagevec_free(cpu, FREED_PVEC)
        elif verdict == CULL_MLOCKED:
            await unlock_page(cpu, page)
            await putback_lru_page(cpu, page)
        else:
            if verdict == ACTIVATE_LOCKED:
                await cpu.set_flag(page, PG_ACTIVE)
                await cpu.count_vm_event(PGACTIVATE, 1)
            if verdict != KEEP:  # keep_locked
                await unlock_page(cpu, page)
            await cpu.list_add(page, RET_PAGES)
            await cpu.VM_BUG_ON(page, PG_LRU | PG_UNEVICTABLE)
        page = await cpu.list_last(PAGE_LIST)
    await cpu.list_splice(RET_PAGES, PAGE_LIST)
    await __pagevec_free(cpu, FREED_PVEC)
    return nr_reclaimed


async def shrink_inactive_list(cpu: Cpu, max_scan: int, zone: int, lru: int) -> int:
    """C: mm/vmscan.c, shrink_inactive_list(). Returns the pages freed.

    Differs: one turn of the outer loop (max_scan is one batch), no lumpy reclaim; the second lock is taken with its irq
    form, as interrupts stay on over shrink_page_list() and the event counts. isolate_lru_pages() has one list for all
    callers, so that PAGE_LIST gets its pages from there; recent_scanned counts pages looked at, in C those taken.
    """
    await lru_add_drain(cpu)
    await cpu.spin_lock_irq(LRU_LOCK, zone)
    nr_scan = await isolate_lru_pages(cpu, max_scan, zone, lru)
    await cpu.pages_scanned(zone, nr_scan)
    await cpu.add_recent_scanned(zone, lru, nr_scan)
    await cpu.spin_unlock_irq(LRU_LOCK, zone)
    await cpu.list_splice(L_HOLD, PAGE_LIST)
    nr_taken = await cpu.list_last(PAGE_LIST) + 1  # 0 if and only if nothing was taken

    nr_reclaimed = await shrink_page_list(cpu)
    await cpu.count_vm_event(PGSCAN, nr_scan)
    if await cpu.current_is_kswapd():
        await cpu.count_vm_event(PGSCAN_KSWAPD, nr_scan)
        await cpu.count_vm_event(KSWAPD_STEAL, nr_reclaimed)
    else:
        await cpu.count_vm_event(PGSCAN_DIRECT, nr_scan)
    await cpu.count_vm_event(PGSTEAL, nr_reclaimed)
    if nr_taken == 0:
        return 0

    await cpu.spin_lock_irq(LRU_LOCK, zone)
    # Put back any unfreeable pages.
    page = await cpu.list_last(PAGE_LIST)
    while page >= 0:
        await cpu.VM_BUG_ON(page, PG_LRU)
        await cpu.list_del(page)
        if not await page_evictable(cpu, page):
            await cpu.spin_unlock_irq(LRU_LOCK, zone)
            await putback_lru_page(cpu, page)
            await cpu.spin_lock_irq(LRU_LOCK, zone)
        else:
            await cpu.set_flag(page, PG_LRU)
            page_lru = await cpu.page_lru_list(page)
            await cpu.add_page_to_lru_list(zone, page, page_lru)
            await mem_cgroup_move_lists(cpu, page, page_lru)
            if page_lru & LRU_ACTIVE:
                await cpu.add_recent_rotated(zone, lru, 1)
            if not await cpu.pagevec_add(PVEC, page):
                await cpu.spin_unlock_irq(LRU_LOCK, zone)
                await __pagevec_release(cpu, PVEC)
                await cpu.spin_lock_irq(LRU_LOCK, zone)
        page = await cpu.list_last(PAGE_LIST)
    await cpu.spin_unlock_irq(LRU_LOCK, zone)
    await pagevec_release(cpu, PVEC)
    return nr_reclaimed


async def shrink_active_list(cpu: Cpu, nr_pages: int, zone: int, lru: int) -> None:
    """C: mm/vmscan.c, shrink_active_list(); lru: the inactive list of the kind.

    Differs: all evictable pages are deactivated, as in 2.6.28; rc5-mm3 kept some that were referenced. recent_scanned
    counts pages looked at, in C those taken; the second loop does not prefetch.
    """
    await lru_add_drain(cpu)
    await cpu.spin_lock_irq(LRU_LOCK, zone)
    pgscanned = await isolate_lru_pages(cpu, nr_pages, zone, lru + LRU_ACTIVE)
    await cpu.pages_scanned(zone, pgscanned)
    await cpu.add_recent_scanned(zone, lru, pgscanned)
    await cpu.spin_unlock_irq(LRU_LOCK, zone)

    pgmoved = 0
    page = await cpu.list_last(L_HOLD)
    while page >= 0:
        await cpu.cond_resched()
        await cpu.list_del(page)
        if not await page_evictable(cpu, page):
            await putback_lru_page(cpu, page)
        else:
            if await page_mapping_inuse(cpu, page) and await cpu.page_referenced(page):
                pgmoved += 1
            await cpu.list_add(page, L_INACTIVE)
        page = await cpu.list_last(L_HOLD)

    # Pages in use count as rotated, though they move to the inactive list.
    await cpu.add_recent_rotated(zone, lru, pgmoved)
    pgmoved = 0
    await cpu.spin_lock_irq(LRU_LOCK, zone)
    page = await cpu.list_last(L_INACTIVE)
    while page >= 0:
        await cpu.VM_BUG_ON(page, PG_LRU)
        await cpu.list_del(page)
        await cpu.set_flag(page, PG_LRU)
        await cpu.VM_BUG_ON_NOT(page, PG_ACTIVE)
        await cpu.clear_flag(page, PG_ACTIVE)
        await cpu.add_page_to_lru_list(zone, page, lru)
        await mem_cgroup_move_lists(cpu, page, lru)
        pgmoved += 1
        if not await cpu.pagevec_add(PVEC, page):
            await cpu.spin_unlock_irq(LRU_LOCK, zone)
            await __pagevec_release(cpu, PVEC)
            await cpu.spin_lock_irq(LRU_LOCK, zone)
        page = await cpu.list_last(L_INACTIVE)
    await cpu.count_vm_event(PGREFILL, pgscanned)
    await cpu.count_vm_event(PGDEACTIVATE, pgmoved)
    await cpu.spin_unlock_irq(LRU_LOCK, zone)
    await pagevec_release(cpu, PVEC)


async def page_evictable(cpu: Cpu, page: int) -> int:
    """C: mm/vmscan.c, page_evictable(page, NULL). Differs: nothing."""
    if await cpu.mapping_unevictable(await cpu.page_mapping(page)):
        return 0

    if await cpu.test_flag(page, PG_MLOCKED):
        return 0

    return 1
