"""The primitives of reclaim's statistics, of writeback and of timers, as cpu.py has the others."""

from __future__ import annotations

from collections.abc import Awaitable

from perfsim.kernel import primitives as p
from perfsim.kernel.performer import Performer


class ReclaimCpu(Performer):
    """A part of Cpu."""

    # mm/vmscan.c: what reclaim counts and decides by

    def current_is_kswapd(self) -> Awaitable[int]:
        return self.perform(p.CURRENT_IS_KSWAPD)

    def swap_cluster_max(self) -> Awaitable[int]:
        return self.perform(p.SWAP_CLUSTER_MAX)

    def nr_free_pages(self, zone: int) -> Awaitable[int]:
        return self.perform(p.NR_FREE_PAGES, zone)

    def pages_mark(self, zone: int, mark: int) -> Awaitable[int]:
        return self.perform(p.PAGES_MARK, zone, mark)

    def inactive_anon_is_low(self, zone: int) -> Awaitable[int]:
        return self.perform(p.INACTIVE_ANON_IS_LOW, zone)

    def recent_scanned(self, zone: int, lru: int) -> Awaitable[int]:
        return self.perform(p.RECENT_SCANNED, zone, lru)

    def recent_rotated(self, zone: int, lru: int) -> Awaitable[int]:
        return self.perform(p.RECENT_ROTATED, zone, lru)

    def halve_recent(self, zone: int, lru: int) -> Awaitable[int]:
        return self.perform(p.HALVE_RECENT, zone, lru)

    def add_recent_scanned(self, zone: int, lru: int, delta: int) -> Awaitable[int]:
        return self.perform(p.ADD_RECENT_SCANNED, zone, lru, delta)

    def add_recent_rotated(self, zone: int, lru: int, delta: int) -> Awaitable[int]:
        return self.perform(p.ADD_RECENT_ROTATED, zone, lru, delta)

    def pages_scanned(self, zone: int, delta: int) -> Awaitable[int]:
        return self.perform(p.PAGES_SCANNED, zone, delta)

    def zone_is_all_unreclaimable(self, zone: int) -> Awaitable[int]:
        return self.perform(p.ZONE_IS_ALL_UNRECLAIMABLE, zone)

    def zone_set_all_unreclaimable(self, zone: int) -> Awaitable[int]:
        return self.perform(p.ZONE_SET_ALL_UNRECLAIMABLE, zone)

    def sc_begin(self) -> Awaitable[int]:
        return self.perform(p.SC_BEGIN)

    def sc_scanned(self, delta: int) -> Awaitable[int]:
        return self.perform(p.SC_SCANNED, delta)

    def due_to_scan(self, zone: int, lru: int, delta: int) -> Awaitable[int]:
        return self.perform(p.DUE_TO_SCAN, zone, lru, delta)

    def left_to_scan(self) -> Awaitable[int]:
        return self.perform(p.LEFT_TO_SCAN)

    def next_batch(self, lru: int) -> Awaitable[int]:
        return self.perform(p.NEXT_BATCH, lru)

    # block/, mm/swap.c: writeback

    def bdi_write_congested(self, zone: int) -> Awaitable[int]:
        return self.perform(p.BDI_WRITE_CONGESTED, zone)

    def submit_bio(self, page: int) -> Awaitable[int]:
        return self.perform(p.SUBMIT_BIO, page)

    def wait_for_request(self) -> Awaitable[int]:
        return self.perform(p.WAIT_FOR_REQUEST)

    def requests_queued(self) -> Awaitable[int]:
        return self.perform(p.REQUESTS_QUEUED)

    def serve_request(self) -> Awaitable[int]:
        return self.perform(p.SERVE_REQUEST)

    def complete_request(self) -> Awaitable[int]:
        return self.perform(p.COMPLETE_REQUEST)

    def rotate_pagevec_add(self, page: int) -> Awaitable[int]:
        return self.perform(p.ROTATE_PAGEVEC_ADD, page)

    def take_rotate_pagevec(self) -> Awaitable[int]:
        return self.perform(p.TAKE_ROTATE_PAGEVEC)

    # kernel/timer.c

    def schedule_timeout(self, ticks: int) -> Awaitable[int]:
        return self.perform(p.SCHEDULE_TIMEOUT, ticks)

    def congestion_wait(self, ticks: int) -> Awaitable[int]:
        return self.perform(p.CONGESTION_WAIT, ticks)

    def wait_for_tick(self) -> Awaitable[int]:
        return self.perform(p.WAIT_FOR_TICK)

    def run_timers(self) -> Awaitable[int]:
        return self.perform(p.RUN_TIMERS)
