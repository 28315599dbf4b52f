"""C: pageout(), end_page_writeback(), rotate_reclaimable_page(): a dirty page's way out (kernel-protocol §4.4)."""

import pytest

from perfsim.kernel.constants import (
    CONGESTION_ON,
    LRU_INACTIVE_FILE,
    NONE,
    PAGE_LIST,
    PAGEVEC_SIZE,
    PG_DIRTY,
    PG_LOCKED,
    PG_RECLAIM,
    PG_WRITEBACK,
    PGROTATED,
    TASK_SLEEPING,
)
from perfsim.kernel.cpu import Cpu
from perfsim.machine.costs import IO
from tests.kernel.paths.stage import Stage, broken, calls_of, gate, pages_on, play, steps_of, until

OUT = PG_WRITEBACK | PG_RECLAIM | PG_DIRTY


def dirty_pages(stage: Stage, count: int, zone: int = 0) -> list[int]:
    """File pages that nobody maps, made dirty; from the head of the list."""
    unmapped = [page for page in pages_on(stage, LRU_INACTIVE_FILE, zone) if stage.s.pages.slot[page] == NONE]
    for page in unmapped[:count]:
        stage.s.pages.flags[page] |= PG_DIRTY
    return unmapped[:count]


async def write(stage: Stage, cpu: Cpu, pages: list[int]) -> None:
    """Let shrink_page_list() meet pages, and put back what it keeps."""
    for page in pages:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await cpu.list_add(page, PAGE_LIST)
    assert await stage.paths["shrink_page_list"](cpu) == 0
    page = await cpu.list_last(PAGE_LIST)
    while page != NONE:
        await cpu.list_del(page)
        await stage.paths["lru_cache_add_lru"](cpu, page, LRU_INACTIVE_FILE)
        await stage.paths["put_page"](cpu, page)
        page = await cpu.list_last(PAGE_LIST)
    await stage.paths["lru_add_drain"](cpu)


def test_a_dirty_page_is_submitted_without_its_lock_and_written_after_the_disks_time(stage: Stage) -> None:
    (page,) = dirty_pages(stage, 1)

    async def script(cpu: Cpu) -> None:
        await write(stage, cpu, [page])
        assert stage.s.pages.flags[page] & (OUT | PG_LOCKED) == PG_WRITEBACK | PG_RECLAIM

    play(stage, script)
    assert stage.s.pages.flags[page] & OUT == 0
    steps = [(at_ps, name) for at_ps, _, name, _ in stage.rows if name in ("submit_bio", "complete_request")]
    assert [name for _, name in steps] == ["submit_bio", "complete_request"]
    assert steps[1][0] - steps[0][0] > stage.s.m.cost_ps[IO] // 1000
    assert broken(stage) == []


def test_a_page_under_writeback_is_kept_and_one_that_is_written_is_freed(stage: Stage) -> None:
    (page,) = dirty_pages(stage, 1)
    done = gate(stage, stage.s.settings.first_device + 1, "wait_for_request", 2)

    async def script(cpu: Cpu) -> int:
        await write(stage, cpu, [page])
        await write(stage, cpu, [page])
        assert calls_of(stage, "submit_bio") == 1
        await until(done.reached)
        done.opened.succeed()
        await stage.paths["lru_add_drain"](cpu)  # the rotate pagevec's reference
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await cpu.list_add(page, PAGE_LIST)
        return int(await stage.paths["shrink_page_list"](cpu))

    assert play(stage, script)[0] == 1
    assert broken(stage) == []


def test_a_written_page_moves_to_the_tail_of_its_list(stage: Stage) -> None:
    pages = dirty_pages(stage, 3)
    play(stage, lambda cpu: write(stage, cpu, pages))
    assert pages_on(stage, LRU_INACTIVE_FILE)[-3:] == pages
    assert stage.s.events[PGROTATED] == 3
    assert sum(stage.s.vectors.length[: stage.s.vectors.first_stack]) == 0
    assert broken(stage) == []


def test_fourteen_written_pages_are_rotated_under_one_lru_lock(stage: Stage) -> None:
    pages = dirty_pages(stage, PAGEVEC_SIZE)

    async def script(cpu: Cpu) -> None:
        for page in pages:
            assert stage.s.events[PGROTATED] == 0
            stage.s.pages.flags[page] &= ~PG_DIRTY
            await stage.paths["rotate_reclaimable_page"](cpu, page)

    play(stage, script)
    assert calls_of(stage, "rotate_pagevec_add") == stage.s.events[PGROTATED] == PAGEVEC_SIZE
    assert calls_of(stage, "spin_lock_irqsave") == 1
    assert pages_on(stage, LRU_INACTIVE_FILE)[-PAGEVEC_SIZE:] == pages
    assert broken(stage) == []


def test_lru_add_drain_rotates_what_the_disk_left_to_the_cpu(stage: Stage) -> None:
    (page,) = dirty_pages(stage, 1)
    stage.s.pages.flags[page] &= ~PG_DIRTY

    async def script(cpu: Cpu) -> None:
        await stage.paths["rotate_reclaimable_page"](cpu, page)
        assert pages_on(stage, LRU_INACTIVE_FILE)[-1] != page
        await stage.paths["lru_add_drain"](cpu)
        assert pages_on(stage, LRU_INACTIVE_FILE)[-1] == page

    play(stage, script)
    assert stage.s.events[PGROTATED] == 1
    assert broken(stage) == []


@pytest.mark.parametrize("flag", [PG_LOCKED, PG_DIRTY])
def test_a_written_page_that_is_used_again_stays_where_it_is(stage: Stage, flag: int) -> None:
    (page,) = dirty_pages(stage, 1)

    async def script(cpu: Cpu) -> None:
        stage.s.pages.flags[page] = stage.s.pages.flags[page] & ~PG_DIRTY | flag
        await stage.paths["rotate_reclaimable_page"](cpu, page)
        stage.s.pages.flags[page] &= ~flag

    play(stage, script)
    assert calls_of(stage, "rotate_pagevec_add") == stage.s.events[PGROTATED] == 0
    assert broken(stage) == []


def test_nothing_is_submitted_to_a_congested_disk_and_the_page_stays_dirty(stage: Stage) -> None:
    pages = dirty_pages(stage, 2)
    stage.s.disks.congested[0] = 1
    play(stage, lambda cpu: write(stage, cpu, pages))
    assert calls_of(stage, "submit_bio") == 0
    assert all(stage.s.pages.flags[page] & OUT == PG_DIRTY for page in pages)
    assert broken(stage) == []


def test_a_page_that_somebody_else_refers_to_is_not_written(stage: Stage) -> None:
    (page,) = dirty_pages(stage, 1)

    async def script(cpu: Cpu) -> None:
        await cpu.get_page(page)
        await write(stage, cpu, [page])
        await stage.paths["put_page"](cpu, page)

    play(stage, script)
    assert calls_of(stage, "submit_bio") == 0
    assert broken(stage) == []


def test_a_disks_queue_may_grow_to_its_congestion_and_drains_after_the_run(stage: Stage) -> None:
    pages = [page for page in pages_on(stage, LRU_INACTIVE_FILE) if stage.s.pages.slot[page] == NONE]
    for page in pages:
        stage.s.pages.flags[page] |= PG_DIRTY
    stage.s.disks.congested[0] = 0

    play(stage, lambda cpu: write(stage, cpu, pages))
    written = min(len(pages), CONGESTION_ON)
    assert len([name for name, _ in steps_of(stage, 0) if name == "submit_bio"]) == written > PAGEVEC_SIZE
    assert stage.s.disks.length == [0, 0]
    assert stage.s.tasks.state[stage.s.settings.first_device + 1] == TASK_SLEEPING
    assert broken(stage) == []


async def shrink_alone(stage: Stage, cpu: Cpu, page: int) -> int:
    """Isolate a page and shrink it. Returns the pages freed."""
    assert await stage.paths["isolate_lru_page"](cpu, page) == 0
    await cpu.list_add(page, PAGE_LIST)
    return int(await stage.paths["shrink_page_list"](cpu))


def test_a_page_that_is_written_before_anybody_looks_is_freed_at_once(stage: Stage) -> None:
    """A synchronous write, as to a ramdisk: the page is locked again and goes on."""
    (page,) = dirty_pages(stage, 1)
    disk = stage.s.settings.first_device + 1
    stage.s.tasks.hold[3 * disk + 1] = 0
    submits, written = gate(stage, 0, "submit_bio"), gate(stage, disk, "wait_for_request", 2)

    async def release(cpu: Cpu) -> None:
        await until(submits.reached)
        looks = gate(stage, 0, "test_flag")
        submits.opened.succeed()
        await until(written.reached)
        written.opened.succeed()
        await until(looks.reached)
        looks.opened.succeed()

    assert play(stage, lambda cpu: shrink_alone(stage, cpu, page), release)[0] == 1
    locks = [a for name, a in steps_of(stage, 0) if name == "test_and_set" and a == (page, PG_LOCKED)]
    assert len(locks) == 2
    assert broken(stage) == []


def test_a_page_that_somebody_cleans_meanwhile_is_freed_without_a_write(stage: Stage) -> None:
    (page,) = dirty_pages(stage, 1)
    window = gate(stage, 0, "bdi_write_congested")

    async def clean(cpu: Cpu) -> None:
        await until(window.reached)
        await cpu.clear_flag(page, PG_DIRTY)
        window.opened.succeed()

    assert play(stage, lambda cpu: shrink_alone(stage, cpu, page), clean)[0] == 1
    assert calls_of(stage, "submit_bio") == 0
    assert broken(stage) == []
