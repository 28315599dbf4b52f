"""mlock() without CONFIG_UNEVICTABLE_LRU. C: mm/mlock.c and mm/internal.h of 2.6.26-rc5-mm3, the #else branches."""

from __future__ import annotations

from perfsim.kernel.constants import MLOCK_PAGES, MUNLOCK_PAGES
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.memory import handle_mm_fault


async def clear_page_mlock(cpu: Cpu, page: int) -> None:
    """C: mm/internal.h, clear_page_mlock(): there is no PG_mlocked. Differs: nothing."""


async def is_mlocked_vma(cpu: Cpu, page: int, slot: int) -> int:
    """C: mm/internal.h, is_mlocked_vma(). Differs: nothing."""
    return 0


async def __mlock_vma_pages_range(cpu: Cpu, slot: int, nr_pages: int) -> None:
    """C: mm/mlock.c, __mlock_vma_pages_range(): make_pages_present(). Differs: get_user_pages() a page at a time."""
    for i in range(nr_pages):
        await cpu.cond_resched()
        page = await cpu.pte_page(slot + i)
        while page < 0:
            if not await handle_mm_fault(cpu, slot + i):
                return
            page = await cpu.pte_page(slot + i)
        await cpu.count_vm_event(MLOCK_PAGES, 1)


async def __munlock_vma_pages_range(cpu: Cpu, slot: int, nr_pages: int) -> None:
    """C: mm/mlock.c, __munlock_vma_pages_range(): there is nothing to do.

    Differs: the pages count as gone through, so that the rates of designs can be compared.
    """
    await cpu.count_vm_event(MUNLOCK_PAGES, nr_pages)
