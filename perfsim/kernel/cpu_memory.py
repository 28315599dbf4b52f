"""The primitives of page tables, page caches, mmap_sem and work queues, as cpu.py has the others."""

from __future__ import annotations

from collections.abc import Awaitable

from perfsim.kernel import primitives as p
from perfsim.kernel.performer import Performer


class MemoryCpu(Performer):
    """A part of Cpu."""

    # page tables, and the ranges that they are of

    def follow_page(self, slot: int) -> Awaitable[int]:
        return self.perform(p.FOLLOW_PAGE, slot)

    def pte_page(self, slot: int) -> Awaitable[int]:
        return self.perform(p.PTE_PAGE, slot)

    def pte_lock_none(self, slot: int) -> Awaitable[int]:
        return self.perform(p.PTE_LOCK_NONE, slot)

    def pte_unlock(self, slot: int) -> Awaitable[int]:
        return self.perform(p.PTE_UNLOCK, slot)

    def set_pte(self, page: int, slot: int) -> Awaitable[int]:
        return self.perform(p.SET_PTE, page, slot)

    def zap_pte(self, slot: int) -> Awaitable[int]:
        return self.perform(p.ZAP_PTE, slot)

    def set_migration_pte(self, page: int) -> Awaitable[int]:
        return self.perform(p.SET_MIGRATION_PTE, page)

    def remove_migration_pte(self, page: int, newpage: int) -> Awaitable[int]:
        return self.perform(p.REMOVE_MIGRATION_PTE, page, newpage)

    def pte_migration_page(self, slot: int) -> Awaitable[int]:
        return self.perform(p.PTE_MIGRATION_PAGE, slot)

    def get_migration_page(self, slot: int) -> Awaitable[int]:
        return self.perform(p.GET_MIGRATION_PAGE, slot)

    def pick_unlocked_range(self) -> Awaitable[int]:
        return self.perform(p.PICK_UNLOCKED_RANGE)

    def pick_locked_range(self) -> Awaitable[int]:
        return self.perform(p.PICK_LOCKED_RANGE)

    def pick_range(self) -> Awaitable[int]:
        return self.perform(p.PICK_RANGE)

    def pick_slot(self, range_: int, count: int) -> Awaitable[int]:
        return self.perform(p.PICK_SLOT, range_, count)

    def task_shares(self) -> Awaitable[int]:
        return self.perform(p.TASK_SHARES)

    def migration_target(self) -> Awaitable[int]:
        return self.perform(p.MIGRATION_TARGET)

    def vma_start(self, range_: int) -> Awaitable[int]:
        return self.perform(p.VMA_START, range_)

    def set_vm_locked(self, range_: int, locked: int) -> Awaitable[int]:
        return self.perform(p.SET_VM_LOCKED, range_, locked)

    # mm/filemap.c, shmem.c: the page caches of files and of shared memory

    def mapped_object(self, slot: int) -> Awaitable[int]:
        return self.perform(p.MAPPED_OBJECT, slot)

    def within_i_size(self, slot: int) -> Awaitable[int]:
        return self.perform(p.WITHIN_I_SIZE, slot)

    def i_size_write(self, range_: int, size: int) -> Awaitable[int]:
        return self.perform(p.I_SIZE_WRITE, range_, size)

    def find_get_page(self, slot: int) -> Awaitable[int]:
        return self.perform(p.FIND_GET_PAGE, slot)

    def page_index(self, page: int) -> Awaitable[int]:
        return self.perform(p.PAGE_INDEX, page)

    def page_cached_at(self, page: int, slot: int) -> Awaitable[int]:
        return self.perform(p.PAGE_CACHED_AT, page, slot)

    def add_to_page_cache(self, page: int, slot: int) -> Awaitable[int]:
        return self.perform(p.ADD_TO_PAGE_CACHE, page, slot)

    def replace_slot(self, page: int, newpage: int) -> Awaitable[int]:
        return self.perform(p.REPLACE_SLOT, page, newpage)

    def mapping_set_unevictable(self, range_: int) -> Awaitable[int]:
        return self.perform(p.MAPPING_SET_UNEVICTABLE, range_)

    def mapping_clear_unevictable(self, range_: int) -> Awaitable[int]:
        return self.perform(p.MAPPING_CLEAR_UNEVICTABLE, range_)

    # lib/rwsem-spinlock.c: mmap_sem

    def current_mm(self) -> Awaitable[int]:
        return self.perform(p.CURRENT_MM)

    def down_read_or_queue(self, mm: int) -> Awaitable[int]:
        return self.perform(p.DOWN_READ_OR_QUEUE, mm)

    def down_read_trylock(self, mm: int) -> Awaitable[int]:
        return self.perform(p.DOWN_READ_TRYLOCK, mm)

    def down_write_or_queue(self, mm: int) -> Awaitable[int]:
        return self.perform(p.DOWN_WRITE_OR_QUEUE, mm)

    def rwsem_schedule(self) -> Awaitable[int]:
        return self.perform(p.RWSEM_SCHEDULE)

    def up_read(self, mm: int) -> Awaitable[int]:
        return self.perform(p.UP_READ, mm)

    def up_write(self, mm: int) -> Awaitable[int]:
        return self.perform(p.UP_WRITE, mm)

    # kernel/workqueue.c: keventd

    def drain_all(self) -> Awaitable[int]:
        return self.perform(p.DRAIN_ALL)

    def nr_cpus(self) -> Awaitable[int]:
        return self.perform(p.NR_CPUS)

    def queue_work(self, on_cpu: int) -> Awaitable[int]:
        return self.perform(p.QUEUE_WORK, on_cpu)

    def wait_for_work(self) -> Awaitable[int]:
        return self.perform(p.WAIT_FOR_WORK)

    def next_work(self) -> Awaitable[int]:
        return self.perform(p.NEXT_WORK)

    def work_done(self) -> Awaitable[int]:
        return self.perform(p.WORK_DONE)

    def insert_wq_barrier(self, on_cpu: int) -> Awaitable[int]:
        return self.perform(p.INSERT_WQ_BARRIER, on_cpu)

    def wait_for_completion(self) -> Awaitable[int]:
        return self.perform(p.WAIT_FOR_COMPLETION)
