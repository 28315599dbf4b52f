"""What each kind of task does, for ever: one function a kind.

These are the workload, not the kernel: between two calls into it a task thinks in user mode.
"""

from __future__ import annotations

from perfsim.kernel.constants import (
    DIRECT_RECLAIM,
    DISK,
    FAULT_TASK,
    KEVENTD,
    KSWAPD,
    LRU_LOCK,
    MAPPED_ELSEWHERE,
    MIGRATE_TASK,
    MLOCK_TASK,
    SHM_LOCK_TASK,
    TIMER,
    TRUNCATE_TASK,
    WMARK_MIN,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import lock_page, unlock_page
from perfsim.kernel.paths.shared.memory import do_page_fault, handle_mm_fault
from perfsim.kernel.paths.shared.migrate import do_migrate_pages
from perfsim.kernel.paths.shared.mmap import sys_madvise, sys_munmap
from perfsim.kernel.paths.shared.page_alloc import __alloc_pages_may_oom
from perfsim.kernel.paths.shared.reclaim import balance_pgdat, try_to_free_pages
from perfsim.kernel.paths.shared.shmem import shmem_lock, shmem_unlock
from perfsim.kernel.paths.shared.swap import lru_add_drain
from perfsim.kernel.paths.shared.syscalls import sys_mlock, sys_munlock
from perfsim.kernel.paths.shared.timer import timer_interrupt
from perfsim.kernel.paths.shared.truncate import sys_ftruncate
from perfsim.kernel.paths.shared.workqueue import worker_thread
from perfsim.kernel.paths.shared.writeback import disk_interrupt


async def run_task(cpu: Cpu) -> None:
    """A task from its first step to its last: its kind's loop, then the pagevecs of its CPU are drained."""
    await cpu.task_begin()
    kind = await cpu.task_kind()
    if kind == TIMER:
        await timer_interrupt(cpu)
    elif kind == DISK:
        await disk_interrupt(cpu)
    elif kind == KSWAPD:
        await kswapd(cpu)
    elif kind == DIRECT_RECLAIM:
        await direct_reclaim(cpu)
    elif kind == FAULT_TASK:
        await fault(cpu, await cpu.task_range_pages())
    elif kind == MLOCK_TASK:
        await mlock(cpu, await cpu.task_range_pages())
    elif kind == MIGRATE_TASK:
        await migrate(cpu, await cpu.task_range_pages())
    elif kind == TRUNCATE_TASK:
        await truncate(cpu, await cpu.task_range_pages())
    elif kind == SHM_LOCK_TASK:
        await shm_lock(cpu, await cpu.task_range_pages())
    elif kind == KEVENTD:
        await worker_thread(cpu)
    else:
        await lock_loop(cpu, await cpu.task_locks_pages())
    await lru_add_drain(cpu)
    await cpu.task_exit()


async def kswapd(cpu: Cpu) -> None:
    """C: mm/vmscan.c, kswapd(): sleep until an allocation finds the zone low, then balance it. Differs: nothing."""
    zone = await cpu.numa_zone()
    while not await cpu.should_stop():
        await cpu.kswapd_sleep()
        await balance_pgdat(cpu, zone)


async def direct_reclaim(cpu: Cpu) -> None:
    """An allocating task whose zone is always low: direct reclaim, then faults for as many pages as that has freed."""
    zone = await cpu.numa_zone()
    while not await cpu.should_stop():
        did_some_progress = await try_to_free_pages(cpu, zone)
        if not did_some_progress:
            await __alloc_pages_may_oom(cpu, zone)
        for _ in range(did_some_progress):
            if not await cpu.zone_watermark_ok(zone, WMARK_MIN):
                break
            if not await handle_mm_fault(cpu, MAPPED_ELSEWHERE):
                break
            await cpu.cond_resched()  # on the way back to user mode, where the next access faults
        await cpu.sched_yield()
        await cpu.think()


async def fault(cpu: Cpu, nr_pages: int) -> None:
    """A task that touches pages; without a range of its own or another's, one new page after another.

    Out of memory it thinks and tries again.
    """
    if await cpu.task_shares():
        await fault_as_thread(cpu, nr_pages)
    elif nr_pages:
        await fault_as_process(cpu, nr_pages)
    while not await cpu.should_stop():
        await handle_mm_fault(cpu, MAPPED_ELSEWHERE)
        await cpu.sched_yield()
        await cpu.think()


async def fault_as_process(cpu: Cpu, nr_pages: int) -> None:
    """A process that maps a range, touches all of it, holds it, and unmaps it, as at its exit."""
    vma = await cpu.pick_range()
    while not await cpu.should_stop():
        await touch_range(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.hold_in_user()
        await sys_munmap(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.think()


async def fault_as_thread(cpu: Cpu, nr_pages: int) -> None:
    """A thread of another task that touches a page of its ranges each time, and gives back another, as free() does."""
    while not await cpu.should_stop():
        vma = await cpu.pick_range()
        slot = await cpu.pick_slot(vma, nr_pages)
        await do_page_fault(cpu, slot)
        await cpu.sched_yield()
        await cpu.think()
        slot = await cpu.pick_slot(vma, nr_pages)
        await sys_madvise(cpu, slot, 1)
        await cpu.sched_yield()


async def touch_range(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """User code touches the first pages of a range."""
    start = await cpu.vma_start(vma)
    for slot in range(start, start + nr_pages):
        await do_page_fault(cpu, slot)
        await cpu.cond_resched()


async def mlock(cpu: Cpu, nr_pages: int) -> None:
    """A task that locks one of its ranges, keeps it for a hold time, and unlocks one of those it holds.

    A thread of another task locks and unlocks one of that task's ranges.
    """
    while await cpu.task_shares() and not await cpu.should_stop():
        vma = await cpu.pick_range()
        await sys_mlock(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.hold_in_user()
        await sys_munlock(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.think()
    while not await cpu.should_stop():
        vma = await cpu.pick_unlocked_range()
        await sys_mlock(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.hold_in_user()
        vma = await cpu.pick_locked_range()
        await sys_munlock(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.think()


async def migrate(cpu: Cpu, nr_pages: int) -> None:
    """A task whose memory moves to another node each time, as when its cpuset is changed; or who moves another's."""
    while not await cpu.should_stop():
        vma = await cpu.pick_range()
        if not await cpu.task_shares():
            await touch_range(cpu, vma, nr_pages)
        await do_migrate_pages(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.think()


async def truncate(cpu: Cpu, nr_pages: int) -> None:
    """A task that writes a file through a mapping, holds it, and truncates it."""
    vma = await cpu.pick_range()
    while not await cpu.should_stop():
        await cpu.i_size_write(vma, nr_pages)
        await touch_range(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.hold_in_user()
        await sys_ftruncate(cpu, vma, nr_pages)
        await cpu.sched_yield()
        await cpu.think()


async def shm_lock(cpu: Cpu, nr_pages: int) -> None:
    """A task that locks its segment of shared memory, holds it, and unlocks it; reclaim culls the pages meanwhile."""
    vma = await cpu.pick_range()
    while not await cpu.should_stop():
        await touch_range(cpu, vma, nr_pages)
        await shmem_lock(cpu, vma)
        await cpu.sched_yield()
        await cpu.hold_in_user()
        await shmem_unlock(cpu, vma, nr_pages)
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
