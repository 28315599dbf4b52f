"""C: SHM_LOCK culls lazily, SHM_UNLOCK rescues at once (kernel-protocol §7): shmem_lock() and the scan of a mapping."""

import pytest
import simpy

from perfsim.kernel.constants import (
    LRU_INACTIVE_ANON,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    NONE,
    PAGE_LIST,
    PAGE_LOCK,
    PG_ACTIVE,
    PG_MLOCKED,
    PG_UNEVICTABLE,
    REDO_RETRIES,
    SHM_LOCK_TASK,
    UNEVICTABLE_PGCULLED,
    UNEVICTABLE_PGRESCUED,
    UNEVICTABLE_PGSCANNED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import SHIPPED
from perfsim.kernel.invariants import stranded_pages
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
    slots_of,
    steps_of,
    until,
)

WITH_PAGE_LOCK = ("lock_page", "redo")
UNEVICTABLE_LRU = [design for design in SHIPPED if design != "no_unevictable_lru"]

unevictable_lru = pytest.mark.parametrize("design", UNEVICTABLE_LRU)


def segment(stage: Stage) -> tuple[int, list[int]]:
    """The segment's range and its pages."""
    range_ = range_of_task(stage, SHM_LOCK_TASK)
    return range_, [stage.s.ranges.pte[slot] for slot in slots_of(stage, range_)]


async def reclaim(stage: Stage, cpu: Cpu, pages: list[int]) -> None:
    """Let shrink_page_list() meet pages. None is kept."""
    for page in pages:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await cpu.list_add(page, PAGE_LIST)
    assert await stage.paths["shrink_page_list"](cpu) == 0
    assert await cpu.list_last(PAGE_LIST) == NONE


async def unlock(stage: Stage, cpu: Cpu) -> None:
    """SHM_UNLOCK of the segment."""
    range_, pages = segment(stage)
    await stage.paths["shmem_unlock"](cpu, range_, len(pages))


@unevictable_lru
def test_a_locked_segments_pages_stay_until_reclaim_culls_them_and_unlock_rescues_those(
    make_objects: StageMaker, design: str
) -> None:
    stage = make_objects(design)
    range_, pages = segment(stage)
    culled = pages[:5]

    async def script(cpu: Cpu) -> None:
        await stage.paths["shmem_lock"](cpu, range_)
        assert not {LRU_UNEVICTABLE, NONE} & {list_of(stage, page) for page in pages}
        await reclaim(stage, cpu, culled)
        assert {page for page in pages if list_of(stage, page) == LRU_UNEVICTABLE} == set(culled)
        assert stage.s.events[UNEVICTABLE_PGCULLED] == 5
        await unlock(stage, cpu)

    play(stage, script)
    assert {list_of(stage, page) for page in culled} == {LRU_INACTIVE_ANON}
    assert not any(stage.s.pages.flags[page] & PG_UNEVICTABLE for page in pages)
    assert [stage.s.pages.refcount[page] for page in pages] == [2] * len(pages)
    assert (stage.s.events[UNEVICTABLE_PGRESCUED], stage.s.events[UNEVICTABLE_PGSCANNED]) == (5, len(pages))
    assert broken(stage) == []


@unevictable_lru
def test_only_the_scan_until_the_third_version_takes_each_page_lock_and_all_keep_lru_lock_over_a_batch(
    make_objects: StageMaker, design: str
) -> None:
    stage = make_objects(design)
    play(stage, lambda cpu: unlock(stage, cpu))
    pages = len(segment(stage)[1])
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == (pages if design in WITH_PAGE_LOCK else 0)
    taken = [arguments for name, arguments in steps_of(stage, 0) if name == "spin_lock_irq"]
    assert taken == [(LRU_LOCK, 0)] * 2  # 16 pages are two batches
    assert broken(stage) == []


@unevictable_lru
def test_a_page_locked_by_another_holds_up_the_scan_that_wants_its_lock(make_objects: StageMaker, design: str) -> None:
    """lru_lock is dropped before the scan sleeps, and had again afterwards."""
    stage = make_objects(design)
    range_, pages = segment(stage)
    culled, held, scanned = (simpy.Event(stage.env) for _ in range(3))
    sleeps = gate(stage, 0, "io_schedule")

    async def script(cpu: Cpu) -> None:
        await stage.paths["shmem_lock"](cpu, range_)
        await reclaim(stage, cpu, pages)
        culled.succeed()
        await until(held)
        await unlock(stage, cpu)
        scanned.succeed()

    async def hold(cpu: Cpu) -> None:
        await until(culled)
        await stage.paths["lock_page"](cpu, pages[3])
        held.succeed()
        if design in WITH_PAGE_LOCK:
            await until(sleeps.reached)
            assert stage.s.m.lock_owner[0] == NONE
            sleeps.opened.succeed()
        else:
            await until(scanned)
        await stage.paths["unlock_page"](cpu, pages[3])

    play(stage, script, hold)
    assert calls_of(stage, "io_schedule") == (design in WITH_PAGE_LOCK)
    assert {list_of(stage, page) for page in pages} == {LRU_INACTIVE_ANON}
    assert broken(stage) == []


@unevictable_lru
def test_an_mlocked_page_stays_unevictable_and_goes_to_the_head(make_objects: StageMaker, design: str) -> None:
    stage = make_objects(design)
    range_, pages = segment(stage)

    async def script(cpu: Cpu) -> None:
        await stage.paths["shmem_lock"](cpu, range_)
        await reclaim(stage, cpu, pages[:3])
        await cpu.test_and_set(pages[0], PG_MLOCKED)
        await unlock(stage, cpu)

    play(stage, script)
    assert [page for page in pages_on(stage, LRU_UNEVICTABLE) if page in pages] == [pages[0]]
    assert stage.s.pages.flags[pages[0]] & PG_UNEVICTABLE
    assert stage.s.events[UNEVICTABLE_PGRESCUED] == 2
    assert broken(stage) == []


@pytest.mark.parametrize("design", ["redo_merged", "redo_barrier"])
def test_the_merged_scan_looks_again_when_a_page_is_munlocked_meanwhile(make_objects: StageMaker, design: str) -> None:
    """Munlock cannot isolate it while the scan has lru_lock: its peek may have come before PG_unevictable is set."""
    stage = make_objects(design)
    range_, pages = segment(stage)
    rotates = gate(stage, 0, "list_move_to_lru_head")

    async def script(cpu: Cpu) -> None:
        await stage.paths["shmem_lock"](cpu, range_)
        await reclaim(stage, cpu, pages[:1])
        await cpu.test_and_set(pages[0], PG_MLOCKED)
        await unlock(stage, cpu)

    async def clear(cpu: Cpu) -> None:
        await until(rotates.reached)
        await cpu.test_and_clear(pages[0], PG_MLOCKED)
        rotates.opened.succeed()

    play(stage, script, clear)
    assert list_of(stage, pages[0]) == LRU_INACTIVE_ANON
    assert stage.s.events[UNEVICTABLE_PGRESCUED] == 1
    assert broken(stage) == []


@unevictable_lru
def test_a_putback_that_meets_unlock_strands_nothing(make_objects: StageMaker, design: str) -> None:
    """§11.2: reclaim has seen AS_UNEVICTABLE and is about to add the page; the scan comes by and does not see it.

    Old's scan waits for the page lock, under which reclaim puts it back; the others look again after the addition.
    """
    stage = make_objects(design)
    range_, pages = segment(stage)
    page = next(page for page in pages if not stage.s.pages.flags[page] & PG_ACTIVE)
    adds = gate(stage, 0, "spin_lock_irq", 2)  # after that of the isolation
    sleeps = gate(stage, 1, "io_schedule")

    async def cull(cpu: Cpu) -> None:
        await stage.paths["shmem_lock"](cpu, range_)
        await reclaim(stage, cpu, [page])

    async def scan(cpu: Cpu) -> None:
        await until(adds.reached)
        await unlock(stage, cpu)
        if design != "lock_page":
            adds.opened.succeed()

    async def order(cpu: Cpu) -> None:
        if design == "lock_page":
            await until(sleeps.reached)
            adds.opened.succeed()
            sleeps.opened.succeed()

    play(stage, cull, scan, order)
    assert list_of(stage, page) == LRU_INACTIVE_ANON
    assert stranded_pages(stage.s) == 0
    assert stage.s.events[REDO_RETRIES] == (design != "lock_page")
    assert broken(stage) == []


def test_without_an_unevictable_list_nothing_is_scanned(make_objects: StageMaker) -> None:
    stage = make_objects("no_unevictable_lru")
    play(stage, lambda cpu: unlock(stage, cpu))
    assert stage.s.events[UNEVICTABLE_PGSCANNED] == calls_of(stage, "find_get_page") == 0
    assert broken(stage) == []
