"""Faults and get_user_pages. C: mm/memory.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.page_alloc import __alloc_pages
from perfsim.kernel.paths.shared.swap import add_page_to_unevictable_list, lru_cache_add_lru
from perfsim.kernel.state import (
    GUP_PAGES,
    LRU_ACTIVE,
    LRU_FILE,
    PG_MLOCKED,
    PGFAULT,
    UNEVICTABLE_PGMLOCKED,
)
from perfsim.machine.costs import PAGE_CLEAR, PAGE_FAULT

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.vmscan import page_evictable


async def handle_mm_fault(cpu: Cpu, slot: int) -> int:
    """C: mm/memory.c, handle_mm_fault() down to do_anonymous_page() or __do_fault(). Returns 1, or 0 without memory.

    slot: the pte to fill, or MAPPED_ELSEWHERE for the stream of a reclaimer.
    Differs: file pages are found in no cache and cost no disk; they are cleared instead of read.
    """
    await cpu.work(PAGE_FAULT)
    zone = await cpu.numa_zone()
    page = await __alloc_pages(cpu, zone)
    if page < 0:
        return 0
    await cpu.work(PAGE_CLEAR)
    await cpu.new_page(page, slot)
    await lru_cache_add_active_or_unevictable(cpu, page, slot)
    await cpu.count_vm_event(PGFAULT, 1)
    return 1


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

    The pages are left in the task's vector GUP_PAGES. Returns their number, short when memory ran out.
    Differs: the pte lock is not modelled; follow_page is one step.
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
