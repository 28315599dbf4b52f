"""redo_merged, where mlock takes no fault: a page that is not mapped any more is passed by."""

from __future__ import annotations

from perfsim.kernel.constants import GUP_PAGES
from perfsim.kernel.cpu import Cpu

extends = "redo_merged"


async def get_user_pages(cpu: Cpu, slot: int, nr_pages: int) -> int:
    """C: mm/memory.c, get_user_pages(). Differs: what is not present ends it, as memory that has run out would."""
    await cpu.pagevec_reinit(GUP_PAGES)
    for i in range(nr_pages):
        page = await cpu.follow_page(slot + i)
        if page < 0:
            return i
        await cpu.pagevec_add(GUP_PAGES, page)
    return nr_pages
