"""C: mm/vmscan.c, page_evictable(page, NULL), and cull_unevictable_page()."""

from perfsim.kernel.constants import (
    BUG_VM,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    PAGE_LOCK_SLEEPS,
    PG_MLOCKED,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.stage import Stage, broken, gate, list_of, pages_on, play, steps_of, until


def ask(stage: Stage, page: int) -> int:
    """page_evictable()'s answer."""

    async def script(cpu: Cpu) -> int:
        return int(await stage.paths["page_evictable"](cpu, page))

    return int(play(stage, script)[0])


def test_an_ordinary_page_is_evictable_after_three_loads(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    mapping = stage.s.pages.mapping[page] >> 1
    assert ask(stage, page) == 1
    assert steps_of(stage, 0)[1:-1] == [
        ("page_mapping", (page,)),
        ("mapping_unevictable", (mapping,)),
        ("test_flag", (page, PG_MLOCKED)),
    ]


def test_an_mlocked_page_is_not_evictable(old: Stage) -> None:
    page = pages_on(old, LRU_INACTIVE_FILE)[0]
    old.s.pages.flags[page] |= PG_MLOCKED
    assert ask(old, page) == 0
    assert old.s.violations[BUG_VM] == 0


def test_the_mapping_is_asked_before_the_flag(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    stage.s.mapping_flags[stage.s.pages.mapping[page] >> 1] = 1
    assert ask(stage, page) == 0
    assert [name for name, _ in steps_of(stage, 0)][1:-1] == ["page_mapping", "mapping_unevictable"]


def test_an_anonymous_page_has_no_mapping_that_could_be_unevictable(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_ANON)[0]
    stage.s.mapping_flags[:] = [1] * len(stage.s.mapping_flags)
    assert ask(stage, page) == 1


def test_old_asserts_that_the_flag_is_clear_and_redo_does_not(old: Stage, redo: Stage) -> None:
    """redo's recheck asks about a page that it has just put on the unevictable list."""
    for stage, bugs in ((old, 1), (redo, 0)):
        ask(stage, pages_on(stage, LRU_UNEVICTABLE)[0])
        assert stage.s.violations[BUG_VM] == bugs


def test_cull_holds_the_page_lock_over_the_putback(old: Stage) -> None:
    page = pages_on(old, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> None:
        await old.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await old.paths["cull_unevictable_page"](cpu, page)

    play(old, script)
    assert list_of(old, page) == LRU_UNEVICTABLE
    assert broken(old) == []


def test_cull_sleeps_while_someone_holds_the_page(old: Stage) -> None:
    page = pages_on(old, LRU_INACTIVE_FILE)[0]
    window = gate(old, 0, "io_schedule")

    async def cull(cpu: Cpu) -> None:
        await old.paths["isolate_lru_page"](cpu, page)
        await cpu.test_and_set(page, PG_MLOCKED)
        await cpu.hold()
        await old.paths["cull_unevictable_page"](cpu, page)

    async def hold(cpu: Cpu) -> None:
        await old.paths["lock_page"](cpu, page)
        await until(window.reached)
        window.opened.succeed()
        await cpu.hold()
        await old.paths["unlock_page"](cpu, page)

    play(old, cull, hold)
    assert old.s.events[PAGE_LOCK_SLEEPS] == 1
    assert list_of(old, page) == LRU_UNEVICTABLE
    assert broken(old) == []


def test_cull_leaves_a_truncated_page_unlocked_to_its_end(old: Stage) -> None:
    page = next(page for page in pages_on(old, LRU_INACTIVE_FILE) if not old.s.pages.mapcount[page])
    free = old.s.zones.free_count[0]

    async def script(cpu: Cpu) -> None:
        await old.paths["isolate_lru_page"](cpu, page)
        await cpu.remove_from_page_cache(page)
        await old.paths["put_page"](cpu, page)
        await old.paths["cull_unevictable_page"](cpu, page)

    play(old, script)
    assert old.s.zones.free_count[0] == free + 1
    assert broken(old) == []
