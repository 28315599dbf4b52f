"""The memory controller's own LRU lists. C: mm/memcontrol.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from perfsim.kernel.constants import MZ_LOCK
from perfsim.kernel.cpu import Cpu


async def mem_cgroup_move_lists(cpu: Cpu, page: int, lru: int) -> None:
    """C: mm/memcontrol.c, mem_cgroup_move_lists(). Differs: one memcg, every page charged to it."""
    if not await cpu.memcg_enabled():
        return
    if not await cpu.trylock_page_cgroup(page):
        return
    zone = await cpu.page_zone(page)
    await cpu.spin_lock_irqsave(MZ_LOCK, zone)
    await cpu.mem_cgroup_move(page, lru)
    await cpu.spin_unlock_irqrestore(MZ_LOCK, zone)
    await cpu.unlock_page_cgroup(page)
