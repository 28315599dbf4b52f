"""One step of reclaim on a zone. C: mm/vmscan.c of 2.6.26-rc5-mm3, shrink_zone()."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.state import SWAP_CLUSTER_MAX

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.vmscan import shrink_active_list, shrink_inactive_list


async def shrink_zone(cpu: Cpu, zone: int) -> int:
    """One batch: 32 pages of the inactive list of one kind, its active list first when that is longer.

    Returns the pages reclaimed. Differs: C scans all four lists in proportion to their recent rotation and to the
    priority; here a draw in proportion to their size chooses file or anonymous pages, and a call is one batch (D18).
    """
    lru = await cpu.balance_list(zone)
    if await cpu.inactive_is_low(zone, lru):
        await shrink_active_list(cpu, SWAP_CLUSTER_MAX, zone, lru)
    return await shrink_inactive_list(cpu, SWAP_CLUSTER_MAX, zone, lru)
