"""The C beside the Python, statement by statement: a line that moves, changes or goes alone is found.

C is abbreviated: declarations of locals without a value, braces and comments are left out. `-` where Python needs a
line that C does not.
"""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from perfsim.kernel.paths.lock_page import mlock as old_mlock
from perfsim.kernel.paths.lock_page import vmscan as old_vmscan
from perfsim.kernel.paths.redo import mlock as redo_mlock
from perfsim.kernel.paths.redo import vmscan as redo_vmscan

Statements = list[tuple[str, str]]

OLD_PUTBACK: Statements = [
    ("int ret = 1;", "ret = 1"),
    ("VM_BUG_ON(!PageLocked(page));", "await cpu.VM_BUG_ON_NOT(page, PG_LOCKED)"),
    ("VM_BUG_ON(PageLRU(page));", "await cpu.VM_BUG_ON(page, PG_LRU)"),
    ("lru = !!TestClearPageActive(page);", "lru = await cpu.test_and_clear(page, PG_ACTIVE)"),
    ("was_… = TestClearPageUnevictable(page);", "was_unevictable = await cpu.test_and_clear(page, PG_UNEVICTABLE)"),
    ("if (unlikely(!page->mapping)) {", "if not await cpu.page_has_mapping(page):"),
    ("unlock_page(page);", "await unlock_page(cpu, page)"),
    ("ret = 0;", "ret = 0"),
    ("} else if (page_evictable(page, NULL)) {", "elif await page_evictable(cpu, page):"),
    ("lru += page_is_file_cache(page);", "lru += await cpu.page_is_file_cache(page)"),
    ("lru_cache_add_lru(page, lru);", "await lru_cache_add_lru(cpu, page, lru)"),
    ("mem_cgroup_move_lists(page, lru);", "await mem_cgroup_move_lists(cpu, page, lru)"),
    ("if (was_unevictable)", "if was_unevictable:"),
    ("count_vm_event(NORECL_PGRESCUED);", "await cpu.count_vm_event(UNEVICTABLE_PGRESCUED, 1)"),
    ("} else {", "else:"),
    ("add_page_to_unevictable_list(page);", "await add_page_to_unevictable_list(cpu, page)"),
    ("mem_cgroup_move_lists(page, LRU_UNEVICTABLE);", "await mem_cgroup_move_lists(cpu, page, LRU_UNEVICTABLE)"),
    ("if (!was_unevictable)", "if not was_unevictable:"),
    ("count_vm_event(NORECL_PGCULLED);", "await cpu.count_vm_event(UNEVICTABLE_PGCULLED, 1)"),
    ("put_page(page);", "await put_page(cpu, page)"),
    ("return ret;", "return ret"),
]

REDO_PUTBACK: Statements = [
    ("VM_BUG_ON(PageLRU(page));", "await cpu.VM_BUG_ON(page, PG_LRU)"),
    ("was_… = TestClearPageUnevictable(page);", "was_unevictable = await cpu.test_and_clear(page, PG_UNEVICTABLE)"),
    ("-", "lru, redo = LRU_UNEVICTABLE, 1"),
    ("redo:", "while redo:"),
    ("-", "redo = 0"),
    ("lru = !!TestClearPageActive(page);", "lru = await cpu.test_and_clear(page, PG_ACTIVE)"),
    ("if (page_evictable(page, NULL)) {", "if await page_evictable(cpu, page):"),
    ("lru += page_is_file_cache(page);", "lru += await cpu.page_is_file_cache(page)"),
    ("lru_cache_add_lru(page, lru);", "await lru_cache_add_lru(cpu, page, lru)"),
    ("} else {", "else:"),
    ("lru = LRU_UNEVICTABLE;", "lru = LRU_UNEVICTABLE"),
    ("add_page_to_unevictable_list(page);", "await add_page_to_unevictable_list(cpu, page)"),
    ("mem_cgroup_move_lists(page, lru);", "await mem_cgroup_move_lists(cpu, page, lru)"),
    (
        "if (lru == LRU_UNEVICTABLE && page_evictable(page, NULL)) {",
        "if lru == LRU_UNEVICTABLE and await page_evictable(cpu, page):",
    ),
    ("if (!isolate_lru_page(page)) {", "if not await isolate_lru_page(cpu, page):"),
    ("put_page(page);", "await put_page(cpu, page)"),
    ("-", "await cpu.count_vm_event(REDO_RETRIES, 1)"),
    ("goto redo;", "redo = 1"),
    ("if (was_unevictable && lru != LRU_UNEVICTABLE)", "if was_unevictable and lru != LRU_UNEVICTABLE:"),
    ("count_vm_event(NORECL_PGRESCUED);", "await cpu.count_vm_event(UNEVICTABLE_PGRESCUED, 1)"),
    ("else if (!was_unevictable && lru == LRU_UNEVICTABLE)", "elif not was_unevictable and lru == LRU_UNEVICTABLE:"),
    ("count_vm_event(NORECL_PGCULLED);", "await cpu.count_vm_event(UNEVICTABLE_PGCULLED, 1)"),
    ("put_page(page);", "await put_page(cpu, page)"),
]

OLD_CULL: Statements = [
    ("lock_page(page);", "await lock_page(cpu, page)"),
    ("if (putback_lru_page(page))", "if await putback_lru_page(cpu, page):"),
    ("unlock_page(page);", "await unlock_page(cpu, page)"),
]

# inc_zone_page_state(page, NR_MLOCK) is part of the effect of TestSetPageMlocked.
REDO_MLOCK_VMA_PAGE: Statements = [
    ("if (!TestSetPageMlocked(page)) {", "if not await cpu.test_and_set(page, PG_MLOCKED):"),
    ("count_vm_event(NORECL_PGMLOCKED);", "await cpu.count_vm_event(UNEVICTABLE_PGMLOCKED, 1)"),
    ("if (!isolate_lru_page(page))", "if not await isolate_lru_page(cpu, page):"),
    ("putback_lru_page(page);", "await putback_lru_page(cpu, page)"),
]
OLD_MLOCK_VMA_PAGE: Statements = [
    ("BUG_ON(!PageLocked(page));", "await cpu.VM_BUG_ON_NOT(page, PG_LOCKED)"),
    *REDO_MLOCK_VMA_PAGE,
]


def statements(function: Callable[..., Any]) -> list[str]:
    """The lines of a path's body as written, without docstring, comments and blank lines."""
    text = inspect.getsource(function).split("\n    ", 1)[1]
    body = text.split('"""', 2)[2]
    code = (line.split("  #")[0].strip() for line in body.splitlines())
    return [line for line in code if line and not line.startswith("#")]


@pytest.mark.parametrize(
    "function,table",
    [
        pytest.param(old_vmscan.putback_lru_page, OLD_PUTBACK, id="old putback_lru_page"),
        pytest.param(redo_vmscan.putback_lru_page, REDO_PUTBACK, id="redo putback_lru_page"),
        pytest.param(old_vmscan.cull_unevictable_page, OLD_CULL, id="old cull_unevictable_page"),
        pytest.param(old_mlock.mlock_vma_page, OLD_MLOCK_VMA_PAGE, id="old mlock_vma_page"),
        pytest.param(redo_mlock.mlock_vma_page, REDO_MLOCK_VMA_PAGE, id="redo mlock_vma_page"),
    ],
)
def test_each_line_of_the_path_stands_beside_its_c_statement(function: Callable[..., Any], table: Statements) -> None:
    assert statements(function) == [python for _, python in table]


@pytest.mark.parametrize("table", [OLD_PUTBACK, REDO_PUTBACK, OLD_CULL, OLD_MLOCK_VMA_PAGE])
def test_calls_of_c_functions_keep_their_names_in_python(table: Statements) -> None:
    for c, python in table:
        if c.endswith("(page);") and c[0].islower() and "=" not in c:
            assert python == f"await {c.removesuffix('(page);')}(cpu, page)"


def test_goto_redo_is_said_beside_the_line_that_stands_for_it() -> None:
    source = inspect.getsource(redo_vmscan.putback_lru_page)
    assert "while redo:  # redo:" in source
    assert "redo = 1  # goto redo" in source
