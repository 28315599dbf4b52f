"""Putback as merged. C: mm/vmscan.c of 2.6.28."""

from __future__ import annotations

from perfsim.kernel.constants import (
    LOOKUP_PVEC,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    PG_ACTIVE,
    PG_LRU,
    PG_UNEVICTABLE,
    REDO_RETRIES,
    UNEVICTABLE_PGCULLED,
    UNEVICTABLE_PGRESCUED,
    UNEVICTABLE_PGSCANNED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo.vmscan import page_evictable
from perfsim.kernel.paths.shared.memcontrol import mem_cgroup_move_lists
from perfsim.kernel.paths.shared.swap import (
    add_page_to_unevictable_list,
    lru_cache_add_lru,
    pagevec_release,
    put_page,
)
from perfsim.kernel.paths.shared.truncate import pagevec_lookup
from perfsim.kernel.paths.shared.vmscan import isolate_lru_page


async def putback_lru_page(cpu: Cpu, page: int) -> None:
    """C: mm/vmscan.c, putback_lru_page(). Differs: redo_retries counts the turns."""
    await cpu.VM_BUG_ON(page, PG_LRU)

    active = await cpu.test_and_clear(page, PG_ACTIVE)  # !!TestClearPageActive
    was_unevictable = await cpu.test_flag(page, PG_UNEVICTABLE)

    lru, redo = LRU_UNEVICTABLE, 1
    while redo:  # redo:
        redo = 0
        await cpu.clear_flag(page, PG_UNEVICTABLE)
        if await page_evictable(cpu, page):
            lru = active + await cpu.page_is_file_cache(page)
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


async def scan_mapping_unevictable_pages(cpu: Cpu, start: int, nr_pages: int) -> None:
    """C: mm/vmscan.c, scan_mapping_unevictable_pages(): without the page lock since the third version of the rework.

    Differs: nothing.
    """
    end = start + nr_pages
    next_ = start
    while next_ < end:
        next_ = await pagevec_lookup(cpu, next_, end)
        pg_scanned = await cpu.pagevec_count(LOOKUP_PVEC)
        zone = -1
        for i in range(pg_scanned):
            page = await cpu.pagevec_page(LOOKUP_PVEC, i)
            pagezone = await cpu.page_zone(page)
            if pagezone != zone:
                if zone >= 0:
                    await cpu.spin_unlock_irq(LRU_LOCK, zone)
                zone = pagezone
                await cpu.spin_lock_irq(LRU_LOCK, zone)

            if await cpu.test_flag(page, PG_LRU) and await cpu.test_flag(page, PG_UNEVICTABLE):
                await check_move_unevictable_page(cpu, page, zone)
        if zone >= 0:
            await cpu.spin_unlock_irq(LRU_LOCK, zone)
        await pagevec_release(cpu, LOOKUP_PVEC)
        await cpu.count_vm_event(UNEVICTABLE_PGSCANNED, pg_scanned)


async def check_move_unevictable_page(cpu: Cpu, page: int, zone: int) -> None:
    """C: mm/vmscan.c, check_move_unevictable_page(); lru_lock held.

    Differs: list_move() is a del and an add; the page moves on the memcg's lists too, as in later kernels.
    """
    await cpu.VM_BUG_ON(page, PG_ACTIVE)
    retry = 1
    while retry:  # retry:
        retry = 0
        await cpu.clear_flag(page, PG_UNEVICTABLE)
        if await page_evictable(cpu, page):
            lru = await cpu.page_is_file_cache(page)
            await cpu.del_page_from_lru_list(zone, page, LRU_UNEVICTABLE)
            await cpu.add_page_to_lru_list(zone, page, lru)
            await mem_cgroup_move_lists(cpu, page, lru)
            await cpu.count_vm_event(UNEVICTABLE_PGRESCUED, 1)
        else:
            # rotate unevictable list
            await cpu.set_flag(page, PG_UNEVICTABLE)
            await cpu.list_move_to_lru_head(zone, page, LRU_UNEVICTABLE)
            await mem_cgroup_move_lists(cpu, page, LRU_UNEVICTABLE)
            if await page_evictable(cpu, page):
                retry = 1
