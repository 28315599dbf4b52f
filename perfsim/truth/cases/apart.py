"""lock_loop with the CPUs started one after the other, each a page_copy later, so that they need never meet."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_LOCK, PG_LOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.machine.costs import PAGE_COPY

extends = "lock_page"


async def lock_loop(cpu: Cpu, page_lock: int) -> None:
    """As the shipped one, of the lru_lock; the first page lock that is free tells how many CPUs came before."""
    number = 0
    while await cpu.test_and_set(number, PG_LOCKED):
        number += 1
    for _ in range(number):
        await cpu.work(PAGE_COPY)
    zone = await cpu.numa_zone()
    await cpu.think()
    await cpu.test_and_clear(number, PG_LOCKED)  # by now all have begun
    while not await cpu.should_stop():
        await cpu.spin_lock(LRU_LOCK, zone)
        await cpu.hold()
        await cpu.spin_unlock(LRU_LOCK, zone)
        await cpu.sched_yield()
        await cpu.think()
