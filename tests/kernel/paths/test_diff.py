"""`diff -r` of the two designs' folders reads as the patch "putback_lru_page rework" of 2008-06-18, hunk for hunk."""

import ast
import difflib
from pathlib import Path

import pytest

import perfsim.kernel.paths

PATHS = Path(next(iter(perfsim.kernel.paths.__path__)))

# Functions in the order of the patch.
VMSCAN = [
    "putback_lru_page",
    "cull_unevictable_page",
    "shrink_page_list",
    "shrink_inactive_list",
    "shrink_active_list",
    "page_evictable",
]
MLOCK = [
    "__clear_page_mlock",
    "mlock_vma_page",
    "munlock_vma_page",
    "__mlock_vma_pages_range",
    "__munlock_pte_handler",
]
# The last is the part of unmap_and_move() between its labels, a path of its own here.
MIGRATE = ["putback_lru_pages", "move_to_new_page", "__unmap_and_move"]
FILES = {"vmscan.py": VMSCAN, "mlock.py": MLOCK, "migrate.py": MIGRATE}

# Of the patch's files too, but not of the patch: callers that stand where C has them.
ALIKE = ["__munlock_vma_pages_range", "unmap_and_move"]

# The patch's hunks of the functions in which a few lines change, beside their C:
HUNKS = {
    "shrink_page_list": [
        "-if await putback_lru_page(cpu, page):",  # - if (putback_lru_page(page))
        "-await unlock_page(cpu, page)",  # - unlock_page(page);
        "+await unlock_page(cpu, page)",  # + unlock_page(page);
        "+await putback_lru_page(cpu, page)",  # + putback_lru_page(page);
    ],
    "shrink_inactive_list": [
        "-await cull_unevictable_page(cpu, page)",  # - cull_unevictable_page(page);
        "+await putback_lru_page(cpu, page)",  # + putback_lru_page(page);
    ],
    "shrink_active_list": [
        "-await cull_unevictable_page(cpu, page)",  # - cull_unevictable_page(page);
        "+await putback_lru_page(cpu, page)",  # + putback_lru_page(page);
    ],
    "page_evictable": ["-await cpu.VM_BUG_ON(page, PG_UNEVICTABLE)"],  # - VM_BUG_ON(PageUnevictable(page));
    "__clear_page_mlock": ["-await cpu.VM_BUG_ON_NOT(page, PG_LOCKED)"],  # - VM_BUG_ON(!PageLocked(page));
    "mlock_vma_page": ["-await cpu.VM_BUG_ON_NOT(page, PG_LOCKED)"],  # - BUG_ON(!PageLocked(page));
    "munlock_vma_page": ["-await cpu.VM_BUG_ON_NOT(page, PG_LOCKED)"],  # - BUG_ON(!PageLocked(page));
    "__mlock_vma_pages_range": [
        "-await lock_page(cpu, page)",  # - lock_page(page);
        "-if await cpu.page_has_mapping(page):",  # - if (page->mapping)
        "+if await cpu.page_mapped(page):",  # + if (page_mapcount(page))
        "-await unlock_page(cpu, page)",  # - unlock_page(page);
    ],
    "__munlock_pte_handler": [
        "-if not await cpu.page_has_mapping(page):",  # - if (!page->mapping) {
        # + if (!page->mapping || (PageAnon(page) && !page_mapcount(page))) {
        "+if not await cpu.page_has_mapping(page) "
        "or (await cpu.page_anon(page) and (not await cpu.page_mapped(page))):",
    ],
    "putback_lru_pages": [
        "-await lock_page(cpu, page)",  # - lock_page(page);
        "-if await putback_lru_page(cpu, page):",  # - if (putback_lru_page(page))
        "-await unlock_page(cpu, page)",  # - unlock_page(page);
        "+await putback_lru_page(cpu, page)",  # + putback_lru_page(page);
    ],
    "move_to_new_page": [
        "-unlock = 1",  # - int unlock = 1;
        "-unlock = await putback_lru_page(cpu, newpage)",  # - unlock = putback_lru_page(newpage);
        "+await putback_lru_page(cpu, newpage)",  # + putback_lru_page(newpage);
        "-if unlock:",  # - if (unlock)
        "-await unlock_page(cpu, newpage)",  # - unlock_page(newpage);
        "+await unlock_page(cpu, newpage)",  # + unlock_page(newpage);
    ],
    "__unmap_and_move": [
        "-unlock = 1",  # - int unlock = 1;
        "+await unlock_page(cpu, page)",  # + unlock_page(page);
        "-if not await cpu.page_has_mapping(page):",  # - if (!page->mapping) {
        # - VM_BUG_ON(page_count(page) != 1); is left out: see there
        "-await unlock_page(cpu, page)",  # - unlock_page(page);
        "-await put_page(cpu, page)",  # - put_page(page);
        "-return rc",  # - goto end_migration;
        "-unlock = await putback_lru_page(cpu, page)",  # - } else unlock = putback_lru_page(page);
        "+await putback_lru_page(cpu, page)",  # + putback_lru_page(page);
        "-if unlock:",  # - if (unlock)
        "-await unlock_page(cpu, page)",  # - unlock_page(page);
    ],
}


def functions(design: str, file: str) -> dict[str, str]:
    """Each path of a design's file: its statements as Python would write them, comments and docstring left out."""
    tree = ast.parse((PATHS / design / file).read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    return {node.name: "\n".join(map(ast.unparse, node.body[1:])) for node in found}


def changes(name: str, file: str) -> list[str]:
    """Lines that a function loses and gains, without their indentation, in the order of their texts."""
    old, new = functions("lock_page", file)[name], functions("redo", file)[name]
    return sorted(
        line[0] + line[1:].lstrip()
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
        if line[0] in "+-" and line[:3] not in {"+++", "---"}
    )


def test_the_designs_hold_files_of_the_same_names() -> None:
    names = [{file.name for file in (PATHS / design).glob("*.py")} for design in ("lock_page", "redo")]
    assert names[0] == names[1] == {"__init__.py", *FILES}


@pytest.mark.parametrize("file,order", FILES.items())
def test_functions_stand_in_the_order_of_the_patch(file: str, order: list[str]) -> None:
    names = {
        design: [name for name in functions(design, file) if name not in ALIKE] for design in ("lock_page", "redo")
    }
    assert names["lock_page"] == order
    assert names["redo"] == [name for name in order if name != "cull_unevictable_page"]


@pytest.mark.parametrize("file,order", FILES.items())
def test_the_designs_hold_what_the_patch_touches_and_nothing_else(file: str, order: list[str]) -> None:
    old, new = functions("lock_page", file), functions("redo", file)
    assert [name for name in order if old[name] != new.get(name)] == order
    assert {name for name in old if old[name] == new.get(name)} == {*old} & {*ALIKE}


@pytest.mark.parametrize("name", HUNKS)
def test_a_function_differs_by_the_lines_of_its_hunk(name: str) -> None:
    file = next(file for file, order in FILES.items() if name in order)
    assert changes(name, file) == sorted(HUNKS[name])


def test_only_putback_is_rewritten_as_a_whole() -> None:
    assert {*VMSCAN, *MLOCK, *MIGRATE} - set(HUNKS) == {"putback_lru_page", "cull_unevictable_page"}
