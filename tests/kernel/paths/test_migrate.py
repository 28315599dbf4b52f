"""C: mm/migrate.c: a page moves to another node, or stays where it is (kernel-protocol §6)."""

import pytest
import simpy

from perfsim.kernel.constants import (
    BAD_PAGE_LOCKED,
    BUG_PAGE_COUNT,
    BUG_UNLOCKED_PAGE,
    ENOMEM,
    LRU_ACTIVE_ANON,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    MIGRATION_ENTRY,
    NONE,
    PAGELIST,
    PG_ACTIVE,
    PG_DIRTY,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPBACKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    PG_UPTODATE,
    PG_WRITEBACK,
    PGMIGRATE_SUCCESS,
    REDO_RETRIES,
    SHM_LOCK_TASK,
    WMARK_MIN,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import SHIPPED
from perfsim.kernel.state import cache_index, zone_of
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import (
    Stage,
    broken,
    calls_of,
    gate,
    leave_free,
    list_of,
    play,
    range_of_task,
    range_with,
    slots_of,
    steps_of,
    until,
)

NODE = 1
UNEVICTABLE_LRU = [design for design in SHIPPED if design != "no_unevictable_lru"]
MERGED = ("redo_merged", "redo_barrier")

every_design = pytest.mark.parametrize("design", SHIPPED)


async def migrate(stage: Stage, cpu: Cpu, pages: list[int]) -> None:
    """Isolate pages and move them to NODE, as do_migrate_pages() does with those of a range."""
    for page in pages:
        await stage.paths["migrate_page_add"](cpu, page)
    await stage.paths["migrate_pages"](cpu, NODE)
    assert await cpu.list_last(PAGELIST) == NONE


def page_with(stage: Stage, *, file: int, active: int) -> tuple[int, int]:
    """The first pte of an unlocked range in zone 0 whose page is of a kind and on its active list, or not; the page."""
    slots = slots_of(stage, range_with(stage, file=file, locked=0))
    ptes = stage.s.ranges.pte
    return next((s, ptes[s]) for s in slots if bool(stage.s.pages.flags[ptes[s]] & PG_ACTIVE) == active)


@every_design
@pytest.mark.parametrize(
    "file,active,lru",
    [
        (0, 0, LRU_INACTIVE_ANON),
        (0, 1, LRU_ACTIVE_ANON),
        (1, 0, LRU_INACTIVE_FILE),
        (1, 1, LRU_ACTIVE_FILE),
    ],
)
def test_a_page_moves_with_its_pte_its_references_and_its_list(
    make_stage: StageMaker, design: str, file: int, active: int, lru: int
) -> None:
    stage = make_stage(design)
    slot, page = page_with(stage, file=file, active=active)
    stage.s.pages.flags[page] |= PG_DIRTY
    before = stage.s.pages
    flags, count, mapping = before.flags[page], before.refcount[page], before.mapping[page]
    free = list(stage.s.zones.free_count)
    play(stage, lambda cpu: migrate(stage, cpu, [page]))

    newpage = stage.s.ranges.pte[slot]
    after = stage.s.pages
    assert (zone_of(stage.s, page), zone_of(stage.s, newpage)) == (0, NODE)
    assert (after.flags[newpage], after.refcount[newpage], after.mapping[newpage]) == (flags, count, mapping)
    assert (after.slot[newpage], after.mapcount[newpage], list_of(stage, newpage)) == (slot, 1, lru)
    assert stage.s.zones.free_count == [free[0] + 1, free[1] - 1]
    assert stage.s.events[PGMIGRATE_SUCCESS] == 1
    assert broken(stage) == []


@every_design
def test_a_page_of_the_swap_cache_takes_its_place_there_along(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    slot, page = page_with(stage, file=0, active=0)

    async def script(cpu: Cpu) -> None:
        await stage.paths["add_to_swap"](cpu, page)
        await migrate(stage, cpu, [page])

    play(stage, script)
    newpage = stage.s.ranges.pte[slot]
    assert stage.s.pages.flags[newpage] == PG_SWAPCACHE | PG_SWAPBACKED | PG_UPTODATE | PG_LRU
    assert stage.s.pages.refcount[newpage] == 2
    assert calls_of(stage, "page_freeze_refs") == calls_of(stage, "page_unfreeze_refs") == 1
    assert broken(stage) == []


@every_design
def test_a_page_of_an_object_takes_its_place_in_the_page_cache_along(make_objects: StageMaker, design: str) -> None:
    stage = make_objects(design)
    slot = slots_of(stage, range_of_task(stage, SHM_LOCK_TASK))[0]
    page = stage.s.ranges.pte[slot]
    play(stage, lambda cpu: migrate(stage, cpu, [page]))
    newpage = stage.s.ranges.pte[slot]
    assert zone_of(stage.s, newpage) == NODE
    assert stage.s.objects.cached[cache_index(stage.s, slot)] == newpage
    assert (stage.s.pages.refcount[newpage], stage.s.pages.mapcount[newpage]) == (2, 1)
    assert broken(stage) == []


@pytest.mark.parametrize("design", UNEVICTABLE_LRU)
@pytest.mark.parametrize("file", [0, 1])
def test_an_mlocked_page_is_mlocked_on_its_new_node_and_counted_there(
    make_stage: StageMaker, design: str, file: int
) -> None:
    stage = make_stage(design)
    slot = slots_of(stage, range_with(stage, file=file, locked=1))[0]
    page = stage.s.ranges.pte[slot]
    mlocked = list(stage.s.zones.nr_mlock)
    play(stage, lambda cpu: migrate(stage, cpu, [page]))
    newpage = stage.s.ranges.pte[slot]
    assert stage.s.pages.flags[newpage] & (PG_MLOCKED | PG_UNEVICTABLE) == PG_MLOCKED | PG_UNEVICTABLE
    assert list_of(stage, newpage) == LRU_UNEVICTABLE
    assert stage.s.zones.nr_mlock == [mlocked[0] - 1, mlocked[1] + 1]
    assert stage.s.pages.flags[page] == 0
    assert broken(stage) == []


@every_design
@pytest.mark.parametrize("file,lru", [(0, LRU_INACTIVE_ANON), (1, LRU_INACTIVE_FILE)])
def test_a_page_that_somebody_else_holds_stays_after_ten_passes(
    make_stage: StageMaker, design: str, file: int, lru: int
) -> None:
    stage = make_stage(design)
    slot, page = page_with(stage, file=file, active=0)
    count = stage.s.pages.refcount[page]
    free = list(stage.s.zones.free_count)

    async def script(cpu: Cpu) -> None:
        await cpu.get_page(page)
        await migrate(stage, cpu, [page])
        assert stage.s.ranges.pte[slot] == page
        await stage.paths["put_page"](cpu, page)

    play(stage, script)
    assert calls_of(stage, "rmqueue") == calls_of(stage, "set_migration_pte") == 10
    assert list_of(stage, page) == lru
    assert stage.s.pages.refcount[page] == count
    assert stage.s.zones.free_count == free
    assert stage.s.events[PGMIGRATE_SUCCESS] == 0
    assert broken(stage) == []


@every_design
def test_the_page_lock_is_tried_three_times_and_waited_for_the_fourth(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    slot, page = page_with(stage, file=1, active=0)
    held = simpy.Event(stage.env)
    sleeps = gate(stage, 0, "io_schedule")

    async def script(cpu: Cpu) -> None:
        await until(held)
        await migrate(stage, cpu, [page])

    async def hold(cpu: Cpu) -> None:
        await stage.paths["lock_page"](cpu, page)
        held.succeed()
        await until(sleeps.reached)
        assert calls_of(stage, "rmqueue") == 4
        sleeps.opened.succeed()
        await stage.paths["unlock_page"](cpu, page)

    play(stage, script, hold)
    assert calls_of(stage, "io_schedule") == 1
    assert zone_of(stage.s, stage.s.ranges.pte[slot]) == NODE
    assert broken(stage) == []


@every_design
def test_writeback_is_waited_for_on_the_fourth_pass_with_the_page_locked(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    slot, page = page_with(stage, file=1, active=0)
    waits = gate(stage, 0, "io_schedule")

    async def script(cpu: Cpu) -> None:
        await cpu.set_flag(page, PG_WRITEBACK)
        await migrate(stage, cpu, [page])

    async def end(cpu: Cpu) -> None:
        await until(waits.reached)
        assert calls_of(stage, "rmqueue") == 4
        assert stage.s.pages.flags[page] & PG_LOCKED
        waits.opened.succeed()
        await stage.paths["end_page_writeback"](cpu, page)

    play(stage, script, end)
    assert zone_of(stage.s, stage.s.ranges.pte[slot]) == NODE
    assert broken(stage) == []


@pytest.mark.parametrize("design", SHIPPED)
def test_without_memory_on_the_node_all_pages_go_back_where_they_were(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, "memory.referenced_fraction=1.0", "memory.file_fraction=0.0")
    leave_free(stage, stage.s.zones.watermark[WMARK_MIN], NODE)
    slots = slots_of(stage, range_with(stage, file=0, locked=0))
    pages = [stage.s.ranges.pte[slot] for slot in slots]
    lists = [list_of(stage, page) for page in pages]

    async def script(cpu: Cpu) -> int:
        await migrate(stage, cpu, pages)
        await stage.paths["migrate_page_add"](cpu, pages[0])
        rc: int = await stage.paths["unmap_and_move"](cpu, pages[0], NODE, 0)
        await stage.paths["putback_lru_pages"](cpu)
        return rc

    assert play(stage, script)[0] == -ENOMEM
    assert [stage.s.ranges.pte[slot] for slot in slots] == pages
    assert [list_of(stage, page) for page in pages] == lists
    assert stage.s.events[PGMIGRATE_SUCCESS] == 0


@every_design
def test_a_page_freed_from_under_migration_is_not_moved_but_freed_by_the_putback(
    make_stage: StageMaker, design: str
) -> None:
    stage = make_stage(design)
    slot, page = page_with(stage, file=0, active=0)
    free = list(stage.s.zones.free_count)

    async def script(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, page)
        await stage.paths["unmap_region"](cpu, slot, 1)
        assert stage.s.pages.refcount[page] == 1
        await stage.paths["migrate_pages"](cpu, NODE)

    play(stage, script)
    assert calls_of(stage, "set_migration_pte") == 0
    assert stage.s.zones.free_count == [free[0] + 1, free[1]]
    assert broken(stage) == []


@every_design
def test_a_page_truncated_before_migration_has_its_lock_is_freed_by_the_putback(
    make_stage: StageMaker, design: str
) -> None:
    stage = make_stage(design)
    slot, page = page_with(stage, file=1, active=0)
    free = list(stage.s.zones.free_count)
    locks = gate(stage, 0, "test_and_set")

    async def cut(cpu: Cpu) -> None:
        await until(locks.reached)
        await stage.paths["lock_page"](cpu, page)
        await stage.paths["unmap_region"](cpu, slot, 1)
        await stage.paths["truncate_complete_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)
        locks.opened.succeed()

    play(stage, lambda cpu: migrate(stage, cpu, [page]), cut)
    assert stage.s.events[PGMIGRATE_SUCCESS] == 0
    assert stage.s.zones.free_count == [free[0] + 1, free[1]]
    assert broken(stage) == []


@pytest.mark.parametrize("design,bugs", [("lock_page", 1), *((design, 0) for design in SHIPPED[1:])])
def test_only_old_frees_the_last_reference_of_what_it_puts_back_under_the_page_lock(
    make_stage: StageMaker, design: str, bugs: int
) -> None:
    """B4: the pagevec is full at once, so that put_page() in putback_lru_page() is the last."""
    stage = make_stage(design, "kernel.pagevec_size=1")
    slot, page = page_with(stage, file=0, active=0)

    async def script(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, page)
        await stage.paths["unmap_region"](cpu, slot, 1)
        assert await stage.paths["putback_lru_pages"](cpu) == 1

    play(stage, script)
    assert stage.s.violations[BAD_PAGE_LOCKED] == stage.s.violations[BUG_UNLOCKED_PAGE] == bugs
    assert broken(stage) == [f"violation {v}" for v in (BUG_UNLOCKED_PAGE, BAD_PAGE_LOCKED)] * bugs


@every_design
def test_a_new_page_whose_owner_exits_meanwhile_is_used_too_late_unless_its_putback_is_the_last_use(
    make_stage: StageMaker, design: str
) -> None:
    """R2 (in the old design B4's shape), then R1: the owner unmaps the new page before migration has unlocked it."""
    stage = make_stage(design, "kernel.pagevec_size=1")
    slot, page = page_with(stage, file=0, active=0)
    free = list(stage.s.zones.free_count)
    unlocks = gate(stage, 0, "smp_mb")

    async def leave(cpu: Cpu) -> None:
        await until(unlocks.reached)
        assert zone_of(stage.s, stage.s.ranges.pte[slot]) == NODE
        await stage.paths["unmap_region"](cpu, slot, 1)
        unlocks.opened.succeed()

    play(stage, lambda cpu: migrate(stage, cpu, [page]), leave)
    bugs = () if design in MERGED else (BUG_UNLOCKED_PAGE, BAD_PAGE_LOCKED, BUG_PAGE_COUNT)
    assert broken(stage) == [f"violation {v}" for v in bugs]
    assert {*bugs} <= {defect.violation for defect in stage.design.defects}
    assert stage.s.zones.free_count == [free[0] + 1, free[1]]


@every_design
def test_a_pte_unmapped_during_migration_is_not_mapped_again(make_stage: StageMaker, design: str) -> None:
    """madvise() clears a migration entry as any swap entry; the new page is then nobody's."""
    stage = make_stage(design)
    slot, page = page_with(stage, file=0, active=0)
    free = list(stage.s.zones.free_count)
    moves = gate(stage, 0, "copy_mapping")

    async def give_back(cpu: Cpu) -> None:
        await until(moves.reached)
        assert stage.s.ranges.pte[slot] == MIGRATION_ENTRY - page
        await stage.paths["unmap_region"](cpu, slot, 1)
        moves.opened.succeed()

    play(stage, lambda cpu: migrate(stage, cpu, [page]), give_back)
    assert stage.s.ranges.pte[slot] == NONE
    assert stage.s.zones.free_count == [free[0] + 1, free[1]]
    assert broken(stage) == []


@pytest.mark.parametrize("design", UNEVICTABLE_LRU)
def test_munlock_of_a_new_page_during_its_putback_does_not_strand_it(make_stage: StageMaker, design: str) -> None:
    """Old and redo put it back under its lock, which munlock waits for; merged looks again."""
    stage = make_stage(design)
    slot = slots_of(stage, range_with(stage, file=0, locked=1))[0]
    page = stage.s.ranges.pte[slot]
    adds = gate(stage, 0, "set_flag", 4)  # after PG_uptodate, PG_unevictable of the copy: PG_unevictable, PG_lru

    async def munlock(cpu: Cpu) -> None:
        await until(adds.reached)
        newpage = stage.s.ranges.pte[slot]
        if design not in MERGED:
            adds.opened.succeed()
        await stage.paths["lock_page"](cpu, newpage)
        await stage.paths["munlock_vma_page"](cpu, newpage)
        await stage.paths["unlock_page"](cpu, newpage)
        if design in MERGED:
            adds.opened.succeed()

    play(stage, lambda cpu: migrate(stage, cpu, [page]), munlock)
    newpage = stage.s.ranges.pte[slot]
    assert zone_of(stage.s, newpage) == NODE
    assert stage.s.pages.flags[newpage] & PG_MLOCKED == 0
    assert list_of(stage, newpage) == LRU_INACTIVE_ANON
    assert stage.s.events[REDO_RETRIES] == (design in MERGED)
    assert broken(stage) == []


@every_design
def test_a_range_moves_without_the_pages_that_are_there_already_or_absent(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    range_ = range_with(stage, file=0, locked=0)
    slots = slots_of(stage, range_)
    stage.s.tasks.target[0] = NODE
    there = page_with(stage, file=0, active=0)[1]

    async def script(cpu: Cpu) -> None:
        await stage.paths["unmap_region"](cpu, slots[-1], 1)
        await migrate(stage, cpu, [there])
        await stage.paths["lru_add_drain"](cpu)
        await stage.paths["do_migrate_pages"](cpu, range_, len(slots))

    play(stage, script)
    assert stage.s.ranges.pte[slots[-1]] == NONE
    assert {zone_of(stage.s, stage.s.ranges.pte[slot]) for slot in slots[:-1]} == {NODE}
    assert stage.s.events[PGMIGRATE_SUCCESS] == len(slots) - 1
    sem = [name for name, _ in steps_of(stage, 0) if name in ("down_read_or_queue", "up_read")]
    assert sem == ["down_read_or_queue", "up_read"]
    assert broken(stage) == []
