"""B3, 2008-06-18: a fault takes a reference to a page that migration has frozen. BUG at include/linux/mm.h:297."""

from __future__ import annotations

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import wait_on_page_locked
from perfsim.kernel.paths.shared.swap import put_page

extends = "lock_page"


async def migration_entry_wait(cpu: Cpu, slot: int) -> None:
    """C: mm/migrate.c, migration_entry_wait(). The pte lock that C holds over the two steps is not modelled."""
    page = await cpu.pte_migration_page(slot)
    if page >= 0:
        await cpu.get_page(page)
        await wait_on_page_locked(cpu, page)
        await put_page(cpu, page)
