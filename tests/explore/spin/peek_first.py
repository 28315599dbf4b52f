"""redo with an unlock_page() that looks for waiters before it clears the bit: a wake-up can be lost."""

from __future__ import annotations

from perfsim.kernel.constants import PG_LOCKED, WAIT_BUCKET
from perfsim.kernel.cpu import Cpu

extends = "redo"


async def unlock_page(cpu: Cpu, page: int) -> None:
    """C: mm/filemap.c, unlock_page() with its two halves exchanged."""
    bucket = await cpu.page_waitqueue(page)
    has_waiters = await cpu.waitqueue_active(bucket)
    await cpu.test_and_clear(page, PG_LOCKED)
    if has_waiters:
        await cpu.spin_lock_irqsave(WAIT_BUCKET, bucket)
        await cpu.wake_up_bit(page, PG_LOCKED)
        await cpu.spin_unlock_irqrestore(WAIT_BUCKET, bucket)
