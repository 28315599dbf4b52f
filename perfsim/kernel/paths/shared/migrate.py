"""Migration functions that the patch leaves alone. C: mm/migrate.c and mm/mempolicy.c of 2.6.26-rc5-mm3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import (
    EAGAIN,
    ENOMEM,
    PAGELIST,
    PG_ACTIVE,
    PG_DIRTY,
    PG_MLOCKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    PG_UPTODATE,
    PGMIGRATE_SUCCESS,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.page_alloc import __alloc_pages
from perfsim.kernel.paths.shared.rwsem import down_read
from perfsim.kernel.paths.shared.swap import lru_add_drain_all, put_page
from perfsim.kernel.paths.shared.vmscan import isolate_lru_page
from perfsim.machine.costs import PAGE_COPY, SYSCALL

if TYPE_CHECKING:  # late bound: found in the running design's table
    from perfsim.kernel.paths.lock_page.migrate import putback_lru_pages, unmap_and_move

MIGRATE_PASSES = 10


async def do_migrate_pages(cpu: Cpu, vma: int, nr_pages: int) -> None:
    """C: mm/mempolicy.c, do_migrate_pages(), as a change of a task's cpuset calls it; a range, to the task's target.

    Differs: a page is found by its pte with a reference, as move_pages() does, not in a walk of the page table.
    """
    await cpu.work(SYSCALL)
    node = await cpu.migration_target()
    mm = await cpu.current_mm()
    await down_read(cpu, mm)
    await lru_add_drain_all(cpu)  # migrate_prep, which later kernels call before they take mmap_sem
    start = await cpu.vma_start(vma)
    for slot in range(start, start + nr_pages):
        page = await cpu.follow_page(slot)
        if page >= 0:
            if await cpu.page_zone(page) != node:
                await migrate_page_add(cpu, page)
            await put_page(cpu, page)
    await migrate_pages(cpu, node)
    await cpu.up_read(mm)


async def migrate_page_add(cpu: Cpu, page: int) -> None:
    """C: mm/mempolicy.c, migrate_page_add(): isolate a page onto the list PAGELIST. Differs: nothing."""
    if not await isolate_lru_page(cpu, page):
        await cpu.list_add(page, PAGELIST)


async def migrate_pages(cpu: Cpu, node: int) -> None:
    """C: mm/migrate.c, migrate_pages(), of the list PAGELIST. Differs: nothing."""
    retry = 1
    attempt = 0
    while retry and attempt < MIGRATE_PASSES:
        retry = 0
        page = await cpu.list_last(PAGELIST)
        while page >= 0:
            page2 = await cpu.list_prev(page, PAGELIST)
            await cpu.cond_resched()
            rc = await unmap_and_move(cpu, page, node, attempt > 2)
            if rc == -ENOMEM:
                await putback_lru_pages(cpu)
                return
            if rc == -EAGAIN:
                retry += 1
            page = page2
        attempt += 1
    await putback_lru_pages(cpu)


async def new_node_page(cpu: Cpu, node: int) -> int:
    """C: mm/mempolicy.c, new_node_page(). Returns the page, or -1. Differs: nothing."""
    return await __alloc_pages(cpu, node)


async def migrate_page(cpu: Cpu, newpage: int, page: int) -> int:
    """C: mm/migrate.c, migrate_page(). Returns 0 or -EAGAIN. Differs: nothing."""
    rc = await migrate_page_move_mapping(cpu, newpage, page)
    if rc:
        return rc
    await migrate_page_copy(cpu, newpage, page)
    await cpu.count_vm_event(PGMIGRATE_SUCCESS, 1)
    return 0


async def migrate_page_move_mapping(cpu: Cpu, newpage: int, page: int) -> int:
    """C: mm/migrate.c, migrate_page_move_mapping(). Returns 0 or -EAGAIN.

    Differs: no private buffers; no tree_lock; __put_page() is put_page_testzero(), whose value nobody needs.
    """
    if await cpu.page_anon(page) and not await cpu.test_flag(page, PG_SWAPCACHE):
        # Anonymous page without mapping
        if await cpu.page_count(page) != 1:
            return -EAGAIN
        return 0

    expected_count = 2
    if await cpu.page_count(page) != expected_count or not await cpu.page_has_mapping(page):
        return -EAGAIN
    if not await cpu.page_freeze_refs(page, expected_count):
        return -EAGAIN

    # Now we know that no one else is looking at the page.
    await cpu.get_page(newpage)  # add cache reference
    if await cpu.test_flag(page, PG_SWAPCACHE):
        await cpu.set_flag(newpage, PG_SWAPCACHE)
    await cpu.replace_slot(page, newpage)

    await cpu.page_unfreeze_refs(page, expected_count)
    await cpu.put_page_testzero(page)  # __put_page: drop cache reference from old page
    return 0


async def migrate_page_copy(cpu: Cpu, newpage: int, page: int) -> None:
    """C: mm/migrate.c, migrate_page_copy(), with unevictable_migrate_page() and mlock_migrate_page().

    Differs: only the flags that the model has; NR_MLOCK moves with the flag.
    """
    await cpu.work(PAGE_COPY)
    if await cpu.test_flag(page, PG_UPTODATE):
        await cpu.set_flag(newpage, PG_UPTODATE)
    if await cpu.test_and_clear(page, PG_ACTIVE):
        await cpu.VM_BUG_ON(page, PG_UNEVICTABLE)
        await cpu.set_flag(newpage, PG_ACTIVE)
    elif await cpu.test_and_clear(page, PG_UNEVICTABLE):
        await cpu.set_flag(newpage, PG_UNEVICTABLE)
    if await cpu.test_flag(page, PG_DIRTY):
        await cpu.clear_flag(page, PG_DIRTY)
        await cpu.set_flag(newpage, PG_DIRTY)

    if await cpu.test_and_clear(page, PG_MLOCKED):
        await cpu.test_and_set(newpage, PG_MLOCKED)

    await cpu.clear_flag(page, PG_SWAPCACHE)
    await cpu.clear_mapping(page)


async def remove_migration_ptes(cpu: Cpu, old: int, new: int) -> None:
    """C: mm/migrate.c, remove_migration_ptes(). Differs: one pte a page, so one step."""
    await cpu.remove_migration_pte(old, new)
