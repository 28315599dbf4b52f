"""R4: lru_cache_add_lru() that does not clear PG_unevictable, which a retry of the rework leaves set."""

from __future__ import annotations

from perfsim.kernel.constants import PG_ACTIVE, PG_LRU, PG_UNEVICTABLE
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.swap import __lru_cache_add

extends = "redo"


async def lru_cache_add_lru(cpu: Cpu, page: int, lru: int) -> None:
    """C: mm/swap.c, lru_cache_add_lru()."""
    if await cpu.test_flag(page, PG_ACTIVE):
        await cpu.clear_flag(page, PG_ACTIVE)
    await cpu.VM_BUG_ON(page, PG_LRU | PG_ACTIVE | PG_UNEVICTABLE)
    await __lru_cache_add(cpu, page, lru)
