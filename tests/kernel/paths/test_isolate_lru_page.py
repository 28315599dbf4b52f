"""C: mm/vmscan.c, isolate_lru_page() and isolate_lru_pages()."""

import pytest

from perfsim.kernel.constants import (
    BUG_VM,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_FILE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    NONE,
    PG_ACTIVE,
    PG_LRU,
    PG_UNEVICTABLE,
    SWAP_CLUSTER_MAX,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.stage import Stage, broken, calls_of, gate, list_of, pages_on, play, until


def isolate(stage: Stage, page: int) -> int:
    """What isolate_lru_page() says to CPU 0; an isolated page stays so."""

    async def script(cpu: Cpu) -> int:
        return int(await stage.paths["isolate_lru_page"](cpu, page))

    return int(play(stage, script)[0])


def test_isolation_takes_a_reference_and_unlinks(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[3]
    count, length = stage.s.pages.refcount[page], len(pages_on(stage, LRU_INACTIVE_FILE))
    assert isolate(stage, page) == 0
    assert stage.s.pages.refcount[page] == count + 1
    assert not stage.s.pages.flags[page] & PG_LRU
    assert list_of(stage, page) == NONE
    assert stage.s.zones.lru_length[LRU_INACTIVE_FILE] == length - 1


@pytest.mark.parametrize("lru,flag", [(LRU_ACTIVE_FILE, PG_ACTIVE), (LRU_UNEVICTABLE, PG_UNEVICTABLE)])
def test_an_isolated_page_remembers_its_list(stage: Stage, lru: int, flag: int) -> None:
    page = pages_on(stage, lru)[0]
    assert isolate(stage, page) == 0
    assert stage.s.pages.flags[page] & flag


def test_a_page_without_pg_lru_is_refused_before_the_lock_is_taken(stage: Stage) -> None:
    page = stage.s.zones.free_head[0]
    assert isolate(stage, page) == -1
    assert calls_of(stage, "spin_lock_irq") == 0
    assert broken(stage) == []


def test_a_page_that_leaves_the_list_between_peek_and_lock_is_refused(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    window = gate(stage, 0, "spin_lock_irq")

    async def late(cpu: Cpu) -> int:
        return int(await stage.paths["isolate_lru_page"](cpu, page))

    async def first(cpu: Cpu) -> int:
        await until(window.reached)
        ret = int(await stage.paths["isolate_lru_page"](cpu, page))
        window.opened.succeed()
        return ret

    assert play(stage, late, first)[:2] == [-1, 0]
    assert calls_of(stage, "get_page_unless_zero", 0) == 0
    assert stage.s.m.tally.acquisitions[LRU_LOCK] == 2


def freed_elsewhere(stage: Stage, page: int) -> None:
    """CPU 1 drops the last references of a page and stops before it takes lru_lock; CPU 0 meets the page there."""
    window = gate(stage, 1, "spin_lock_irqsave")

    async def free(cpu: Cpu) -> None:
        for _ in range(stage.s.pages.refcount[page]):
            await stage.paths["put_page"](cpu, page)

    async def meet(cpu: Cpu) -> tuple[int, int]:
        await until(window.reached)
        single = int(await stage.paths["isolate_lru_page"](cpu, page))
        await cpu.spin_lock_irq(LRU_LOCK, 0)
        scanned = int(await stage.paths["isolate_lru_pages"](cpu, 1, 0, LRU_INACTIVE_FILE))
        await cpu.spin_unlock_irq(LRU_LOCK, 0)
        assert pages_on(stage, LRU_INACTIVE_FILE)[0] == page, "rotated to the head"
        window.opened.succeed()
        return single, scanned

    assert play(stage, meet, free)[0] == (-1, 1)


def test_a_page_whose_last_reference_is_gone_is_left_to_who_frees_it(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[-1]
    stage.s.pages.mapcount[page] = 0
    stage.s.pages.refcount[page], stage.s.pages.slot[page] = 1, NONE
    free = stage.s.zones.free_count[0]
    freed_elsewhere(stage, page)
    assert stage.s.zones.free_count[0] == free + 1
    assert list_of(stage, page) == NONE


def isolate_batch(stage: Stage, nr: int, lru: int) -> tuple[int, list[int]]:
    """isolate_lru_pages() under lru_lock: what it returns, and the pages of L_HOLD from the tail."""

    async def script(cpu: Cpu) -> tuple[int, list[int]]:
        await cpu.spin_lock_irq(LRU_LOCK, 0)
        scanned = int(await stage.paths["isolate_lru_pages"](cpu, nr, 0, lru))
        await cpu.spin_unlock_irq(LRU_LOCK, 0)
        taken = []
        page = await cpu.list_last(0)
        while page != NONE:
            taken.append(page)
            await cpu.list_del(page)
            page = await cpu.list_last(0)
        return scanned, taken

    scanned, taken = play(stage, script)[0]
    return int(scanned), list(taken)


def test_a_batch_comes_from_the_tail_the_oldest_first(stage: Stage) -> None:
    oldest = pages_on(stage, LRU_ACTIVE_FILE)[::-1][:SWAP_CLUSTER_MAX]
    scanned, taken = isolate_batch(stage, SWAP_CLUSTER_MAX, LRU_ACTIVE_FILE)
    assert (scanned, taken) == (SWAP_CLUSTER_MAX, oldest)
    assert stage.s.m.tally.acquisitions[LRU_LOCK] == 1
    assert stage.s.violations == [0] * len(stage.s.violations)


def test_a_short_list_gives_what_it_has(stage: Stage) -> None:
    length = len(pages_on(stage, LRU_ACTIVE_FILE))
    scanned, taken = isolate_batch(stage, length + 5, LRU_ACTIVE_FILE)
    assert scanned == len(taken) == length
    assert pages_on(stage, LRU_ACTIVE_FILE) == []


def test_a_page_marked_unevictable_on_a_reclaim_list_is_a_bug(stage: Stage) -> None:
    """R4 and I2: isolate_lru_pages() is where the kernel itself would stop."""
    stage.s.pages.flags[pages_on(stage, LRU_INACTIVE_FILE)[-1]] |= PG_UNEVICTABLE
    isolate_batch(stage, 1, LRU_INACTIVE_FILE)
    assert stage.s.violations[BUG_VM] == 1
