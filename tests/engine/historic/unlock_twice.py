"""B1's second half: putback_lru_page() has unlocked the page, its caller unlocks it again. BUG at mm/filemap.c:575."""

from __future__ import annotations

from perfsim.kernel.constants import PG_MLOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.lock_page.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.filemap import unlock_page
from perfsim.kernel.paths.shared.vmscan import isolate_lru_page

extends = "lock_page"


async def mlock_vma_page(cpu: Cpu, page: int) -> None:
    """C: mm/mlock.c, mlock_vma_page(), which ignored what putback_lru_page() returned."""
    if not await cpu.test_and_set(page, PG_MLOCKED):
        if not await isolate_lru_page(cpu, page):
            await putback_lru_page(cpu, page)
            await unlock_page(cpu, page)
