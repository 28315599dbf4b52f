"""Ways through paths that a run takes once in a million events, each by an interleaving that is written down."""

import pytest
import simpy

from perfsim.kernel.constants import (
    EAGAIN,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    NONE,
    PAGE_LIST,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_SWAPCACHE,
    PG_UNEVICTABLE,
    PGROTATED,
    PVEC,
    REDO_RETRIES,
    UNEVICTABLE_PGSTRANDED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.effects.memory import SWAP_SUCCESS
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Stage, broken, calls_of, gate, list_of, pages_on, play, until

REDO_DESIGNS = ("redo", "redo_merged", "redo_barrier")


@pytest.mark.parametrize("design", REDO_DESIGNS)
@pytest.mark.parametrize("primitive,nth,retries", [("set_flag", 1, 1), ("page_mapping", 2, 0)])
def test_a_putback_that_meets_munlock_goes_again_unless_munlock_has_the_page(
    make_stage: StageMaker, design: str, primitive: str, nth: int, retries: int
) -> None:
    stage = make_stage(design)
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    window = gate(stage, 0, primitive, nth)

    async def putback(cpu: Cpu) -> None:
        await stage.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await stage.paths["putback_lru_page"](cpu, page)

    async def munlock(cpu: Cpu) -> None:
        await until(window.reached)
        await stage.paths["lock_page"](cpu, page)
        await stage.paths["munlock_vma_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)
        window.opened.succeed()

    play(stage, putback, munlock)
    assert stage.s.events[REDO_RETRIES] == retries
    assert list_of(stage, page) == LRU_INACTIVE_FILE
    assert broken(stage) == []


@pytest.mark.parametrize("design", REDO_DESIGNS)
def test_a_putback_leaves_a_page_to_whoever_takes_it_between_the_look_and_the_isolation(
    make_stage: StageMaker, design: str
) -> None:
    stage = make_stage(design)
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]

    async def putback(cpu: Cpu) -> None:
        await stage.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await until(ready)
        await stage.paths["putback_lru_page"](cpu, page)

    async def munlock(cpu: Cpu) -> None:
        ready.succeed()
        await until(rechecks.reached)
        await cpu.test_and_clear(page, PG_MLOCKED)
        rechecks.opened.succeed()
        await until(isolates.reached)
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        isolates.opened.succeed()
        await cpu.hold()
        await stage.paths["putback_lru_page"](cpu, page)

    ready = simpy.Event(stage.env)
    rechecks = gate(stage, 0, "page_mapping", 2)
    # isolate_lru_page() looks at PG_lru twice before, page_evictable() at PG_mlocked twice, then comes the isolation.
    isolates = gate(stage, 0, "test_flag", 4 + (design != "redo"))
    play(stage, putback, munlock)
    assert stage.s.events[REDO_RETRIES] == 0
    assert list_of(stage, page) == LRU_INACTIVE_FILE
    assert broken(stage) == []


@pytest.mark.parametrize("design", ["redo_merged", "redo_barrier"])
def test_merged_munlock_of_an_isolated_page_suspects_stranding(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design)
    page = pages_on(stage, LRU_UNEVICTABLE)[0]

    async def script(cpu: Cpu) -> None:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await stage.paths["lock_page"](cpu, page)
        await stage.paths["munlock_vma_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)

    play(stage, script)
    assert stage.s.events[UNEVICTABLE_PGSTRANDED] == 1
    assert stage.s.pages.flags[page] & (PG_UNEVICTABLE | PG_LRU) == PG_UNEVICTABLE


def test_a_waiter_taken_off_the_queue_before_it_has_the_bucket_lock_leaves_it_alone(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    held = simpy.Event(stage.env)
    queued = gate(stage, 1, "test_flag")
    leaves = gate(stage, 1, "spin_lock_irqsave", 2)
    wakes = gate(stage, 0, "wake_up_bit")

    async def hold(cpu: Cpu) -> None:
        await stage.paths["lock_page"](cpu, page)
        held.succeed()
        await until(queued.reached)
        await stage.paths["unlock_page"](cpu, page)
        leaves.opened.succeed()

    async def want(cpu: Cpu) -> None:
        await until(held)
        await stage.paths["wait_on_page_bit"](cpu, page, PG_LOCKED)

    async def interleave(cpu: Cpu) -> None:
        await until(wakes.reached)
        queued.opened.succeed()
        await until(leaves.reached)
        wakes.opened.succeed()

    play(stage, hold, want, interleave)
    assert calls_of(stage, "spin_lock_irqsave", 1) == 2
    assert calls_of(stage, "remove_wait_queue", 1) == 0
    assert broken(stage) == []


@pytest.mark.parametrize("design", ["lock_page", "redo", "redo_merged"])
@pytest.mark.parametrize("where,cleared", [("a pagevec", 1), ("reclaim's list", 0)])
def test_mlock_of_a_truncated_page_is_cleared_after_a_drain_unless_someone_has_the_page(
    make_stage: StageMaker, design: str, where: str, cleared: int
) -> None:
    stage = make_stage(design, "kernel.drain_all=once")
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> None:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        if where == "a pagevec":
            await stage.paths["lru_cache_add_lru"](cpu, page, LRU_INACTIVE_FILE)
            await stage.paths["put_page"](cpu, page)
        await stage.paths["lock_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await stage.paths["clear_page_mlock"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)
        await stage.paths["lru_add_drain"](cpu)

    play(stage, script)
    assert (list_of(stage, page) == LRU_INACTIVE_FILE) == cleared
    assert stage.s.events[UNEVICTABLE_PGSTRANDED] == 0
    assert not stage.s.pages.flags[page] & PG_MLOCKED


def test_who_waits_for_a_page_that_is_free_by_now_does_not_wait(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> None:
        await stage.paths["wait_on_page_locked"](cpu, page)
        await stage.paths["wait_on_page_bit"](cpu, page, PG_LOCKED)

    play(stage, script)
    assert calls_of(stage, "io_schedule") == 0
    assert broken(stage) == []


@pytest.mark.parametrize("holder,freed", [("nobody", 1), ("the page lock", 0), ("a reference", 0)])
def test_an_unmapped_page_leaves_the_swap_cache_unless_someone_has_it(stage: Stage, holder: str, freed: int) -> None:
    page = next(page for page in pages_on(stage, LRU_INACTIVE_ANON) if stage.s.pages.refcount[page] == 1)

    async def script(cpu: Cpu) -> None:
        await stage.paths["add_to_swap"](cpu, page)
        if holder == "the page lock":
            await stage.paths["lock_page"](cpu, page)
        if holder == "a reference":
            await cpu.get_page(page)
        await stage.paths["free_swap_cache"](cpu, page)
        if holder == "the page lock":
            await stage.paths["unlock_page"](cpu, page)

    play(stage, script)
    assert (stage.s.pages.flags[page] & PG_SWAPCACHE == 0) == freed


def test_reclaim_leaves_a_truncated_page_to_those_who_still_hold_it(stage: Stage) -> None:
    """The references of truncation's lookup and of reclaim are two, as those of a page that can be frozen are."""
    page = next(page for page in pages_on(stage, LRU_INACTIVE_FILE) if stage.s.pages.slot[page] == NONE)

    async def script(cpu: Cpu) -> int:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await cpu.get_page(page)  # pagevec_lookup()
        await stage.paths["lock_page"](cpu, page)
        await stage.paths["truncate_complete_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)
        await cpu.list_add(page, PAGE_LIST)
        reclaimed: int = await stage.paths["shrink_page_list"](cpu)
        await cpu.list_del(page)
        await stage.paths["put_page"](cpu, page)  # pagevec_release()
        assert stage.s.pages.refcount[page] == 1
        await stage.paths["put_page"](cpu, page)
        return reclaimed

    before = stage.s.zones.free_count[0]
    assert play(stage, script)[0] == 0
    assert stage.s.zones.free_count[0] == before + 1
    assert broken(stage) == []


def test_pages_off_the_lists_that_fill_the_vector_of_those_to_free_are_freed_without_the_lock(
    make_stage: StageMaker,
) -> None:
    stage = make_stage("redo", "kernel.pagevec_size=1")
    page = next(page for page in pages_on(stage, LRU_INACTIVE_ANON) if stage.s.pages.refcount[page] == 1)
    before = stage.s.zones.free_count[0]

    async def script(cpu: Cpu) -> None:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        assert await cpu.try_to_unmap(page) == SWAP_SUCCESS
        await cpu.pagevec_add(PVEC, page)
        await stage.paths["release_pages"](cpu, PVEC)
        await cpu.pagevec_reinit(PVEC)

    play(stage, script)
    assert stage.s.zones.free_count[0] == before + 1
    assert calls_of(stage, "spin_lock_irqsave") == 0
    assert broken(stage) == []


def test_a_page_that_became_active_before_the_rotate_pagevec_is_moved_stays_where_it_is(stage: Stage) -> None:
    first, last = pages_on(stage, LRU_ACTIVE_FILE)[:2]

    async def script(cpu: Cpu) -> None:
        await cpu.get_page(first)
        await cpu.rotate_pagevec_add(first)
        await stage.paths["pagevec_move_tail"](cpu)

    play(stage, script)
    assert pages_on(stage, LRU_ACTIVE_FILE)[:2] == [first, last]
    assert stage.s.events[PGROTATED] == 0
    assert broken(stage) == []


def test_a_page_isolated_before_the_rotate_pagevec_is_moved_is_left_to_who_has_it(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> None:
        await cpu.get_page(page)
        await cpu.rotate_pagevec_add(page)
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await stage.paths["pagevec_move_tail"](cpu)
        assert list_of(stage, page) == NONE
        await stage.paths["lock_page"](cpu, page)
        await stage.paths["putback_lru_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)

    play(stage, script)
    assert pages_on(stage, LRU_INACTIVE_FILE)[0] == page
    assert stage.s.events[PGROTATED] == 0
    assert broken(stage) == []


@pytest.mark.parametrize(
    "swapped,holder,moved",
    [(1, "nobody", 1), (1, "who looked the page up", 0), (0, "nobody", 1), (0, "who waits for the page", 0)],
)
def test_an_anonymous_page_moves_only_while_nobody_else_has_a_reference(
    stage: Stage, swapped: int, holder: str, moved: int
) -> None:
    page = next(page for page in pages_on(stage, LRU_INACTIVE_ANON) if stage.s.pages.refcount[page] == 1)
    freezes = gate(stage, 0, "page_freeze_refs")

    async def migrate(cpu: Cpu) -> int:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        if swapped:
            await stage.paths["add_to_swap"](cpu, page)
        assert await cpu.try_to_unmap(page) == SWAP_SUCCESS
        if holder == "who waits for the page":
            await cpu.get_page(page)
        newpage = await cpu.rmqueue(1)
        rc: int = await stage.paths["migrate_page_move_mapping"](cpu, newpage, page)
        assert (stage.s.pages.flags[newpage] & PG_SWAPCACHE != 0) == (swapped and moved)
        return rc

    async def look_up(cpu: Cpu) -> None:
        if swapped:
            await until(freezes.reached)
            if holder == "who looked the page up":
                await cpu.get_page(page)
                await cpu.should_stop()  # it has its reference by now
            freezes.opened.succeed()

    assert play(stage, migrate, look_up)[0] == (0 if moved else -EAGAIN)
