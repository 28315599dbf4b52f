"""C: mm/memory.c and mm/page_alloc.c: a fault's page, where it goes, and what happens when memory is short."""

import pytest

from perfsim.kernel.constants import (
    FAULT_TASK,
    LRU_ACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    MAPPED_ELSEWHERE,
    MAPPING_ANON,
    NONE,
    PAGE_LIST,
    PG_ACTIVE,
    PG_MLOCKED,
    PGFAULT,
    PGSCAN,
    SHM_LOCK_TASK,
    TRUNCATE_TASK,
    UNEVICTABLE_PGMLOCKED,
    WMARK_MIN,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import SHIPPED
from perfsim.kernel.state import cache_index, zone_of
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import (
    Script,
    Stage,
    broken,
    calls_of,
    gate,
    leave_free,
    list_of,
    nothing,
    play,
    range_of_task,
    range_with,
    slots_of,
    steps_of,
    until,
)

every_design = pytest.mark.parametrize("design", SHIPPED)


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


@every_design
def test_a_page_of_a_file_is_read_once_and_mapped_with_the_reference_of_its_lookup(
    make_objects: StageMaker, design: str
) -> None:
    stage = make_objects(design)
    file = range_of_task(stage, TRUNCATE_TASK)
    slot = slots_of(stage, file).start

    async def script(cpu: Cpu) -> None:
        await cpu.i_size_write(file, 1)
        assert await stage.paths["do_page_fault"](cpu, slot) == 1
        assert await stage.paths["do_page_fault"](cpu, slot) == 1  # it is there
        assert await stage.paths["do_page_fault"](cpu, slot + 1) == 0  # SIGBUS: behind the end of the file

    play(stage, script)
    page = stage.s.ranges.pte[slot]
    assert stage.s.objects.cached[cache_index(stage.s, slot)] == page
    assert (stage.s.pages.refcount[page], stage.s.pages.mapcount[page]) == (2, 1)
    assert list_of(stage, page) == LRU_INACTIVE_FILE
    assert stage.s.events[PGFAULT] == calls_of(stage, "rmqueue") == 1
    assert broken(stage) == []


@every_design
def test_a_page_of_a_segment_that_is_unmapped_is_found_again_and_one_reclaimed_is_made_anew(
    make_objects: StageMaker, design: str
) -> None:
    stage = make_objects(design)
    slots = slots_of(stage, range_of_task(stage, SHM_LOCK_TASK))
    kept, lost = (stage.s.ranges.pte[slot] for slot in slots[:2])

    async def script(cpu: Cpu) -> None:
        await stage.paths["unmap_region"](cpu, slots[0], 1)
        assert await stage.paths["isolate_lru_page"](cpu, lost) == 0
        await cpu.clear_flag(lost, PG_ACTIVE)
        await cpu.list_add(lost, PAGE_LIST)
        assert await stage.paths["shrink_page_list"](cpu) == 1
        for slot in slots[:2]:
            assert await stage.paths["do_page_fault"](cpu, slot) == 1

    play(stage, script)
    assert stage.s.ranges.pte[slots[0]] == kept
    assert calls_of(stage, "rmqueue") == 1
    assert list_of(stage, stage.s.ranges.pte[slots[1]]) == LRU_ACTIVE_ANON
    assert broken(stage) == []


@every_design
@pytest.mark.parametrize("before", ["pte_lock_none", "set_pte"])
def test_of_two_threads_at_one_pte_one_maps_its_page_and_the_other_gives_its_back(
    make_objects: StageMaker, design: str, before: str
) -> None:
    stage = make_objects(design)
    slot = slots_of(stage, range_of_task(stage, FAULT_TASK)).start
    owner, thread = (task for task, kind in enumerate(stage.s.tasks.kind) if kind == FAULT_TASK)
    free = list(stage.s.zones.free_count)
    window = gate(stage, owner, before)

    async def first(cpu: Cpu) -> int:
        return int(await stage.paths["do_page_fault"](cpu, slot))

    async def second(cpu: Cpu) -> int:
        await until(window.reached)
        answer = int(await stage.paths["do_page_fault"](cpu, slot))
        window.opened.succeed()
        return answer

    scripts: list[Script] = [nothing] * 4
    scripts[owner], scripts[thread] = first, second
    answers = play(stage, *scripts)
    assert answers[owner] == answers[thread] == 1
    page = stage.s.ranges.pte[slot]
    winner = thread if before == "pte_lock_none" else owner
    assert [arguments for name, arguments in steps_of(stage, winner) if name == "set_pte"] == [(page, slot)]
    assert (stage.s.pages.refcount[page], stage.s.pages.mapcount[page]) == (1, 1)
    assert sum(stage.s.zones.free_count) == sum(free) - 1
    assert broken(stage) == []


@every_design
@pytest.mark.parametrize("before", ["add_to_page_cache", "pte_lock_none"])
def test_of_two_who_read_one_page_of_a_file_both_get_the_same(
    make_objects: StageMaker, design: str, before: str
) -> None:
    """Who is late finds the page in the cache (EEXIST), or its pte in use."""
    stage = make_objects(design)
    file = range_of_task(stage, TRUNCATE_TASK)
    slot = slots_of(stage, file).start
    free = list(stage.s.zones.free_count)
    window = gate(stage, 0, before)
    waits = gate(stage, 1, "io_schedule")

    async def first(cpu: Cpu) -> int:
        await cpu.i_size_write(file, 1)
        return int(await stage.paths["handle_mm_fault"](cpu, slot))

    async def second(cpu: Cpu) -> int:
        await until(window.reached)
        answer = int(await stage.paths["handle_mm_fault"](cpu, slot))
        if before == "add_to_page_cache":
            window.opened.succeed()
        return answer

    async def order(cpu: Cpu) -> None:
        if before == "pte_lock_none":  # with the page locked
            await until(waits.reached)
            waits.opened.succeed()
            window.opened.succeed()

    assert play(stage, first, second, order)[:2] == [1, 1]
    page = stage.s.ranges.pte[slot]
    assert (stage.s.pages.refcount[page], stage.s.pages.mapcount[page]) == (2, 1)
    assert stage.s.events[PGFAULT] == 1
    assert sum(stage.s.zones.free_count) == sum(free) - 1
    assert broken(stage) == []


@every_design
def test_a_fault_on_a_migration_entry_waits_until_the_migration_has_ended(make_stage: StageMaker, design: str) -> None:
    """B2's interleaving: the reference is taken after the count was checked; the old page is freed by who drops it."""
    stage = make_stage(design)
    slot = slots_of(stage, range_with(stage, file=0, locked=0))[0]
    page = stage.s.ranges.pte[slot]
    free = stage.s.zones.free_count[0]
    maps = gate(stage, 0, "remove_migration_pte")
    sleeps = gate(stage, 1, "io_schedule")

    async def move(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, page)
        await stage.paths["migrate_pages"](cpu, 1)

    async def touch(cpu: Cpu) -> int:
        await until(maps.reached)
        answer = int(await stage.paths["handle_mm_fault"](cpu, slot))
        assert zone_of(stage.s, stage.s.ranges.pte[slot]) == 1
        return answer

    async def order(cpu: Cpu) -> None:
        await until(sleeps.reached)
        assert stage.s.pages.refcount[page] == 2
        sleeps.opened.succeed()
        maps.opened.succeed()

    assert play(stage, move, touch, order)[1] == 1
    assert stage.s.events[PGFAULT] == 0
    assert stage.s.zones.free_count[0] == free + 1
    assert broken(stage) == []


@every_design
def test_who_waits_for_a_migration_before_its_count_is_checked_makes_it_try_again(
    make_stage: StageMaker, design: str
) -> None:
    stage = make_stage(design)
    slot = slots_of(stage, range_with(stage, file=0, locked=0))[0]
    page = stage.s.ranges.pte[slot]
    checks = gate(stage, 0, "copy_mapping")
    sleeps = gate(stage, 1, "io_schedule")

    async def move(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, page)
        await stage.paths["migrate_pages"](cpu, 1)

    async def touch(cpu: Cpu) -> None:
        await until(checks.reached)
        await stage.paths["handle_mm_fault"](cpu, slot)

    async def order(cpu: Cpu) -> None:
        await until(sleeps.reached)
        checks.opened.succeed()
        sleeps.opened.succeed()

    play(stage, move, touch, order)
    assert calls_of(stage, "set_migration_pte") > 1
    assert stage.s.pages.refcount[stage.s.ranges.pte[slot]] == 1
    assert broken(stage) == []


@every_design
def test_a_fault_takes_no_reference_to_a_page_that_migration_has_frozen(make_stage: StageMaker, design: str) -> None:
    """B3's interleaving: it gives up, and the access faults again."""
    stage = make_stage(design)
    slot = slots_of(stage, range_with(stage, file=1, locked=0))[0]
    page = stage.s.ranges.pte[slot]
    replaces = gate(stage, 0, "replace_slot")

    async def move(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, page)
        await stage.paths["migrate_pages"](cpu, 1)

    async def touch(cpu: Cpu) -> int:
        await until(replaces.reached)
        answer = int(await stage.paths["handle_mm_fault"](cpu, slot))
        assert stage.s.pages.refcount[page] == 0
        replaces.opened.succeed()
        return answer

    assert play(stage, move, touch)[1] == 1
    assert calls_of(stage, "io_schedule", 1) == 0
    assert broken(stage) == []


@pytest.mark.parametrize("design", [design for design in SHIPPED if design != "no_unevictable_lru"])
def test_a_file_page_faulted_into_a_locked_range_is_left_for_reclaim_to_cull(
    make_stage: StageMaker, design: str
) -> None:
    stage = make_stage(design)
    slot = emptied_slot(stage, is_file=1, locked=1)
    assert fault(stage, slot) == 1
    page = stage.s.ranges.pte[slot]
    assert list_of(stage, page) == LRU_INACTIVE_FILE
    assert not stage.s.pages.flags[page] & PG_MLOCKED
    assert broken(stage) == []
