"""SHM_LOCK and SHM_UNLOCK. C: mm/shmem.c, ipc/shm.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.cpu import Cpu
from perfsim.machine.costs import SYSCALL

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.shared.unevictable import scan_mapping_unevictable_pages


async def shmem_lock(cpu: Cpu, vma: int) -> None:
    """C: mm/shmem.c, shmem_lock(lock=1). Differs: info->lock has one user, so it is no lock here."""
    await cpu.work(SYSCALL)
    await cpu.mapping_set_unevictable(vma)


async def shmem_unlock(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """C: mm/shmem.c, shmem_lock(lock=0), and the scan that sys_shmctl() does after its locks are dropped.

    Differs: as shmem_lock().
    """
    await cpu.work(SYSCALL)
    await cpu.mapping_clear_unevictable(vma)
    start = await cpu.vma_start(vma)
    await scan_mapping_unevictable_pages(cpu, start, nr_pages)
