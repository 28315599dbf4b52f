"""Litmus tests whose second store of a CPU alone is a read-modify-write with a value; loads acquire."""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu


async def store_store(cpu: Cpu, a: int, b: int) -> None:
    """Writes two words, one after the other."""
    await cpu.write_word(a, 1)
    await cpu.xchg_word(b, 2)


async def load_load(cpu: Cpu, a: int, b: int, seen: int) -> None:
    """Reads two words: the first one is the tens of what it has seen."""
    r = await cpu.read_word_acquire(a)
    s = await cpu.read_word_acquire(b)
    await cpu.observe(seen, 10 * r + s)
