"""The page lock and the page cache. C: mm/filemap.c of 2.6.26, whose TestSetPageLocked() is trylock_page() here."""

from __future__ import annotations

from perfsim.kernel.constants import FROZEN, LRU_ACTIVE, LRU_FILE, PG_LOCKED, PG_WRITEBACK, WAIT_BUCKET
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.page_alloc import __alloc_pages
from perfsim.kernel.paths.shared.swap import __lru_cache_add, put_page
from perfsim.machine.costs import PAGE_CLEAR


async def lock_page(cpu: Cpu, page: int) -> None:
    """C: include/linux/pagemap.h, lock_page(). Differs: nothing."""
    if await cpu.test_and_set(page, PG_LOCKED):
        await __lock_page(cpu, page)


async def trylock_page(cpu: Cpu, page: int) -> int:
    """C: !TestSetPageLocked(page), trylock_page() from 2.6.27. Differs: nothing."""
    return not await cpu.test_and_set(page, PG_LOCKED)


async def __lock_page(cpu: Cpu, page: int) -> None:
    """C: mm/filemap.c, __lock_page() with __wait_on_bit_lock(). Differs: sync_page() has no device to unplug."""
    await cpu.page_lock_contended(page)
    bucket = await cpu.page_waitqueue(page)
    locked = 1
    while locked:
        await cpu.spin_lock_irqsave(WAIT_BUCKET, bucket)
        await cpu.prepare_to_wait_exclusive(page)
        await cpu.spin_unlock_irqrestore(WAIT_BUCKET, bucket)
        if await cpu.test_flag(page, PG_LOCKED):
            await cpu.io_schedule()
        locked = await cpu.test_and_set(page, PG_LOCKED)
    await finish_wait(cpu, page, bucket)


async def finish_wait(cpu: Cpu, page: int, bucket: int) -> None:
    """C: kernel/wait.c, finish_wait(). Differs: nothing."""
    if await cpu.wait_queued():
        await cpu.spin_lock_irqsave(WAIT_BUCKET, bucket)
        if await cpu.wait_queued():
            await cpu.remove_wait_queue(page)
        await cpu.spin_unlock_irqrestore(WAIT_BUCKET, bucket)


async def wait_on_page_locked(cpu: Cpu, page: int) -> None:
    """C: include/linux/pagemap.h, wait_on_page_locked(). Differs: nothing."""
    if await cpu.test_flag(page, PG_LOCKED):
        await wait_on_page_bit(cpu, page, PG_LOCKED)


async def wait_on_page_writeback(cpu: Cpu, page: int) -> None:
    """C: include/linux/pagemap.h, wait_on_page_writeback(). Differs: nothing."""
    if await cpu.test_flag(page, PG_WRITEBACK):
        await wait_on_page_bit(cpu, page, PG_WRITEBACK)


async def wait_on_page_bit(cpu: Cpu, page: int, flag: int) -> None:
    """C: mm/filemap.c, wait_on_page_bit() with __wait_on_bit().

    Differs: as __lock_page(); the look at the bit before all others is left out, as the callers have just had one.
    """
    bucket = await cpu.page_waitqueue(page)
    is_set = 1
    while is_set:
        await cpu.spin_lock_irqsave(WAIT_BUCKET, bucket)
        await cpu.prepare_to_wait(page, flag)
        await cpu.spin_unlock_irqrestore(WAIT_BUCKET, bucket)
        if await cpu.test_flag(page, flag):
            await cpu.io_schedule()
        is_set = await cpu.test_flag(page, flag)
    await finish_wait(cpu, page, bucket)


async def unlock_page(cpu: Cpu, page: int) -> None:
    """C: mm/filemap.c, unlock_page(), with the BUG at line 575.

    Differs: the fence before the clear is charged in full on every machine (cost-profiles §6), though on x86 it is for
    the compiler alone; the one behind it is no instruction on x86 and ia64, and left out.
    """
    await cpu.smp_mb()  # smp_mb__before_clear_bit
    await cpu.test_and_clear(page, PG_LOCKED)
    await wake_up_page(cpu, page, PG_LOCKED)


async def wake_up_page(cpu: Cpu, page: int, flag: int) -> None:
    """C: mm/filemap.c, wake_up_page() with __wake_up_bit(). Differs: nothing."""
    bucket = await cpu.page_waitqueue(page)
    if await cpu.waitqueue_active(bucket):
        await cpu.spin_lock_irqsave(WAIT_BUCKET, bucket)
        await cpu.wake_up_bit(page, flag)
        await cpu.spin_unlock_irqrestore(WAIT_BUCKET, bucket)


async def find_get_page(cpu: Cpu, slot: int) -> int:
    """C: mm/filemap.c, find_get_page(): the page at a pte's offset, with a reference, or -1.

    Differs: tree_lock is part of the figure. C waits for it while reclaim or migration has frozen the page under it;
    here the lookup is done again until they have removed the page, or let it go.
    """
    page = await cpu.find_get_page(slot)
    while page == FROZEN:
        page = await cpu.find_get_page(slot)
    return page


async def find_lock_page(cpu: Cpu, slot: int) -> int:
    """C: mm/filemap.c, find_lock_page(): the page at a pte's offset, locked and with a reference, or -1.

    Differs: as find_get_page().
    """
    page = await find_get_page(cpu, slot)
    while page >= 0:  # repeat:
        await lock_page(cpu, page)
        if await cpu.page_cached_at(page, slot):
            return page
        # The page has been truncated while we slept.
        await unlock_page(cpu, page)
        await put_page(cpu, page)
        page = await find_get_page(cpu, slot)
    return page


async def filemap_fault(cpu: Cpu, slot: int) -> int:
    """C: mm/filemap.c, filemap_fault(): the page at a pte's offset, locked and with a reference, or -1.

    Differs: no read-ahead; of shared memory it is shmem_fault() in C, which does the same with what is swapped in.
    """
    if not await cpu.within_i_size(slot):
        return -1
    page = await find_lock_page(cpu, slot)
    while page < 0:  # retry_find:
        if not await page_cache_read(cpu, slot):
            return -1
        page = await find_lock_page(cpu, slot)

    # Must recheck i_size under page lock
    if not await cpu.within_i_size(slot):
        await unlock_page(cpu, page)
        await put_page(cpu, page)
        return -1
    return page


async def page_cache_read(cpu: Cpu, slot: int) -> int:
    """C: mm/filemap.c, page_cache_read(). Returns 1, or 0 without memory.

    Differs: the page is cleared instead of read, so that it is unlocked at once.
    """
    zone = await cpu.numa_zone()
    page = await __alloc_pages(cpu, zone)
    if page < 0:
        return 0
    if await add_to_page_cache_lru(cpu, page, slot):
        await cpu.work(PAGE_CLEAR)  # readpage
    await unlock_page(cpu, page)
    await put_page(cpu, page)
    return 1


async def add_to_page_cache_lru(cpu: Cpu, page: int, slot: int) -> int:
    """C: mm/filemap.c, add_to_page_cache_lru(). Returns 1, or 0 for EEXIST; the page is locked in either case.

    Differs: C locks it when it is in the tree, under the tree_lock.
    """
    await cpu.test_and_set(page, PG_LOCKED)
    if not await cpu.add_to_page_cache(page, slot):
        return 0
    lru = await cpu.page_is_file_cache(page)
    if lru == LRU_FILE:
        await __lru_cache_add(cpu, page, lru)
    else:
        await __lru_cache_add(cpu, page, lru + LRU_ACTIVE)
    return 1
