"""The closed set of primitives: what a kernel path may await.

shared: other CPUs can see it, so it takes effect at an instant of its own, after the CPU has paid for the work before
it; the rest is local and happens on the spot. An effect is a plain function of (state, task, now, arguments).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from perfsim.kernel.effects import (
    cache,
    disk,
    lru,
    memcontrol,
    memory,
    page,
    probe,
    pte,
    ranges,
    reclaim,
    rwsem,
    sched,
    spin,
    timer,
    wait,
    word,
    workqueue,
)
from perfsim.machine.costs import IRQ_DISABLE, IRQ_SAVE


class Primitive(NamedTuple):
    """name, effect, number of arguments; shared; before: cost that passes before it takes effect, or -1."""

    name: str
    effect: Callable[..., int]
    arguments: int
    shared: bool
    before: int = -1


def _shared(effect: Callable[..., int], arguments: int) -> Primitive:
    return Primitive(effect.__name__, effect, arguments, shared=True)


def _local(effect: Callable[..., int], arguments: int) -> Primitive:
    return Primitive(effect.__name__, effect, arguments, shared=False)


# include/linux/page-flags.h, mm.h: shared words
TEST_FLAG = _shared(page.test_flag, 2)
SET_FLAG = _shared(page.set_flag, 2)
CLEAR_FLAG = _shared(page.clear_flag, 2)
CLEAR_FLAG_NONATOMIC = _shared(page.clear_flag_nonatomic, 2)
TEST_AND_SET = _shared(page.test_and_set, 2)
TEST_AND_CLEAR = _shared(page.test_and_clear, 2)
PAGE_MAPPING = _shared(page.page_mapping, 1)
PAGE_HAS_MAPPING = _shared(page.page_has_mapping, 1)
PAGE_ANON = _shared(page.page_anon, 1)
PAGE_MAPPED = _shared(page.page_mapped, 1)
MAPPING_UNEVICTABLE = _shared(page.mapping_unevictable, 1)
PAGE_COUNT = _shared(page.page_count, 1)
GET_PAGE = _shared(page.get_page, 1)
GET_PAGE_UNLESS_ZERO = _shared(page.get_page_unless_zero, 1)
PUT_PAGE_TESTZERO = _shared(page.put_page_testzero, 1)
PAGE_FREEZE_REFS = _shared(page.page_freeze_refs, 2)
PAGE_UNFREEZE_REFS = _shared(page.page_unfreeze_refs, 2)
COPY_MAPPING = _shared(page.copy_mapping, 2)
CLEAR_MAPPING = _shared(page.clear_mapping, 1)
PAGE_ZONE = _local(page.page_zone, 1)
VM_BUG_ON_ = _local(page.VM_BUG_ON, 2)
VM_BUG_ON_NOT_ = _local(page.VM_BUG_ON_NOT, 2)
VM_BUG_ON_COUNT_NOT_ = _local(page.VM_BUG_ON_COUNT_NOT, 2)

# include/linux/spinlock.h
SPIN_LOCK = _shared(spin.spin_lock, 2)
SPIN_LOCK_IRQ = Primitive("spin_lock_irq", spin.spin_lock, 2, shared=True, before=IRQ_DISABLE)
SPIN_LOCK_IRQSAVE = Primitive("spin_lock_irqsave", spin.spin_lock, 2, shared=True, before=IRQ_SAVE)
SPIN_UNLOCK = _shared(spin.spin_unlock, 2)
SPIN_UNLOCK_IRQ = _shared(spin.spin_unlock_irq, 2)
SPIN_UNLOCK_IRQRESTORE = _shared(spin.spin_unlock_irqrestore, 2)
SMP_MB = _local(spin.smp_mb, 0)
SPIN_LOCKS = (SPIN_LOCK, SPIN_LOCK_IRQ, SPIN_LOCK_IRQSAVE)
SPIN_UNLOCKS = (SPIN_UNLOCK, SPIN_UNLOCK_IRQ, SPIN_UNLOCK_IRQRESTORE)

# mm/filemap.c, kernel/wait.c
PAGE_WAITQUEUE = _local(wait.page_waitqueue, 1)
PAGE_LOCK_CONTENDED = _local(wait.page_lock_contended, 1)
PREPARE_TO_WAIT_EXCLUSIVE = _local(wait.prepare_to_wait_exclusive, 1)
PREPARE_TO_WAIT = _local(wait.prepare_to_wait, 2)
IO_SCHEDULE = _shared(wait.io_schedule, 0)
WAIT_QUEUED = _shared(wait.wait_queued, 0)
REMOVE_WAIT_QUEUE = _local(wait.remove_wait_queue, 1)
WAITQUEUE_ACTIVE = _shared(wait.waitqueue_active, 1)
WAKE_UP_BIT = _shared(wait.wake_up_bit, 2)

# include/linux/mm_inline.h, list.h, pagevec.h: under lru_lock, or private
PAGE_IS_FILE_CACHE = _local(lru.page_is_file_cache, 1)
PAGE_LRU_LIST = _local(lru.page_lru_list, 1)
LRU_LENGTH = _local(lru.lru_length, 2)
ADD_PAGE_TO_LRU_LIST = _local(lru.add_page_to_lru_list, 3)
DEL_PAGE_FROM_LRU_LIST = _local(lru.del_page_from_lru_list, 3)
LRU_TO_PAGE = _local(lru.lru_to_page, 2)
PREFETCHW_PREV_LRU_PAGE = _local(lru.prefetchw_prev_lru_page, 1)
LIST_MOVE_TO_LRU_HEAD = _local(lru.list_move_to_lru_head, 3)
LIST_MOVE_TO_LRU_TAIL = _local(lru.list_move_to_lru_tail, 3)
LIST_ADD = _local(lru.list_add, 2)
LIST_DEL = _local(lru.list_del, 1)
LIST_LAST = _local(lru.list_last, 1)
LIST_PREV = _local(lru.list_prev, 2)
LIST_SPLICE = _local(lru.list_splice, 2)
PAGEVEC_ADD = _local(lru.pagevec_add, 2)
PAGEVEC_COUNT = _local(lru.pagevec_count, 1)
PAGEVEC_PAGE = _local(lru.pagevec_page, 2)
PAGEVEC_REINIT = _local(lru.pagevec_reinit, 1)
MEMCG_ENABLED = _local(memcontrol.memcg_enabled, 0)
TRYLOCK_PAGE_CGROUP = _shared(memcontrol.trylock_page_cgroup, 1)
UNLOCK_PAGE_CGROUP = _shared(memcontrol.unlock_page_cgroup, 1)
MEM_CGROUP_MOVE = _local(memcontrol.mem_cgroup_move, 2)
MEM_CGROUP_PREPARE_MIGRATION = _shared(memcontrol.mem_cgroup_prepare_migration, 2)

# mm/page_alloc.c, memory.c, rmap.c
NUMA_ZONE = _local(sched.numa_zone, 0)
ZONE_WATERMARK_OK = _shared(memory.zone_watermark_ok, 2)
RMQUEUE = _shared(memory.rmqueue, 1)
FREE_PAGE_TO_ZONE = _shared(memory.free_page_to_zone, 1)
REMOVE_FROM_PAGE_CACHE = _shared(cache.remove_from_page_cache, 1)
NEW_PAGE = _local(memory.new_page, 2)
SLOT_LOCKED = _local(ranges.slot_locked, 1)
PAGE_REFERENCED = _local(memory.page_referenced, 1)
TRY_TO_UNMAP = _shared(memory.try_to_unmap, 1)
TRY_TO_MUNLOCK = _shared(memory.try_to_munlock, 1)
PICK_PAGE = _local(ranges.pick_page, 0)

# lib/rwsem-spinlock.c: mmap_sem
CURRENT_MM = _local(rwsem.current_mm, 0)
DOWN_READ_OR_QUEUE = _shared(rwsem.down_read_or_queue, 1)
DOWN_READ_TRYLOCK = _shared(rwsem.down_read_trylock, 1)
DOWN_WRITE_OR_QUEUE = _shared(rwsem.down_write_or_queue, 1)
RWSEM_SCHEDULE = _shared(rwsem.rwsem_schedule, 0)
UP_READ = _shared(rwsem.up_read, 1)
UP_WRITE = _shared(rwsem.up_write, 1)

# page tables, and the ranges that they are of
FOLLOW_PAGE = _shared(pte.follow_page, 1)
PTE_PAGE = _shared(pte.pte_page, 1)
PTE_LOCK_NONE = _shared(pte.pte_lock_none, 1)
PTE_UNLOCK = _shared(pte.pte_unlock, 1)
SET_PTE = _shared(pte.set_pte, 2)
ZAP_PTE = _shared(pte.zap_pte, 1)
SET_MIGRATION_PTE = _shared(pte.set_migration_pte, 1)
REMOVE_MIGRATION_PTE = _shared(pte.remove_migration_pte, 2)
PTE_MIGRATION_PAGE = _shared(pte.pte_migration_page, 1)
GET_MIGRATION_PAGE = _shared(pte.get_migration_page, 1)
PICK_UNLOCKED_RANGE = _local(ranges.pick_unlocked_range, 0)
PICK_LOCKED_RANGE = _local(ranges.pick_locked_range, 0)
PICK_RANGE = _local(ranges.pick_range, 0)
PICK_SLOT = _local(ranges.pick_slot, 2)
TASK_SHARES = _local(ranges.task_shares, 0)
MIGRATION_TARGET = _local(ranges.migration_target, 0)
VMA_START = _local(ranges.vma_start, 1)
SET_VM_LOCKED = _shared(ranges.set_vm_locked, 2)

# mm/filemap.c, shmem.c: the page caches of files and of shared memory
MAPPED_OBJECT = _local(cache.mapped_object, 1)
WITHIN_I_SIZE = _shared(cache.within_i_size, 1)
I_SIZE_WRITE = _shared(cache.i_size_write, 2)
FIND_GET_PAGE = _shared(cache.find_get_page, 1)
PAGE_INDEX = _shared(cache.page_index, 1)
PAGE_CACHED_AT = _shared(cache.page_cached_at, 2)
ADD_TO_PAGE_CACHE = _shared(cache.add_to_page_cache, 2)
REPLACE_SLOT = _shared(cache.replace_slot, 2)
MAPPING_SET_UNEVICTABLE = _shared(cache.mapping_set_unevictable, 1)
MAPPING_CLEAR_UNEVICTABLE = _shared(cache.mapping_clear_unevictable, 1)

# kernel/workqueue.c: keventd
DRAIN_ALL = _local(workqueue.drain_all, 0)
NR_CPUS = _local(workqueue.nr_cpus, 0)
QUEUE_WORK = _shared(workqueue.queue_work, 1)
WAIT_FOR_WORK = _shared(workqueue.wait_for_work, 0)
NEXT_WORK = _shared(workqueue.next_work, 0)
WORK_DONE = _shared(workqueue.work_done, 0)
INSERT_WQ_BARRIER = _shared(workqueue.insert_wq_barrier, 1)
WAIT_FOR_COMPLETION = _shared(workqueue.wait_for_completion, 0)

# mm/vmscan.c: what reclaim counts and decides by
CURRENT_IS_KSWAPD = _local(reclaim.current_is_kswapd, 0)
SWAP_CLUSTER_MAX = _local(reclaim.swap_cluster_max, 0)
NR_FREE_PAGES = _local(reclaim.nr_free_pages, 1)
PAGES_MARK = _local(reclaim.pages_mark, 2)
INACTIVE_ANON_IS_LOW = _local(reclaim.inactive_anon_is_low, 1)
RECENT_SCANNED = _local(reclaim.recent_scanned, 2)
RECENT_ROTATED = _local(reclaim.recent_rotated, 2)
HALVE_RECENT = _local(reclaim.halve_recent, 2)
ADD_RECENT_SCANNED = _local(reclaim.add_recent_scanned, 3)
ADD_RECENT_ROTATED = _local(reclaim.add_recent_rotated, 3)
PAGES_SCANNED = _local(reclaim.pages_scanned, 2)
ZONE_IS_ALL_UNRECLAIMABLE = _shared(reclaim.zone_is_all_unreclaimable, 1)
ZONE_SET_ALL_UNRECLAIMABLE = _shared(reclaim.zone_set_all_unreclaimable, 1)
SC_BEGIN = _local(reclaim.sc_begin, 0)
SC_SCANNED = _local(reclaim.sc_scanned, 1)
DUE_TO_SCAN = _shared(reclaim.due_to_scan, 3)
LEFT_TO_SCAN = _local(reclaim.left_to_scan, 0)
NEXT_BATCH = _local(reclaim.next_batch, 1)

# block/, mm/swap.c: writeback
BDI_WRITE_CONGESTED = _shared(disk.bdi_write_congested, 1)
SUBMIT_BIO = _shared(disk.submit_bio, 1)
WAIT_FOR_REQUEST = _shared(disk.wait_for_request, 0)
REQUESTS_QUEUED = _local(disk.requests_queued, 0)
SERVE_REQUEST = _shared(disk.serve_request, 0)
COMPLETE_REQUEST = _shared(disk.complete_request, 0)
ROTATE_PAGEVEC_ADD = _shared(disk.rotate_pagevec_add, 1)
TAKE_ROTATE_PAGEVEC = _shared(disk.take_rotate_pagevec, 0)

# kernel/timer.c
SCHEDULE_TIMEOUT = _shared(timer.schedule_timeout, 1)
CONGESTION_WAIT = _shared(timer.congestion_wait, 1)
WAIT_FOR_TICK = _shared(timer.wait_for_tick, 0)
RUN_TIMERS = _shared(timer.run_timers, 0)

# kernel/sched.c, and what only a simulator needs
TASK_BEGIN = _shared(sched.task_begin, 0)
TASK_EXIT = _shared(sched.task_exit, 0)
TASK_KIND = _local(sched.task_kind, 0)
TASK_RANGE_PAGES = _local(sched.task_range_pages, 0)
TASK_LOCKS_PAGES = _local(sched.task_locks_pages, 0)
SHOULD_STOP = _shared(sched.should_stop, 0)
COND_RESCHED = _shared(sched.cond_resched, 0)
SCHED_YIELD = _shared(sched.sched_yield, 0)
THINK = _shared(sched.think, 0)
HOLD_IN_USER = _shared(sched.hold_in_user, 0)
HOLD = _local(sched.hold, 0)
WORK = _local(sched.work, 1)
COUNT_VM_EVENT = _local(probe.count_vm_event, 2)
PROBE_BEGIN = _local(probe.probe_begin, 1)
PROBE_END = _local(probe.probe_end, 1)
KSWAPD_SLEEP = _shared(sched.kswapd_sleep, 0)
WAKEUP_KSWAPD = _shared(sched.wakeup_kswapd, 1)

# no kernel's: litmus tests
READ_WORD = _shared(word.read_word, 1)
READ_WORD_ACQUIRE = _shared(word.read_word_acquire, 1)
WRITE_WORD = _shared(word.write_word, 2)
WRITE_WORD_RELEASE = _shared(word.write_word_release, 2)
XCHG_WORD = _shared(word.xchg_word, 2)
ADD_WORD = _shared(word.add_word, 2)
OBSERVE = _local(word.observe, 2)

PRIMITIVES: dict[str, Primitive] = {
    value.name: value for value in tuple(globals().values()) if isinstance(value, Primitive)
}
"""By name, in the order above."""
