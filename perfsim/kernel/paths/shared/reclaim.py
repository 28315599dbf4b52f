"""Reclaim of a zone, by priority. C: mm/vmscan.c of 2.6.26-rc5-mm3: shrink_zone() and who calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import (
    ALLOCSTALL,
    DEF_PRIORITY,
    HZ,
    LRU_ACTIVE_ANON,
    LRU_ACTIVE_FILE,
    LRU_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    PAGEOUTRUN,
    SWAPPINESS,
    WMARK_HIGH,
)
from perfsim.kernel.cpu import Cpu

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.vmscan import shrink_active_list, shrink_inactive_list


async def shrink_list(cpu: Cpu, lru: int, nr_to_scan: int, zone: int) -> int:
    """C: mm/vmscan.c, shrink_list(). Returns the pages reclaimed. Differs: nothing."""
    if lru == LRU_ACTIVE_FILE:
        await shrink_active_list(cpu, nr_to_scan, zone, LRU_INACTIVE_FILE)
        return 0

    if lru == LRU_ACTIVE_ANON and await cpu.inactive_anon_is_low(zone):
        await shrink_active_list(cpu, nr_to_scan, zone, LRU_INACTIVE_ANON)
        return 0

    return await shrink_inactive_list(cpu, nr_to_scan, zone, lru & LRU_FILE)


async def get_scan_ratio(cpu: Cpu, zone: int) -> int:
    """C: mm/vmscan.c, get_scan_ratio(). Returns percent[0], of anonymous pages; percent[1] is the rest of 100.

    Differs: there is swap space always.
    """
    anon = await cpu.lru_length(zone, LRU_ACTIVE_ANON) + await cpu.lru_length(zone, LRU_INACTIVE_ANON)
    file = await cpu.lru_length(zone, LRU_ACTIVE_FILE) + await cpu.lru_length(zone, LRU_INACTIVE_FILE)
    free = await cpu.nr_free_pages(zone)

    # If we have very few page cache pages, force-scan anon pages.
    if file + free <= await cpu.pages_mark(zone, WMARK_HIGH):
        return 100

    # Keep a floating average: recent references are weighted more heavily.
    if await cpu.recent_scanned(zone, LRU_INACTIVE_ANON) > anon // 4:
        await cpu.spin_lock_irq(LRU_LOCK, zone)
        await cpu.halve_recent(zone, LRU_INACTIVE_ANON)
        await cpu.spin_unlock_irq(LRU_LOCK, zone)
    if await cpu.recent_scanned(zone, LRU_INACTIVE_FILE) > file // 4:
        await cpu.spin_lock_irq(LRU_LOCK, zone)
        await cpu.halve_recent(zone, LRU_INACTIVE_FILE)
        await cpu.spin_unlock_irq(LRU_LOCK, zone)

    # With swappiness at 100, anon and file have the same priority.
    anon_prio = SWAPPINESS
    file_prio = 200 - SWAPPINESS
    ap = (anon_prio + 1) * (await cpu.recent_scanned(zone, LRU_INACTIVE_ANON) + 1)
    ap //= await cpu.recent_rotated(zone, LRU_INACTIVE_ANON) + 1
    fp = (file_prio + 1) * (await cpu.recent_scanned(zone, LRU_INACTIVE_FILE) + 1)
    fp //= await cpu.recent_rotated(zone, LRU_INACTIVE_FILE) + 1
    return 100 * ap // (ap + fp + 1)


async def shrink_zone(cpu: Cpu, priority: int, zone: int) -> int:
    """C: mm/vmscan.c, shrink_zone(). Returns the pages reclaimed. Differs: nobody is throttled for writeback."""
    nr_reclaimed = 0
    percent = await get_scan_ratio(cpu, zone)
    for lru in range(LRU_UNEVICTABLE):
        scan = await cpu.lru_length(zone, lru)
        if priority:
            scan >>= priority
            scan = scan * (100 - percent if lru & LRU_FILE else percent) // 100
        await cpu.due_to_scan(zone, lru, scan)  # zone->lru[l].nr_scan += scan + 1

    while await cpu.left_to_scan():
        for lru in range(LRU_UNEVICTABLE):
            nr_to_scan = await cpu.next_batch(lru)
            if nr_to_scan:
                nr_reclaimed += await shrink_list(cpu, lru, nr_to_scan, zone)

    # Even if we did not try to evict anon pages at all, we want to rebalance the anon lru active/inactive ratio.
    if await cpu.inactive_anon_is_low(zone):
        await shrink_active_list(cpu, await cpu.swap_cluster_max(), zone, LRU_INACTIVE_ANON)
    return nr_reclaimed


async def try_to_free_pages(cpu: Cpu, zone: int) -> int:
    """C: mm/vmscan.c, try_to_free_pages() with do_try_to_free_pages(). Returns the pages reclaimed, 0 for no progress.

    Differs: one zone, the task's own; no slab, no pdflush. C naps after any pass below priority 10 that leaves it with
    less than it needs, here after one that reclaimed nothing: C was made for zones many times as large, which reach
    such priorities in distress only; those of a model would put a reclaimer to sleep that is in no trouble.
    """
    await cpu.count_vm_event(ALLOCSTALL, 1)
    nr_reclaimed, all_unreclaimable = 0, 0
    for priority in range(DEF_PRIORITY, -1, -1):
        reclaimed = 0
        await cpu.sc_begin()
        all_unreclaimable = priority != DEF_PRIORITY and await cpu.zone_is_all_unreclaimable(zone)
        if not all_unreclaimable:  # else let kswapd poll it
            reclaimed = await shrink_zone(cpu, priority, zone)
        nr_reclaimed += reclaimed
        if nr_reclaimed >= await cpu.swap_cluster_max():
            return nr_reclaimed

        # Take a nap, wait for some writeback to complete.
        if not reclaimed and await cpu.sc_scanned(0) and priority < DEF_PRIORITY - 2:
            await cpu.congestion_wait(HZ // 10)
    # Top priority still had more to do? Don't OOM, then.
    return 0 if all_unreclaimable else nr_reclaimed


async def balance_pgdat(cpu: Cpu, zone: int) -> int:
    """C: mm/vmscan.c, balance_pgdat(): until free pages are above pages_high. Returns the pages reclaimed.

    Differs: a node has one zone, so none can have too many pages free; the nap is that of try_to_free_pages(); kswapd
    gives up when the run is over.
    """
    nr_reclaimed, all_zones_ok = 0, 0
    while not all_zones_ok and not await cpu.should_stop():  # loop_again:
        nr_reclaimed = 0
        await cpu.count_vm_event(PAGEOUTRUN, 1)
        priority = DEF_PRIORITY
        while priority >= 0:
            all_zones_ok = await balanced(cpu, priority, zone)
            if all_zones_ok:
                break  # kswapd: all done
            await cpu.sc_begin()
            reclaimed = await shrink_zone(cpu, priority, zone)
            nr_reclaimed += reclaimed
            if await cpu.pages_scanned(zone, 0) >= 6 * await zone_lru_pages(cpu, zone):
                await cpu.zone_set_all_unreclaimable(zone)

            # OK, kswapd is getting into trouble. Take a nap, then take another pass across the zones.
            if not reclaimed and await cpu.sc_scanned(0) and priority < DEF_PRIORITY - 2:
                await cpu.congestion_wait(HZ // 10)
            if nr_reclaimed >= await cpu.swap_cluster_max():
                break
            priority -= 1
        await cpu.cond_resched()
    return nr_reclaimed


async def balanced(cpu: Cpu, priority: int, zone: int) -> int:
    """The first loop of C: mm/vmscan.c, balance_pgdat(): is there nothing to do in the zone? Ages its anonymous pages.

    Differs: one zone, so no search for the last one that needs work.
    """
    if priority != DEF_PRIORITY and await cpu.zone_is_all_unreclaimable(zone):
        return 1
    if await cpu.inactive_anon_is_low(zone):
        await shrink_active_list(cpu, await cpu.swap_cluster_max(), zone, LRU_INACTIVE_ANON)
    return await cpu.zone_watermark_ok(zone, WMARK_HIGH)


async def zone_lru_pages(cpu: Cpu, zone: int) -> int:
    """C: mm/vmscan.c, zone_lru_pages(). Differs: nothing."""
    pages = 0
    for lru in range(LRU_UNEVICTABLE):
        pages += await cpu.lru_length(zone, lru)
    return pages
