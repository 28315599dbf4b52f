"""mlock and munlock as merged, under the page lock. C: mm/mlock.c of 2.6.28."""

from __future__ import annotations

from perfsim.kernel.constants import (
    DRAIN_TWICE,
    GUP_PAGES,
    MLOCK_BATCH,
    MLOCK_PAGES,
    MUNLOCK_PAGES,
    PG_LOCKED,
    PG_MLOCKED,
    PG_UNEVICTABLE,
    UNEVICTABLE_PGCLEARED,
    UNEVICTABLE_PGMLOCKED,
    UNEVICTABLE_PGMUNLOCKED,
    UNEVICTABLE_PGSTRANDED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo_merged.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.filemap import lock_page, unlock_page
from perfsim.kernel.paths.shared.memory import get_user_pages
from perfsim.kernel.paths.shared.swap import lru_add_drain, lru_add_drain_all, put_page
from perfsim.kernel.paths.shared.vmscan import isolate_lru_page


async def __clear_page_mlock(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, __clear_page_mlock(): after PG_mlocked was found set and cleared.

    Differs: NR_MLOCK goes with the flag, so that a truncated page does not leak it; nor does C meet one here.
    """
    await cpu.VM_BUG_ON_NOT(page, PG_LOCKED)

    if not await cpu.page_has_mapping(page):  # truncated ?
        return
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
    await cpu.VM_BUG_ON_NOT(page, PG_LOCKED)

    if not await cpu.test_and_set(page, PG_MLOCKED):
        await cpu.count_vm_event(UNEVICTABLE_PGMLOCKED, 1)
        if not await isolate_lru_page(cpu, page):
            await putback_lru_page(cpu, page)


async def munlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, munlock_vma_page(). Differs: a page is mapped once, so try_to_munlock() finds no other vma."""
    await cpu.VM_BUG_ON_NOT(page, PG_LOCKED)

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
    """C: mm/mlock.c, __mlock_vma_pages_range(mlock=1), from a pte on. Differs: as __mlock_vma_pages()."""
    await __mlock_vma_pages(cpu, slot, nr_pages, 1)


async def __munlock_vma_pages_range(cpu: Cpu, slot: int, nr_pages: int) -> None:
    """C: mm/mlock.c, __mlock_vma_pages_range(mlock=0): no walk of the page table any more.

    Differs: as __mlock_vma_pages().
    """
    await __mlock_vma_pages(cpu, slot, nr_pages, 0)


async def __mlock_vma_pages(cpu: Cpu, slot: int, nr_pages: int, mlock: int) -> None:
    """What the two forms of C: mm/mlock.c, __mlock_vma_pages_range() share.

    Differs: lru_add_drain_all(), and the drain behind a batch without any page, as in redo/mlock.py. mmap_sem stays
    held for writing, which 2.6.28 turns into a read lock while it locks pages.
    """
    event = MLOCK_PAGES if mlock else MUNLOCK_PAGES
    if await cpu.drain_all() == DRAIN_TWICE:
        await lru_add_drain_all(cpu)  # push cached pages to LRU

    start = 0
    ret = 1
    while start < nr_pages and ret:
        await cpu.cond_resched()
        batch = nr_pages - start
        if batch > MLOCK_BATCH:
            batch = MLOCK_BATCH
        ret = await get_user_pages(cpu, slot + start, batch)
        await lru_add_drain(cpu)  # push cached pages to LRU

        for i in range(ret):
            page = await cpu.pagevec_page(GUP_PAGES, i)

            await lock_page(cpu, page)
            # Migration is blocked by the elevated reference: we need only check for truncation.
            if await cpu.page_has_mapping(page):
                if mlock:
                    await mlock_vma_page(cpu, page)
                else:
                    await munlock_vma_page(cpu, page)
            await unlock_page(cpu, page)
            await put_page(cpu, page)  # ref from get_user_pages()
        await cpu.count_vm_event(event, ret)
        start += ret

    if await cpu.drain_all() == DRAIN_TWICE:
        await lru_add_drain_all(cpu)  # to update stats
