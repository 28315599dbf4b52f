"""The C beside the Python, statement by statement: a line that moves, changes or goes alone is found.

C is abbreviated: declarations of locals without a value, closing braces, comments, and the conditions of the
preprocessor are left out. `-` where one of the two has no line for the other's; the reasons are below. The two
putback_lru_page() are held against the text of the patch of 2008-06-18 too, every statement of it.
"""

import inspect
import re
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
    (
        "was_unevictable = TestClearPageUnevictable(page);",
        "was_unevictable = await cpu.test_and_clear(page, PG_UNEVICTABLE)",
    ),
    ("if (unlikely(!page->mapping)) {", "if not await cpu.page_has_mapping(page):"),
    ("VM_BUG_ON(page_count(page) != 1);", "-"),
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
    (
        "was_unevictable = TestClearPageUnevictable(page);",
        "was_unevictable = await cpu.test_and_clear(page, PG_UNEVICTABLE)",
    ),
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

# Why a line of one side has none on the other.
ALONE = {
    "VM_BUG_ON(page_count(page) != 1);": "the hot fix of 2008-06-17 took the assertion away; the docstring says so",
    "lru, redo = LRU_UNEVICTABLE, 1": "a label is a loop, which needs its first test and a local that is never unset",
    "redo = 0": "a turn of the loop is the last, unless goto redo says another",
    "await cpu.count_vm_event(REDO_RETRIES, 1)": "the simulator counts the turns; the docstring says so",
}

# The lines of the patch's hunk in mm/vmscan.c that the old and the new function are made of, as posted.
OLD_C = """
    int lru;
    int ret = 1;
    int was_unevictable;

    VM_BUG_ON(!PageLocked(page));
    VM_BUG_ON(PageLRU(page));

    lru = !!TestClearPageActive(page);
    was_unevictable = TestClearPageUnevictable(page); /* for page_evictable() */

    if (unlikely(!page->mapping)) {
        /*
         * page truncated.  drop lock as put_page() will
         * free the page.
         */
        VM_BUG_ON(page_count(page) != 1);
        unlock_page(page);
        ret = 0;
    } else if (page_evictable(page, NULL)) {
        /*
         * For evictable pages, we can use the cache.
         * In event of a race, worst case is we end up with an
         * unevictable page on [in]active list.
         * We know how to handle that.
         */
        lru += page_is_file_cache(page);
        lru_cache_add_lru(page, lru);
        mem_cgroup_move_lists(page, lru);
#ifdef CONFIG_UNEVICTABLE_LRU
        if (was_unevictable)
            count_vm_event(NORECL_PGRESCUED);
#endif
    } else {
        /*
         * Put unevictable pages directly on zone's unevictable
         * list.
         */
        add_page_to_unevictable_list(page);
        mem_cgroup_move_lists(page, LRU_UNEVICTABLE);
#ifdef CONFIG_UNEVICTABLE_LRU
        if (!was_unevictable)
            count_vm_event(NORECL_PGCULLED);
#endif
    }

    put_page(page);        /* drop ref from isolate */
    return ret;        /* ret => "page still locked" */
"""

REDO_C = """
    int lru;
    int was_unevictable;

    VM_BUG_ON(PageLRU(page));

    was_unevictable = TestClearPageUnevictable(page); /* for page_evictable() */

redo:
    lru = !!TestClearPageActive(page);
    if (page_evictable(page, NULL)) {
        lru += page_is_file_cache(page);
        lru_cache_add_lru(page, lru);
    } else {
        lru = LRU_UNEVICTABLE;
        add_page_to_unevictable_list(page);
    }
    mem_cgroup_move_lists(page, lru);

    /*
     * page's status can change while we move it among lru. If an evictable
     * page is on unevictable list, it never be freed. To avoid that,
     * check after we added it to the list, again.
     */
    if (lru == LRU_UNEVICTABLE && page_evictable(page, NULL)) {
        if (!isolate_lru_page(page)) {
            put_page(page);
            goto redo;
        }
        /* This means someone else dropped this page from LRU
         * So, it will be freed or putback to LRU again. There is
         * nothing to do here.
         */
    }

    if (was_unevictable && lru != LRU_UNEVICTABLE)
        count_vm_event(NORECL_PGRESCUED);
    else if (!was_unevictable && lru == LRU_UNEVICTABLE)
        count_vm_event(NORECL_PGCULLED);

    put_page(page);        /* drop ref from isolate */
"""

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
    assert statements(function) == [python for _, python in table if python != "-"]


def c_statements(text: str) -> list[str]:
    """The lines of C that do something: without comments, preprocessor, closing braces and bare declarations."""
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    lines = (line.strip() for line in code.splitlines() if not line.startswith("#"))
    return [line for line in lines if line not in {"", "}"} and not re.fullmatch(r"int \w+;", line)]


@pytest.mark.parametrize("text,table", [(OLD_C, OLD_PUTBACK), (REDO_C, REDO_PUTBACK)], ids=["old", "redo"])
def test_every_statement_of_the_posted_putback_stands_in_the_table_in_order(text: str, table: Statements) -> None:
    assert c_statements(text) == [c for c, _ in table if c != "-"]


def test_a_line_stands_alone_only_with_a_reason() -> None:
    alone = [c if python == "-" else python for c, python in (*OLD_PUTBACK, *REDO_PUTBACK) if "-" in {c, python}]
    assert sorted(alone) == sorted(ALONE)
    assert all(len(reason.split()) > 3 for reason in ALONE.values())


@pytest.mark.parametrize("table", [OLD_PUTBACK, REDO_PUTBACK, OLD_CULL, OLD_MLOCK_VMA_PAGE])
def test_calls_of_c_functions_keep_their_names_in_python(table: Statements) -> None:
    for c, python in table:
        if c.endswith("(page);") and c[0].islower() and "=" not in c:
            assert python == f"await {c.removesuffix('(page);')}(cpu, page)"


def test_goto_redo_is_said_beside_the_line_that_stands_for_it() -> None:
    source = inspect.getsource(redo_vmscan.putback_lru_page)
    assert "while redo:  # redo:" in source
    assert "redo = 1  # goto redo" in source
