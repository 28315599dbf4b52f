"""C: mm/swap.c: pagevecs, draining, dropping references."""

import pytest

from perfsim.kernel.constants import (
    BUG_VM,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    PAGEVEC_SIZE,
    PG_ACTIVE,
    PG_LRU,
    PG_UNEVICTABLE,
    PVEC,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.stage import Stage, broken, calls_of, list_of, pages_on, play, steps_of


def add_isolated(stage: Stage, pages: list[int], lru: int) -> list[int]:
    """Isolate pages, add each by lru_cache_add_lru(), drop the isolation's reference. Returns lru_lock's takings.

    The number of acquisitions is told after each page was added.
    """

    async def script(cpu: Cpu) -> list[int]:
        takings = []
        for page in pages:
            assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        before = calls_of(stage, "spin_lock_irq")
        for page in pages:
            await stage.paths["lru_cache_add_lru"](cpu, page, lru)
            takings.append(calls_of(stage, "spin_lock_irq") - before)
            await stage.paths["put_page"](cpu, page)
        return takings

    return list(play(stage, script)[0])


def test_thirteen_pages_wait_in_the_pagevec_with_its_reference(stage: Stage) -> None:
    pages = pages_on(stage, LRU_INACTIVE_FILE)[: PAGEVEC_SIZE - 1]
    before = {page: stage.s.pages.refcount[page] for page in pages}

    async def script(cpu: Cpu) -> None:
        for page in pages:
            await stage.paths["isolate_lru_page"](cpu, page)
            await stage.paths["lru_cache_add_lru"](cpu, page, LRU_INACTIVE_FILE)
            await stage.paths["put_page"](cpu, page)
        assert await cpu.pagevec_count(LRU_INACTIVE_FILE) == PAGEVEC_SIZE - 1
        assert {page: stage.s.pages.refcount[page] - 1 for page in pages} == before
        assert not any(stage.s.pages.flags[page] & PG_LRU for page in pages)

    play(stage, script)
    assert {page: stage.s.pages.refcount[page] for page in pages} == before
    assert broken(stage) == []


def test_a_full_pagevec_is_drained_under_one_lru_lock_when_all_pages_are_of_one_zone(stage: Stage) -> None:
    pages = pages_on(stage, LRU_INACTIVE_FILE)[:PAGEVEC_SIZE]
    assert add_isolated(stage, pages, LRU_INACTIVE_FILE) == [0] * (PAGEVEC_SIZE - 1) + [1]
    assert pages_on(stage, LRU_INACTIVE_FILE)[:PAGEVEC_SIZE] == pages[::-1]
    assert broken(stage) == []


def test_a_full_pagevec_takes_a_lock_for_every_page_when_zones_alternate(stage: Stage) -> None:
    near, far = (pages_on(stage, LRU_INACTIVE_FILE, zone)[: PAGEVEC_SIZE // 2] for zone in (0, 1))
    pages = [page for pair in zip(near, far, strict=True) for page in pair]
    assert add_isolated(stage, pages, LRU_INACTIVE_FILE)[-1] == PAGEVEC_SIZE
    assert broken(stage) == []


@pytest.mark.parametrize("lru,flags", [(LRU_INACTIVE_FILE, [PG_LRU]), (LRU_ACTIVE_FILE, [PG_LRU, PG_ACTIVE])])
def test_a_drained_page_costs_one_atomic_or_two_on_an_active_list(stage: Stage, lru: int, flags: list[int]) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    add_isolated(stage, [page], lru)
    assert [arguments[1] for name, arguments in steps_of(stage, 0) if name == "set_flag"] == flags
    assert list_of(stage, page) == lru


def test_the_pagevecs_of_a_cpu_are_drained_list_by_list_and_empty_ones_skipped(stage: Stage) -> None:
    anon, file = pages_on(stage, LRU_INACTIVE_ANON)[0], pages_on(stage, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> int:
        for page, lru in ((anon, LRU_INACTIVE_ANON), (file, LRU_INACTIVE_FILE)):
            await stage.paths["isolate_lru_page"](cpu, page)
            await stage.paths["lru_cache_add_lru"](cpu, page, lru)
            await stage.paths["put_page"](cpu, page)
        before = calls_of(stage, "spin_lock_irq")
        await stage.paths["lru_add_drain"](cpu)
        return calls_of(stage, "spin_lock_irq") - before

    assert play(stage, script)[0] == 2
    assert (list_of(stage, anon), list_of(stage, file)) == (LRU_INACTIVE_ANON, LRU_INACTIVE_FILE)


def test_lru_cache_add_lru_clears_a_stale_unevictable_flag(stage: Stage) -> None:
    """R4: a retry of redo comes here with PG_unevictable set; without this clear it would stay set on list 2."""
    page = pages_on(stage, LRU_UNEVICTABLE)[0]
    add_isolated(stage, [page], LRU_INACTIVE_FILE)
    assert not stage.s.pages.flags[page] & PG_UNEVICTABLE
    assert stage.s.violations[BUG_VM] == 0


def test_lru_cache_add_lru_clears_a_stale_active_flag(stage: Stage) -> None:
    page = pages_on(stage, LRU_ACTIVE_FILE)[0]
    add_isolated(stage, [page], LRU_INACTIVE_FILE)
    assert not stage.s.pages.flags[page] & PG_ACTIVE
    assert broken(stage) == []


def drop_last_references(stage: Stage, pages: list[int], by_pagevec: bool) -> None:
    """Give up every reference to pages: the last one by put_page(), or all last ones by one __pagevec_release()."""

    async def script(cpu: Cpu) -> None:
        for page in pages:
            for _ in range(stage.s.pages.refcount[page] - 1):
                await stage.paths["put_page"](cpu, page)
            stage.s.pages.mapcount[page] = 0
            await cpu.remove_from_page_cache(page)
            if by_pagevec:
                await cpu.pagevec_add(PVEC, page)
            else:
                await stage.paths["put_page"](cpu, page)
        if by_pagevec:
            await stage.paths["__pagevec_release"](cpu, PVEC)

    play(stage, script)


def unmapped_files(stage: Stage, zone: int = 0) -> list[int]:
    """File pages of the page cache that no pte maps."""
    return [page for page in pages_on(stage, LRU_INACTIVE_FILE, zone) if stage.s.pages.slot[page] == -1]


@pytest.mark.parametrize("lru", [LRU_INACTIVE_FILE, LRU_ACTIVE_FILE, LRU_UNEVICTABLE])
def test_the_last_put_page_takes_a_page_off_its_list_and_frees_it(stage: Stage, lru: int) -> None:
    page = next(page for page in pages_on(stage, lru) if lru == LRU_UNEVICTABLE or stage.s.pages.slot[page] == -1)
    free = stage.s.zones.free_count[0]
    drop_last_references(stage, [page], by_pagevec=False)
    assert stage.s.zones.free_count[0] == free + 1
    assert stage.s.pages.flags[page] == stage.s.pages.mapping[page] == 0
    assert calls_of(stage, "spin_lock_irqsave") == 1
    assert calls_of(stage, "clear_flag") == 0  # non-atomic: nobody else has the page
    cleared = [a[1] for name, a in steps_of(stage, 0) if name == "clear_flag_nonatomic"]
    assert cleared == [PG_LRU] + [PG_UNEVICTABLE] * (lru == LRU_UNEVICTABLE) + [PG_ACTIVE] * (lru == LRU_ACTIVE_FILE)


def test_release_pages_keeps_the_lock_over_pages_of_one_zone(stage: Stage) -> None:
    pages = unmapped_files(stage)[:5]
    drop_last_references(stage, pages, by_pagevec=True)
    assert calls_of(stage, "spin_lock_irqsave") == 1
    assert calls_of(stage, "free_page_to_zone") == 5
    assert broken(stage) == []


def test_release_pages_changes_the_lock_with_the_zone(stage: Stage) -> None:
    pages = [unmapped_files(stage)[0], unmapped_files(stage, zone=1)[0], unmapped_files(stage)[1]]
    drop_last_references(stage, pages, by_pagevec=True)
    taken = [arguments for name, arguments in steps_of(stage, 0) if name == "spin_lock_irqsave"]
    assert taken == [(LRU_LOCK, 0), (LRU_LOCK, 1), (LRU_LOCK, 0)]
    assert broken(stage) == []


def test_release_pages_drops_the_lock_before_it_frees_fourteen_pages(stage: Stage) -> None:
    drop_last_references(stage, unmapped_files(stage)[:PAGEVEC_SIZE], by_pagevec=True)
    names = [name for name, _ in steps_of(stage, 0)]
    assert names.index("spin_unlock_irqrestore") < names.index("free_page_to_zone")
    assert stage.s.zones.free_count[0] == stage.s.zones.watermark[2] + PAGEVEC_SIZE
    assert broken(stage) == []


def test_release_pages_leaves_a_page_that_others_use(stage: Stage) -> None:
    page = unmapped_files(stage)[0]

    async def script(cpu: Cpu) -> None:
        await cpu.get_page(page)
        await cpu.pagevec_add(PVEC, page)
        await stage.paths["__pagevec_release"](cpu, PVEC)

    play(stage, script)
    assert calls_of(stage, "free_page_to_zone") == calls_of(stage, "spin_lock_irqsave") == 0
    assert broken(stage) == []


def test_pagevec_release_drains_the_cpus_pagevecs_first(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_ANON)[0]

    async def script(cpu: Cpu) -> None:
        await stage.paths["isolate_lru_page"](cpu, page)
        await stage.paths["lru_cache_add_lru"](cpu, page, LRU_INACTIVE_ANON)
        await cpu.pagevec_add(PVEC, page)
        await stage.paths["pagevec_release"](cpu, PVEC)
        assert list_of(stage, page) == LRU_INACTIVE_ANON

    play(stage, script)
    assert broken(stage) == []


def test_pagevec_release_of_an_empty_vector_drains_nothing(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_ANON)[0]

    async def script(cpu: Cpu) -> None:
        await stage.paths["isolate_lru_page"](cpu, page)
        await stage.paths["lru_cache_add_lru"](cpu, page, LRU_INACTIVE_ANON)
        await stage.paths["pagevec_release"](cpu, PVEC)
        assert await cpu.pagevec_count(LRU_INACTIVE_ANON) == 1
        await stage.paths["put_page"](cpu, page)

    play(stage, script)
    assert broken(stage) == []
