"""A munlock that isolates a page and never puts it back: the page is on no list any more, and never will be."""

from __future__ import annotations

from perfsim.kernel.constants import PG_MLOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.vmscan import isolate_lru_page

extends = "redo"


async def munlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, munlock_vma_page()."""
    if await cpu.test_and_clear(page, PG_MLOCKED):
        await isolate_lru_page(cpu, page)
