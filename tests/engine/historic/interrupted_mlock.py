"""R3: an interrupt between the look at the page and TestSetPageMlocked, in which the page is truncated."""

from __future__ import annotations

from perfsim.kernel.constants import PG_MLOCKED, UNEVICTABLE_PGMLOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.vmscan import isolate_lru_page
from perfsim.machine.costs import WRITEBACK_SUBMIT

extends = "redo"


async def mlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, mlock_vma_page(); the work is the interrupt's."""
    await cpu.work(WRITEBACK_SUBMIT)
    if not await cpu.test_and_set(page, PG_MLOCKED):
        await cpu.count_vm_event(UNEVICTABLE_PGMLOCKED, 1)
        if not await isolate_lru_page(cpu, page):
            await putback_lru_page(cpu, page)
