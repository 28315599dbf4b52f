"""The rework without its second look: a page that munlock made evictable meanwhile stays where nobody looks (§11.4)."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_UNEVICTABLE, PG_ACTIVE, PG_UNEVICTABLE
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo.vmscan import page_evictable
from perfsim.kernel.paths.shared.memcontrol import mem_cgroup_move_lists
from perfsim.kernel.paths.shared.swap import add_page_to_unevictable_list, lru_cache_add_lru, put_page

extends = "redo"


async def putback_lru_page(cpu: Cpu, page: int) -> None:
    """C: mm/vmscan.c, putback_lru_page(). Differs: no assertion, no events, no second look."""
    await cpu.test_and_clear(page, PG_UNEVICTABLE)
    lru = await cpu.test_and_clear(page, PG_ACTIVE)
    if await page_evictable(cpu, page):
        lru += await cpu.page_is_file_cache(page)
        await lru_cache_add_lru(cpu, page, lru)
    else:
        lru = LRU_UNEVICTABLE
        await add_page_to_unevictable_list(cpu, page)
    await mem_cgroup_move_lists(cpu, page, lru)
    await put_page(cpu, page)
