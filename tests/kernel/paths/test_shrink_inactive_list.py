"""C: mm/vmscan.c, shrink_inactive_list(): the loop decides how often lru_lock is taken (kernel-protocol §4.5)."""

import pytest

from perfsim.kernel.constants import (
    LRU_ACTIVE_ANON,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    NONE,
    PAGE_LOCK_SLEEPS,
    PAGEVEC_SIZE,
    PG_ACTIVE,
    PG_MLOCKED,
    PGACTIVATE,
    PGSCAN,
    PGSTEAL,
    SWAP_CLUSTER_MAX,
    UNEVICTABLE_PGCULLED,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Script, Stage, broken, calls_of, gate, list_of, pages_on, play, until


def shrinks(stage: Stage, lru: int, max_scan: int = SWAP_CLUSTER_MAX) -> Script:
    """CPU 0's script: one batch of zone 0."""

    async def script(cpu: Cpu) -> int:
        return int(await stage.paths["shrink_inactive_list"](cpu, max_scan, 0, lru))

    return script


def mlocks_before_the_put_back_loop(stage: Stage, pages: list[int]) -> Script:
    """CPU 1's script: mark pages mlocked after CPU 0 has judged them and before it puts them back."""
    window = gate(stage, 0, "spin_lock_irq", 2)

    async def script(cpu: Cpu) -> None:
        await until(window.reached)
        for page in pages:
            await cpu.test_and_set(page, PG_MLOCKED)
        window.opened.succeed()

    return script


@pytest.fixture(params=["lock_page", "redo"])
def busy(request: pytest.FixtureRequest, make_stage: StageMaker) -> Stage:
    """A stage on which every page has been referenced, so that mapped ones are activated and kept."""
    return make_stage(str(request.param), "memory.referenced_fraction=1.0")


def test_a_batch_of_unused_pages_is_freed_and_counted(stage: Stage) -> None:
    free = stage.s.zones.free_count[0]
    assert play(stage, shrinks(stage, LRU_INACTIVE_FILE))[0] == SWAP_CLUSTER_MAX
    assert stage.s.zones.free_count[0] == free + SWAP_CLUSTER_MAX
    assert stage.s.events[PGSCAN] == stage.s.events[PGSTEAL] == SWAP_CLUSTER_MAX
    assert broken(stage) == []


def test_a_batch_that_is_freed_wholly_takes_lru_lock_twice(stage: Stage) -> None:
    play(stage, shrinks(stage, LRU_INACTIVE_FILE))
    assert stage.s.m.tally.acquisitions[LRU_LOCK] == 2


def test_an_empty_list_takes_lru_lock_once(stage: Stage) -> None:
    stage_pages = pages_on(stage, LRU_INACTIVE_FILE)

    async def script(cpu: Cpu) -> tuple[int, int]:
        for page in stage_pages:
            await stage.paths["isolate_lru_page"](cpu, page)
        before = stage.s.m.tally.acquisitions[LRU_LOCK]
        freed = await stage.paths["shrink_inactive_list"](cpu, SWAP_CLUSTER_MAX, 0, LRU_INACTIVE_FILE)
        return freed, stage.s.m.tally.acquisitions[LRU_LOCK] - before

    assert play(stage, script)[0] == (0, 1)
    assert stage.s.events[PGSCAN] == 0


def test_scanned_and_freed_pages_are_counted_at_one_instant(stage: Stage) -> None:
    """A window that opens within the batch sees both or neither, as /proc/vmstat does (§4.3 step 5)."""
    before_the_last_free = gate(stage, 0, "free_page_to_zone", SWAP_CLUSTER_MAX)

    async def look(cpu: Cpu) -> list[int]:
        await until(before_the_last_free.reached)
        seen = [stage.s.events[PGSCAN], stage.s.events[PGSTEAL]]
        before_the_last_free.opened.succeed()
        return seen

    assert play(stage, shrinks(stage, LRU_INACTIVE_FILE), look)[1] == [0, 0]


def test_activated_pages_return_to_the_active_list(busy: Stage) -> None:
    oldest = pages_on(busy, LRU_INACTIVE_ANON)[::-1][:SWAP_CLUSTER_MAX]
    assert play(busy, shrinks(busy, LRU_INACTIVE_ANON))[0] == 0
    assert {list_of(busy, page) for page in oldest} == {LRU_ACTIVE_ANON}
    assert busy.s.events[PGACTIVATE] == SWAP_CLUSTER_MAX
    assert busy.s.events[PGSTEAL] == 0
    assert broken(busy) == []


@pytest.mark.parametrize("unevictable", [0, 1, 3, 18, 19, 32])
def test_lru_lock_is_taken_as_often_as_the_formula_says(busy: Stage, unevictable: int) -> None:
    """1 to isolate, 1 to put back, 1 after each full pagevec of kept pages, 2 for each unevictable page."""
    oldest = pages_on(busy, LRU_INACTIVE_ANON)[::-1][:SWAP_CLUSTER_MAX]
    locked = oldest[:unevictable]
    play(busy, shrinks(busy, LRU_INACTIVE_ANON), mlocks_before_the_put_back_loop(busy, locked))
    kept = SWAP_CLUSTER_MAX - unevictable
    assert busy.s.m.tally.acquisitions[LRU_LOCK] == 2 + kept // PAGEVEC_SIZE + 2 * unevictable
    assert sorted(pages_on(busy, LRU_UNEVICTABLE)[:unevictable]) == sorted(locked)
    assert busy.s.events[UNEVICTABLE_PGCULLED] == unevictable
    assert broken(busy) == []


def test_kept_pages_keep_what_shrink_page_list_made_of_them(busy: Stage) -> None:
    page = pages_on(busy, LRU_INACTIVE_ANON)[-1]
    before = busy.s.pages.refcount[page]
    play(busy, shrinks(busy, LRU_INACTIVE_ANON, 1))
    assert busy.s.pages.flags[page] & PG_ACTIVE
    assert busy.s.pages.refcount[page] == before
    assert calls_of(busy, "put_page_testzero") == 1


def sleeps_with_the_page_held(stage: Stage) -> int:
    """CPU 1 mlocks and holds the one page that CPU 0 is about to put back. Returns how often somebody slept."""
    page = pages_on(stage, LRU_INACTIVE_ANON)[-1]
    window = gate(stage, 0, "spin_lock_irq", 2)
    asleep = gate(stage, 0, "io_schedule")

    async def hold_the_page(cpu: Cpu) -> None:
        await until(window.reached)
        await cpu.test_and_set(page, PG_MLOCKED)
        await stage.paths["lock_page"](cpu, page)
        window.opened.succeed()
        await cpu.hold()
        await stage.paths["unlock_page"](cpu, page)

    async def look(cpu: Cpu) -> None:
        await until(window.opened)
        if stage.design.name == "lock_page":
            await until(asleep.reached)
            assert stage.s.m.lock_owner[0] == NONE, "lru_lock is held by a task that goes to sleep"
            asleep.opened.succeed()

    play(stage, shrinks(stage, LRU_INACTIVE_ANON, 1), hold_the_page, look)
    assert list_of(stage, page) == LRU_UNEVICTABLE
    assert broken(stage) == []
    return stage.s.events[PAGE_LOCK_SLEEPS]


def test_the_put_back_loop_sleeps_on_a_page_lock_in_the_old_design_alone(busy: Stage) -> None:
    assert sleeps_with_the_page_held(busy) == (1 if busy.design.name == "lock_page" else 0)
