"""The page allocator's edge. C: mm/page_alloc.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import HZ, OOM_KILL, WMARK_HIGH, WMARK_LOW
from perfsim.kernel.cpu import Cpu

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.shared.reclaim import try_to_free_pages


async def __alloc_pages(cpu: Cpu, zone: int) -> int:
    """C: mm/page_alloc.c, __alloc_pages(), order 0.

    Differs: one zone, the local node's; -1 where C would try again after it has killed a process; zone->lock and the
    per-CPU lists of free pages are the figure page_alloc.
    """
    if not await cpu.zone_watermark_ok(zone, WMARK_LOW):
        await cpu.wakeup_kswapd(zone)
    page = await cpu.rmqueue(zone)
    while page < 0:  # rebalance:
        await cpu.cond_resched()
        # We now go into synchronous reclaim.
        did_some_progress = await try_to_free_pages(cpu, zone)
        await cpu.cond_resched()
        if not did_some_progress and await __alloc_pages_may_oom(cpu, zone):
            return -1
        page = await cpu.rmqueue(zone)
        if page < 0:
            await cpu.congestion_wait(HZ // 50)
    return page


async def __alloc_pages_may_oom(cpu: Cpu, zone: int) -> int:
    """The part of C: __alloc_pages() after reclaim without progress. Returns 1 if memory is out.

    C: mm/oom_kill.c, out_of_memory(). Differs: a victim is counted, and nobody dies.
    """
    if await cpu.zone_watermark_ok(zone, WMARK_HIGH):  # parallel freeing
        return 0
    await cpu.count_vm_event(OOM_KILL, 1)
    await cpu.schedule_timeout(1)  # give the victim a good chance of killing itself
    return 1


async def __pagevec_free(cpu: Cpu, pvec: int) -> None:
    """C: mm/page_alloc.c, __pagevec_free(). Differs: it empties the vector too, as its callers do in C."""
    for i in range(await cpu.pagevec_count(pvec)):
        page = await cpu.pagevec_page(pvec, i)
        await cpu.free_page_to_zone(page)
    await cpu.pagevec_reinit(pvec)
