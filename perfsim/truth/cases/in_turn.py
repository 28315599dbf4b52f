"""lock_loop that takes the lru_lock, gives it back, and then takes one of K page locks for twice as long."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_LOCK
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import lock_page, unlock_page

extends = "lock_page"


async def lock_loop(cpu: Cpu, page_lock: int) -> None:
    """Two locks in turn. A sum of exponential holds that ends with a chance of 1/2 after each is exponential itself, of
    twice the mean: a page drawn from an even number of them is the coin.
    """
    zone = await cpu.numa_zone()
    while not await cpu.should_stop():
        await cpu.sched_yield()
        await cpu.think()
        await cpu.spin_lock(LRU_LOCK, zone)
        await cpu.hold()
        await cpu.spin_unlock(LRU_LOCK, zone)
        page = await cpu.pick_page()
        await lock_page(cpu, page)
        await cpu.hold()
        while await cpu.pick_page() & 1:
            await cpu.hold()
        await unlock_page(cpu, page)
