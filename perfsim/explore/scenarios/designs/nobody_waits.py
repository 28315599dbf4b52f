"""B2, 2008-06-17: migration asserts that nobody waits for the old page. BUG at mm/migrate.c:719."""

from __future__ import annotations

from perfsim.kernel.constants import EAGAIN
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.lock_page.migrate import move_to_new_page
from perfsim.kernel.paths.lock_page.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.filemap import lock_page, trylock_page, unlock_page
from perfsim.kernel.paths.shared.migrate import remove_migration_ptes
from perfsim.kernel.paths.shared.swap import put_page

extends = "lock_page"


async def __unmap_and_move(cpu: Cpu, page: int, newpage: int, force: int) -> int:
    """C: mm/migrate.c, the middle of unmap_and_move(), with the assertion at line 719; without writeback."""
    unlock = 1
    rc = -EAGAIN
    if not await trylock_page(cpu, page):
        if not force:
            return rc
        await lock_page(cpu, page)
    if await cpu.page_has_mapping(page):
        await cpu.set_migration_pte(page)
        if not await cpu.page_mapped(page):
            rc = await move_to_new_page(cpu, newpage, page)
        if rc:
            await remove_migration_ptes(cpu, page, page)
    if rc != -EAGAIN:
        await cpu.list_del(page)
        if not await cpu.page_has_mapping(page):
            await cpu.VM_BUG_ON_COUNT_NOT(page, 1)  # mm/migrate.c:719
            await unlock_page(cpu, page)
            await put_page(cpu, page)
            return rc
        unlock = await putback_lru_page(cpu, page)
    if unlock:
        await unlock_page(cpu, page)
    return rc
