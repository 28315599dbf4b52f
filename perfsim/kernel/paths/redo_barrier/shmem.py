"""SHM_UNLOCK with the barrier of 2011. C: mm/shmem.c of 3.2.

The patch is "vmscan: add barrier to prevent evictable page in unevictable list".
"""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo_merged.vmscan import scan_mapping_unevictable_pages
from perfsim.machine.costs import SYSCALL


async def shmem_unlock(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """C: mm/shmem.c, shmem_lock(lock=0), and the scan of the mapping.

    Differs: as in shared/shmem.py. C's smp_mb__after_clear_bit() is no instruction on x86 and ia64, whose clear_bit()
    orders what follows; here it is the full barrier that the mail asks for, and that other machines pay.
    """
    await cpu.work(SYSCALL)
    await cpu.mapping_clear_unevictable(vma)
    # AS_UNEVICTABLE must be seen clear before the scan looks at PG_lru: pairs with putback's barrier.
    await cpu.smp_mb()
    start = await cpu.vma_start(vma)
    await scan_mapping_unevictable_pages(cpu, start, nr_pages)
