"""What redo_merged, redo_barrier and no_unevictable_lru do otherwise than what each extends, and nothing else."""

import ast
from pathlib import Path

import pytest

import perfsim.kernel.paths
from perfsim.kernel.constants import (
    BUG_VM,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    MLOCK_PAGES,
    MUNLOCK_PAGES,
    NONE,
    PAGE_LIST,
    PAGE_LOCK,
    PG_ACTIVE,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    PGACTIVATE,
    PGFAULT,
    REDO_RETRIES,
    SHM_LOCK_TASK,
    UNEVICTABLE_PGMLOCKED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import load_design
from perfsim.kernel.state import zone_of
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import (
    Stage,
    broken,
    calls_of,
    gate,
    list_of,
    pages_on,
    play,
    range_of_task,
    range_with,
    slots_of,
    steps_of,
    until,
)

PATHS = Path(next(iter(perfsim.kernel.paths.__path__)))
EXTENDS = {"redo_merged": "redo", "redo_barrier": "redo_merged", "no_unevictable_lru": "redo"}
VERSIONS = {
    "redo_merged": ("2.6.28",),
    "redo_barrier": ("2.6.33", "3.2"),
    "no_unevictable_lru": ("2.6.26-rc5-mm3",),
}


def own_paths(folder: str) -> dict[str, str]:
    """The statements of each path of a folder, without comments and docstrings."""
    files = sorted((PATHS / folder).glob("*.py"))
    nodes = [node for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body]
    found = [node for node in nodes if isinstance(node, ast.AsyncFunctionDef)]
    return {node.name: "\n".join(map(ast.unparse, node.body[1:])) for node in found}


def inherited(design: str) -> dict[str, str]:
    """The paths that a derived design would run if it had none of its own."""
    base = EXTENDS.get(design)
    return own_paths("shared") if base is None else inherited(base) | own_paths(base)


@pytest.mark.parametrize("design", EXTENDS)
def test_what_a_derived_design_adds_is_called_by_what_it_replaces(design: str) -> None:
    base, own = inherited(design), own_paths(design)
    added = {name for name in own if name not in base}
    assert added == {name for name in added if any(f"await {name}(" in text for text in own.values())}
    assert added <= {"__mlock_vma_pages"}


@pytest.mark.parametrize("design", EXTENDS)
def test_each_file_of_a_derived_design_names_the_kernel_that_it_is_of(design: str) -> None:
    for file in (PATHS / design).glob("*.py"):
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        assert any(version in text for version in VERSIONS[design]), file
    assert all(version in (PATHS / design / "__init__.py").read_text() for version in VERSIONS[design][:1])


def put_back(stage: Stage, page: int, mlocked: int) -> None:
    """isolate_lru_page() and putback_lru_page() of a page, mlocked meanwhile or not."""

    async def script(cpu: Cpu) -> None:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        if mlocked:
            await cpu.test_and_set(page, PG_MLOCKED)
        await stage.paths["putback_lru_page"](cpu, page)

    play(stage, script)


# redo_merged


@pytest.mark.parametrize("design,lru", [("redo", LRU_INACTIVE_FILE), ("redo_merged", LRU_ACTIVE_FILE)])
def test_an_active_page_that_is_put_back_twice_stays_active_since_it_is_asked_once(
    make_stage: StageMaker, design: str, lru: int
) -> None:
    """R5: redo asks in every turn, and has cleared the bit in the first."""
    stage = make_stage(design)
    page = pages_on(stage, LRU_ACTIVE_FILE)[0]
    window = gate(stage, 0, "set_flag")

    async def putback(cpu: Cpu) -> None:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await cpu.test_and_set(page, PG_MLOCKED)
        await stage.paths["putback_lru_page"](cpu, page)

    async def munlock(cpu: Cpu) -> None:
        await until(window.reached)
        await cpu.test_and_clear(page, PG_MLOCKED)
        window.opened.succeed()

    play(stage, putback, munlock)
    assert stage.s.events[REDO_RETRIES] == 1
    assert list_of(stage, page) == lru
    assert broken(stage) == []


@pytest.mark.parametrize(
    "design,names",
    [
        ("redo", ["test_and_clear", "test_flag"]),  # before the label; by lru_cache_add_lru()
        ("redo_merged", ["test_flag", "clear_flag", "test_flag"]),  # before the label; at it; by lru_cache_add_lru()
    ],
)
def test_merged_reads_pg_unevictable_and_clears_it_at_the_label(
    make_stage: StageMaker, design: str, names: list[str]
) -> None:
    stage = make_stage(design)
    page = pages_on(stage, LRU_UNEVICTABLE)[0]
    stage.s.zones.nr_mlock[0] -= 1
    stage.s.pages.flags[page] &= ~PG_MLOCKED
    put_back(stage, page, mlocked=0)
    assert [name for name, arguments in steps_of(stage, 0) if arguments == (page, PG_UNEVICTABLE)] == names
    assert list_of(stage, page) != LRU_UNEVICTABLE
    assert broken(stage) == []


@pytest.mark.parametrize("design", ["redo_merged", "redo_barrier"])
@pytest.mark.parametrize("path", ["mlock_vma_page", "munlock_vma_page", "__clear_page_mlock"])
def test_merged_wants_the_page_lock_for_all_that_mlock_does(make_stage: StageMaker, design: str, path: str) -> None:
    stage = make_stage(design)
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> None:
        await stage.paths[path](cpu, page)
        await cpu.test_and_clear(page, PG_MLOCKED)

    play(stage, script)
    assert stage.s.violations[BUG_VM] == 1


@pytest.mark.parametrize("locked,path,event", [(0, "sys_mlock", MLOCK_PAGES), (1, "sys_munlock", MUNLOCK_PAGES)])
def test_merged_locks_and_unlocks_a_range_by_get_user_pages_under_the_page_lock(
    make_stage: StageMaker, locked: int, path: str, event: int
) -> None:
    stage = make_stage("redo_merged")
    range_ = range_with(stage, file=1, locked=locked)
    nr = stage.s.settings.range_pages
    play(stage, lambda cpu: stage.paths[path](cpu, range_, nr))
    assert calls_of(stage, "follow_page") == nr
    assert calls_of(stage, "pte_page") == 0
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == stage.s.events[event] == nr
    on_list = {list_of(stage, stage.s.ranges.pte[slot]) == LRU_UNEVICTABLE for slot in slots_of(stage, range_)}
    assert on_list == {not locked}
    assert broken(stage) == []


def test_merged_munlock_passes_over_a_page_truncated_before_it_has_the_lock(make_stage: StageMaker) -> None:
    stage = make_stage("redo_merged")
    slot = slots_of(stage, range_with(stage, file=1, locked=1))[0]
    page = stage.s.ranges.pte[slot]
    locks = gate(stage, 0, "test_and_set")

    async def munlock(cpu: Cpu) -> None:
        await stage.paths["__munlock_vma_pages_range"](cpu, slot, 1)

    async def cut(cpu: Cpu) -> None:
        await until(locks.reached)
        await stage.paths["lock_page"](cpu, page)
        await stage.paths["unmap_region"](cpu, slot, 1)
        await stage.paths["truncate_complete_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)
        locks.opened.succeed()

    play(stage, munlock, cut)
    assert calls_of(stage, "test_and_clear") == 1  # of the page lock alone
    assert broken(stage) == []


@pytest.mark.parametrize("design,last", [("redo", "unlock"), ("redo_merged", "putback"), ("redo_barrier", "putback")])
def test_merged_puts_the_new_page_back_last_and_unlocked(make_stage: StageMaker, design: str, last: str) -> None:
    stage = make_stage(design)
    slot = slots_of(stage, range_with(stage, file=0, locked=1))[0]
    page = stage.s.ranges.pte[slot]

    async def script(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, page)
        await stage.paths["migrate_pages"](cpu, 1)

    play(stage, script)
    newpage = stage.s.ranges.pte[slot]
    steps = steps_of(stage, 0)
    unlocked = steps.index(("test_and_clear", (newpage, PG_LOCKED)))
    old_put_back = steps.index(("get_page", (page,)))  # by the pagevec
    added = steps.index(("set_flag", (newpage, PG_LRU)))
    assert (unlocked < old_put_back < added) == (last == "putback")
    assert (added < unlocked < old_put_back) == (last == "unlock")
    assert zone_of(stage.s, newpage) == 1
    assert broken(stage) == []


# redo_barrier


@pytest.mark.parametrize("design,barriers", [("redo_merged", 0), ("redo_barrier", 1)])
@pytest.mark.parametrize("mlocked", [0, 1])
def test_barrier_stands_between_the_addition_to_the_unevictable_list_and_the_second_look(
    make_stage: StageMaker, design: str, barriers: int, mlocked: int
) -> None:
    stage = make_stage(design)
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    barrier = gate(stage, 0, "smp_mb")
    barrier.opened.succeed()
    seen: list[int] = []
    barrier.reached.callbacks.append(lambda _: seen.append(list_of(stage, page)))
    put_back(stage, page, mlocked)
    assert seen == [LRU_UNEVICTABLE] * (barriers and mlocked)
    assert calls_of(stage, "page_mapping") == 1 + mlocked
    assert broken(stage) == []


@pytest.mark.parametrize("design,barriers", [("redo_merged", 0), ("redo_barrier", 1)])
def test_barrier_stands_between_the_clearing_of_the_mapping_and_its_scan(
    make_objects: StageMaker, design: str, barriers: int
) -> None:
    stage = make_objects(design)
    range_ = range_of_task(stage, SHM_LOCK_TASK)
    barrier = gate(stage, 0, "smp_mb")
    barrier.opened.succeed()
    seen: list[tuple[int, int]] = []
    barrier.reached.callbacks.append(
        lambda _: seen.append((calls_of(stage, "mapping_clear_unevictable"), calls_of(stage, "find_get_page")))
    )
    play(stage, lambda cpu: stage.paths["shmem_unlock"](cpu, range_, stage.s.settings.range_pages))
    assert seen == [(1, 0)] * barriers
    assert broken(stage) == []


# no_unevictable_lru


async def reclaimed(stage: Stage, cpu: Cpu, page: int) -> int:
    """What shrink_page_list() frees of one page; if none, the page is put back."""
    assert await stage.paths["isolate_lru_page"](cpu, page) == 0
    await cpu.list_add(page, PAGE_LIST)
    freed: int = await stage.paths["shrink_page_list"](cpu)
    if not freed:
        await cpu.list_del(page)
        lru = await cpu.page_lru_list(page)
        await cpu.clear_flag(page, PG_ACTIVE)
        await stage.paths["lru_cache_add_lru"](cpu, page, lru)
        await stage.paths["put_page"](cpu, page)
    return freed


@pytest.mark.parametrize("file", [0, 1])
def test_without_an_unevictable_list_mlocked_pages_stay_on_the_lists_and_reclaim_activates_them(
    make_stage: StageMaker, file: int
) -> None:
    stage = make_stage("no_unevictable_lru")
    slots = slots_of(stage, range_with(stage, file=file, locked=1))
    page = next(p for p in (stage.s.ranges.pte[s] for s in slots) if not stage.s.pages.flags[p] & PG_ACTIVE)
    inactive = list_of(stage, page)
    assert inactive == (LRU_INACTIVE_FILE if file else LRU_INACTIVE_ANON)
    assert play(stage, lambda cpu: reclaimed(stage, cpu, page))[0] == 0
    assert list_of(stage, page) == inactive + 1
    assert stage.s.events[PGACTIVATE] == 1
    assert bool(stage.s.pages.flags[page] & PG_SWAPCACHE) == (not file), "it has got its swap space before"
    assert pages_on(stage, LRU_UNEVICTABLE) == []
    assert broken(stage) == []


def test_without_an_unevictable_list_reclaim_does_not_take_the_pages_of_a_locked_segment(
    make_objects: StageMaker,
) -> None:
    stage = make_objects("no_unevictable_lru")
    range_ = range_of_task(stage, SHM_LOCK_TASK)
    pages = [stage.s.ranges.pte[slot] for slot in slots_of(stage, range_)]
    locked, unlocked = [page for page in pages if not stage.s.pages.flags[page] & PG_ACTIVE][:2]

    async def script(cpu: Cpu) -> tuple[int, int]:
        await stage.paths["shmem_lock"](cpu, range_)
        while_locked = await reclaimed(stage, cpu, locked)
        await stage.paths["shmem_unlock"](cpu, range_, len(pages))
        return while_locked, await reclaimed(stage, cpu, unlocked)

    assert play(stage, script)[0] == (0, 1)
    assert locked in stage.s.ranges.pte
    assert stage.s.events[PGACTIVATE] == 1
    assert broken(stage) == []


def test_without_an_unevictable_list_mlock_makes_pages_present_and_nothing_else(make_stage: StageMaker) -> None:
    stage = make_stage("no_unevictable_lru")
    range_ = range_with(stage, file=0, locked=0)
    slots = slots_of(stage, range_)

    async def script(cpu: Cpu) -> None:
        await stage.paths["unmap_region"](cpu, slots[0], 1)
        await stage.paths["sys_mlock"](cpu, range_, len(slots))
        assert stage.s.ranges.locked[range_] == 1
        assert stage.s.ranges.pte[slots[0]] != NONE
        await stage.paths["sys_munlock"](cpu, range_, len(slots))

    play(stage, script)
    events = stage.s.events
    assert (events[MLOCK_PAGES], events[MUNLOCK_PAGES], events[PGFAULT]) == (len(slots), len(slots), 1)
    assert events[UNEVICTABLE_PGMLOCKED] == 0
    assert not any(flags & (PG_MLOCKED | PG_UNEVICTABLE) for flags in stage.s.pages.flags)
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == 0
    assert broken(stage) == []


def test_without_an_unevictable_list_a_page_is_put_back_without_a_look_at_what_would_lock_it(
    make_stage: StageMaker,
) -> None:
    stage = make_stage("no_unevictable_lru")
    page = pages_on(stage, LRU_ACTIVE_FILE)[0]
    put_back(stage, page, mlocked=0)
    assert calls_of(stage, "page_mapping") == 0
    assert list_of(stage, page) == LRU_ACTIVE_FILE
    assert broken(stage) == []


def test_the_table_of_what_extends_what_is_that_of_the_packages() -> None:
    for design, base in EXTENDS.items():
        assert f'extends = "{base}"' in (PATHS / design / "__init__.py").read_text(encoding="utf-8")
        assert load_design(design).name == design
