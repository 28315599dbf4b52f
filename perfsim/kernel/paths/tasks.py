"""What each kind of task does, for ever: one function a kind.

These are the workload, not the kernel: between two calls into it a task thinks in user mode.
"""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import lock_page, unlock_page
from perfsim.kernel.paths.shared.memory import handle_mm_fault
from perfsim.kernel.paths.shared.reclaim import shrink_zone
from perfsim.kernel.paths.shared.swap import lru_add_drain
from perfsim.kernel.paths.shared.syscalls import sys_mlock, sys_munlock
from perfsim.kernel.paths.shared.workqueue import worker_thread
from perfsim.kernel.state import (
    DIRECT_RECLAIM,
    FAULT_TASK,
    KEVENTD,
    KSWAPD,
    LRU_LOCK,
    MAPPED_ELSEWHERE,
    MLOCK_TASK,
    SWAP_CLUSTER_MAX,
    WMARK_HIGH,
    WMARK_MIN,
)


async def run_task(cpu: Cpu) -> None:
    """A task from its first step to its last: its kind's loop, then the pagevecs of its CPU are drained."""
    await cpu.task_begin()
    kind = await cpu.task_kind()
    if kind == KSWAPD:
        await kswapd(cpu)
    elif kind == DIRECT_RECLAIM:
        await direct_reclaim(cpu)
    elif kind == FAULT_TASK:
        await fault(cpu)
    elif kind == MLOCK_TASK:
        await mlock(cpu, await cpu.task_range_pages())
    elif kind == KEVENTD:
        await worker_thread(cpu)
    else:
        await lock_loop(cpu, await cpu.task_locks_pages())
    await lru_add_drain(cpu)
    await cpu.task_exit()


async def kswapd(cpu: Cpu) -> None:
    """C: mm/vmscan.c, kswapd() and balance_pgdat(): reclaim until free pages are above pages_high, then sleep.

    Differs: no priorities; a batch that frees nothing ends the round; an allocation below pages_low starts another.
    """
    zone = await cpu.numa_zone()
    while not await cpu.should_stop():
        freed = 1
        while freed and not await cpu.zone_watermark_ok(zone, WMARK_HIGH):
            freed = await shrink_zone(cpu, zone)
            await cpu.sched_yield()
        await cpu.kswapd_sleep()


async def direct_reclaim(cpu: Cpu) -> None:
    """An allocating task: a batch of direct reclaim, then faults for as many pages as the zone can give, up to 32."""
    zone = await cpu.numa_zone()
    while not await cpu.should_stop():
        await shrink_zone(cpu, zone)
        for _ in range(SWAP_CLUSTER_MAX):
            if not await cpu.zone_watermark_ok(zone, WMARK_MIN):
                break
            if not await handle_mm_fault(cpu, MAPPED_ELSEWHERE):
                break
        await cpu.sched_yield()
        await cpu.think()


async def fault(cpu: Cpu) -> None:
    """A task that touches one new page after another; out of memory it thinks and tries again."""
    while not await cpu.should_stop():
        await handle_mm_fault(cpu, MAPPED_ELSEWHERE)
        await cpu.sched_yield()
        await cpu.think()


async def mlock(cpu: Cpu, nr_pages: int) -> None:
    """A task that locks one of its ranges, keeps it for a hold time, and unlocks one of those it holds."""
    while not await cpu.should_stop():
        vma = await cpu.pick_unlocked_range()
        await sys_mlock(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.hold_in_user()
        vma = await cpu.pick_locked_range()
        await sys_munlock(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.think()


async def lock_loop(cpu: Cpu, page_lock: int) -> None:
    """Queueing theory's task: think, take a lock (lru_lock of the own node, or one of K page locks), hold, release."""
    zone = await cpu.numa_zone()
    while not await cpu.should_stop():
        await cpu.sched_yield()
        await cpu.think()
        if page_lock:
            page = await cpu.pick_page()
            await lock_page(cpu, page)
            await cpu.hold()
            await unlock_page(cpu, page)
        else:
            await cpu.spin_lock(LRU_LOCK, zone)
            await cpu.hold()
            await cpu.spin_unlock(LRU_LOCK, zone)
