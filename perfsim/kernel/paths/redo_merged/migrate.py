"""Migration as merged: the new page is put back last. C: mm/migrate.c of 2.6.28."""

from __future__ import annotations

from perfsim.kernel.constants import ENOMEM, PG_LOCKED
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo.migrate import __unmap_and_move
from perfsim.kernel.paths.redo_merged.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.filemap import trylock_page, unlock_page
from perfsim.kernel.paths.shared.migrate import migrate_page, new_node_page, remove_migration_ptes


async def move_to_new_page(cpu: Cpu, newpage: int, page: int) -> int:
    """C: mm/migrate.c, move_to_new_page(). Returns 0 or -EAGAIN. Differs: all mappings migrate with migrate_page()."""
    await cpu.VM_BUG_ON(newpage, PG_LOCKED)
    await trylock_page(cpu, newpage)
    await cpu.copy_mapping(newpage, page)

    rc = await migrate_page(cpu, newpage, page)

    if not rc:
        await remove_migration_ptes(cpu, page, newpage)
    else:
        await cpu.clear_mapping(newpage)

    await unlock_page(cpu, newpage)

    return rc


async def unmap_and_move(cpu: Cpu, page: int, node: int, force: int) -> int:
    """C: mm/migrate.c, unmap_and_move(). Returns 0, -EAGAIN or -ENOMEM.

    Differs: as in redo/migrate.py.
    """
    newpage = await new_node_page(cpu, node)
    if newpage < 0:
        return -ENOMEM

    rc = 0
    if await cpu.page_count(page) != 1:  # else it was freed from under us, so we are done
        await cpu.mem_cgroup_prepare_migration(page, newpage)
        rc = await __unmap_and_move(cpu, page, newpage, force)

    # Move the new page to the LRU. If migration was not successful then this will free the page.
    await putback_lru_page(cpu, newpage)
    return rc
