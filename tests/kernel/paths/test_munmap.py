"""C: mm/mmap.c, munmap() and madvise(MADV_DONTNEED): who else has the page decides when it is freed (§5.4)."""

import pytest
import simpy

from perfsim.kernel.constants import (
    MUNLOCK_PAGES,
    NONE,
    PAGE_LIST,
    PAGEVEC_SIZE,
    PG_ACTIVE,
    PG_MLOCKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    PG_WRITEBACK,
    UNEVICTABLE_PGMUNLOCKED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import SHIPPED
from perfsim.kernel.state import zone_of
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Stage, broken, calls_of, gate, play, range_with, slots_of, steps_of, until

UNEVICTABLE_LRU = [design for design in SHIPPED if design != "no_unevictable_lru"]

every_design = pytest.mark.parametrize("design", SHIPPED)


def unmap(stage: Stage, range_: int) -> None:
    """munmap() of a whole range, by CPU 0."""

    async def script(cpu: Cpu) -> None:
        await stage.paths["sys_munmap"](cpu, range_, stage.s.settings.range_pages)

    play(stage, script)


def inactive_page(stage: Stage) -> tuple[int, int]:
    """The first pte of an unlocked anonymous range whose page is on the inactive list, and the page."""
    slots = slots_of(stage, range_with(stage, file=0, locked=0))
    ptes = stage.s.ranges.pte
    return next((slot, ptes[slot]) for slot in slots if not stage.s.pages.flags[ptes[slot]] & PG_ACTIVE)


@every_design
@pytest.mark.parametrize("file", [0, 1])
def test_the_pages_of_a_range_lose_their_ptes_and_the_anonymous_ones_are_freed(
    make_stage: StageMaker, design: str, file: int
) -> None:
    stage = make_stage(design)
    range_ = range_with(stage, file=file, locked=0)
    pages = [stage.s.ranges.pte[slot] for slot in slots_of(stage, range_)]
    free = stage.s.zones.free_count[0]
    unmap(stage, range_)
    assert {stage.s.ranges.pte[slot] for slot in slots_of(stage, range_)} == {NONE}
    assert {stage.s.pages.refcount[page] for page in pages} == {file}  # the page cache keeps its own
    assert stage.s.zones.free_count[0] == free + (0 if file else len(pages))
    assert broken(stage) == []


@every_design
def test_pages_are_given_back_by_the_batch_with_one_flush_each(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    unmap(stage, range_with(stage, file=0, locked=0))
    names = [name for name, _ in steps_of(stage, 0)]
    assert names.count("zap_pte") == stage.s.settings.range_pages
    # As many are cleared, then as many looks taken at PG_swapcache, before the first is given back.
    assert names.index("put_page_testzero") - names.index("zap_pte") == 2 * PAGEVEC_SIZE
    assert broken(stage) == []


@pytest.mark.parametrize("design", UNEVICTABLE_LRU)
@pytest.mark.parametrize("file", [0, 1])
def test_a_locked_range_is_munlocked_before_it_is_unmapped(make_stage: StageMaker, design: str, file: int) -> None:
    stage = make_stage(design)
    range_ = range_with(stage, file=file, locked=1)
    nr = stage.s.settings.range_pages
    pages = [stage.s.ranges.pte[slot] for slot in slots_of(stage, range_)]
    mlocked = stage.s.zones.nr_mlock[0]
    unmap(stage, range_)
    assert stage.s.ranges.locked[range_] == 0
    assert stage.s.zones.nr_mlock[0] == mlocked - nr
    assert stage.s.events[MUNLOCK_PAGES] == stage.s.events[UNEVICTABLE_PGMUNLOCKED] == nr
    assert not any(stage.s.pages.flags[page] & (PG_MLOCKED | PG_UNEVICTABLE) for page in pages)
    assert broken(stage) == []


def test_without_an_unevictable_list_a_locked_range_is_unmapped_like_any_other(make_stage: StageMaker) -> None:
    stage = make_stage("no_unevictable_lru")
    range_ = range_with(stage, file=0, locked=1)
    free = stage.s.zones.free_count[0]
    unmap(stage, range_)
    assert stage.s.ranges.locked[range_] == 0
    assert stage.s.zones.free_count[0] == free + stage.s.settings.range_pages
    assert broken(stage) == []


@every_design
@pytest.mark.parametrize("written", [0, 1])
def test_a_page_leaves_the_swap_cache_with_its_pte_unless_it_is_being_written(
    make_stage: StageMaker, design: str, written: int
) -> None:
    stage = make_stage(design)
    slot = slots_of(stage, range_with(stage, file=0, locked=0))[0]
    page = stage.s.ranges.pte[slot]

    async def script(cpu: Cpu) -> None:
        await stage.paths["add_to_swap"](cpu, page)
        if written:
            await cpu.set_flag(page, PG_WRITEBACK)
        await stage.paths["sys_madvise"](cpu, slot, 1)
        assert stage.s.pages.refcount[page] == (1 if written else 0)
        if written:
            assert stage.s.pages.flags[page] & PG_SWAPCACHE
            await stage.paths["end_page_writeback"](cpu, page)

    play(stage, script)
    assert broken(stage) == []


@every_design
def test_a_page_that_reclaim_has_isolated_is_freed_by_reclaim(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    slot, page = inactive_page(stage)
    free = stage.s.zones.free_count[0]
    isolated, gone = simpy.Event(stage.env), simpy.Event(stage.env)

    async def give_back(cpu: Cpu) -> None:
        await until(isolated)
        await stage.paths["sys_madvise"](cpu, slot, 1)
        assert (stage.s.pages.refcount[page], stage.s.zones.free_count[0]) == (1, free)
        gone.succeed()

    async def reclaim(cpu: Cpu) -> int:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        isolated.succeed()
        await until(gone)
        await cpu.list_add(page, PAGE_LIST)
        return int(await stage.paths["shrink_page_list"](cpu))

    assert play(stage, give_back, reclaim)[1] == 1
    assert stage.s.zones.free_count[0] == free + 1
    assert broken(stage) == []


@every_design
def test_a_page_whose_lock_reclaim_has_stays_in_the_swap_cache_for_it(make_stage: StageMaker, design: str) -> None:
    """free_swap_cache() does not wait; reclaim then finds the page unmapped and frees it."""
    stage = make_stage(design)
    slot, page = inactive_page(stage)
    free = stage.s.zones.free_count[0]
    unmaps = gate(stage, 1, "page_mapped", 2)  # once to count the page twice; then before try_to_unmap()

    async def give_back(cpu: Cpu) -> None:
        await until(unmaps.reached)
        assert stage.s.pages.flags[page] & PG_SWAPCACHE
        await stage.paths["sys_madvise"](cpu, slot, 1)
        assert stage.s.pages.flags[page] & PG_SWAPCACHE
        unmaps.opened.succeed()

    async def reclaim(cpu: Cpu) -> int:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await cpu.list_add(page, PAGE_LIST)
        return int(await stage.paths["shrink_page_list"](cpu))

    assert play(stage, give_back, reclaim)[1] == 1
    assert stage.s.zones.free_count[0] == free + 1
    assert broken(stage) == []


@every_design
def test_a_page_in_another_cpus_pagevec_is_freed_when_that_is_drained(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    slot, page = inactive_page(stage)
    free = stage.s.zones.free_count[0]
    put_back, gone = simpy.Event(stage.env), simpy.Event(stage.env)

    async def give_back(cpu: Cpu) -> None:
        await until(put_back)
        await stage.paths["sys_madvise"](cpu, slot, 1)
        assert (stage.s.pages.refcount[page], stage.s.zones.free_count[0]) == (1, free)
        gone.succeed()

    async def other(cpu: Cpu) -> None:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await stage.paths["lock_page"](cpu, page)
        await stage.paths["putback_lru_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)
        put_back.succeed()
        await until(gone)

    play(stage, give_back, other)
    assert stage.s.zones.free_count[0] == free + 1
    assert broken(stage) == []


@every_design
def test_a_migration_entry_goes_and_the_page_with_the_end_of_its_migration(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    slot = slots_of(stage, range_with(stage, file=1, locked=0))[0]
    page = stage.s.ranges.pte[slot]
    maps = gate(stage, 1, "remove_migration_pte")

    async def give_back(cpu: Cpu) -> None:
        await until(maps.reached)
        await stage.paths["unmap_region"](cpu, slot, 1)
        assert stage.s.ranges.pte[slot] == NONE
        maps.opened.succeed()

    async def move(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, page)
        await stage.paths["migrate_pages"](cpu, 1)

    play(stage, give_back, move)
    (newpage,) = (arguments[1] for name, arguments in steps_of(stage, 1) if name == "remove_migration_pte")
    assert zone_of(stage.s, newpage) == 1
    assert stage.s.ranges.pte[slot] == NONE
    assert (stage.s.pages.refcount[newpage], stage.s.pages.mapcount[newpage]) == (1, 0)  # the page cache's
    assert calls_of(stage, "free_page_to_zone", 1) == 1  # the old page
    assert broken(stage) == []
