"""The page lock. C: mm/filemap.c of 2.6.26 (TestSetPageLocked era)."""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.state import PG_LOCKED, WAIT_BUCKET


async def lock_page(cpu: Cpu, page: int) -> None:
    """C: include/linux/pagemap.h, lock_page(). Differs: nothing."""
    if await cpu.test_and_set(page, PG_LOCKED):
        await __lock_page(cpu, page)


async def trylock_page(cpu: Cpu, page: int) -> int:
    """C: !TestSetPageLocked(page), trylock_page() from 2.6.27. Differs: nothing."""
    return not await cpu.test_and_set(page, PG_LOCKED)


async def __lock_page(cpu: Cpu, page: int) -> None:
    """C: mm/filemap.c, __lock_page() with __wait_on_bit_lock(). Differs: sync_page() has no device to unplug."""
    await cpu.page_lock_contended(page)
    bucket = await cpu.page_waitqueue(page)
    locked = 1
    while locked:
        await cpu.spin_lock_irqsave(WAIT_BUCKET, bucket)
        await cpu.prepare_to_wait_exclusive(page)
        await cpu.spin_unlock_irqrestore(WAIT_BUCKET, bucket)
        if await cpu.test_flag(page, PG_LOCKED):
            await cpu.io_schedule()
        locked = await cpu.test_and_set(page, PG_LOCKED)
    if await cpu.wait_queued():  # finish_wait
        await cpu.spin_lock_irqsave(WAIT_BUCKET, bucket)
        if await cpu.wait_queued():
            await cpu.remove_wait_queue(page)
        await cpu.spin_unlock_irqrestore(WAIT_BUCKET, bucket)


async def unlock_page(cpu: Cpu, page: int) -> None:
    """C: mm/filemap.c, unlock_page(). Differs: the BUG at line 575 is counted and the kernel goes on; the fence before
    the clear is charged in full on every machine (cost-profiles §6), though on x86 it is for the compiler alone.
    """
    await cpu.smp_mb()  # smp_mb__before_clear_bit
    await cpu.test_and_clear(page, PG_LOCKED)
    bucket = await cpu.page_waitqueue(page)
    if await cpu.waitqueue_active(bucket):  # wake_up_page
        await cpu.spin_lock_irqsave(WAIT_BUCKET, bucket)
        await cpu.wake_up_bit(page)
        await cpu.spin_unlock_irqrestore(WAIT_BUCKET, bucket)
