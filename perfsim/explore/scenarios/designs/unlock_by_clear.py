"""unlock_page() by a clear_bit() that returns nothing, with a fence behind it, as in later kernels (§11.3)."""

from __future__ import annotations

from perfsim.kernel.constants import PG_LOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import wake_up_page

extends = "redo_merged"


async def unlock_page(cpu: Cpu, page: int) -> None:
    """C: mm/filemap.c, unlock_page(), since "mm: page lock use lock bitops" of August 2008."""
    await cpu.smp_mb()  # what makes a clear_bit() a release
    await cpu.clear_flag(page, PG_LOCKED)  # clear_bit_unlock
    await cpu.smp_mb()  # smp_mb__after_clear_bit
    await wake_up_page(cpu, page, PG_LOCKED)
