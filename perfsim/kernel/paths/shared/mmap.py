"""Unmapping. C: mm/mmap.c, mm/memory.c and mm/swap_state.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import MMU_GATHER, PG_SWAPCACHE, PG_WRITEBACK
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import trylock_page, unlock_page
from perfsim.kernel.paths.shared.rwsem import down_read, down_write
from perfsim.kernel.paths.shared.swap import lru_add_drain, put_page, release_pages
from perfsim.kernel.paths.shared.swap_state import __delete_from_swap_cache
from perfsim.machine.costs import SYSCALL, TLB_FLUSH_LOCAL

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.mlock import __munlock_vma_pages_range


async def sys_munmap(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """C: mm/mmap.c, do_munmap() of a whole range; exit_mmap() does the same without the lock.

    Differs: the vma stays, to be mapped anew.
    """
    await cpu.work(SYSCALL)
    mm = await cpu.current_mm()
    await down_write(cpu, mm)
    start = await cpu.vma_start(vma)
    if await cpu.slot_locked(start):  # munlock_vma_pages_all
        await cpu.set_vm_locked(vma, 0)
        await __munlock_vma_pages_range(cpu, start, nr_pages)
    await unmap_region(cpu, start, nr_pages)
    await cpu.up_write(mm)


async def sys_madvise(cpu: Cpu, slot: int, nr_pages: int) -> None:
    """C: mm/madvise.c, sys_madvise(MADV_DONTNEED), of a part of a range. Differs: nothing.

    mmap_sem is held for reading, as faults and migration hold it: pages go away while migration has them isolated.
    """
    await cpu.work(SYSCALL)
    mm = await cpu.current_mm()
    await down_read(cpu, mm)
    if not await cpu.slot_locked(slot):
        await unmap_region(cpu, slot, nr_pages)  # zap_page_range
    await cpu.up_read(mm)


async def unmap_region(cpu: Cpu, start: int, nr_pages: int) -> None:
    """C: mm/mmap.c, unmap_region(), with zap_pte_range() and tlb_finish_mmu().

    Differs: pages are gathered by 14, not by 506; other CPUs' TLBs are not flushed.
    """
    await lru_add_drain(cpu)
    for slot in range(start, start + nr_pages):
        page = await cpu.zap_pte(slot)
        if page >= 0 and not await cpu.pagevec_add(MMU_GATHER, page):
            await tlb_flush_mmu(cpu)
    await tlb_flush_mmu(cpu)


async def tlb_flush_mmu(cpu: Cpu) -> None:
    """C: include/asm-generic/tlb.h, tlb_flush_mmu(). Differs: as unmap_region()."""
    if await cpu.pagevec_count(MMU_GATHER):
        await cpu.work(TLB_FLUSH_LOCAL)
        await free_pages_and_swap_cache(cpu)


async def free_pages_and_swap_cache(cpu: Cpu) -> None:
    """C: mm/swap_state.c, free_pages_and_swap_cache(), of the gathered pages. Differs: nothing."""
    await lru_add_drain(cpu)
    for i in range(await cpu.pagevec_count(MMU_GATHER)):
        await free_swap_cache(cpu, await cpu.pagevec_page(MMU_GATHER, i))
    await release_pages(cpu, MMU_GATHER)
    await cpu.pagevec_reinit(MMU_GATHER)


async def free_swap_cache(cpu: Cpu, page: int) -> None:
    """C: mm/swap_state.c, free_swap_cache(). Differs: nothing."""
    if await cpu.test_flag(page, PG_SWAPCACHE) and await trylock_page(cpu, page):
        await remove_exclusive_swap_page(cpu, page)
        await unlock_page(cpu, page)


async def remove_exclusive_swap_page(cpu: Cpu, page: int) -> None:
    """C: mm/swapfile.c, remove_exclusive_swap_page().

    Differs: the swap entry's own count is not modelled; tree_lock is part of the figure, so that _count is read once.
    The page is not made dirty: memory.dirty_fraction says which pages have to be written.
    """
    if not await cpu.test_flag(page, PG_SWAPCACHE):
        return
    if await cpu.test_flag(page, PG_WRITEBACK):
        return
    if await cpu.page_count(page) == 2:  # us + page cache
        await __delete_from_swap_cache(cpu, page)
        await put_page(cpu, page)
