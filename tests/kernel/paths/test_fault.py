"""C: mm/memory.c and mm/page_alloc.c: a fault's page, where it goes, and what happens when memory is short."""

import pytest

from perfsim.kernel.constants import (
    LRU_ACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    MAPPED_ELSEWHERE,
    MAPPING_ANON,
    NONE,
    PG_MLOCKED,
    PGFAULT,
    PGSCAN,
    UNEVICTABLE_PGMLOCKED,
    WMARK_MIN,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Stage, broken, calls_of, list_of, play, steps_of


def emptied_slot(stage: Stage, is_file: int, locked: int) -> int:
    """A pte of an unlocked range of one kind; reclaim has had its page, then the range was VM_LOCKED or not."""
    ranges = stage.s.ranges
    unlocked = (range_ for range_, is_locked in enumerate(ranges.locked) if not is_locked)
    range_ = next(range_ for range_ in unlocked if ranges.file[range_] == is_file)
    slot = range_ * stage.s.settings.range_pages
    ranges.locked[range_] = locked
    page = ranges.pte[slot]
    ranges.pte[slot] = NONE
    stage.s.pages.slot[page] = MAPPED_ELSEWHERE
    return slot


def fault(stage: Stage, slot: int) -> int:
    """handle_mm_fault()'s answer on CPU 0."""

    async def script(cpu: Cpu) -> int:
        return int(await stage.paths["handle_mm_fault"](cpu, slot))

    return int(play(stage, script)[0])


@pytest.mark.parametrize("is_file,lru", [(0, LRU_ACTIVE_ANON), (1, LRU_INACTIVE_FILE)])
def test_a_new_page_goes_through_a_pagevec_to_the_list_of_its_kind(stage: Stage, is_file: int, lru: int) -> None:
    slot = emptied_slot(stage, is_file, locked=0)
    assert fault(stage, slot) == 1
    page = stage.s.ranges.pte[slot]
    assert list_of(stage, page) == lru
    assert stage.s.pages.refcount[page] == 1 + is_file  # the pte's, and the page cache's
    assert bool(stage.s.pages.mapping[page] & MAPPING_ANON) == (not is_file)
    assert calls_of(stage, "get_page") == stage.s.events[PGFAULT] == 1
    assert broken(stage) == []


def test_a_new_anonymous_page_of_a_locked_range_goes_to_the_unevictable_list_without_recheck(stage: Stage) -> None:
    slot = emptied_slot(stage, is_file=0, locked=1)
    assert fault(stage, slot) == 1
    page = stage.s.ranges.pte[slot]
    assert list_of(stage, page) == LRU_UNEVICTABLE
    assert stage.s.pages.flags[page] & PG_MLOCKED
    assert stage.s.events[UNEVICTABLE_PGMLOCKED] == 1
    assert calls_of(stage, "spin_lock_irq") == 1
    assert broken(stage) == []


def test_a_page_mapped_elsewhere_is_of_no_range(stage: Stage) -> None:
    before = list(stage.s.ranges.pte)
    assert fault(stage, MAPPED_ELSEWHERE) == 1
    assert stage.s.ranges.pte == before
    assert broken(stage) == []


def leave_free(stage: Stage, count: int) -> None:
    """Take free pages of zone 0 off the allocator, as if others had them, until so many are left."""
    zones = stage.s.zones
    while zones.free_count[0] > count:
        page = zones.free_head[0]
        zones.free_head[0] = stage.s.pages.next[page]
        zones.free_count[0] -= 1


def test_an_allocation_below_pages_min_reclaims_a_batch_itself(stage: Stage) -> None:
    leave_free(stage, stage.s.zones.watermark[WMARK_MIN])
    assert fault(stage, MAPPED_ELSEWHERE) == 1
    assert stage.s.events[PGSCAN] > 0


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_fault_that_finds_no_memory_says_so(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, "memory.referenced_fraction=1.0", "memory.file_fraction=0.0")
    leave_free(stage, stage.s.zones.watermark[WMARK_MIN])
    assert fault(stage, MAPPED_ELSEWHERE) == 0
    assert stage.s.events[PGFAULT] == 0


def test_get_user_pages_takes_a_reference_to_each_page(stage: Stage) -> None:
    slot = emptied_slot(stage, is_file=1, locked=0)

    async def script(cpu: Cpu) -> tuple[int, list[int]]:
        got = await stage.paths["get_user_pages"](cpu, slot, 3)
        counts = [stage.s.pages.refcount[stage.s.ranges.pte[slot + i]] for i in range(3)]
        return got, counts

    got, counts = play(stage, script)[0]
    assert got == 3
    assert counts == [4, 3, 3]  # the first has just been faulted in and waits in a pagevec
    follows = [arguments for name, arguments in steps_of(stage, 0) if name == "follow_page"]
    assert follows == [(slot,), (slot,), (slot + 1,), (slot + 2,)]


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_get_user_pages_comes_back_short_when_memory_runs_out(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, "memory.referenced_fraction=1.0", "memory.file_fraction=0.0")
    slot = emptied_slot(stage, is_file=0, locked=0) + 1
    stage.s.ranges.pte[slot] = NONE
    leave_free(stage, stage.s.zones.watermark[WMARK_MIN])

    async def script(cpu: Cpu) -> int:
        return int(await stage.paths["get_user_pages"](cpu, slot, 4))

    assert play(stage, script)[0] == 0
