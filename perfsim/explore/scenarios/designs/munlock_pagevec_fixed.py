"""2013's munlock by pagevec as fixed: the pin on a page is dropped when lru_lock has been given back (§11.5)."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_LOCK, PG_LRU, PG_MLOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo_merged.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.swap import put_page

extends = "redo_merged"


async def munlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, __munlock_pagevec(). The pin of the walk is dropped last."""
    zone = await cpu.page_zone(page)
    isolated = 0
    await cpu.spin_lock_irq(LRU_LOCK, zone)
    if await cpu.test_and_clear(page, PG_MLOCKED) and await cpu.test_flag(page, PG_LRU):
        isolated = 1
        await cpu.clear_flag(page, PG_LRU)
        lru = await cpu.page_lru_list(page)
        await cpu.del_page_from_lru_list(zone, page, lru)
    await cpu.spin_unlock_irq(LRU_LOCK, zone)
    if isolated:
        await putback_lru_page(cpu, page)  # of the pin, which is isolation's reference from here on
    else:
        await put_page(cpu, page)
