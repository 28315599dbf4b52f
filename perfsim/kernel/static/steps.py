"""What each primitive does that costs something: the one declared table of static costs.

A primitive is a row of steps. A step touches a modelled cache line, or is a barrier, a sleep, or local work. Where a
primitive may cost more or less, the dearer case without a wait is declared: a list of a zone holds other pages, a
private list holds none, a memcg move is to another list, a wake-up finds a sleeper on another CPU. Nobody waits for an
mmap_sem. What a device does, the timer or a disk, is nobody's time.
`tests/kernel/static/test_steps.py` holds every entry against what the effect really charges.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from perfsim.kernel.primitives import PRIMITIVES
from perfsim.machine.costs import (
    GUP_PAGE,
    IPI_SEND,
    IRQ_ENABLE,
    IRQ_RESTORE,
    L1_HIT,
    LRU_ADD_PAGE,
    LRU_ISOLATE_PAGE,
    MEMCG_MOVE,
    PAGE_ALLOC,
    PAGE_FREE,
    RADIX_DELETE,
    RMAP_REFERENCED,
    RMAP_UNMAP,
    TLB_FLUSH_LOCAL,
    WAKEUP,
)


class Kind(Enum):
    """Kinds of steps. On a line: a load, a store, a read-modify-write; OWN and PREFETCH, which cost nothing but the
    transfer, of a prefetch a part. On a spinlock's line: taking and releasing it, and a store to what lies beside it.
    MAY_SLEEP: a sleep when another holds what is asked for: on the worst way alone.
    """

    READ = "read"
    WRITE = "write"
    ATOMIC = "atomic"
    OWN = "own"
    PREFETCH = "prefetch"
    LOCK = "lock"
    UNLOCK = "unlock"
    BESIDE = "beside"
    BARRIER = "barrier"
    SLEEP = "sleep"
    MAY_SLEEP = "may sleep"
    WORK = "work"


class Step(NamedTuple):
    """line: which line, in the words of way.py; "" for none. cost: the figure of local work, or -1: the argument."""

    kind: Kind
    line: str = ""
    cost: int = 0


def _work(*costs: int) -> tuple[Step, ...]:
    return tuple(Step(Kind.WORK, cost=cost) for cost in costs)


NOTHING: tuple[Step, ...] = ()
_LOCK = (Step(Kind.LOCK, "lock"),)
_UNLOCK = (Step(Kind.UNLOCK, "lock"),)
_READ_PAGE = (Step(Kind.READ, "page"),)
_WRITE_PAGE = (Step(Kind.WRITE, "page"),)
_ATOMIC_ON_PAGE = (Step(Kind.ATOMIC, "page"),)
_ATOMIC_ON_RESULT = (Step(Kind.ATOMIC, "result"),)
_ATOMIC_ON_NEWPAGE = (Step(Kind.ATOMIC, "newpage"),)
_ATOMIC_ON_MM = (Step(Kind.ATOMIC, "mm"),)
_ATOMIC_ON_WORK_QUEUE = (Step(Kind.ATOMIC, "work queue"),)
_ATOMIC_ON_MAPPING = (Step(Kind.ATOMIC, "mapping of range"),)
_WRITE_QUEUE = (Step(Kind.WRITE, "queue"),)
_UNLINK = (Step(Kind.WRITE, "before page"), Step(Kind.WRITE, "after page"))
_BESIDE_LRU_LOCK = Step(Kind.BESIDE, "lru lock")
_LINK = (Step(Kind.WRITE, "page"), Step(Kind.WRITE, "first of list"), _BESIDE_LRU_LOCK)

STEPS: dict[str, tuple[Step, ...]] = {
    "test_flag": _READ_PAGE,
    "set_flag": _ATOMIC_ON_PAGE,
    "clear_flag": _ATOMIC_ON_PAGE,
    "clear_flag_nonatomic": _WRITE_PAGE,
    "test_and_set": _ATOMIC_ON_PAGE,
    "test_and_clear": _ATOMIC_ON_PAGE,
    "page_mapping": _READ_PAGE,
    "page_has_mapping": _READ_PAGE,
    "page_anon": _READ_PAGE,
    "page_mapped": _READ_PAGE,
    "mapping_unevictable": (Step(Kind.READ, "mapping"),),
    "get_page": _ATOMIC_ON_PAGE,
    "get_page_unless_zero": _ATOMIC_ON_PAGE,
    "put_page_testzero": _ATOMIC_ON_PAGE,
    "page_freeze_refs": _ATOMIC_ON_PAGE,
    "page_unfreeze_refs": _WRITE_PAGE,
    "page_count": _READ_PAGE,
    "copy_mapping": (*_READ_PAGE, Step(Kind.WRITE, "newpage")),
    "clear_mapping": _WRITE_PAGE,
    "page_zone": NOTHING,
    "VM_BUG_ON": NOTHING,
    "VM_BUG_ON_NOT": NOTHING,
    "VM_BUG_ON_COUNT_NOT": NOTHING,
    "spin_lock": _LOCK,
    "spin_lock_irq": _LOCK,
    "spin_lock_irqsave": _LOCK,
    "spin_unlock": _UNLOCK,
    "spin_unlock_irq": _UNLOCK + _work(IRQ_ENABLE),
    "spin_unlock_irqrestore": _UNLOCK + _work(IRQ_RESTORE),
    "smp_mb": (Step(Kind.BARRIER),),
    "page_waitqueue": NOTHING,
    "page_lock_contended": NOTHING,
    "prepare_to_wait_exclusive": (Step(Kind.BARRIER), *_WRITE_QUEUE),
    "prepare_to_wait": (Step(Kind.BARRIER), *_WRITE_QUEUE),
    "io_schedule": (Step(Kind.SLEEP),),
    "wait_queued": NOTHING,
    "remove_wait_queue": _WRITE_QUEUE,
    "waitqueue_active": (Step(Kind.READ, "queue"),),
    "wake_up_bit": _WRITE_QUEUE + _work(WAKEUP, IPI_SEND),
    "page_is_file_cache": NOTHING,
    "page_lru_list": NOTHING,
    "lru_length": NOTHING,
    "add_page_to_lru_list": _work(LRU_ADD_PAGE) + _LINK,
    "del_page_from_lru_list": _work(LRU_ISOLATE_PAGE) + _UNLINK,
    "lru_to_page": _work(L1_HIT),
    "prefetchw_prev_lru_page": (Step(Kind.PREFETCH, "before page"),),
    "list_move_to_lru_head": _UNLINK + _LINK,
    "list_move_to_lru_tail": (*_UNLINK, Step(Kind.WRITE, "page"), Step(Kind.WRITE, "last of list"), _BESIDE_LRU_LOCK),
    "list_add": _WRITE_PAGE + _work(L1_HIT),
    "list_del": _work(L1_HIT),
    "list_last": _work(L1_HIT),
    "list_prev": _work(L1_HIT),
    "list_splice": _work(L1_HIT),
    "pagevec_add": _work(L1_HIT),
    "pagevec_count": NOTHING,
    "pagevec_page": NOTHING,
    "pagevec_reinit": NOTHING,
    "memcg_enabled": NOTHING,
    "trylock_page_cgroup": _ATOMIC_ON_PAGE,
    "unlock_page_cgroup": _ATOMIC_ON_PAGE,
    "mem_cgroup_move": (Step(Kind.READ, "page_cgroup"), *_work(MEMCG_MOVE), Step(Kind.BESIDE, "memcg lock")),
    "mem_cgroup_prepare_migration": _work(MEMCG_MOVE),
    "numa_zone": NOTHING,
    "zone_watermark_ok": NOTHING,
    "rmqueue": (*_work(PAGE_ALLOC), Step(Kind.OWN, "result")),
    "free_page_to_zone": _work(PAGE_FREE) + _WRITE_PAGE,
    "remove_from_page_cache": _WRITE_PAGE,
    "new_page": NOTHING,
    "slot_locked": NOTHING,
    "follow_page": _work(GUP_PAGE) + _ATOMIC_ON_RESULT,
    "pte_page": NOTHING,
    "pick_unlocked_range": NOTHING,
    "pick_locked_range": NOTHING,
    "vma_start": NOTHING,
    "set_vm_locked": NOTHING,
    "current_mm": NOTHING,
    "down_read_or_queue": _ATOMIC_ON_MM,
    "down_read_trylock": _ATOMIC_ON_MM,
    "down_write_or_queue": _ATOMIC_ON_MM,
    "rwsem_schedule": (Step(Kind.MAY_SLEEP),),
    "up_read": _ATOMIC_ON_MM,
    "up_write": _ATOMIC_ON_MM,
    "pte_lock_none": NOTHING,
    "pte_unlock": NOTHING,
    "set_pte": _ATOMIC_ON_PAGE,
    "zap_pte": _ATOMIC_ON_RESULT,
    "set_migration_pte": _work(RMAP_UNMAP, TLB_FLUSH_LOCAL) + _ATOMIC_ON_PAGE,
    "remove_migration_pte": _work(RMAP_UNMAP) + _ATOMIC_ON_NEWPAGE,
    "pte_migration_page": NOTHING,
    "get_migration_page": _ATOMIC_ON_RESULT,
    "pick_range": NOTHING,
    "pick_slot": NOTHING,
    "task_shares": NOTHING,
    "migration_target": NOTHING,
    "mapped_object": NOTHING,
    "within_i_size": NOTHING,
    "i_size_write": NOTHING,
    "find_get_page": _work(RADIX_DELETE) + _ATOMIC_ON_RESULT,
    "page_index": _READ_PAGE,
    "page_cached_at": _READ_PAGE,
    "add_to_page_cache": _work(RADIX_DELETE) + _ATOMIC_ON_PAGE,
    "replace_slot": (*_work(RADIX_DELETE), Step(Kind.WRITE, "newpage")),
    "mapping_set_unevictable": _ATOMIC_ON_MAPPING,
    "mapping_clear_unevictable": _ATOMIC_ON_MAPPING,
    "drain_all": NOTHING,
    "nr_cpus": NOTHING,
    "queue_work": _ATOMIC_ON_WORK_QUEUE + _work(WAKEUP, IPI_SEND),
    "wait_for_work": (Step(Kind.SLEEP),),
    "next_work": _ATOMIC_ON_WORK_QUEUE,
    "work_done": _ATOMIC_ON_WORK_QUEUE,
    "insert_wq_barrier": _ATOMIC_ON_WORK_QUEUE,
    "wait_for_completion": (Step(Kind.MAY_SLEEP),),
    "current_is_kswapd": NOTHING,
    "swap_cluster_max": NOTHING,
    "nr_free_pages": NOTHING,
    "pages_mark": NOTHING,
    "inactive_anon_is_low": NOTHING,
    "recent_scanned": NOTHING,
    "recent_rotated": NOTHING,
    "halve_recent": _work(L1_HIT),
    "add_recent_scanned": _work(L1_HIT),
    "add_recent_rotated": _work(L1_HIT),
    "pages_scanned": _work(L1_HIT),
    "zone_is_all_unreclaimable": (Step(Kind.READ, "zone"),),
    "zone_set_all_unreclaimable": (Step(Kind.WRITE, "zone"),),
    "sc_begin": NOTHING,
    "sc_scanned": NOTHING,
    "due_to_scan": (Step(Kind.WRITE, "zone"),),
    "left_to_scan": NOTHING,
    "next_batch": NOTHING,
    "bdi_write_congested": _work(L1_HIT),
    "submit_bio": NOTHING,
    "wait_for_request": NOTHING,
    "requests_queued": NOTHING,
    "serve_request": NOTHING,
    "complete_request": NOTHING,
    "rotate_pagevec_add": _work(L1_HIT),
    "take_rotate_pagevec": _work(L1_HIT),
    "schedule_timeout": (Step(Kind.SLEEP),),
    "congestion_wait": (Step(Kind.SLEEP),),
    "wait_for_tick": NOTHING,
    "run_timers": NOTHING,
    "page_referenced": _work(RMAP_REFERENCED),
    "try_to_unmap": _work(RMAP_UNMAP, TLB_FLUSH_LOCAL) + _ATOMIC_ON_PAGE,
    "try_to_munlock": _work(RMAP_UNMAP),
    "page_dirty": _READ_PAGE,
    "pick_page": NOTHING,
    "task_begin": NOTHING,
    "task_exit": NOTHING,
    "task_kind": NOTHING,
    "task_range_pages": NOTHING,
    "task_locks_pages": NOTHING,
    "should_stop": NOTHING,
    "cond_resched": NOTHING,
    "sched_yield": NOTHING,
    "think": NOTHING,
    "hold_in_user": NOTHING,
    "hold": NOTHING,
    "work": _work(-1),
    "count_vm_event": NOTHING,
    "probe_begin": NOTHING,
    "probe_end": NOTHING,
    "kswapd_sleep": (Step(Kind.SLEEP),),
    "wakeup_kswapd": _work(WAKEUP, IPI_SEND),
}
"""By the name of a primitive, what it does, in no particular order."""


def steps_of(name: str) -> tuple[Step, ...]:
    """The steps of a primitive, with what passes before it takes effect.

    Raises LookupError, which says where to declare them, for a primitive that this table does not know.
    """
    if name not in STEPS:
        raise LookupError(f"the primitive {name} has no static cost; add it to STEPS in perfsim/kernel/static/steps.py")
    before = PRIMITIVES[name].before
    return STEPS[name] if before < 0 else (*_work(before), *STEPS[name])
