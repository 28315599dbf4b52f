"""C: mm/truncate.c, vmtruncate(): a file's pages go, whoever has them just then (kernel-protocol §7)."""

import pytest
import simpy

from perfsim.kernel.constants import (
    LRU_INACTIVE_FILE,
    NONE,
    PAGE_LIST,
    PG_DIRTY,
    PG_LOCKED,
    PG_MLOCKED,
    PG_WRITEBACK,
    PGMIGRATE_SUCCESS,
    TRUNCATE_TASK,
    UNEVICTABLE_PGCLEARED,
    UNEVICTABLE_PGMLOCKED,
    UNEVICTABLE_PGSTRANDED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import SHIPPED
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Gate, Stage, broken, calls_of, gate, list_of, play, range_of_task, slots_of, until

UNEVICTABLE_LRU = [design for design in SHIPPED if design != "no_unevictable_lru"]

every_design = pytest.mark.parametrize("design", SHIPPED)


async def write(stage: Stage, cpu: Cpu, nr_pages: int) -> list[int]:
    """Write the first pages of the file through its mapping, and let them get to their list. Returns the pages."""
    file = range_of_task(stage, TRUNCATE_TASK)
    await cpu.i_size_write(file, nr_pages)
    await stage.paths["touch_range"](cpu, file, nr_pages)
    await stage.paths["lru_add_drain"](cpu)
    return stage.s.ranges.pte[slots_of(stage, file).start :][:nr_pages]


async def truncate(stage: Stage, cpu: Cpu) -> None:
    """Truncate the file, all of it."""
    await stage.paths["sys_ftruncate"](cpu, range_of_task(stage, TRUNCATE_TASK), stage.s.settings.range_pages)


def nothing_is_left(stage: Stage, free: list[int]) -> bool:
    """The file has no page, no pte maps one, and every page is free again that was before."""
    slots = slots_of(stage, range_of_task(stage, TRUNCATE_TASK))
    assert {stage.s.ranges.pte[slot] for slot in slots} == {NONE}
    assert set(stage.s.objects.cached[: len(slots)]) == {NONE}  # the file is the first object
    return stage.s.zones.free_count == free


@every_design
def test_all_pages_of_a_file_are_unmapped_and_freed_under_their_locks(make_objects: StageMaker, design: str) -> None:
    stage = make_objects(design, "memory.dirty_fraction=0.5")
    free = list(stage.s.zones.free_count)

    async def script(cpu: Cpu) -> None:
        pages = await write(stage, cpu, 16)
        assert [stage.s.pages.refcount[page] for page in pages] == [2] * 16
        assert {list_of(stage, page) for page in pages} == {LRU_INACTIVE_FILE}
        await truncate(stage, cpu)

    play(stage, script)
    assert nothing_is_left(stage, free)
    assert calls_of(stage, "remove_from_page_cache") == 16
    assert broken(stage) == []


@pytest.mark.parametrize("design", UNEVICTABLE_LRU)
def test_mlocked_pages_are_munlocked_before_they_lose_their_mapping(make_objects: StageMaker, design: str) -> None:
    """B1's workload: mapped with MAP_LOCKED, truncated while it is mapped. No putback meets a page without mapping."""
    stage = make_objects(design)
    free, mlocked = list(stage.s.zones.free_count), list(stage.s.zones.nr_mlock)
    file = range_of_task(stage, TRUNCATE_TASK)

    async def script(cpu: Cpu) -> None:
        pages = await write(stage, cpu, 8)
        await stage.paths["sys_mlock"](cpu, file, 8)
        assert all(stage.s.pages.flags[page] & PG_MLOCKED for page in pages)
        await truncate(stage, cpu)

    play(stage, script)
    assert nothing_is_left(stage, free)
    assert stage.s.events[UNEVICTABLE_PGMLOCKED] == stage.s.events[UNEVICTABLE_PGCLEARED] == 8
    assert stage.s.zones.nr_mlock == mlocked
    assert broken(stage) == []


@pytest.mark.parametrize("design", UNEVICTABLE_LRU)
def test_an_mlocked_page_that_reclaim_has_isolated_is_cleared_and_freed_by_reclaims_putback(
    make_objects: StageMaker, design: str
) -> None:
    stage = make_objects(design)
    free, mlocked = list(stage.s.zones.free_count), list(stage.s.zones.nr_mlock)
    written, isolated, cut = (simpy.Event(stage.env) for _ in range(3))

    async def writer(cpu: Cpu) -> None:
        (page,) = await write(stage, cpu, 1)
        await stage.paths["lock_page"](cpu, page)
        await stage.paths["mlock_vma_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)
        written.succeed(page)
        await until(isolated)
        await truncate(stage, cpu)
        cut.succeed()

    async def isolate(cpu: Cpu) -> None:
        page = await until(written)
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        isolated.succeed()
        await until(cut)
        assert not stage.s.pages.flags[page] & PG_MLOCKED
        await stage.paths["lock_page"](cpu, page)
        if design != "lock_page":
            await stage.paths["unlock_page"](cpu, page)
        await stage.paths["putback_lru_page"](cpu, page)  # of a truncated page old unlocks it

    play(stage, writer, isolate)
    assert nothing_is_left(stage, free)
    assert stage.s.zones.nr_mlock == mlocked
    assert (stage.s.events[UNEVICTABLE_PGCLEARED], stage.s.events[UNEVICTABLE_PGSTRANDED]) == (1, 1)
    assert broken(stage) == []


@every_design
def test_a_page_in_the_pagevec_of_another_cpu_is_freed_when_that_is_drained(
    make_objects: StageMaker, design: str
) -> None:
    stage = make_objects(design)
    free = list(stage.s.zones.free_count)
    file = range_of_task(stage, TRUNCATE_TASK)
    touched, cut = simpy.Event(stage.env), simpy.Event(stage.env)

    async def other(cpu: Cpu) -> None:
        await cpu.i_size_write(file, 1)
        await stage.paths["touch_range"](cpu, file, 1)
        assert await cpu.pagevec_count(LRU_INACTIVE_FILE) == 1
        touched.succeed(stage.s.ranges.pte[slots_of(stage, file).start])
        await until(cut)

    async def writer(cpu: Cpu) -> None:
        page = await until(touched)
        await truncate(stage, cpu)
        assert (stage.s.pages.refcount[page], stage.s.pages.mapping[page], list_of(stage, page)) == (1, 0, NONE)
        cut.succeed()

    play(stage, writer, other)
    assert nothing_is_left(stage, free)
    assert broken(stage) == []


@every_design
def test_a_fault_that_has_the_page_lock_maps_the_page_and_truncation_unmaps_it_again(
    make_objects: StageMaker, design: str
) -> None:
    """The first pass leaves the page; the second waits for its lock, and finds it mapped."""
    stage = make_objects(design)
    free = list(stage.s.zones.free_count)
    slot = slots_of(stage, range_of_task(stage, TRUNCATE_TASK)).start
    maps = gate(stage, 1, "set_pte")
    written = simpy.Event(stage.env)
    waits = gate(stage, 0, "io_schedule")

    async def writer(cpu: Cpu) -> None:
        (page,) = await write(stage, cpu, 1)
        await stage.paths["unmap_region"](cpu, slot, 1)
        written.succeed(page)
        await until(maps.reached)
        assert stage.s.pages.flags[page] & PG_LOCKED
        await truncate(stage, cpu)

    async def fault(cpu: Cpu) -> int:
        await until(written)
        return int(await stage.paths["handle_mm_fault"](cpu, slot))

    async def order(cpu: Cpu) -> None:
        await until(waits.reached)
        assert calls_of(stage, "find_get_page") == 2 + 2 * 16  # of the write; of the two passes
        maps.opened.succeed()
        waits.opened.succeed()

    assert play(stage, writer, fault, order)[1] == 1
    assert calls_of(stage, "page_index") == 1
    assert nothing_is_left(stage, free)
    assert broken(stage) == []


@every_design
@pytest.mark.parametrize("look", [1, 2])
def test_a_fault_when_the_file_has_ended_gets_sigbus(make_objects: StageMaker, design: str, look: int) -> None:
    """At once, or when it has the page and looks at i_size again under the page lock."""
    stage = make_objects(design)
    free = list(stage.s.zones.free_count)
    slot = slots_of(stage, range_of_task(stage, TRUNCATE_TASK)).start
    written = simpy.Event(stage.env)
    looks = gate(stage, 1, "within_i_size", look)
    cuts = gate(stage, 0, "find_get_page", 3)  # the write's two, then truncation's

    async def writer(cpu: Cpu) -> None:
        await write(stage, cpu, 1)
        await stage.paths["unmap_region"](cpu, slot, 1)
        written.succeed()
        await until(looks.reached)
        await truncate(stage, cpu)

    async def fault(cpu: Cpu) -> int:
        await until(written)
        answer = int(await stage.paths["handle_mm_fault"](cpu, slot))
        cuts.opened.succeed()
        return answer

    async def order(cpu: Cpu) -> None:
        await until(cuts.reached)
        looks.opened.succeed()

    assert play(stage, writer, fault, order)[1] == 0
    assert calls_of(stage, "test_and_set", 1) == look - 1
    assert nothing_is_left(stage, free)
    assert broken(stage) == []


@every_design
def test_writeback_is_waited_for_in_the_second_pass(make_objects: StageMaker, design: str) -> None:
    stage = make_objects(design)
    free = list(stage.s.zones.free_count)

    async def script(cpu: Cpu) -> None:
        (page,) = await write(stage, cpu, 1)
        await stage.paths["lock_page"](cpu, page)
        await cpu.set_flag(page, PG_DIRTY)
        await cpu.test_and_clear(page, PG_DIRTY)
        await stage.paths["writepage"](cpu, page)
        assert stage.s.pages.flags[page] & (PG_WRITEBACK | PG_LOCKED) == PG_WRITEBACK
        await truncate(stage, cpu)

    play(stage, script)
    when = {name: at_ps for at_ps, _, name, _ in stage.rows if name in ("complete_request", "remove_from_page_cache")}
    assert when["remove_from_page_cache"] > when["complete_request"]
    assert nothing_is_left(stage, free)
    assert broken(stage) == []


def spin_until(stage: Stage, cpu: int, frozen: Gate, looks: int) -> None:
    """Let who has frozen a page go on when a CPU has looked for it so often in vain."""
    again = gate(stage, cpu, "find_get_page", looks)

    def release() -> object:
        yield again.reached
        frozen.opened.succeed()
        again.opened.succeed()

    stage.env.process(release())  # type: ignore[arg-type]  # yields events alone


@every_design
def test_a_page_frozen_by_migration_is_waited_for_and_truncated_where_it_has_gone(
    make_objects: StageMaker, design: str
) -> None:
    """In C truncation waits for tree_lock, under which the page is frozen, then for the new page's lock."""
    stage = make_objects(design)
    free = list(stage.s.zones.free_count)
    written = simpy.Event(stage.env)
    replaces = gate(stage, 1, "replace_slot")
    spin_until(stage, 0, replaces, looks=2 + 40)  # more than two passes over the file

    async def writer(cpu: Cpu) -> None:
        (page,) = await write(stage, cpu, 1)
        written.succeed(page)
        await until(replaces.reached)
        assert stage.s.pages.refcount[page] == 0
        await truncate(stage, cpu)

    async def move(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, await until(written))
        await stage.paths["migrate_pages"](cpu, 1)

    play(stage, writer, move)
    assert stage.s.events[PGMIGRATE_SUCCESS] == 1
    assert nothing_is_left(stage, free)
    assert broken(stage) == []


@every_design
def test_a_migration_entry_is_left_and_its_new_page_unmapped_by_the_second_pass(
    make_objects: StageMaker, design: str
) -> None:
    stage = make_objects(design)
    free = list(stage.s.zones.free_count)
    slot = slots_of(stage, range_of_task(stage, TRUNCATE_TASK)).start
    written = simpy.Event(stage.env)
    copies = gate(stage, 1, "copy_mapping")
    waits = gate(stage, 0, "io_schedule")

    async def writer(cpu: Cpu) -> None:
        (page,) = await write(stage, cpu, 1)
        written.succeed(page)
        await until(copies.reached)
        await truncate(stage, cpu)

    async def move(cpu: Cpu) -> None:
        await stage.paths["migrate_page_add"](cpu, await until(written))
        await stage.paths["migrate_pages"](cpu, 1)

    async def order(cpu: Cpu) -> None:
        await until(waits.reached)
        assert stage.s.ranges.pte[slot] not in (NONE, written.value)
        copies.opened.succeed()
        waits.opened.succeed()

    play(stage, writer, move, order)
    assert calls_of(stage, "page_index") == 1, "it was mapped when truncation had its lock"
    assert nothing_is_left(stage, free)
    assert broken(stage) == []


@every_design
def test_a_page_that_reclaim_removes_is_freed_once(make_objects: StageMaker, design: str) -> None:
    stage = make_objects(design)
    free = list(stage.s.zones.free_count)
    written = simpy.Event(stage.env)
    removes = gate(stage, 1, "remove_from_page_cache")
    spin_until(stage, 0, removes, looks=2 + 40)

    async def writer(cpu: Cpu) -> None:
        (page,) = await write(stage, cpu, 1)
        written.succeed(page)
        await until(removes.reached)
        await truncate(stage, cpu)

    async def reclaim(cpu: Cpu) -> int:
        page = await until(written)
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await cpu.list_add(page, PAGE_LIST)
        return int(await stage.paths["shrink_page_list"](cpu))

    assert play(stage, writer, reclaim)[1] == 1
    assert calls_of(stage, "remove_from_page_cache") == 0
    assert nothing_is_left(stage, free)
    assert broken(stage) == []
