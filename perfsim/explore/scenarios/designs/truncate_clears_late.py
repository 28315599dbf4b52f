"""B1, 2008-06-12: truncation clears mlock when the mapping is gone. BUG at mm/vmscan.c:510, then mm/filemap.c:575."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_UNEVICTABLE, PG_ACTIVE, PG_DIRTY, PG_UNEVICTABLE, PG_UPTODATE
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.lock_page.vmscan import page_evictable
from perfsim.kernel.paths.shared.filemap import unlock_page
from perfsim.kernel.paths.shared.memcontrol import mem_cgroup_move_lists
from perfsim.kernel.paths.shared.swap import add_page_to_unevictable_list, lru_cache_add_lru, put_page
from perfsim.kernel.paths.shared.truncate import clear_page_mlock
from perfsim.machine.costs import RADIX_DELETE

extends = "lock_page"


async def truncate_complete_page(cpu: Cpu, page: int) -> None:
    """C: mm/truncate.c, truncate_complete_page()."""
    if not await cpu.page_has_mapping(page):
        return
    if await cpu.test_flag(page, PG_DIRTY):
        await cpu.clear_flag(page, PG_DIRTY)
    await cpu.work(RADIX_DELETE)
    await cpu.remove_from_page_cache(page)
    await clear_page_mlock(cpu, page)
    await cpu.clear_flag(page, PG_UPTODATE)
    await put_page(cpu, page)


async def putback_lru_page(cpu: Cpu, page: int) -> int:
    """C: mm/vmscan.c, putback_lru_page(), with the assertion at line 510. Differs: no other assertions, no events."""
    ret = 1
    lru = await cpu.test_and_clear(page, PG_ACTIVE)
    await cpu.test_and_clear(page, PG_UNEVICTABLE)
    if not await cpu.page_has_mapping(page):
        await cpu.VM_BUG_ON_COUNT_NOT(page, 1)  # mm/vmscan.c:510
        await unlock_page(cpu, page)
        ret = 0
    elif await page_evictable(cpu, page):
        lru += await cpu.page_is_file_cache(page)
        await lru_cache_add_lru(cpu, page, lru)
        await mem_cgroup_move_lists(cpu, page, lru)
    else:
        await add_page_to_unevictable_list(cpu, page)
        await mem_cgroup_move_lists(cpu, page, LRU_UNEVICTABLE)
    await put_page(cpu, page)
    return ret
