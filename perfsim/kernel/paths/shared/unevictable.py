"""Looking through a mapping for pages that are evictable again. C: mm/vmscan.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import (
    LOOKUP_PVEC,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    PG_LRU,
    PG_UNEVICTABLE,
    UNEVICTABLE_PGRESCUED,
    UNEVICTABLE_PGSCANNED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import lock_page, trylock_page, unlock_page
from perfsim.kernel.paths.shared.memcontrol import mem_cgroup_move_lists
from perfsim.kernel.paths.shared.swap import pagevec_release
from perfsim.kernel.paths.shared.truncate import pagevec_lookup

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.vmscan import page_evictable


async def scan_mapping_unevictable_pages(cpu: Cpu, start: int, nr_pages: int) -> None:
    """C: mm/vmscan.c, scan_mapping_unevictable_pages(), of the object that the ptes from start on map.

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
            if not await trylock_page(cpu, page):
                # OK, let's do it the hard way...
                if zone >= 0:
                    await cpu.spin_unlock_irq(LRU_LOCK, zone)
                zone = -1
                await lock_page(cpu, page)

            if pagezone != zone:
                if zone >= 0:
                    await cpu.spin_unlock_irq(LRU_LOCK, zone)
                zone = pagezone
                await cpu.spin_lock_irq(LRU_LOCK, zone)

            if await cpu.test_flag(page, PG_LRU) and await cpu.test_flag(page, PG_UNEVICTABLE):
                await check_move_unevictable_page(cpu, page, zone)

            await unlock_page(cpu, page)
        if zone >= 0:
            await cpu.spin_unlock_irq(LRU_LOCK, zone)
        await pagevec_release(cpu, LOOKUP_PVEC)
        await cpu.count_vm_event(UNEVICTABLE_PGSCANNED, pg_scanned)


async def check_move_unevictable_page(cpu: Cpu, page: int, zone: int) -> None:
    """C: mm/vmscan.c, check_move_unevictable_page(); lru_lock held. Differs: list_move() is a del and an add."""
    await cpu.clear_flag(page, PG_UNEVICTABLE)  # for page_evictable()
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
