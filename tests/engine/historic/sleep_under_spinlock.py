"""B5: munlock's walk takes the page lock, which sleeps, in atomic context: in 2.6.26-rc8-mm1 a mapping of ptes."""

from __future__ import annotations

from perfsim.kernel.constants import MZ_LOCK
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.lock_page.mlock import munlock_vma_page
from perfsim.kernel.paths.shared.filemap import lock_page, unlock_page

extends = "lock_page"


async def __munlock_pte_handler(cpu: Cpu, slot: int) -> None:
    """C: mm/mlock.c, __munlock_pte_handler(). A lock that nobody else takes, without memcg, is the atomic context."""
    zone = await cpu.numa_zone()
    page = await cpu.pte_page(slot)
    if page < 0:
        return
    await cpu.spin_lock(MZ_LOCK, zone)
    await lock_page(cpu, page)
    await cpu.spin_unlock(MZ_LOCK, zone)
    await munlock_vma_page(cpu, page)
    await unlock_page(cpu, page)
