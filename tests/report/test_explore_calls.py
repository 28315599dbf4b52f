"""Primitives in the kernel's own spelling."""

import pytest

from perfsim.kernel import constants as k
from perfsim.kernel.bounds import argument_names
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.report.explore_calls import kernel_call, value_said

PAGES = ("page", "newpage")


@pytest.mark.parametrize(
    "name, arguments, written",
    [
        ("test_flag", (0, k.PG_LRU), "PageLRU(page)"),
        ("test_and_clear", (1, k.PG_MLOCKED), "TestClearPageMlocked(newpage)"),
        ("test_flag", (0, k.PG_DIRTY | k.PG_WRITEBACK), "PageDirty(page) || PageWriteback(page)"),
        ("VM_BUG_ON", (0, k.PG_LRU | k.PG_UNEVICTABLE), "VM_BUG_ON(PageLRU(page) || PageUnevictable(page))"),
        ("VM_BUG_ON_NOT", (0, k.PG_LOCKED), "VM_BUG_ON(!PageLocked(page))"),
        ("test_flag", (0, 1 << 9), "PageFlags0x200(page)"),
        ("spin_lock", (77, 0), "spin_lock(77)"),
        ("VM_BUG_ON_COUNT_NOT", (0, 1), "VM_BUG_ON(page_count(page) != 1)"),
        ("spin_lock_irq", (k.LRU_LOCK, 0), "spin_lock_irq(&zone->lru_lock)"),
        ("spin_unlock_irqrestore", (k.WAIT_BUCKET, 0), "spin_unlock_irqrestore(&q->lock)"),
        ("mapping_clear_unevictable", (0,), "clear_bit(AS_UNEVICTABLE, &mapping->flags)"),
        ("add_page_to_lru_list", (0, 1, k.LRU_UNEVICTABLE), "list_add(newpage, LRU_UNEVICTABLE)"),
        ("page_freeze_refs", (0, 2), "page_freeze_refs(page, 2)"),
        ("put_page_testzero", (0,), "put_page_testzero(page)"),
        ("waitqueue_active", (0,), "waitqueue_active(q)"),
        ("smp_mb", (), "smp_mb()"),
        ("write_word", (0, 1), "page = 1"),
    ],
)
def test_a_call_reads_as_it_does_in_the_kernel(name: str, arguments: tuple[int, ...], written: str) -> None:
    assert kernel_call(name, arguments, PAGES) == written


def test_every_primitive_can_be_written() -> None:
    flags = {"flag": k.PG_LRU, "flags": k.PG_ACTIVE}
    for name, primitive in PRIMITIVES.items():
        arguments = [flags.get(argument, 0) for argument in argument_names(primitive)]
        assert kernel_call(name, arguments, PAGES)


def test_a_page_that_is_returned_is_told_by_its_name() -> None:
    assert value_said("pte_page", 1, PAGES) == "newpage"
    assert value_said("pte_page", k.NONE, PAGES) == "none"
    assert value_said("test_flag", 1, PAGES) == "1"
