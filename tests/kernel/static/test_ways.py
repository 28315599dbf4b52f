"""Ways through paths: the figures of the protocol's table, and the rules of the search."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.kernel.constants import PG_MLOCKED
from perfsim.kernel.designs import SHIPPED, load_design
from perfsim.kernel.static.answers import SCENARIOS, Scenario
from perfsim.kernel.static.source import path_texts
from perfsim.kernel.static.way import Counts
from perfsim.kernel.static.ways import Ways
from perfsim.machine.costs import RADIX_DELETE

EVICTABLE, UNEVICTABLE, MUNLOCKED, MLOCKED_AGAIN = SCENARIOS

ENDLESS = {"timer_interrupt", "disk_interrupt", "worker_thread"}
"""Paths that never return: what the machine and the kernel do by themselves."""

Through = Callable[..., Counts]


def counts(design: str, path: str, scenario: Scenario | None = None, *, worst: bool = False) -> Counts:
    """What a path's way does; the path has one."""
    found = Ways(path_texts(load_design(design)), scenario, worst=worst).through(path)
    assert found is not None, f"{path} has no such way"
    return found


def rest(found: Counts) -> tuple[int, int, int]:
    """Atomics, plain accesses, locks."""
    return found.atomics, found.accesses, found.locks


# Kernel-protocol §3.7, memcg on. Atomics: on flags, of the page lock, on _count, on the cgroup bit. Locks: lru_lock,
# mz. Accesses to lists and to the memcg are not in the protocol's table.
def test_an_evictable_putback_has_the_atomics_of_the_protocol_in_both_designs() -> None:
    for design in ("lock_page", "redo"):
        found = counts(design, "putback_lru_page", EVICTABLE)
        assert (found.atomics, found.locks, found.sleeps) == (2 + 2 + 2, 0 + 1, 0)
        assert counts(design, "putback_lru_page") == found  # the fast way


def test_an_unevictable_putback_through_cull_has_the_page_lock_more() -> None:
    old = counts("lock_page", "cull_unevictable_page", UNEVICTABLE)
    redo = counts("redo", "putback_lru_page", UNEVICTABLE)
    assert (old.atomics, old.locks, old.page_locks) == (4 + 2 + 1 + 2, 1 + 1, 1)
    assert (redo.atomics, redo.locks, redo.page_locks) == (4 + 0 + 1 + 2, 1 + 1, 0)
    assert (old.barriers, redo.barriers) == (1, 0)  # smp_mb__before_clear_bit() of unlock_page()


def test_the_recheck_of_redo_is_three_loads() -> None:
    """§3.7 has two, those of an anonymous page, which has no mapping whose flags could be read; §3.10 has three.

    The old path reads page->mapping once more, cull_unevictable_page() the head of the wait queue.
    """
    old = counts("lock_page", "cull_unevictable_page", UNEVICTABLE)
    redo = counts("redo", "putback_lru_page", UNEVICTABLE)
    assert redo.accesses - (old.accesses - 2) == 3


def test_a_retry_has_the_atomics_and_locks_of_the_protocol() -> None:
    once = counts("redo", "putback_lru_page", UNEVICTABLE)
    evictable = counts("redo", "putback_lru_page", MUNLOCKED)
    unevictable = counts("redo", "putback_lru_page", MLOCKED_AGAIN)
    assert (evictable.atomics - once.atomics, evictable.locks - once.locks) == (3 + 3 + 2, 1 + 0 + 1)
    assert (unevictable.atomics - once.atomics, unevictable.locks - once.locks) == (4 + 2 + 2, 1 + 1 + 1)


def test_the_old_putback_has_no_way_that_looks_twice() -> None:
    ways = Ways(path_texts(load_design("lock_page")), MUNLOCKED)
    assert ways.through("putback_lru_page") is None


def test_the_worst_way_of_the_old_cull_sleeps_and_that_of_redo_does_not() -> None:
    assert counts("lock_page", "cull_unevictable_page", worst=True).sleeps == 1
    assert counts("redo", "putback_lru_page", worst=True).sleeps == 0


@pytest.mark.parametrize("design", SHIPPED)
def test_no_fast_way_is_dearer_than_the_worst(design: str) -> None:
    texts = path_texts(load_design(design))
    fast, worst = Ways(texts), Ways(texts, worst=True)
    for path in set(texts) - ENDLESS:
        cheap, dear = fast.through(path), worst.through(path)
        assert dear is not None, path
        assert cheap is not None, path
        assert cheap <= dear, path


def test_a_page_goes_through_the_private_lists_of_reclaim_once() -> None:
    """Isolated, kept as referenced and unmapped ones are not: one page, three times lru_lock and memcg's."""
    found = counts("redo", "shrink_active_list")
    assert (found.locks, found.prefetches) == (2 + 1, 1)


def test_a_page_is_truncated_once_though_its_file_is_looked_through_twice() -> None:
    """Two looks and no wait: found, locked, unmapped, removed and freed; then not found."""
    found = counts("redo", "sys_ftruncate")
    assert (found.page_locks, found.sleeps) == (1, 0)
    assert found.local[RADIX_DELETE] == 2 + 1


SYNTHETIC = '''"""Ways that a test can count."""

from perfsim.kernel.constants import LRU_LOCK, PG_ACTIVE, PG_LOCKED, PG_LRU

extends = "redo"


async def cheap_or_dear(cpu, page):
    if await cpu.page_anon(page):
        await cpu.smp_mb()
        return 1
    await cpu.get_page(page)
    return 2


async def takes_what_the_callee_says(cpu, page):
    if await cheap_or_dear(cpu, page) == 2:
        await cpu.spin_lock(LRU_LOCK, 0)
        await cpu.spin_unlock(LRU_LOCK, 0)


async def one_turn_of_each(cpu, pages):
    for i in range(pages):
        await cpu.get_page(i)
    for i in range(32):
        await cpu.get_page(i)
    for i in range(0):
        await cpu.get_page(i)
    while pages > 3:
        await cpu.get_page(0)
        pages -= 1


async def one_turn_of_a_junction(cpu, pages):
    done, ret = 0, 1
    while done < pages and ret:
        await cpu.get_page(done)
        done += 1
    while await cpu.next_work():
        await cpu.smp_mb()


async def known_by_its_locals(cpu, page):
    again, turns = 1, 0
    while again:
        again = 0
        await cpu.get_page(page)
        if turns and turns == 0:
            await cpu.spin_lock(LRU_LOCK, 0)


async def remembers_flags(cpu, page):
    await cpu.set_flag(page, PG_ACTIVE)
    if not await cpu.test_flag(page, PG_ACTIVE):
        await cpu.smp_mb()


async def stops_early(cpu, page):
    if await cpu.test_and_set(page, PG_LOCKED) and await cpu.get_page_unless_zero(page):
        await cpu.smp_mb()
    for i in range(8):
        if i < 0:
            continue
        await cpu.get_page(page)
        break
    return -1 if page < 0 else page + 1


async def compares_differences(cpu, pages, zone):
    left = pages - zone
    pages -= 2
    if left != pages - zone:
        await cpu.smp_mb()
    below, above = pages < zone, pages > zone
    if below != above:
        await cpu.get_page(0)


async def counts_down(cpu, pages):
    for i in range(3, -3, -2):
        if i < 0:
            await cpu.smp_mb()
    for i in range(1, pages):
        if i < 1:
            await cpu.get_page(i)
'''


@pytest.fixture
def through(tmp_path: Path) -> Through:
    """The way through a path of the file above."""
    file = tmp_path / "synthetic.py"
    file.write_text(SYNTHETIC, encoding="utf-8")
    return lambda path, worst=False: counts(str(file), path, worst=worst)


def test_fast_takes_the_cheaper_branch_and_worst_the_dearer(through: Through) -> None:
    assert rest(through("cheap_or_dear"))[:2] == (0, 1)
    assert rest(through("cheap_or_dear", worst=True))[:2] == (1, 1)


def test_a_way_goes_on_by_the_value_that_its_callee_returned(through: Through) -> None:
    assert rest(through("takes_what_the_callee_says")) == (0, 1, 0)
    assert rest(through("takes_what_the_callee_says", worst=True)) == (1, 1, 1)


def test_a_loop_is_one_turn_unless_its_range_is_empty(through: Through) -> None:
    assert through("one_turn_of_each").atomics == 3
    assert through("one_turn_of_each", worst=True).atomics == 3


def test_a_loop_is_one_turn_too_when_its_test_holds_on_some_ways_and_not_on_others(through: Through) -> None:
    for worst in (False, True):
        found = through("one_turn_of_a_junction", worst=worst)
        assert (found.atomics, found.barriers) == (1 + 2, 1)  # next_work() is an atomic on its queue, twice


def test_the_merged_mlock_has_a_fast_way_that_locks_a_page() -> None:
    found = counts("redo_merged", "__mlock_vma_pages_range")
    assert found.page_locks == 1 == counts("lock_page", "__mlock_vma_pages_range").page_locks


def test_what_locals_say_cannot_happen_is_on_no_way(through: Through) -> None:
    assert rest(through("known_by_its_locals", worst=True)) == (1, 0, 0)


def test_a_flag_that_was_written_keeps_its_value_on_the_fast_way_alone(through: Through) -> None:
    assert through("remembers_flags").barriers == 0
    assert through("remembers_flags", worst=True).barriers == 1


def test_what_a_junction_or_a_break_does_not_reach_is_not_counted(through: Through) -> None:
    assert (through("stops_early").atomics, through("stops_early").barriers) == (2, 0)
    assert (through("stops_early", worst=True).atomics, through("stops_early", worst=True).barriers) == (3, 1)


def test_an_expression_is_another_value_when_its_variables_have_changed(through: Through) -> None:
    found = through("compares_differences", worst=True)
    assert (found.barriers, found.atomics) == (1, 1)


def test_a_loops_variable_is_what_its_range_allows(through: Through) -> None:
    found = through("counts_down", worst=True)
    assert (found.barriers, found.atomics) == (1, 0)


def test_the_scenarios_ask_for_the_flag_that_makes_a_page_unevictable() -> None:
    assert {scenario.question for scenario in SCENARIOS} == {("test_flag", PG_MLOCKED)}
