"""Truncation of a file. C: mm/truncate.c and mm/memory.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import LOOKUP_PVEC, PG_DIRTY, PG_MLOCKED, PG_UPTODATE, PG_WRITEBACK
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import (
    find_get_page,
    lock_page,
    trylock_page,
    unlock_page,
    wait_on_page_writeback,
)
from perfsim.kernel.paths.shared.swap import pagevec_release, put_page
from perfsim.machine.costs import RADIX_DELETE, SYSCALL, TLB_FLUSH_LOCAL

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.mlock import __clear_page_mlock


async def sys_ftruncate(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """C: mm/memory.c, vmtruncate() to length 0 of the file that a range maps. Differs: no file system."""
    await cpu.work(SYSCALL)
    await cpu.i_size_write(vma, 0)
    start = await cpu.vma_start(vma)
    await unmap_mapping_range(cpu, start, nr_pages)
    await truncate_inode_pages(cpu, start, nr_pages)


async def unmap_mapping_range(cpu: Cpu, start: int, nr_pages: int) -> None:
    """C: mm/memory.c, unmap_mapping_range(): the ptes of every vma that maps the pages.

    Differs: one vma maps them; a page is given back when its pte is cleared, not with a gathered batch. The look at the
    pte and the clearing are two steps.
    """
    for slot in range(start, start + nr_pages):
        if await cpu.pte_migration_page(slot) >= 0:
            continue  # zap_pte_range() with details: truncation waits for the page lock, and unmaps the new page
        page = await cpu.zap_pte(slot)
        if page >= 0:
            await cpu.work(TLB_FLUSH_LOCAL)
            await put_page(cpu, page)


async def truncate_inode_pages(cpu: Cpu, start: int, nr_pages: int) -> None:
    """C: mm/truncate.c, truncate_inode_pages_range(): first what can be had at once, then what has to be waited for.

    Differs: nothing.
    """
    end = start + nr_pages
    next_ = start
    while next_ < end:
        next_ = await pagevec_lookup(cpu, next_, end)
        for i in range(await cpu.pagevec_count(LOOKUP_PVEC)):
            page = await cpu.pagevec_page(LOOKUP_PVEC, i)
            if await trylock_page(cpu, page):
                if not await cpu.test_flag(page, PG_WRITEBACK):
                    await truncate_locked_page(cpu, page)
                await unlock_page(cpu, page)
        await pagevec_release(cpu, LOOKUP_PVEC)
        await cpu.cond_resched()

    next_ = start
    while True:
        await cpu.cond_resched()
        looked_from = next_
        next_ = await pagevec_lookup(cpu, looked_from, end)
        found = await cpu.pagevec_count(LOOKUP_PVEC)
        if not found:
            if looked_from == start:
                return
            next_ = start
        for i in range(found):
            page = await cpu.pagevec_page(LOOKUP_PVEC, i)
            await lock_page(cpu, page)
            await wait_on_page_writeback(cpu, page)
            await truncate_locked_page(cpu, page)
            await unlock_page(cpu, page)
        await pagevec_release(cpu, LOOKUP_PVEC)


async def pagevec_lookup(cpu: Cpu, start: int, end: int) -> int:
    """C: mm/swap.c, pagevec_lookup(): the next pages of a page cache, with a reference each, in LOOKUP_PVEC.

    Returns where to look next. Differs: a step a page; C takes up to 14 in one walk under the tree_lock.
    """
    await cpu.pagevec_reinit(LOOKUP_PVEC)
    for slot in range(start, end):
        page = await find_get_page(cpu, slot)
        if page >= 0 and not await cpu.pagevec_add(LOOKUP_PVEC, page):
            return slot + 1
    return end


async def truncate_locked_page(cpu: Cpu, page: int) -> None:
    """The body of both loops of C: mm/truncate.c, truncate_inode_pages_range(). Differs: nothing."""
    if await cpu.page_mapped(page):
        slot = await cpu.page_index(page)
        await unmap_mapping_range(cpu, slot, 1)
    await truncate_complete_page(cpu, page)


async def truncate_complete_page(cpu: Cpu, page: int) -> None:
    """C: mm/truncate.c, truncate_complete_page(), with the hot fix of 2008-06-13: mlock is cleared first.

    Differs: no private buffers; nobody else's mapping can be met here, so mapping is compared with none.
    """
    if not await cpu.page_has_mapping(page):
        return
    await cpu.test_and_clear(page, PG_DIRTY)  # cancel_dirty_page
    await clear_page_mlock(cpu, page)
    await cpu.work(RADIX_DELETE)
    await cpu.remove_from_page_cache(page)
    await cpu.clear_flag(page, PG_UPTODATE)
    await put_page(cpu, page)  # pagecache ref


async def clear_page_mlock(cpu: Cpu, page: int) -> None:
    """C: mm/internal.h, clear_page_mlock(). Differs: nothing."""
    if await cpu.test_and_clear(page, PG_MLOCKED):
        await __clear_page_mlock(cpu, page)
