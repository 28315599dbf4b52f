"""Adding pages to the LRU and dropping references. C: mm/swap.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from perfsim.kernel.constants import (
    DRAIN_NEVER,
    LRU_ACTIVE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    PAGES_TO_FREE,
    PG_ACTIVE,
    PG_DIRTY,
    PG_LOCKED,
    PG_LRU,
    PG_UNEVICTABLE,
    PGROTATED,
    ROTATE_PVEC,
    ROTATED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.page_alloc import __pagevec_free
from perfsim.kernel.paths.shared.workqueue import schedule_on_each_cpu


async def put_page(cpu: Cpu, page: int) -> None:
    """C: mm/swap.c, put_page(). Differs: no compound pages."""
    if await cpu.put_page_testzero(page):
        await __page_cache_release(cpu, page)


async def __page_cache_release(cpu: Cpu, page: int) -> None:
    """C: mm/swap.c, __page_cache_release(). Differs: nothing."""
    if await cpu.test_flag(page, PG_LRU):
        zone = await cpu.page_zone(page)
        await cpu.spin_lock_irqsave(LRU_LOCK, zone)
        await del_page_from_lru(cpu, zone, page)
        await cpu.spin_unlock_irqrestore(LRU_LOCK, zone)
    await cpu.free_page_to_zone(page)  # free_hot_page


async def del_page_from_lru(cpu: Cpu, zone: int, page: int) -> None:
    """C: include/linux/mm_inline.h, del_page_from_lru(), with the __ClearPageLRU before it. Differs: nothing."""
    await cpu.VM_BUG_ON_NOT(page, PG_LRU)
    await cpu.clear_flag_nonatomic(page, PG_LRU)
    lru = await cpu.page_lru_list(page)
    await cpu.del_page_from_lru_list(zone, page, lru)
    if lru == LRU_UNEVICTABLE:
        await cpu.clear_flag_nonatomic(page, PG_UNEVICTABLE)
    elif lru & LRU_ACTIVE:
        await cpu.clear_flag_nonatomic(page, PG_ACTIVE)


async def rotate_reclaimable_page(cpu: Cpu, page: int) -> None:
    """C: mm/swap.c, rotate_reclaimable_page(): writeback is done, to the tail with the page. Differs: nothing."""
    if await cpu.test_flag(page, PG_LOCKED | PG_DIRTY | PG_ACTIVE | PG_UNEVICTABLE):
        return
    if await cpu.test_flag(page, PG_LRU):
        await cpu.get_page(page)
        if not await cpu.rotate_pagevec_add(page):
            await pagevec_move_tail(cpu)


async def pagevec_move_tail(cpu: Cpu) -> None:
    """C: mm/swap.c, pagevec_move_tail() of the rotate pagevec.

    Differs: what C keeps together by interrupts off is taken out at one instant.
    """
    pgmoved, zone = 0, -1
    for i in range(await cpu.take_rotate_pagevec()):
        page = await cpu.pagevec_page(ROTATED, i)
        pagezone = await cpu.page_zone(page)
        if pagezone != zone:
            if zone >= 0:
                await cpu.spin_unlock_irqrestore(LRU_LOCK, zone)
            zone = pagezone
            await cpu.spin_lock_irqsave(LRU_LOCK, zone)
        if await cpu.test_flag(page, PG_LRU) and not await cpu.test_flag(page, PG_ACTIVE | PG_UNEVICTABLE):
            lru = await cpu.page_is_file_cache(page)
            await cpu.list_move_to_lru_tail(zone, page, lru)
            pgmoved += 1
    if zone >= 0:
        await cpu.spin_unlock_irqrestore(LRU_LOCK, zone)
    await cpu.count_vm_event(PGROTATED, pgmoved)
    await release_pages(cpu, ROTATED)
    await cpu.pagevec_reinit(ROTATED)


async def lru_cache_add_lru(cpu: Cpu, page: int, lru: int) -> None:
    """C: mm/swap.c, lru_cache_add_lru(). Differs: nothing."""
    if await cpu.test_flag(page, PG_ACTIVE):
        await cpu.VM_BUG_ON(page, PG_UNEVICTABLE)
        await cpu.clear_flag(page, PG_ACTIVE)
    elif await cpu.test_flag(page, PG_UNEVICTABLE):
        await cpu.VM_BUG_ON(page, PG_ACTIVE)
        await cpu.clear_flag(page, PG_UNEVICTABLE)
    await cpu.VM_BUG_ON(page, PG_LRU | PG_ACTIVE | PG_UNEVICTABLE)
    await __lru_cache_add(cpu, page, lru)


async def __lru_cache_add(cpu: Cpu, page: int, lru: int) -> None:
    """C: mm/swap.c, __lru_cache_add(): into this CPU's pagevec. Differs: nothing."""
    await cpu.get_page(page)
    if not await cpu.pagevec_add(lru, page):
        await ____pagevec_lru_add(cpu, lru)


async def add_page_to_unevictable_list(cpu: Cpu, page: int) -> None:
    """C: mm/swap.c, add_page_to_unevictable_list(). Differs: nothing."""
    zone = await cpu.page_zone(page)
    await cpu.spin_lock_irq(LRU_LOCK, zone)
    await cpu.set_flag(page, PG_UNEVICTABLE)
    await cpu.set_flag(page, PG_LRU)
    await cpu.add_page_to_lru_list(zone, page, LRU_UNEVICTABLE)
    await cpu.spin_unlock_irq(LRU_LOCK, zone)


async def lru_add_drain(cpu: Cpu) -> None:
    """C: mm/swap.c, lru_add_drain() with drain_cpu_pagevecs(). Differs: nothing."""
    for lru in range(LRU_UNEVICTABLE):
        if await cpu.pagevec_count(lru):
            await ____pagevec_lru_add(cpu, lru)

    if await cpu.pagevec_count(ROTATE_PVEC):
        await pagevec_move_tail(cpu)  # no harm done if a racing interrupt already did this


async def lru_add_drain_all(cpu: Cpu) -> None:
    """C: mm/swap.c, lru_add_drain_all(): on every CPU, by its events/N, and wait for them.

    Differs: nothing is done, and there are no such threads, where the workload says drain_all: never.
    """
    if await cpu.drain_all() != DRAIN_NEVER:
        await schedule_on_each_cpu(cpu)


async def ____pagevec_lru_add(cpu: Cpu, lru: int) -> None:
    """C: mm/swap.c, ____pagevec_lru_add(). Differs: nothing."""
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
        if lru & LRU_ACTIVE:
            await cpu.set_flag(page, PG_ACTIVE)
        await cpu.add_page_to_lru_list(zone, page, lru)
    if zone >= 0:
        await cpu.spin_unlock_irq(LRU_LOCK, zone)
    await release_pages(cpu, lru)
    await cpu.pagevec_reinit(lru)


async def pagevec_release(cpu: Cpu, pvec: int) -> None:
    """C: include/linux/pagevec.h, pagevec_release(). Differs: nothing."""
    if await cpu.pagevec_count(pvec):
        await __pagevec_release(cpu, pvec)


async def __pagevec_release(cpu: Cpu, pvec: int) -> None:
    """C: mm/swap.c, __pagevec_release(). Differs: nothing."""
    await lru_add_drain(cpu)
    await release_pages(cpu, pvec)
    await cpu.pagevec_reinit(pvec)


async def release_pages(cpu: Cpu, pvec: int) -> None:
    """C: mm/swap.c, release_pages(). Differs: no compound pages."""
    zone = -1
    for i in range(await cpu.pagevec_count(pvec)):
        page = await cpu.pagevec_page(pvec, i)
        if not await cpu.put_page_testzero(page):
            continue
        if await cpu.test_flag(page, PG_LRU):
            pagezone = await cpu.page_zone(page)
            if pagezone != zone:
                if zone >= 0:
                    await cpu.spin_unlock_irqrestore(LRU_LOCK, zone)
                zone = pagezone
                await cpu.spin_lock_irqsave(LRU_LOCK, zone)
            await del_page_from_lru(cpu, zone, page)
        if not await cpu.pagevec_add(PAGES_TO_FREE, page):
            if zone >= 0:
                await cpu.spin_unlock_irqrestore(LRU_LOCK, zone)
                zone = -1
            await __pagevec_free(cpu, PAGES_TO_FREE)
    if zone >= 0:
        await cpu.spin_unlock_irqrestore(LRU_LOCK, zone)
    await __pagevec_free(cpu, PAGES_TO_FREE)
