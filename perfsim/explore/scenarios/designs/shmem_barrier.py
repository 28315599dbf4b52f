"""The rework as merged, with the barrier of 2011 in SHM_UNLOCK, and without that of 2009 in putback (§11.2)."""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo_merged.vmscan import scan_mapping_unevictable_pages
from perfsim.machine.costs import SYSCALL

extends = "redo_merged"


async def shmem_unlock(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """C: mm/shmem.c, shmem_lock(lock=0), with smp_mb__after_clear_bit() as a full barrier."""
    await cpu.work(SYSCALL)
    await cpu.mapping_clear_unevictable(vma)
    await cpu.smp_mb()
    start = await cpu.vma_start(vma)
    await scan_mapping_unevictable_pages(cpu, start, nr_pages)
