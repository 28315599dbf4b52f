"""mlock without the page lock. C: mm/mlock.c of 2.6.26-rc5-mm3 with "putback_lru_page rework" of 2008-06-18."""

from __future__ import annotations

from perfsim.kernel.constants import (
    DRAIN_TWICE,
    GUP_PAGES,
    MLOCK_BATCH,
    MLOCK_PAGES,
    MUNLOCK_PAGES,
    PG_MLOCKED,
    PG_UNEVICTABLE,
    UNEVICTABLE_PGCLEARED,
    UNEVICTABLE_PGMLOCKED,
    UNEVICTABLE_PGMUNLOCKED,
    UNEVICTABLE_PGSTRANDED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.filemap import lock_page, unlock_page
from perfsim.kernel.paths.shared.memory import get_user_pages, migration_entry_wait
from perfsim.kernel.paths.shared.swap import lru_add_drain, lru_add_drain_all, put_page
from perfsim.kernel.paths.shared.vmscan import isolate_lru_page


async def __clear_page_mlock(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, __clear_page_mlock(): after PG_mlocked was found set and cleared. Differs: nothing."""
    await cpu.count_vm_event(UNEVICTABLE_PGCLEARED, 1)
    if not await isolate_lru_page(cpu, page):
        await putback_lru_page(cpu, page)
    else:
        # Page not on the LRU yet. Flush all pagevecs and retry.
        await lru_add_drain_all(cpu)
        if not await isolate_lru_page(cpu, page):
            await putback_lru_page(cpu, page)
        elif await cpu.test_flag(page, PG_UNEVICTABLE):
            await cpu.count_vm_event(UNEVICTABLE_PGSTRANDED, 1)


async def mlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, mlock_vma_page(). Differs: nothing."""
    if not await cpu.test_and_set(page, PG_MLOCKED):
        await cpu.count_vm_event(UNEVICTABLE_PGMLOCKED, 1)
        if not await isolate_lru_page(cpu, page):
            await putback_lru_page(cpu, page)


async def munlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, munlock_vma_page(). Differs: a page is mapped once, so try_to_munlock() finds no other vma."""
    if await cpu.test_and_clear(page, PG_MLOCKED):
        if not await isolate_lru_page(cpu, page):
            await cpu.try_to_munlock(page)
            await cpu.count_vm_event(UNEVICTABLE_PGMUNLOCKED, 1)
            await putback_lru_page(cpu, page)
        elif await cpu.test_flag(page, PG_UNEVICTABLE):
            await cpu.count_vm_event(UNEVICTABLE_PGSTRANDED, 1)
        else:
            await cpu.count_vm_event(UNEVICTABLE_PGMUNLOCKED, 1)


async def __mlock_vma_pages_range(cpu: Cpu, slot: int, nr_pages: int) -> None:
    """C: mm/mlock.c, __mlock_vma_pages_range(), from a pte on.

    Differs: lru_add_drain_all() is left out unless drain_all is twice. Pages in other CPUs' pagevecs then escape
    isolation here and are left to reclaim, which culls them. A batch without any page is the last; C leaves before its
    drain.
    """
    start = 0
    if await cpu.drain_all() == DRAIN_TWICE:
        await lru_add_drain_all(cpu)  # push cached pages to LRU
    while start < nr_pages:
        await cpu.cond_resched()
        batch = nr_pages - start
        if batch > MLOCK_BATCH:
            batch = MLOCK_BATCH
        ret = await get_user_pages(cpu, slot + start, batch)
        await lru_add_drain(cpu)  # push cached pages to LRU

        for i in range(ret):
            page = await cpu.pagevec_page(GUP_PAGES, i)

            if await cpu.page_mapped(page):  # page_mapcount
                await mlock_vma_page(cpu, page)
            await put_page(cpu, page)  # ref from get_user_pages()
        await cpu.count_vm_event(MLOCK_PAGES, ret)
        start += ret
        if ret == 0:
            break
    if await cpu.drain_all() == DRAIN_TWICE:
        await lru_add_drain_all(cpu)  # to update stats


async def __munlock_pte_handler(cpu: Cpu, slot: int) -> None:
    """C: mm/mlock.c, __munlock_pte_handler().

    Differs: C reads the pte once; here it takes a second look to tell a migration entry from an empty pte. In a run
    mmap_sem keeps migration out. The explorer's scripts may leave it out: there a page whose migration ends between the
    two looks is passed by.

    Between the look at the pte and the page lock the page has the pte's reference alone, which truncation drops. A page
    freed meanwhile has no mapping, so that the pte is read again; of one that is another's by then C knows nothing.
    """
    page, locked = -1, 0
    while not locked:  # retry:
        page = await cpu.pte_page(slot)
        if page < 0:
            # If it's a swap pte, we might be racing with page migration.
            if await cpu.pte_migration_page(slot) < 0:
                return
            await migration_entry_wait(cpu, slot)
            continue

        await lock_page(cpu, page)
        locked = 1
        if not await cpu.page_has_mapping(page) or (await cpu.page_anon(page) and not await cpu.page_mapped(page)):
            await unlock_page(cpu, page)
            locked = 0
    await munlock_vma_page(cpu, page)
    await unlock_page(cpu, page)
    await cpu.count_vm_event(MUNLOCK_PAGES, 1)


async def __munlock_vma_pages_range(cpu: Cpu, slot: int, nr_pages: int) -> None:
    """C: mm/mlock.c, __munlock_vma_pages_range(), from a pte on.

    Differs: lru_add_drain_all() as in __mlock_vma_pages_range(); the walk of the page table is a loop.
    """
    if await cpu.drain_all() == DRAIN_TWICE:
        await lru_add_drain_all(cpu)  # push cached pages to LRU
    for i in range(nr_pages):
        await __munlock_pte_handler(cpu, slot + i)
        await cpu.cond_resched()
    if await cpu.drain_all() == DRAIN_TWICE:
        await lru_add_drain_all(cpu)  # to update stats
