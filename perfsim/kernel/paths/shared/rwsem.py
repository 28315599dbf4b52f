"""mmap_sem. C: lib/rwsem-spinlock.c of 2.6.26, that of x86_64; ia64's lib/rwsem.c grants in the same order."""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu


async def down_read(cpu: Cpu, mm: int) -> None:
    """C: down_read(&mm->mmap_sem), __down_read(). Differs: sem->wait_lock is a figure, so that it is one step."""
    if not await cpu.down_read_or_queue(mm):
        await cpu.rwsem_schedule()


async def down_write(cpu: Cpu, mm: int) -> None:
    """C: down_write(&mm->mmap_sem), __down_write(). Differs: as down_read()."""
    if not await cpu.down_write_or_queue(mm):
        await cpu.rwsem_schedule()
