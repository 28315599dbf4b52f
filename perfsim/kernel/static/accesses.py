"""What each primitive does to memory that others see: the one declared table of loads, stores and their order.

The static costs read which kind of access it is (`steps.py`), the explorer what may be reordered with it and what it
orders. The order that an architecture adds is the explorer's to know, from `volatile` and the kind.
Sources: include/asm-x86 and asm-ia64 (bitops.h, atomic.h, spinlock.h) of 2.6.26, Documentation/memory-barriers.txt and
atomic_ops.txt of that time.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Act(Enum):
    """What is done to a cell.

    LOAD, STORE: plain, or volatile. RMW: atomic, without result: the kernel's documents promise no order. RMW_VALUE:
    atomic, returns what it found: a full barrier before and after. RMW_LOCK: its acquiring form; RMW_UNLOCK: the
    releasing one, without result. LOCK, UNLOCK: of a spinlock. FENCE: smp_mb(). SLEEP: until somebody wakes the CPU.
    LOCKED: one step here of what C does under a lock of its own (a pte's, the tree_lock, zone->lock, the run queue's),
    at once and in order with everything. LOCAL: touches nothing that another CPU may touch at that time: the CPU's
    own, what never changes, what belongs to the holder of a lock.
    """

    LOAD = "load"
    STORE = "store"
    RMW = "rmw"
    RMW_VALUE = "rmw with value"
    RMW_LOCK = "rmw, acquire"
    RMW_UNLOCK = "rmw, release"
    LOCK = "lock"
    UNLOCK = "unlock"
    FENCE = "fence"
    LOCKED = "locked"
    SLEEP = "sleep"
    LOCAL = "local"


class Access(NamedTuple):
    """cell: which word: flags, refcount, mapcount, mapping or cgroup of a page, mapping_flags of a mapping,
    mapping_of_range (those of what a range maps), queue of a wait bucket, lock; "" for none. argument: the number of
    the argument that says whose. volatile: through a volatile pointer, as test_bit() and atomic_read() are: ld.acq,
    st.rel on ia64.
    """

    act: Act
    cell: str = ""
    argument: int = 0
    volatile: bool = False


_TEST_BIT = Access(Act.LOAD, "flags", volatile=True)
_LOAD_MAPPING = Access(Act.LOAD, "mapping")
_LOAD_COUNT = Access(Act.LOAD, "refcount", volatile=True)
_BIT = Access(Act.RMW, "flags")
_BIT_VALUE = Access(Act.RMW_VALUE, "flags")
_COUNT_VALUE = Access(Act.RMW_VALUE, "refcount")
_LOCK = Access(Act.LOCK, "lock")
_UNLOCK = Access(Act.UNLOCK, "lock")
_SLEEP = Access(Act.SLEEP)
_LOCKED = Access(Act.LOCKED)
_LOCAL = Access(Act.LOCAL)

_ON_WORDS: dict[str, Access] = {
    "test_flag": _TEST_BIT,
    "VM_BUG_ON": _TEST_BIT,
    "VM_BUG_ON_NOT": _TEST_BIT,
    "VM_BUG_ON_COUNT_NOT": _LOAD_COUNT,
    "set_flag": _BIT,
    "clear_flag": _BIT,
    "clear_flag_nonatomic": Access(Act.STORE, "flags"),
    "test_and_set": _BIT_VALUE,
    "test_and_clear": _BIT_VALUE,
    "page_mapping": _LOAD_MAPPING,
    "page_has_mapping": _LOAD_MAPPING,
    "page_anon": _LOAD_MAPPING,
    "page_index": _LOAD_MAPPING,  # page->index, which is set with it
    "page_cached_at": _LOAD_MAPPING,
    "copy_mapping": Access(Act.STORE, "mapping"),  # of newpage; that of page is read under its lock
    "clear_mapping": Access(Act.STORE, "mapping"),
    "page_mapped": Access(Act.LOAD, "mapcount", volatile=True),
    "mapping_unevictable": Access(Act.LOAD, "mapping_flags", volatile=True),
    "mapping_set_unevictable": Access(Act.RMW, "mapping_of_range"),
    "mapping_clear_unevictable": Access(Act.RMW, "mapping_of_range"),
    "page_count": _LOAD_COUNT,
    "get_page": Access(Act.RMW, "refcount"),
    "get_page_unless_zero": _COUNT_VALUE,
    "put_page_testzero": _COUNT_VALUE,
    "page_freeze_refs": _COUNT_VALUE,
    "page_unfreeze_refs": Access(Act.STORE, "refcount", volatile=True),  # atomic_set()
    "trylock_page_cgroup": Access(Act.RMW_LOCK, "cgroup"),
    "unlock_page_cgroup": Access(Act.RMW_UNLOCK, "cgroup"),
    **dict.fromkeys(("spin_lock", "spin_lock_irq", "spin_lock_irqsave"), _LOCK),
    **dict.fromkeys(("spin_unlock", "spin_unlock_irq", "spin_unlock_irqrestore"), _UNLOCK),
    "smp_mb": Access(Act.FENCE),
    "waitqueue_active": Access(Act.LOAD, "queue"),
    "read_word": _LOAD_MAPPING,
    "read_word_acquire": Access(Act.LOAD, "mapping", volatile=True),
    "write_word": Access(Act.STORE, "mapping"),
    "write_word_release": Access(Act.STORE, "mapping", volatile=True),
    "xchg_word": Access(Act.RMW_VALUE, "mapping"),
    "add_word": Access(Act.RMW, "mapping"),
}

_SLEEPS = (
    *("io_schedule", "rwsem_schedule", "wait_for_completion", "wait_for_work", "wait_for_request"),
    *("schedule_timeout", "congestion_wait", "wait_for_tick", "kswapd_sleep"),
)

_UNDER_A_LOCK = (
    # set_current_state() has a full barrier behind the enqueueing; the waker's list_del_init() and wake-up take locks
    *("prepare_to_wait_exclusive", "prepare_to_wait", "wait_queued", "remove_wait_queue", "wake_up_bit"),
    # zone->lock, and what else the allocator has
    *("zone_watermark_ok", "rmqueue", "free_page_to_zone", "mem_cgroup_prepare_migration", "wakeup_kswapd"),
    # ptes and the reverse map
    *("follow_page", "pte_page", "pte_lock_none", "pte_unlock", "set_pte", "zap_pte", "set_migration_pte"),
    *("remove_migration_pte", "pte_migration_page", "get_migration_page", "try_to_unmap", "try_to_munlock"),
    # mmap_sem
    *("down_read_or_queue", "down_read_trylock", "down_write_or_queue", "up_read", "up_write", "set_vm_locked"),
    # the tree_lock, i_size
    *("remove_from_page_cache", "find_get_page", "add_to_page_cache", "replace_slot", "within_i_size", "i_size_write"),
    # work queues, the request queue, timers
    *("queue_work", "next_work", "work_done", "insert_wq_barrier", "bdi_write_congested", "submit_bio"),
    *("serve_request", "complete_request", "run_timers"),
    # all_unreclaimable and nr_scan, which nobody orders: what they decide is no matter of safety
    *("zone_is_all_unreclaimable", "zone_set_all_unreclaimable", "due_to_scan"),
)

_ON_ONES_OWN = (
    *("page_zone", "page_is_file_cache", "page_waitqueue", "page_lock_contended", "memcg_enabled", "drain_all"),
    *("nr_cpus", "numa_zone", "current_mm", "vma_start", "mapped_object", "new_page", "observe", "requests_queued"),
    # under lru_lock or the memcg's
    *("page_lru_list", "lru_length", "add_page_to_lru_list", "del_page_from_lru_list", "lru_to_page"),
    *("prefetchw_prev_lru_page", "list_move_to_lru_head", "list_move_to_lru_tail", "mem_cgroup_move"),
    # private lists, pagevecs of the CPU
    *("list_add", "list_del", "list_last", "list_prev", "list_splice", "pagevec_add", "pagevec_count"),
    *("pagevec_page", "pagevec_reinit", "rotate_pagevec_add", "take_rotate_pagevec"),
    # under mmap_sem
    *("slot_locked", "pick_unlocked_range", "pick_locked_range", "pick_range", "pick_slot", "pick_page"),
    # answers of a task's own, and the statistics that reclaim goes by
    *("page_referenced", "current_is_kswapd", "swap_cluster_max", "nr_free_pages", "pages_mark"),
    *("inactive_anon_is_low", "recent_scanned", "recent_rotated", "halve_recent", "add_recent_scanned"),
    *("add_recent_rotated", "pages_scanned", "sc_begin", "sc_scanned", "left_to_scan", "next_batch"),
    # what only a simulator needs
    *("task_begin", "task_exit", "task_kind", "task_range_pages", "task_locks_pages", "task_shares"),
    *("migration_target", "should_stop", "cond_resched", "sched_yield", "think", "hold_in_user", "hold", "work"),
    *("count_vm_event", "probe_begin", "probe_end"),
)

ACCESSES: dict[str, Access] = {
    **_ON_WORDS,
    **dict.fromkeys(_SLEEPS, _SLEEP),
    **dict.fromkeys(_UNDER_A_LOCK, _LOCKED),
    **dict.fromkeys(_ON_ONES_OWN, _LOCAL),
}
"""By the name of a primitive, in no particular order."""
