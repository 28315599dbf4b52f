"""A reference dropped once too often, as R1 does after its last use: bad_page, then _count below 0."""

from __future__ import annotations

from perfsim.kernel.constants import PG_MLOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.swap import put_page
from perfsim.kernel.paths.shared.vmscan import isolate_lru_page

extends = "redo"


async def munlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, munlock_vma_page()."""
    if await cpu.test_and_clear(page, PG_MLOCKED):
        if not await isolate_lru_page(cpu, page):
            await putback_lru_page(cpu, page)
            await put_page(cpu, page)
            await put_page(cpu, page)
            await put_page(cpu, page)
