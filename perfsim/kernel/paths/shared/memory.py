"""Faults and get_user_pages. C: mm/memory.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import GUP_PAGES, LRU_ACTIVE, LRU_FILE, PG_MLOCKED, PGFAULT, UNEVICTABLE_PGMLOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import filemap_fault, unlock_page, wait_on_page_locked
from perfsim.kernel.paths.shared.page_alloc import __alloc_pages
from perfsim.kernel.paths.shared.rwsem import down_read
from perfsim.kernel.paths.shared.swap import add_page_to_unevictable_list, lru_cache_add_lru, put_page
from perfsim.machine.costs import PAGE_CLEAR, PAGE_FAULT

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.vmscan import page_evictable


async def do_page_fault(cpu: Cpu, slot: int) -> int:
    """C: arch/x86/mm/fault.c, do_page_fault(), when user code touches a page. Returns 0 for SIGBUS or no memory.

    Differs: a page that is present costs nothing; user code that would fault again goes on without the page.
    """
    if await cpu.pte_page(slot) >= 0:
        return 1
    mm = await cpu.current_mm()
    await down_read(cpu, mm)
    ret = await handle_mm_fault(cpu, slot)
    await cpu.up_read(mm)
    return ret


async def handle_mm_fault(cpu: Cpu, slot: int) -> int:
    """C: mm/memory.c, handle_mm_fault() with handle_pte_fault(). Returns 1 to try again, 0 for SIGBUS or no memory.

    slot: the pte to fill, or MAPPED_ELSEWHERE for the stream of a reclaimer, in whose address space nobody else is.
    Differs: what was swapped out is cleared, not read; a write to a page shared for reading is not modelled.
    """
    await cpu.work(PAGE_FAULT)
    if slot >= 0 and await cpu.pte_migration_page(slot) >= 0:
        await migration_entry_wait(cpu, slot)
        return 1
    if await cpu.mapped_object(slot):
        return await __do_fault(cpu, slot)
    return await do_anonymous_page(cpu, slot)


async def do_anonymous_page(cpu: Cpu, slot: int) -> int:
    """C: mm/memory.c, do_anonymous_page(). Returns 1, or 0 without memory.

    Differs: plain files are mapped here too: their pages are found in no cache and cost no disk; they are cleared
    instead of read.
    """
    zone = await cpu.numa_zone()
    page = await __alloc_pages(cpu, zone)
    if page < 0:
        return 0
    await cpu.work(PAGE_CLEAR)
    if slot >= 0 and not await cpu.pte_lock_none(slot):
        await put_page(cpu, page)  # release: another thread was first
        return 1
    await cpu.new_page(page, slot)
    await lru_cache_add_active_or_unevictable(cpu, page, slot)
    if slot >= 0:
        await cpu.set_pte(page, slot)
    await cpu.count_vm_event(PGFAULT, 1)
    return 1


async def __do_fault(cpu: Cpu, slot: int) -> int:
    """C: mm/memory.c, __do_fault(), of a shared mapping. Returns 1, or 0 for SIGBUS or no memory.

    Differs: no page is made writable, so nothing is copied.
    """
    page = await filemap_fault(cpu, slot)
    if page < 0:
        return 0
    if await cpu.pte_lock_none(slot):
        await cpu.set_pte(page, slot)  # the reference of the lookup is the pte's now
        await cpu.count_vm_event(PGFAULT, 1)
        await unlock_page(cpu, page)
    else:
        await unlock_page(cpu, page)
        await put_page(cpu, page)
    return 1


async def migration_entry_wait(cpu: Cpu, slot: int) -> None:
    """C: mm/migrate.c, migration_entry_wait(), with the fix of 2008-06-18: no reference to a page that has none.

    Differs: the pte lock is part of the step that takes the reference.
    """
    page = await cpu.get_migration_page(slot)
    if page >= 0:
        await wait_on_page_locked(cpu, page)
        await put_page(cpu, page)


async def lru_cache_add_active_or_unevictable(cpu: Cpu, page: int, slot: int) -> None:
    """C: mm/swap.c, the name of mainline; in rc5-mm3 part of the fault path.

    Differs: file pages go to the inactive list, as add_to_page_cache_lru() does before the fault maps them.
    """
    lru = await cpu.page_is_file_cache(page)
    if lru == LRU_FILE:
        await lru_cache_add_lru(cpu, page, lru)
    elif await page_evictable(cpu, page) and not await is_mlocked_vma(cpu, page, slot):
        await lru_cache_add_lru(cpu, page, lru + LRU_ACTIVE)
    else:
        await add_page_to_unevictable_list(cpu, page)


async def is_mlocked_vma(cpu: Cpu, page: int, slot: int) -> int:
    """C: mm/internal.h, is_mlocked_vma(): the page is new and not on the LRU. Differs: nothing."""
    if not await cpu.slot_locked(slot):
        return 0
    if not await cpu.test_and_set(page, PG_MLOCKED):
        await cpu.count_vm_event(UNEVICTABLE_PGMLOCKED, 1)
    return 1


async def get_user_pages(cpu: Cpu, slot: int, nr_pages: int) -> int:
    """C: mm/memory.c, get_user_pages(): fault in and take a reference to nr_pages pages from a pte on.

    The pages are left in the task's vector GUP_PAGES. Returns their number, short when memory ran out, or a file ended.
    Differs: the pte lock is not modelled; follow_page is one step; cond_resched() is left to the callers, a batch at a
    time.
    """
    await cpu.pagevec_reinit(GUP_PAGES)
    for i in range(nr_pages):
        page = await cpu.follow_page(slot + i)
        while page < 0:
            if not await handle_mm_fault(cpu, slot + i):
                return i
            page = await cpu.follow_page(slot + i)
        await cpu.pagevec_add(GUP_PAGES, page)
    return nr_pages
