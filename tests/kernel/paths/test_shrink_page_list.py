"""C: mm/vmscan.c, shrink_page_list(): each verdict on a page, and what is done about it (kernel-protocol §4.4)."""

import pytest

from perfsim.kernel.constants import (
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    MAPPING_ANON,
    NO_MAPPING,
    NONE,
    PAGE_LIST,
    PAGE_LOCK_SLEEPS,
    PAGEVEC_SIZE,
    PG_ACTIVE,
    PG_DIRTY,
    PG_LOCKED,
    PG_MLOCKED,
    PG_SWAPCACHE,
    PGACTIVATE,
    PUTBACKS,
    UNEVICTABLE_PGCULLED,
    UNEVICTABLE_PGMLOCKED,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Stage, broken, calls_of, gate, list_of, pages_on, play, steps_of, until

EVERY_PAGE_REFERENCED = "memory.referenced_fraction=1.0"


async def shrink(stage: Stage, cpu: Cpu, pages: list[int]) -> tuple[int, list[int]]:
    """Isolate pages and shrink them. Returns the number freed and the pages kept, which are then put back."""
    for page in pages:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        await cpu.list_add(page, PAGE_LIST)
    freed = int(await stage.paths["shrink_page_list"](cpu))
    kept = []
    page = await cpu.list_last(PAGE_LIST)
    while page != NONE:
        kept.append(page)
        await cpu.list_del(page)
        page = await cpu.list_last(PAGE_LIST)
    return freed, kept


async def restore(stage: Stage, cpu: Cpu, pages: list[int]) -> None:
    """Give kept pages back to the LRU, as shrink_inactive_list() would."""
    for page in pages:
        lru = await cpu.page_lru_list(page)
        await stage.paths["lru_cache_add_lru"](cpu, page, lru)
        await stage.paths["put_page"](cpu, page)


def shrink_one(stage: Stage, page: int) -> tuple[int, bool]:
    """Shrink one page. Returns the number freed and whether it was kept."""

    async def script(cpu: Cpu) -> tuple[int, list[int]]:
        freed, kept = await shrink(stage, cpu, [page])
        await restore(stage, cpu, kept)
        return freed, kept

    freed, kept = play(stage, script)[0]
    return int(freed), kept == [page]


def cached(stage: Stage) -> int:
    """A clean file page that nobody maps."""
    return next(page for page in pages_on(stage, LRU_INACTIVE_FILE) if stage.s.pages.slot[page] == NONE)


def of_a_range(stage: Stage) -> int:
    """An evictable page that a range of some task maps."""
    lists = pages_on(stage, LRU_INACTIVE_FILE) + pages_on(stage, LRU_INACTIVE_ANON)
    return next(page for page in lists if stage.s.pages.slot[page] >= 0)


def test_a_page_that_truncation_still_holds_is_left_to_it(stage: Stage) -> None:
    page = cached(stage)
    stage.s.pages.mapping[page] = NO_MAPPING  # the cache's reference is dropped, the truncation's own is left
    assert shrink_one(stage, page) == (0, True)
    assert stage.s.pages.refcount[page] == 1


def test_a_clean_page_that_nobody_uses_is_freed(stage: Stage) -> None:
    page, free = cached(stage), stage.s.zones.free_count[0]
    assert shrink_one(stage, page) == (1, False)
    assert stage.s.zones.free_count[0] == free + 1
    assert calls_of(stage, "page_freeze_refs") == 1
    assert broken(stage) == []


def test_a_mapped_page_is_unmapped_and_freed(stage: Stage) -> None:
    page = of_a_range(stage)
    slot = stage.s.pages.slot[page]
    assert shrink_one(stage, page) == (1, False)
    assert stage.s.ranges.pte[slot] == NONE
    assert broken(stage) == []


def anonymous_of_a_range(stage: Stage) -> int:
    """An evictable anonymous page that a range of some task maps; it has no swap slot."""
    return next(page for page in pages_on(stage, LRU_INACTIVE_ANON) if stage.s.pages.slot[page] >= 0)


def test_an_anonymous_page_goes_through_the_swap_cache_and_is_freed(stage: Stage) -> None:
    page = anonymous_of_a_range(stage)
    assert stage.s.pages.refcount[page] == 1
    assert shrink_one(stage, page) == (1, False)
    names = [name for name, _ in steps_of(stage, 0)]
    assert names.index("try_to_munlock") < names.index("get_page") < names.index("try_to_unmap")
    flags = [a[1] for name, a in steps_of(stage, 0) if name in ("set_flag", "clear_flag") and a[1] == PG_SWAPCACHE]
    assert flags == [PG_SWAPCACHE, PG_SWAPCACHE]
    assert calls_of(stage, "remove_from_page_cache") == 0  # its mapping goes when it is freed
    assert broken(stage) == []


def test_an_anonymous_page_that_is_kept_stays_in_the_swap_cache(stage: Stage) -> None:
    page = anonymous_of_a_range(stage)
    stage.s.pages.flags[page] |= PG_DIRTY
    assert shrink_one(stage, page) == (0, True)
    assert stage.s.pages.flags[page] & PG_SWAPCACHE
    assert (stage.s.pages.refcount[page], stage.s.pages.mapcount[page]) == (1, 0)
    assert stage.s.pages.mapping[page] & MAPPING_ANON
    assert broken(stage) == []


@pytest.mark.parametrize("mmap_sem_held", [True, False])
def test_an_anonymous_page_of_a_locked_range_gets_no_swap_slot(stage: Stage, mmap_sem_held: bool) -> None:
    page = anonymous_of_a_range(stage)
    range_ = stage.s.pages.slot[page] // stage.s.settings.range_pages
    stage.s.ranges.locked[range_] = 1
    mm = stage.s.tasks.mm[stage.s.ranges.owner[range_]]
    stage.s.mms.activity[mm] = -int(mmap_sem_held)
    assert shrink_one(stage, page) == (0, mmap_sem_held)
    stage.s.mms.activity[mm] = 0
    assert not stage.s.pages.flags[page] & PG_SWAPCACHE
    assert calls_of(stage, "try_to_unmap") == 0
    assert stage.s.events[UNEVICTABLE_PGCULLED] == stage.s.events[UNEVICTABLE_PGMLOCKED] == (not mmap_sem_held)
    assert broken(stage) == []


def test_freed_pages_go_to_the_allocator_by_fourteen_without_lru_lock(stage: Stage) -> None:
    pages = [page for page in pages_on(stage, LRU_INACTIVE_FILE) if stage.s.pages.slot[page] == NONE]

    async def script(cpu: Cpu) -> tuple[int, list[int]]:
        return await shrink(stage, cpu, pages[: PAGEVEC_SIZE + 1])

    freed, kept = play(stage, script)[0]
    assert (freed, kept) == (PAGEVEC_SIZE + 1, [])
    names = [name for name, _ in steps_of(stage, 0)]
    first = names.index("free_page_to_zone")
    assert names[:first].count("page_freeze_refs") == PAGEVEC_SIZE
    assert stage.s.m.tally.acquisitions[LRU_LOCK] == PAGEVEC_SIZE + 1  # the isolations
    assert broken(stage) == []


def test_a_page_locked_by_somebody_is_kept_without_waiting(stage: Stage) -> None:
    page = cached(stage)

    async def script(cpu: Cpu) -> list[int]:
        await stage.paths["lock_page"](cpu, page)
        _, kept = await shrink(stage, cpu, [page])
        assert stage.s.pages.flags[page] & PG_LOCKED, "the lock is still its holder's"
        await stage.paths["unlock_page"](cpu, page)
        await restore(stage, cpu, kept)
        return kept

    assert play(stage, script)[0] == [page]
    assert stage.s.events[PAGE_LOCK_SLEEPS] == 0
    assert broken(stage) == []


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_page_in_use_is_activated(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, EVERY_PAGE_REFERENCED)
    page = of_a_range(stage)
    assert shrink_one(stage, page) == (0, True)
    assert stage.s.pages.flags[page] & PG_ACTIVE
    assert stage.s.events[PGACTIVATE] == 1
    assert broken(stage) == []


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_referenced_page_that_nobody_maps_is_freed_all_the_same(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, EVERY_PAGE_REFERENCED)
    assert shrink_one(stage, cached(stage)) == (1, False)
    assert stage.s.events[PGACTIVATE] == 0


def test_a_dirty_page_is_written_and_kept(stage: Stage) -> None:
    page = cached(stage)
    stage.s.pages.flags[page] |= PG_DIRTY
    assert shrink_one(stage, page) == (0, True)
    assert not stage.s.pages.flags[page] & PG_DIRTY
    assert broken(stage) == []


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_dirty_page_that_was_referenced_is_kept_and_not_written(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, EVERY_PAGE_REFERENCED)
    page = cached(stage)
    stage.s.pages.flags[page] |= PG_DIRTY
    assert shrink_one(stage, page) == (0, True)
    assert stage.s.pages.flags[page] & PG_DIRTY
    assert broken(stage) == []


def test_a_page_with_another_reference_cannot_be_frozen_and_is_kept(stage: Stage) -> None:
    page = cached(stage)

    async def script(cpu: Cpu) -> list[int]:
        await cpu.get_page(page)
        _, kept = await shrink(stage, cpu, [page])
        await stage.paths["put_page"](cpu, page)
        await restore(stage, cpu, kept)
        return kept

    assert play(stage, script)[0] == [page]
    assert broken(stage) == []


def test_a_page_dirtied_after_the_freeze_is_unfrozen_and_kept(stage: Stage) -> None:
    page = cached(stage)
    window = gate(stage, 0, "test_flag", 2, PG_DIRTY)

    async def script(cpu: Cpu) -> list[int]:
        _, kept = await shrink(stage, cpu, [page])
        await restore(stage, cpu, kept)
        return kept

    async def dirty(cpu: Cpu) -> None:
        await until(window.reached)
        assert stage.s.pages.refcount[page] == 0
        await cpu.set_flag(page, PG_DIRTY)
        window.opened.succeed()

    assert play(stage, script, dirty)[0] == [page]
    assert broken(stage) == []


def unmap_of_a_locked_range(stage: Stage, mmap_sem_held: bool) -> tuple[int, bool]:
    """Shrink a page whose range was VM_LOCKED after the page was last looked at. Returns what shrink_one() does."""
    page = of_a_range(stage)
    range_ = stage.s.pages.slot[page] // stage.s.settings.range_pages
    stage.s.ranges.locked[range_] = 1
    mm = stage.s.tasks.mm[stage.s.ranges.owner[range_]]
    stage.s.mms.activity[mm] = -int(mmap_sem_held)
    done = shrink_one(stage, page)
    stage.s.mms.activity[mm] = 0
    return done


def test_unmap_again_keeps_the_page_while_its_owner_holds_mmap_sem(stage: Stage) -> None:
    assert unmap_of_a_locked_range(stage, mmap_sem_held=True) == (0, True)
    assert stage.s.events[UNEVICTABLE_PGMLOCKED] == 0
    assert broken(stage) == []


def test_unmap_that_meets_a_locked_range_mlocks_the_page_and_culls_it(stage: Stage) -> None:
    """§5.5, lazy mlock: mlock_vma_page() cannot isolate, as the page is off the LRU; the cull puts it on list 4."""
    assert unmap_of_a_locked_range(stage, mmap_sem_held=False) == (0, False)
    page = pages_on(stage, LRU_UNEVICTABLE)[0]
    assert stage.s.pages.flags[page] & PG_MLOCKED
    assert stage.s.events[UNEVICTABLE_PGMLOCKED] == stage.s.events[UNEVICTABLE_PGCULLED] == 1
    assert stage.s.events[PUTBACKS] == 1
    assert broken(stage) == []


def cull_order(stage: Stage) -> list[str]:
    """The page lock's release and the taking of lru_lock for list 4, in the order in which a cull does them."""
    page = cached(stage)

    async def script(cpu: Cpu) -> list[str]:
        await stage.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await cpu.list_add(page, PAGE_LIST)
        start = len(stage.rows)
        assert await stage.paths["shrink_page_list"](cpu) == 0
        steps = [(name, arguments) for _, _, name, arguments in stage.rows[start:]]
        wanted = {("test_and_clear", (page, PG_LOCKED)): "unlock", ("spin_lock_irq", (LRU_LOCK, 0)): "lru_lock"}
        return [wanted[step] for step in steps if step in wanted]

    order = list(play(stage, script)[0])
    assert list_of(stage, page) == LRU_UNEVICTABLE
    assert broken(stage) == []
    return order


def test_old_culls_under_the_page_lock_and_redo_unlocks_first(old: Stage, redo: Stage) -> None:
    assert cull_order(old) == ["lru_lock", "unlock"]
    assert cull_order(redo) == ["unlock", "lru_lock"]


def test_pages_are_taken_from_the_tail_and_kept_ones_return_in_order(stage: Stage) -> None:
    pages = [page for page in pages_on(stage, LRU_INACTIVE_FILE) if stage.s.pages.slot[page] == NONE][:5]
    for page in pages:
        stage.s.pages.flags[page] |= PG_DIRTY

    async def script(cpu: Cpu) -> list[int]:
        _, kept = await shrink(stage, cpu, pages)
        await restore(stage, cpu, kept)
        return kept

    assert play(stage, script)[0] == pages
    locked = [a[0] for name, a in steps_of(stage, 0) if name == "test_and_set" and a[1] == PG_LOCKED]
    assert locked == pages
    assert broken(stage) == []
