"""C: mm/vmscan.c, putback_lru_page(), old and reworked: each branch, and the race that the rework is about."""

import pytest

from perfsim.kernel.constants import (
    BAD_PAGE_LOCKED,
    BUG_UNLOCKED_PAGE,
    BUG_VM,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    NO_MAPPING,
    PAGEVEC_SIZE,
    PG_ACTIVE,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PG_UNEVICTABLE,
    REDO_RETRIES,
    UNEVICTABLE_PGCULLED,
    UNEVICTABLE_PGMUNLOCKED,
    UNEVICTABLE_PGRESCUED,
    UNEVICTABLE_PGSTRANDED,
)
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.effects.memory import SWAP_SUCCESS
from tests.kernel.paths.stage import Stage, broken, calls_of, gate, list_of, pages_on, play, steps_of, until


async def put_back(stage: Stage, cpu: Cpu, page: int) -> int:
    """putback_lru_page() as the design's callers use it: under the page lock in the old design."""
    if stage.design.name == "redo":
        await stage.paths["putback_lru_page"](cpu, page)
        return 0
    assert await stage.paths["trylock_page"](cpu, page)
    ret = int(await stage.paths["putback_lru_page"](cpu, page))
    if ret:
        await stage.paths["unlock_page"](cpu, page)
    return ret


def move_by_putback(stage: Stage, page: int, flag_to_change: int = 0) -> int:
    """Isolate a page, change one of its flags, put it back. Returns what putback returned."""

    async def script(cpu: Cpu) -> int:
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        if stage.s.pages.flags[page] & flag_to_change:
            await cpu.test_and_clear(page, flag_to_change)
        elif flag_to_change:
            await cpu.test_and_set(page, flag_to_change)
        return await put_back(stage, cpu, page)

    return int(play(stage, script)[0])


@pytest.mark.parametrize("lru", [LRU_INACTIVE_ANON, LRU_INACTIVE_FILE])
def test_an_evictable_page_returns_to_the_list_of_its_kind(stage: Stage, lru: int) -> None:
    page = pages_on(stage, lru)[0]
    move_by_putback(stage, page)
    assert list_of(stage, page) == lru
    assert stage.s.events[UNEVICTABLE_PGRESCUED] == stage.s.events[UNEVICTABLE_PGCULLED] == 0
    assert broken(stage) == []


def test_an_active_page_returns_to_the_active_list(stage: Stage) -> None:
    page = pages_on(stage, LRU_ACTIVE_FILE)[0]
    move_by_putback(stage, page)
    assert list_of(stage, page) == LRU_ACTIVE_FILE
    assert stage.s.pages.flags[page] & PG_ACTIVE
    assert broken(stage) == []


def test_an_evictable_page_of_the_unevictable_list_is_rescued(stage: Stage) -> None:
    page = pages_on(stage, LRU_UNEVICTABLE)[0]
    move_by_putback(stage, page, PG_MLOCKED)
    assert list_of(stage, page) in (LRU_INACTIVE_ANON, LRU_INACTIVE_FILE)
    assert stage.s.events[UNEVICTABLE_PGRESCUED] == 1
    assert not stage.s.pages.flags[page] & PG_UNEVICTABLE
    assert broken(stage) == []


def test_an_mlocked_page_is_culled_to_the_unevictable_list_at_once(stage: Stage) -> None:
    page = pages_on(stage, LRU_ACTIVE_FILE)[0]
    move_by_putback(stage, page, PG_MLOCKED)
    assert pages_on(stage, LRU_UNEVICTABLE)[0] == page
    assert stage.s.events[UNEVICTABLE_PGCULLED] == 1
    assert not stage.s.pages.flags[page] & PG_ACTIVE
    assert broken(stage) == []


def test_an_unevictable_page_that_stays_so_counts_as_neither_culled_nor_rescued(stage: Stage) -> None:
    page = pages_on(stage, LRU_UNEVICTABLE)[5]
    move_by_putback(stage, page)
    assert pages_on(stage, LRU_UNEVICTABLE)[0] == page
    assert stage.s.events[UNEVICTABLE_PGRESCUED] == stage.s.events[UNEVICTABLE_PGCULLED] == 0
    assert broken(stage) == []


def test_a_page_of_an_unevictable_mapping_is_culled_without_being_mlocked(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    stage.s.mapping_flags[stage.s.pages.mapping[page] >> 1] = 1
    move_by_putback(stage, page)
    assert list_of(stage, page) == LRU_UNEVICTABLE
    assert not stage.s.pages.flags[page] & PG_MLOCKED
    assert stage.s.events[UNEVICTABLE_PGCULLED] == 1


def test_old_putback_says_that_the_page_is_still_locked(old: Stage) -> None:
    assert move_by_putback(old, pages_on(old, LRU_INACTIVE_FILE)[0]) == 1
    assert broken(old) == []


def truncate_while_isolated(stage: Stage) -> tuple[int, int]:
    """Isolate an unmapped file page, truncate it, put it back. Returns the page and what putback returned."""
    page = next(page for page in pages_on(stage, LRU_INACTIVE_FILE) if not stage.s.pages.mapcount[page])

    async def script(cpu: Cpu) -> int:
        await stage.paths["isolate_lru_page"](cpu, page)
        await cpu.remove_from_page_cache(page)
        await stage.paths["put_page"](cpu, page)  # the page cache's reference
        return await put_back(stage, cpu, page)

    return page, int(play(stage, script)[0])


def test_old_putback_unlocks_a_truncated_page_and_its_put_page_frees_it(old: Stage) -> None:
    free = old.s.zones.free_count[0]
    page, ret = truncate_while_isolated(old)
    assert ret == 0
    assert old.s.zones.free_count[0] == free + 1
    assert not old.s.pages.flags[page] & PG_LOCKED
    assert calls_of(old, "get_page") == 0
    assert broken(old) == []


def test_redo_lets_a_truncated_page_pass_through_a_pagevec_to_its_end(redo: Stage) -> None:
    free = redo.s.zones.free_count[0]
    page, _ = truncate_while_isolated(redo)
    assert redo.s.pages.mapping[page] == NO_MAPPING
    assert redo.s.zones.free_count[0] == free + 1
    assert calls_of(redo, "get_page") == 1
    assert broken(redo) == []


def test_old_putback_asserts_the_page_lock(old: Stage) -> None:
    page = pages_on(old, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> None:
        await old.paths["isolate_lru_page"](cpu, page)
        await old.paths["putback_lru_page"](cpu, page)

    play(old, script)
    assert old.s.violations[BUG_VM] == 1


def test_putback_of_a_page_on_the_lru_is_a_bug(redo: Stage) -> None:
    page = pages_on(redo, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> None:
        await cpu.get_page(page)
        await redo.paths["putback_lru_page"](cpu, page)

    play(redo, script)
    assert redo.s.violations[BUG_VM] >= 1


def putback_met_by_munlock(stage: Stage, primitive: str, nth: int) -> int:
    """CPU 0 culls an mlocked page; before its nth call of a primitive CPU 1 does the whole of munlock_vma_page().

    Returns the page.
    """
    page = pages_on(stage, LRU_ACTIVE_FILE)[0]
    window = gate(stage, 0, primitive, nth)

    async def putback(cpu: Cpu) -> None:
        await stage.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await put_back(stage, cpu, page)

    async def munlock(cpu: Cpu) -> None:
        await until(window.reached)
        await stage.paths["trylock_page"](cpu, page)
        await stage.paths["munlock_vma_page"](cpu, page)
        await stage.paths["unlock_page"](cpu, page)
        window.opened.succeed()

    play(stage, putback, munlock)
    return page


def test_redo_moves_the_page_again_when_munlock_lands_after_the_check(redo: Stage) -> None:
    page = putback_met_by_munlock(redo, "set_flag", 1)  # SetPageUnevictable, under lru_lock; munlock peeks: no PG_lru
    assert redo.s.events[REDO_RETRIES] == 1
    assert list_of(redo, page) == LRU_INACTIVE_FILE  # R5: the active bit was cleared in the first turn
    assert redo.s.events[UNEVICTABLE_PGCULLED] == redo.s.events[UNEVICTABLE_PGRESCUED] == 0
    assert calls_of(redo, "put_page_testzero") == 3  # the retry's, the isolation's, the pagevec's
    assert broken(redo) == []


def test_munlock_that_lost_the_race_suspects_a_stranded_page(redo: Stage) -> None:
    page = putback_met_by_munlock(redo, "set_flag", 2)  # PG_unevictable is set, PG_lru not yet
    assert redo.s.events[UNEVICTABLE_PGSTRANDED] == 1
    assert redo.s.events[UNEVICTABLE_PGMUNLOCKED] == 0
    assert list_of(redo, page) == LRU_INACTIVE_FILE


def test_munlock_before_the_check_makes_the_page_evictable_without_a_retry(redo: Stage) -> None:
    page = putback_met_by_munlock(redo, "page_mapping", 1)
    assert redo.s.events[REDO_RETRIES] == 0
    assert list_of(redo, page) == LRU_ACTIVE_FILE
    assert redo.s.events[UNEVICTABLE_PGMUNLOCKED] == 1


def test_redo_leaves_a_page_that_munlock_has_taken_off_the_list(redo: Stage) -> None:
    page = putback_met_by_munlock(redo, "page_mapping", 2)  # the recheck: the page is on list 4, munlock isolates it
    assert redo.s.events[REDO_RETRIES] == 0
    assert list_of(redo, page) == LRU_INACTIVE_FILE
    assert redo.s.events[UNEVICTABLE_PGRESCUED] == 1
    assert broken(redo) == []


def test_redo_counts_a_cull_although_someone_else_took_the_page(redo: Stage) -> None:
    """R6: the recheck finds the page evictable, its isolation fails, and the event is counted all the same."""
    page = pages_on(redo, LRU_INACTIVE_FILE)[0]
    before_isolation = gate(redo, 0, "test_flag", 4)  # isolate: 2, page_evictable: 1, recheck: 1, then the peek

    async def putback(cpu: Cpu) -> None:
        await redo.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await redo.paths["putback_lru_page"](cpu, page)

    async def munlock(cpu: Cpu) -> None:
        await until(before_isolation.reached)
        await cpu.test_and_clear(page, PG_MLOCKED)
        peek = gate(redo, 0, "test_flag", 1)
        before_isolation.opened.succeed()
        await until(peek.reached)
        assert await redo.paths["isolate_lru_page"](cpu, page) == 0
        peek.opened.succeed()
        await redo.paths["putback_lru_page"](cpu, page)

    play(redo, putback, munlock)
    assert redo.s.events[UNEVICTABLE_PGCULLED] == 1
    assert redo.s.events[UNEVICTABLE_PGRESCUED] == 1
    assert list_of(redo, page) == LRU_INACTIVE_FILE
    assert broken(redo) == []


def test_redo_tries_as_often_as_the_status_changes(redo: Stage) -> None:
    page = pages_on(redo, LRU_INACTIVE_FILE)[0]
    turns = 3

    async def putback(cpu: Cpu) -> None:
        await redo.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await redo.paths["putback_lru_page"](cpu, page)

    async def toggle(cpu: Cpu) -> None:
        for _ in range(turns):
            rechecks = gate(redo, 0, "spin_unlock_irq", 1)
            await until(rechecks.reached)
            await cpu.test_and_clear(page, PG_MLOCKED)
            isolated = gate(redo, 0, "put_page_testzero", 1)
            rechecks.opened.succeed()
            await until(isolated.reached)
            await cpu.test_and_set(page, PG_MLOCKED)
            isolated.opened.succeed()

    window = gate(redo, 0, "test_and_clear", 2)

    async def start_toggling(cpu: Cpu) -> None:
        await until(window.reached)
        window.opened.succeed()
        await toggle(cpu)

    play(redo, putback, start_toggling)
    assert redo.s.events[REDO_RETRIES] == turns
    assert list_of(redo, page) == LRU_UNEVICTABLE
    assert redo.s.events[UNEVICTABLE_PGCULLED] == 1
    assert broken(redo) == []


def test_old_munlock_waits_for_the_putback_to_end(old: Stage) -> None:
    """What excludes the race in the old design: munlock needs the page lock that putback's caller holds."""
    page = pages_on(old, LRU_ACTIVE_FILE)[0]
    window = gate(old, 0, "set_flag", 1)

    async def putback(cpu: Cpu) -> None:
        await old.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await put_back(old, cpu, page)

    async def munlock(cpu: Cpu) -> None:
        await until(window.reached)
        window.opened.succeed()
        await old.paths["lock_page"](cpu, page)
        await old.paths["munlock_vma_page"](cpu, page)
        await old.paths["unlock_page"](cpu, page)

    play(old, putback, munlock)
    assert list_of(old, page) == LRU_INACTIVE_FILE
    assert old.s.events[UNEVICTABLE_PGMUNLOCKED] == old.s.events[UNEVICTABLE_PGRESCUED] == 1
    assert old.s.events[UNEVICTABLE_PGSTRANDED] == 0
    cleared = [row[0] for row in old.rows if row[1] == 1 and row[3] == (page, PG_MLOCKED)]
    unlocked = [
        row[0] for row in old.rows if row[1] == 0 and row[2] == "test_and_clear" and row[3] == (page, PG_LOCKED)
    ]
    assert unlocked[0] < cleared[0]
    assert broken(old) == []


def put_back_last_of_its_users(stage: Stage) -> None:
    """B4: the owner of an isolated anonymous page exits, then its putback fills a pagevec."""
    fillers = pages_on(stage, LRU_INACTIVE_ANON)[: PAGEVEC_SIZE - 1]
    page = pages_on(stage, LRU_INACTIVE_ANON)[-1]

    async def script(cpu: Cpu) -> None:
        for filler in fillers:
            assert await stage.paths["isolate_lru_page"](cpu, filler) == 0
            await put_back(stage, cpu, filler)
        assert await stage.paths["isolate_lru_page"](cpu, page) == 0
        assert await cpu.try_to_unmap(page) == SWAP_SUCCESS  # the exit: the pte's reference
        await put_back(stage, cpu, page)

    play(stage, script)


def test_old_putback_that_fills_a_pagevec_may_free_a_locked_page(old: Stage) -> None:
    put_back_last_of_its_users(old)
    assert old.s.violations[BAD_PAGE_LOCKED] == 1
    assert old.s.violations[BUG_UNLOCKED_PAGE] == 1
    assert {one.violation for one in old.design.defects if one.name == "B4"} == {BAD_PAGE_LOCKED, BUG_UNLOCKED_PAGE}


def test_redo_putback_frees_the_same_page_without_harm(redo: Stage) -> None:
    free = redo.s.zones.free_count[0]
    put_back_last_of_its_users(redo)
    assert redo.s.zones.free_count[0] == free + 1
    assert broken(redo) == []


def test_an_unevictable_page_never_waits_in_a_pagevec(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    move_by_putback(stage, page, PG_MLOCKED)
    assert ("get_page", (page,)) not in steps_of(stage, 0)
    assert stage.s.pages.flags[page] & (PG_LRU | PG_UNEVICTABLE) == PG_LRU | PG_UNEVICTABLE
