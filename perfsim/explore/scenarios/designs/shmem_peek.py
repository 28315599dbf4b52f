"""SHM_UNLOCK that looks at PG_lru before it takes lru_lock, without any barrier (§11.2)."""

from __future__ import annotations

from perfsim.kernel.constants import LOOKUP_PVEC, LRU_LOCK, PG_LRU, PG_UNEVICTABLE
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo_merged.vmscan import check_move_unevictable_page
from perfsim.kernel.paths.shared.swap import pagevec_release
from perfsim.kernel.paths.shared.truncate import pagevec_lookup

extends = "redo_merged"


async def scan_mapping_unevictable_pages(cpu: Cpu, start: int, nr_pages: int) -> None:
    """C: mm/vmscan.c, scan_mapping_unevictable_pages(), were it to peek at PG_lru as isolate_lru_page() does."""
    await pagevec_lookup(cpu, start, start + nr_pages)
    for i in range(await cpu.pagevec_count(LOOKUP_PVEC)):
        page = await cpu.pagevec_page(LOOKUP_PVEC, i)
        if await cpu.test_flag(page, PG_LRU):
            zone = await cpu.page_zone(page)
            await cpu.spin_lock_irq(LRU_LOCK, zone)
            if await cpu.test_flag(page, PG_LRU) and await cpu.test_flag(page, PG_UNEVICTABLE):
                await check_move_unevictable_page(cpu, page, zone)
            await cpu.spin_unlock_irq(LRU_LOCK, zone)
    await pagevec_release(cpu, LOOKUP_PVEC)
