"""Putback without CONFIG_UNEVICTABLE_LRU. C: mm/vmscan.c of 2.6.26-rc5-mm3 with the rework, the #else branches."""

from __future__ import annotations

from perfsim.kernel.constants import PG_ACTIVE, PG_LRU
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.effects.memory import SWAP_AGAIN, SWAP_FAIL, SWAP_MLOCK, SWAP_SUCCESS
from perfsim.kernel.paths.shared.memcontrol import mem_cgroup_move_lists
from perfsim.kernel.paths.shared.swap import lru_cache_add_lru, put_page


async def putback_lru_page(cpu: Cpu, page: int) -> None:
    """C: mm/vmscan.c, putback_lru_page(). Differs: nothing."""
    await cpu.VM_BUG_ON(page, PG_LRU)

    lru = await cpu.test_and_clear(page, PG_ACTIVE) + await cpu.page_is_file_cache(page)
    await lru_cache_add_lru(cpu, page, lru)
    await mem_cgroup_move_lists(cpu, page, lru)
    await put_page(cpu, page)


async def page_evictable(cpu: Cpu, page: int) -> int:
    """C: include/linux/swap.h, page_evictable(). Differs: nothing."""
    return 1


async def try_to_unmap(cpu: Cpu, page: int) -> int:
    """C: mm/rmap.c, try_to_unmap() with try_to_unmap_one(): a page of a VM_LOCKED vma is not unmapped, but activated.

    Differs: one pte a page, so one step; it pays for a look at mmap_sem. A page of a SHM_LOCKed segment is refused
    here, while it is mapped; in C by shmem_writepage(), with the same end, when its ptes are gone.
    """
    if await cpu.mapping_unevictable(await cpu.page_mapping(page)):
        return SWAP_FAIL
    ret = await cpu.try_to_unmap(page)
    if ret == SWAP_MLOCK or ret == SWAP_AGAIN:
        return SWAP_FAIL
    return ret


async def try_to_munlock(cpu: Cpu, page: int) -> int:
    """C: mm/internal.h, try_to_munlock(): nothing to ask for. Differs: nothing."""
    return SWAP_SUCCESS


async def scan_mapping_unevictable_pages(cpu: Cpu, start: int, nr_pages: int) -> None:
    """C: include/linux/swap.h, scan_mapping_unevictable_pages(): there is no list to rescue pages from.

    Differs: nothing.
    """
