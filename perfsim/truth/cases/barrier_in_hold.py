"""As redo_merged, with a full barrier for each page that is added to a list, while the lru_lock is held."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_ACTIVE, LRU_LOCK, PG_ACTIVE, PG_LRU, PG_UNEVICTABLE
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.swap import release_pages

extends = "redo_merged"


async def ____pagevec_lru_add(cpu: Cpu, lru: int) -> None:
    """C: mm/swap.c, ____pagevec_lru_add(), with the barrier that Yang Shi's patch of 2020 relaxes."""
    zone = -1
    for i in range(await cpu.pagevec_count(lru)):
        page = await cpu.pagevec_page(lru, i)
        pagezone = await cpu.page_zone(page)
        if pagezone != zone:
            if zone >= 0:
                await cpu.spin_unlock_irq(LRU_LOCK, zone)
            zone = pagezone
            await cpu.spin_lock_irq(LRU_LOCK, zone)
        await cpu.VM_BUG_ON(page, PG_ACTIVE | PG_UNEVICTABLE | PG_LRU)
        await cpu.set_flag(page, PG_LRU)
        await cpu.smp_mb()
        if lru & LRU_ACTIVE:
            await cpu.set_flag(page, PG_ACTIVE)
        await cpu.add_page_to_lru_list(zone, page, lru)
    if zone >= 0:
        await cpu.spin_unlock_irq(LRU_LOCK, zone)
    await release_pages(cpu, lru)
    await cpu.pagevec_reinit(lru)
