"""2013's first munlock by pagevec: a page's last reference is dropped under lru_lock, which freeing it takes again."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_LOCK, PG_MLOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.swap import put_page

extends = "redo"


async def munlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, __munlock_pagevec(), before "mm: munlock: fix deadlock in __munlock_pagevec()"."""
    if await cpu.test_and_clear(page, PG_MLOCKED):
        zone = await cpu.page_zone(page)
        await cpu.spin_lock_irq(LRU_LOCK, zone)
        await cpu.page_unfreeze_refs(page, 1)  # the owner has exited, the page has left its cache: all others are gone
        await put_page(cpu, page)
        await cpu.spin_unlock_irq(LRU_LOCK, zone)
