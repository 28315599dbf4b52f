"""mlock() and munlock() of a range. C: mm/mlock.c of 2.6.26-rc5-mm3: sys_mlock(), sys_munlock(), mlock_fixup()."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import DRAIN_ONCE
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.rwsem import down_write
from perfsim.kernel.paths.shared.swap import lru_add_drain_all
from perfsim.machine.costs import SYSCALL

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.mlock import __mlock_vma_pages_range, __munlock_vma_pages_range


async def sys_mlock(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """C: mm/mlock.c, sys_mlock() of a range, with do_mlock() and mlock_fixup().

    Differs: a range is a vma of its own, so nothing is split; drain_all: once drains here alone, as mainline after
    commit 8891d6da.
    """
    await cpu.work(SYSCALL)
    if await cpu.drain_all() == DRAIN_ONCE:
        await lru_add_drain_all(cpu)  # flush pagevec
    mm = await cpu.current_mm()
    await down_write(cpu, mm)
    if await cpu.set_vm_locked(vma, 1):  # newflags != vma->vm_flags
        start = await cpu.vma_start(vma)
        await __mlock_vma_pages_range(cpu, start, nr_pages)
    await cpu.up_write(mm)


async def sys_munlock(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """C: mm/mlock.c, sys_munlock() of a range, with do_mlock() and mlock_fixup(). Differs: as sys_mlock()."""
    await cpu.work(SYSCALL)
    mm = await cpu.current_mm()
    await down_write(cpu, mm)
    if await cpu.set_vm_locked(vma, 0):  # newflags != vma->vm_flags
        start = await cpu.vma_start(vma)
        await __munlock_vma_pages_range(cpu, start, nr_pages)
    await cpu.up_write(mm)
