"""Which primitives the search performs by their effect, and what becomes of the others."""

from __future__ import annotations

from perfsim.kernel.static.accesses import ACCESSES, Act

NO_WAYS = frozenset(
    (
        *("think", "hold_in_user", "hold", "sched_yield", "should_stop", "task_begin", "task_exit", "kswapd_sleep"),
        *("schedule_timeout", "congestion_wait", "wait_for_tick", "run_timers", "bdi_write_congested"),
        *("submit_bio", "wait_for_request", "requests_queued", "serve_request", "complete_request"),
        *("queue_work", "wait_for_work", "next_work", "work_done", "insert_wq_barrier", "wait_for_completion"),
        *("due_to_scan", "left_to_scan", "next_batch", "pick_page", "pick_range", "pick_slot", "pick_locked_range"),
        *("pick_unlocked_range", "task_kind", "task_range_pages", "task_locks_pages", "task_shares"),
    )
)
"""Primitives of time, of devices and of chance, for which the explorer has no way."""

IDLE = frozenset(("cond_resched", "work", "count_vm_event", "prefetchw_prev_lru_page", "page_lock_contended"))
"""Primitives that do nothing that is of interest here."""

HANDLED = frozenset(
    name for name, access in ACCESSES.items() if access.act in (Act.LOCK, Act.UNLOCK, Act.SLEEP, Act.FENCE)
)
"""Primitives that the search performs itself, not by their effect."""
