"""A page lock cleared by an atomic that returns a value, and the sleeper's fence (§11.3)."""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu

extends = "redo_merged"


async def unlock(cpu: Cpu, unlocked: int, queued: int, saw: int) -> None:
    """C: mm/filemap.c, unlock_page(), up to its look at the queue."""
    await cpu.xchg_word(unlocked, 1)
    r = await cpu.read_word(queued)
    await cpu.observe(saw, 1 + r)


async def sleep(cpu: Cpu, unlocked: int, queued: int, saw: int) -> None:
    """C: mm/filemap.c, __lock_page(), from the queue to its look at the bit."""
    await cpu.write_word(queued, 1)
    await cpu.smp_mb()
    r = await cpu.read_word(unlocked)
    await cpu.observe(saw, 1 + r)
