"""Migration with putback outside of the page lock. C: mm/migrate.c of 2.6.26-rc5-mm3 with the rework of 2008-06-18."""

from __future__ import annotations

from perfsim.kernel.constants import EAGAIN, ENOMEM, NONE, PAGELIST, PG_LOCKED, PG_WRITEBACK
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.redo.vmscan import putback_lru_page
from perfsim.kernel.paths.shared.filemap import lock_page, trylock_page, unlock_page, wait_on_page_writeback
from perfsim.kernel.paths.shared.migrate import migrate_page, new_node_page, remove_migration_ptes
from perfsim.kernel.paths.shared.swap import put_page


async def putback_lru_pages(cpu: Cpu) -> int:
    """C: mm/migrate.c, putback_lru_pages(), of the list PAGELIST. Returns their number. Differs: nothing."""
    count = 0
    page = await cpu.list_last(PAGELIST)
    while page >= 0:
        await cpu.list_del(page)
        await putback_lru_page(cpu, page)
        count += 1
        page = await cpu.list_last(PAGELIST)
    return count


async def move_to_new_page(cpu: Cpu, newpage: int, page: int) -> int:
    """C: mm/migrate.c, move_to_new_page(). Returns 0 or -EAGAIN. Differs: all mappings migrate with migrate_page()."""
    await cpu.VM_BUG_ON(newpage, PG_LOCKED)
    await trylock_page(cpu, newpage)
    await cpu.copy_mapping(newpage, page)

    rc = await migrate_page(cpu, newpage, page)

    if not rc:
        await remove_migration_ptes(cpu, page, newpage)
        # Put back on LRU while holding page locked to handle potential race with, e.g., munlock()
        await putback_lru_page(cpu, newpage)
    else:
        await cpu.clear_mapping(newpage)

    await unlock_page(cpu, newpage)

    return rc


async def unmap_and_move(cpu: Cpu, page: int, node: int, force: int) -> int:
    """C: mm/migrate.c, unmap_and_move(). Returns 0, -EAGAIN or -ENOMEM.

    Differs: what C does between its first and its last label is __unmap_and_move(), as in later kernels; what
    mem_cgroup_end_migration() would give back goes with the page when it is freed. A page that has moved and has no
    mapping any more is R1 whatever its count, for it may be another's by now; put_page() would take a reference from
    that one, and nothing that the run says afterwards would be of use.
    """
    newpage = await new_node_page(cpu, node)
    if newpage < 0:
        return -ENOMEM

    rc, moved = 0, 0
    if await cpu.page_count(page) != 1:  # else it was freed from under us, so we are done
        await cpu.mem_cgroup_prepare_migration(page, newpage)
        rc = await __unmap_and_move(cpu, page, newpage, force)
        moved = not rc

    # end_migration: if migration was not successful then this will free the page
    if not await cpu.page_has_mapping(newpage):
        await cpu.VM_BUG_ON_COUNT_NOT(newpage, NONE if moved else 1)
        if not moved:
            await put_page(cpu, newpage)
    return rc


async def __unmap_and_move(cpu: Cpu, page: int, newpage: int, force: int) -> int:
    """The middle of C: mm/migrate.c, unmap_and_move(). Differs: nothing."""
    rc = -EAGAIN
    if not await trylock_page(cpu, page):
        if not force:
            return rc
        await lock_page(cpu, page)

    writeback = await cpu.test_flag(page, PG_WRITEBACK)
    if writeback and force:
        await wait_on_page_writeback(cpu, page)
        writeback = 0

    if not writeback and await cpu.page_has_mapping(page):
        await cpu.set_migration_pte(page)  # try_to_unmap(page, 1)

        if not await cpu.page_mapped(page):
            rc = await move_to_new_page(cpu, newpage, page)

        if rc:
            await remove_migration_ptes(cpu, page, page)

    # unlock:
    await unlock_page(cpu, page)

    if rc != -EAGAIN:
        await cpu.list_del(page)
        await putback_lru_page(cpu, page)

    return rc
