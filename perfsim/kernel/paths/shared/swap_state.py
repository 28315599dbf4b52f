"""The swap cache, and leaving the page cache. C: mm/swap_state.c and mm/filemap.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from perfsim.kernel.constants import PG_SWAPCACHE
from perfsim.kernel.cpu import Cpu
from perfsim.machine.costs import RADIX_DELETE


async def add_to_swap(cpu: Cpu, page: int) -> None:
    """C: mm/swap_state.c, add_to_swap() with add_to_swap_cache(): a slot, the cache's reference, PG_swapcache.

    Differs: swap space never runs out, so it cannot fail. C marks the page dirty; here memory.dirty_fraction says which
    anonymous pages have to be written, as it does for files: neighbours in swap go out in one request in life, and a
    disk that writes page by page would be all that is measured. tree_lock is part of the figure.
    """
    await cpu.get_page(page)
    await cpu.set_flag(page, PG_SWAPCACHE)
    await cpu.work(RADIX_DELETE)  # an insertion costs the same


async def __delete_from_swap_cache(cpu: Cpu, page: int) -> None:
    """C: mm/swap_state.c, __delete_from_swap_cache(). The mapping stays until the page is freed. Differs: nothing."""
    await cpu.work(RADIX_DELETE)
    await cpu.clear_flag(page, PG_SWAPCACHE)


async def __remove_from_page_cache(cpu: Cpu, page: int) -> None:
    """C: mm/filemap.c, __remove_from_page_cache(). Differs: tree_lock is part of the figure."""
    await cpu.work(RADIX_DELETE)
    await cpu.remove_from_page_cache(page)
