"""What a kernel path sees of the machine it runs on: one method a primitive, each to be awaited.

The methods are the primitives' names and arguments, nothing more; an engine says how one is performed. What each does
stands with its effect (perfsim/kernel/effects).
"""

from __future__ import annotations

from collections.abc import Awaitable

from perfsim.kernel import primitives as p
from perfsim.kernel.cpu_memory import MemoryCpu
from perfsim.kernel.cpu_reclaim import ReclaimCpu


class Cpu(MemoryCpu, ReclaimCpu):
    """A task on its CPU, as a path sees it."""

    # include/linux/page-flags.h, mm.h: shared words

    def test_flag(self, page: int, flag: int) -> Awaitable[int]:
        return self.perform(p.TEST_FLAG, page, flag)

    def set_flag(self, page: int, flag: int) -> Awaitable[int]:
        return self.perform(p.SET_FLAG, page, flag)

    def clear_flag(self, page: int, flag: int) -> Awaitable[int]:
        return self.perform(p.CLEAR_FLAG, page, flag)

    def clear_flag_nonatomic(self, page: int, flag: int) -> Awaitable[int]:
        return self.perform(p.CLEAR_FLAG_NONATOMIC, page, flag)

    def test_and_set(self, page: int, flag: int) -> Awaitable[int]:
        return self.perform(p.TEST_AND_SET, page, flag)

    def test_and_clear(self, page: int, flag: int) -> Awaitable[int]:
        return self.perform(p.TEST_AND_CLEAR, page, flag)

    def page_mapping(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_MAPPING, page)

    def page_has_mapping(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_HAS_MAPPING, page)

    def page_anon(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_ANON, page)

    def page_mapped(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_MAPPED, page)

    def mapping_unevictable(self, mapping: int) -> Awaitable[int]:
        return self.perform(p.MAPPING_UNEVICTABLE, mapping)

    def page_count(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_COUNT, page)

    def get_page(self, page: int) -> Awaitable[int]:
        return self.perform(p.GET_PAGE, page)

    def get_page_unless_zero(self, page: int) -> Awaitable[int]:
        return self.perform(p.GET_PAGE_UNLESS_ZERO, page)

    def put_page_testzero(self, page: int) -> Awaitable[int]:
        return self.perform(p.PUT_PAGE_TESTZERO, page)

    def page_freeze_refs(self, page: int, expected: int) -> Awaitable[int]:
        return self.perform(p.PAGE_FREEZE_REFS, page, expected)

    def page_unfreeze_refs(self, page: int, count: int) -> Awaitable[int]:
        return self.perform(p.PAGE_UNFREEZE_REFS, page, count)

    def copy_mapping(self, newpage: int, page: int) -> Awaitable[int]:
        return self.perform(p.COPY_MAPPING, newpage, page)

    def clear_mapping(self, page: int) -> Awaitable[int]:
        return self.perform(p.CLEAR_MAPPING, page)

    def page_zone(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_ZONE, page)

    def VM_BUG_ON(self, page: int, flags: int) -> Awaitable[int]:  # noqa: N802
        return self.perform(p.VM_BUG_ON_, page, flags)

    def VM_BUG_ON_NOT(self, page: int, flag: int) -> Awaitable[int]:  # noqa: N802
        return self.perform(p.VM_BUG_ON_NOT_, page, flag)

    def VM_BUG_ON_COUNT_NOT(self, page: int, count: int) -> Awaitable[int]:  # noqa: N802
        return self.perform(p.VM_BUG_ON_COUNT_NOT_, page, count)

    # include/linux/spinlock.h

    def spin_lock(self, lock_class: int, index: int) -> Awaitable[int]:
        return self.perform(p.SPIN_LOCK, lock_class, index)

    def spin_lock_irq(self, lock_class: int, index: int) -> Awaitable[int]:
        return self.perform(p.SPIN_LOCK_IRQ, lock_class, index)

    def spin_lock_irqsave(self, lock_class: int, index: int) -> Awaitable[int]:
        return self.perform(p.SPIN_LOCK_IRQSAVE, lock_class, index)

    def spin_unlock(self, lock_class: int, index: int) -> Awaitable[int]:
        return self.perform(p.SPIN_UNLOCK, lock_class, index)

    def spin_unlock_irq(self, lock_class: int, index: int) -> Awaitable[int]:
        return self.perform(p.SPIN_UNLOCK_IRQ, lock_class, index)

    def spin_unlock_irqrestore(self, lock_class: int, index: int) -> Awaitable[int]:
        return self.perform(p.SPIN_UNLOCK_IRQRESTORE, lock_class, index)

    def smp_mb(self) -> Awaitable[int]:
        return self.perform(p.SMP_MB)

    # mm/filemap.c, kernel/wait.c

    def page_waitqueue(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_WAITQUEUE, page)

    def page_lock_contended(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_LOCK_CONTENDED, page)

    def prepare_to_wait_exclusive(self, page: int) -> Awaitable[int]:
        return self.perform(p.PREPARE_TO_WAIT_EXCLUSIVE, page)

    def prepare_to_wait(self, page: int, flag: int) -> Awaitable[int]:
        return self.perform(p.PREPARE_TO_WAIT, page, flag)

    def io_schedule(self) -> Awaitable[int]:
        return self.perform(p.IO_SCHEDULE)

    def wait_queued(self) -> Awaitable[int]:
        return self.perform(p.WAIT_QUEUED)

    def remove_wait_queue(self, page: int) -> Awaitable[int]:
        return self.perform(p.REMOVE_WAIT_QUEUE, page)

    def waitqueue_active(self, bucket: int) -> Awaitable[int]:
        return self.perform(p.WAITQUEUE_ACTIVE, bucket)

    def wake_up_bit(self, page: int, flag: int) -> Awaitable[int]:
        return self.perform(p.WAKE_UP_BIT, page, flag)

    # include/linux/mm_inline.h, list.h, pagevec.h: under lru_lock, or private

    def page_is_file_cache(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_IS_FILE_CACHE, page)

    def page_lru_list(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_LRU_LIST, page)

    def lru_length(self, zone: int, lru: int) -> Awaitable[int]:
        return self.perform(p.LRU_LENGTH, zone, lru)

    def add_page_to_lru_list(self, zone: int, page: int, lru: int) -> Awaitable[int]:
        return self.perform(p.ADD_PAGE_TO_LRU_LIST, zone, page, lru)

    def del_page_from_lru_list(self, zone: int, page: int, lru: int) -> Awaitable[int]:
        return self.perform(p.DEL_PAGE_FROM_LRU_LIST, zone, page, lru)

    def lru_to_page(self, zone: int, lru: int) -> Awaitable[int]:
        return self.perform(p.LRU_TO_PAGE, zone, lru)

    def prefetchw_prev_lru_page(self, page: int) -> Awaitable[int]:
        return self.perform(p.PREFETCHW_PREV_LRU_PAGE, page)

    def list_move_to_lru_head(self, zone: int, page: int, lru: int) -> Awaitable[int]:
        return self.perform(p.LIST_MOVE_TO_LRU_HEAD, zone, page, lru)

    def list_move_to_lru_tail(self, zone: int, page: int, lru: int) -> Awaitable[int]:
        return self.perform(p.LIST_MOVE_TO_LRU_TAIL, zone, page, lru)

    def list_add(self, page: int, which: int) -> Awaitable[int]:
        return self.perform(p.LIST_ADD, page, which)

    def list_del(self, page: int) -> Awaitable[int]:
        return self.perform(p.LIST_DEL, page)

    def list_last(self, which: int) -> Awaitable[int]:
        return self.perform(p.LIST_LAST, which)

    def list_prev(self, page: int, which: int) -> Awaitable[int]:
        return self.perform(p.LIST_PREV, page, which)

    def list_splice(self, source: int, target: int) -> Awaitable[int]:
        return self.perform(p.LIST_SPLICE, source, target)

    def pagevec_add(self, vector: int, page: int) -> Awaitable[int]:
        return self.perform(p.PAGEVEC_ADD, vector, page)

    def pagevec_count(self, vector: int) -> Awaitable[int]:
        return self.perform(p.PAGEVEC_COUNT, vector)

    def pagevec_page(self, vector: int, index: int) -> Awaitable[int]:
        return self.perform(p.PAGEVEC_PAGE, vector, index)

    def pagevec_reinit(self, vector: int) -> Awaitable[int]:
        return self.perform(p.PAGEVEC_REINIT, vector)

    def memcg_enabled(self) -> Awaitable[int]:
        return self.perform(p.MEMCG_ENABLED)

    def trylock_page_cgroup(self, page: int) -> Awaitable[int]:
        return self.perform(p.TRYLOCK_PAGE_CGROUP, page)

    def unlock_page_cgroup(self, page: int) -> Awaitable[int]:
        return self.perform(p.UNLOCK_PAGE_CGROUP, page)

    def mem_cgroup_move(self, page: int, lru: int) -> Awaitable[int]:
        return self.perform(p.MEM_CGROUP_MOVE, page, lru)

    def mem_cgroup_prepare_migration(self, page: int, newpage: int) -> Awaitable[int]:
        return self.perform(p.MEM_CGROUP_PREPARE_MIGRATION, page, newpage)

    # mm/page_alloc.c, memory.c, rmap.c

    def numa_zone(self) -> Awaitable[int]:
        return self.perform(p.NUMA_ZONE)

    def zone_watermark_ok(self, zone: int, mark: int) -> Awaitable[int]:
        return self.perform(p.ZONE_WATERMARK_OK, zone, mark)

    def rmqueue(self, zone: int) -> Awaitable[int]:
        return self.perform(p.RMQUEUE, zone)

    def free_page_to_zone(self, page: int) -> Awaitable[int]:
        return self.perform(p.FREE_PAGE_TO_ZONE, page)

    def remove_from_page_cache(self, page: int) -> Awaitable[int]:
        return self.perform(p.REMOVE_FROM_PAGE_CACHE, page)

    def new_page(self, page: int, slot: int) -> Awaitable[int]:
        return self.perform(p.NEW_PAGE, page, slot)

    def slot_locked(self, slot: int) -> Awaitable[int]:
        return self.perform(p.SLOT_LOCKED, slot)

    def page_referenced(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_REFERENCED, page)

    def try_to_unmap(self, page: int) -> Awaitable[int]:
        return self.perform(p.TRY_TO_UNMAP, page)

    def try_to_munlock(self, page: int) -> Awaitable[int]:
        return self.perform(p.TRY_TO_MUNLOCK, page)

    def pick_page(self) -> Awaitable[int]:
        return self.perform(p.PICK_PAGE)

    # kernel/sched.c, and what only a simulator needs

    def task_begin(self) -> Awaitable[int]:
        return self.perform(p.TASK_BEGIN)

    def task_exit(self) -> Awaitable[int]:
        return self.perform(p.TASK_EXIT)

    def task_kind(self) -> Awaitable[int]:
        return self.perform(p.TASK_KIND)

    def task_range_pages(self) -> Awaitable[int]:
        return self.perform(p.TASK_RANGE_PAGES)

    def task_locks_pages(self) -> Awaitable[int]:
        return self.perform(p.TASK_LOCKS_PAGES)

    def should_stop(self) -> Awaitable[int]:
        return self.perform(p.SHOULD_STOP)

    def cond_resched(self) -> Awaitable[int]:
        return self.perform(p.COND_RESCHED)

    def sched_yield(self) -> Awaitable[int]:
        return self.perform(p.SCHED_YIELD)

    def think(self) -> Awaitable[int]:
        return self.perform(p.THINK)

    def hold_in_user(self) -> Awaitable[int]:
        return self.perform(p.HOLD_IN_USER)

    def hold(self) -> Awaitable[int]:
        return self.perform(p.HOLD)

    def work(self, cost: int) -> Awaitable[int]:
        return self.perform(p.WORK, cost)

    def count_vm_event(self, event: int, delta: int) -> Awaitable[int]:
        return self.perform(p.COUNT_VM_EVENT, event, delta)

    def probe_begin(self, probe: int) -> Awaitable[int]:
        return self.perform(p.PROBE_BEGIN, probe)

    def probe_end(self, probe: int) -> Awaitable[int]:
        return self.perform(p.PROBE_END, probe)

    def kswapd_sleep(self) -> Awaitable[int]:
        return self.perform(p.KSWAPD_SLEEP)

    def wakeup_kswapd(self, zone: int) -> Awaitable[int]:
        return self.perform(p.WAKEUP_KSWAPD, zone)

    # no kernel's: litmus tests

    def read_word(self, page: int) -> Awaitable[int]:
        return self.perform(p.READ_WORD, page)

    def read_word_acquire(self, page: int) -> Awaitable[int]:
        return self.perform(p.READ_WORD_ACQUIRE, page)

    def write_word(self, page: int, value: int) -> Awaitable[int]:
        return self.perform(p.WRITE_WORD, page, value)

    def write_word_release(self, page: int, value: int) -> Awaitable[int]:
        return self.perform(p.WRITE_WORD_RELEASE, page, value)

    def xchg_word(self, page: int, value: int) -> Awaitable[int]:
        return self.perform(p.XCHG_WORD, page, value)

    def add_word(self, page: int, value: int) -> Awaitable[int]:
        return self.perform(p.ADD_WORD, page, value)

    def observe(self, page: int, value: int) -> Awaitable[int]:
        return self.perform(p.OBSERVE, page, value)
