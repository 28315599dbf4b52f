"""Putback with the barrier of 2009. C: mm/vmscan.c of 2.6.33, "mm: order evictable rescue in LRU putback"."""

from __future__ import annotations

from perfsim.kernel.constants import (
    LRU_UNEVICTABLE,
    PG_ACTIVE,
    PG_LRU,
    PG_UNEVICTABLE,
    REDO_RETRIES,
    UNEVICTABLE_PGCULLED,
    UNEVICTABLE_PGRESCUED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo.vmscan import page_evictable
from perfsim.kernel.paths.shared.memcontrol import mem_cgroup_move_lists
from perfsim.kernel.paths.shared.swap import add_page_to_unevictable_list, lru_cache_add_lru, put_page
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
            # PG_lru must be seen set before page_evictable() looks again: pairs with munlock's atomic clear.
            await cpu.smp_mb()
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
