"""A cull that forgets the page lock: the first VM_BUG_ON of the old putback_lru_page()."""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.lock_page.vmscan import putback_lru_page

extends = "lock_page"


async def cull_unevictable_page(cpu: Cpu, page: int) -> None:
    """C: mm/vmscan.c, cull_unevictable_page()."""
    await putback_lru_page(cpu, page)
