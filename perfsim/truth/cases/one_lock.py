"""lock_loop on one lock for the whole machine, the lru_lock of node 0, where the shipped one takes that of its node."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_LOCK
from perfsim.kernel.cpu import Cpu

extends = "lock_page"


async def lock_loop(cpu: Cpu, page_lock: int) -> None:
    """Think, take the lock, hold, release."""
    while not await cpu.should_stop():
        await cpu.sched_yield()
        await cpu.think()
        await cpu.spin_lock(LRU_LOCK, 0)
        await cpu.hold()
        await cpu.spin_unlock(LRU_LOCK, 0)
