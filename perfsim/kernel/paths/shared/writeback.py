"""Writing pages out. C: mm/vmscan.c, pageout(), and mm/filemap.c, end_page_writeback(), of 2.6.26-rc5-mm3."""

from __future__ import annotations

from perfsim.kernel.constants import PG_DIRTY, PG_RECLAIM, PG_WRITEBACK
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import unlock_page, wake_up_page
from perfsim.kernel.paths.shared.swap import pagevec_move_tail, rotate_reclaimable_page
from perfsim.machine.costs import WRITEBACK_SUBMIT

PAGE_KEEP = 0
PAGE_SUCCESS = 1
PAGE_CLEAN = 2


async def pageout(cpu: Cpu, page: int) -> int:
    """C: mm/vmscan.c, pageout(), of a locked page: the lock is gone on PAGE_SUCCESS.

    Differs: kswapd too keeps off a congested queue, where C would let it sleep for a request; writepage() never fails.
    """
    if await cpu.page_count(page) != 2:  # is_page_cache_freeable
        return PAGE_KEEP
    if await cpu.bdi_write_congested(await cpu.page_zone(page)):  # may_write_to_queue
        return PAGE_KEEP

    if await cpu.test_and_clear(page, PG_DIRTY):  # clear_page_dirty_for_io
        await cpu.set_flag(page, PG_RECLAIM)
        await writepage(cpu, page)
        if not await cpu.test_flag(page, PG_WRITEBACK):
            await cpu.clear_flag(page, PG_RECLAIM)  # synchronous write
        return PAGE_SUCCESS

    return PAGE_CLEAN


async def writepage(cpu: Cpu, page: int) -> None:
    """C: mm/page_io.c, swap_writepage(), and what a file system's writepage() comes to. Differs: one page a request."""
    await cpu.set_flag(page, PG_WRITEBACK)  # set_page_writeback
    await unlock_page(cpu, page)
    await cpu.work(WRITEBACK_SUBMIT)
    await cpu.submit_bio(page)


async def end_page_writeback(cpu: Cpu, page: int) -> None:
    """C: mm/filemap.c, end_page_writeback(). Differs: nothing."""
    if await cpu.test_and_clear(page, PG_RECLAIM):
        await rotate_reclaimable_page(cpu, page)

    await cpu.VM_BUG_ON_NOT(page, PG_WRITEBACK)
    await cpu.test_and_clear(page, PG_WRITEBACK)
    await cpu.smp_mb()  # smp_mb__after_clear_bit
    await wake_up_page(cpu, page, PG_WRITEBACK)


async def disk_interrupt(cpu: Cpu) -> None:
    """A node's disk: it serves its queue, and its interrupt ends the writeback of each page.

    Differs: a device of its own does it, and no CPU is interrupted for it. Once the run is over it leaves no page in
    the rotate pagevec.
    """
    while True:
        await cpu.wait_for_request()
        if await cpu.requests_queued():
            await cpu.serve_request()
            page = await cpu.complete_request()
            await end_page_writeback(cpu, page)
        if await cpu.should_stop():
            await pagevec_move_tail(cpu)
