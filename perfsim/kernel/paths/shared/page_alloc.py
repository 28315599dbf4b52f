"""The page allocator's edge. C: mm/page_alloc.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.state import WMARK_LOW

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.shared.reclaim import shrink_zone


async def __alloc_pages(cpu: Cpu, zone: int) -> int:
    """C: mm/page_alloc.c, __alloc_pages(), order 0.

    Differs: one zone, the local node's, and one batch of direct reclaim before giving up with -1; zone->lock and the
    per-CPU lists of free pages are the figure page_alloc.
    """
    if not await cpu.zone_watermark_ok(zone, WMARK_LOW):
        await cpu.wakeup_kswapd(zone)
    page = await cpu.rmqueue(zone)
    if page < 0:
        await shrink_zone(cpu, zone)
        page = await cpu.rmqueue(zone)
    return page


async def __pagevec_free(cpu: Cpu, pvec: int) -> None:
    """C: mm/page_alloc.c, __pagevec_free(). Differs: nothing."""
    for i in range(await cpu.pagevec_count(pvec)):
        page = await cpu.pagevec_page(pvec, i)
        await cpu.free_page_to_zone(page)
    await cpu.pagevec_reinit(pvec)
