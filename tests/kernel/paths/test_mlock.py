"""C: mm/mlock.c: mlock_vma_page(), munlock_vma_page(), and their callers on a range (kernel-protocol §5)."""

import pytest

from perfsim.kernel.constants import (
    BAD_PAGE_MLOCKED,
    BUG_VM,
    LRU_INACTIVE_FILE,
    LRU_UNEVICTABLE,
    MLOCK_PAGES,
    MUNLOCK_PAGES,
    NONE,
    PAGE_LOCK,
    PG_LOCKED,
    PG_LRU,
    PG_MLOCKED,
    PGFAULT,
    UNEVICTABLE_PGCULLED,
    UNEVICTABLE_PGMLOCKED,
    UNEVICTABLE_PGMUNLOCKED,
    UNEVICTABLE_PGRESCUED,
    UNEVICTABLE_PGSTRANDED,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.stage import (
    Gate,
    Script,
    Stage,
    broken,
    calls_of,
    gate,
    list_of,
    pages_on,
    play,
    steps_of,
    until,
)


def locked_page(stage: Stage, path: str, page: int) -> Script:
    """A script that runs a path on a page under its lock."""

    async def script(cpu: Cpu) -> None:
        await stage.paths["lock_page"](cpu, page)
        await stage.paths[path](cpu, page)
        await stage.paths["unlock_page"](cpu, page)

    return script


def range_of(stage: Stage, locked: int, file: int | None = None) -> int:
    """A range of task 0 that is locked, or not; of a file, or not, if that matters."""
    first, count = stage.s.tasks.range_first[0], stage.s.tasks.range_count[0]
    ranges = [r for r in stage.s.ranges.order[first : first + count] if stage.s.ranges.locked[r] == locked]
    return next(r for r in ranges if file in (None, stage.s.ranges.file[r]))


def pages_of_range(stage: Stage, range_: int) -> list[int]:
    """The pages that a range maps."""
    nr = stage.s.settings.range_pages
    return stage.s.ranges.pte[range_ * nr : (range_ + 1) * nr]


def test_mlock_moves_a_page_to_the_unevictable_list(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    before = stage.s.zones.nr_mlock[0]
    play(stage, locked_page(stage, "mlock_vma_page", page))
    assert list_of(stage, page) == LRU_UNEVICTABLE
    assert stage.s.zones.nr_mlock[0] == before + 1
    assert stage.s.events[UNEVICTABLE_PGMLOCKED] == stage.s.events[UNEVICTABLE_PGCULLED] == 1
    assert broken(stage) == []


def test_mlock_of_an_mlocked_page_does_nothing_more(stage: Stage) -> None:
    page = pages_on(stage, LRU_UNEVICTABLE)[0]
    play(stage, locked_page(stage, "mlock_vma_page", page))
    assert calls_of(stage, "spin_lock_irq") == stage.s.events[UNEVICTABLE_PGMLOCKED] == 0
    assert broken(stage) == []


def test_mlock_of_a_page_off_the_lru_leaves_it_to_reclaim(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]

    async def script(cpu: Cpu) -> None:
        await stage.paths["isolate_lru_page"](cpu, page)
        await locked_page(stage, "mlock_vma_page", page)(cpu)

    play(stage, script)
    assert stage.s.pages.flags[page] & (PG_MLOCKED | PG_LRU) == PG_MLOCKED
    assert stage.s.events[UNEVICTABLE_PGMLOCKED] == 1
    assert stage.s.events[UNEVICTABLE_PGCULLED] == 0


@pytest.mark.parametrize("path", ["mlock_vma_page", "munlock_vma_page"])
def test_only_old_asserts_that_the_page_is_locked(old: Stage, redo: Stage, path: str) -> None:
    for stage, bugs in ((old, 1), (redo, 0)):
        page = stage.s.zones.free_head[0]  # not mlocked, not on the LRU: nothing follows the assertion

        async def script(cpu: Cpu, stage: Stage = stage, page: int = page) -> None:
            await stage.paths[path](cpu, page)

        play(stage, script)
        assert stage.s.violations[BUG_VM] == bugs


def test_munlock_rescues_a_page(stage: Stage) -> None:
    page = pages_on(stage, LRU_UNEVICTABLE)[0]
    before = stage.s.zones.nr_mlock[0]
    play(stage, locked_page(stage, "munlock_vma_page", page))
    assert list_of(stage, page) != LRU_UNEVICTABLE
    assert stage.s.zones.nr_mlock[0] == before - 1
    assert stage.s.events[UNEVICTABLE_PGMUNLOCKED] == stage.s.events[UNEVICTABLE_PGRESCUED] == 1
    assert broken(stage) == []


def test_munlock_of_a_page_that_is_not_mlocked_does_nothing(stage: Stage) -> None:
    page = pages_on(stage, LRU_INACTIVE_FILE)[0]
    play(stage, locked_page(stage, "munlock_vma_page", page))
    assert calls_of(stage, "spin_lock_irq") == stage.s.events[UNEVICTABLE_PGMUNLOCKED] == 0


@pytest.mark.parametrize("lru,stranded", [(LRU_UNEVICTABLE, 1), (LRU_INACTIVE_FILE, 0)])
def test_munlock_of_an_isolated_page_suspects_stranding_if_it_was_unevictable(
    stage: Stage, lru: int, stranded: int
) -> None:
    page = pages_on(stage, lru)[0]

    async def script(cpu: Cpu) -> None:
        await stage.paths["isolate_lru_page"](cpu, page)
        if lru != LRU_UNEVICTABLE:
            await cpu.test_and_set(page, PG_MLOCKED)
        await locked_page(stage, "munlock_vma_page", page)(cpu)

    play(stage, script)
    assert stage.s.events[UNEVICTABLE_PGSTRANDED] == stranded
    assert stage.s.events[UNEVICTABLE_PGMUNLOCKED] == 1 - stranded


def sys_call(stage: Stage, path: str, range_: int) -> None:
    """sys_mlock() or sys_munlock() of a whole range by its owner, on CPU 0."""

    async def script(cpu: Cpu) -> None:
        await stage.paths[path](cpu, range_, stage.s.settings.range_pages)

    play(stage, script)


def test_mlock_of_a_range_locks_each_of_its_pages(stage: Stage) -> None:
    range_ = range_of(stage, locked=0)
    sys_call(stage, "sys_mlock", range_)
    pages = pages_of_range(stage, range_)
    assert {list_of(stage, page) for page in pages} == {LRU_UNEVICTABLE}
    assert stage.s.ranges.locked[range_] == 1
    assert stage.s.events[MLOCK_PAGES] == stage.s.events[UNEVICTABLE_PGMLOCKED] == len(pages)
    assert broken(stage) == []


def test_only_old_mlock_takes_the_page_lock_once_a_page(old: Stage, redo: Stage) -> None:
    for stage in (old, redo):
        sys_call(stage, "sys_mlock", range_of(stage, locked=0))
    assert old.s.m.tally.acquisitions[PAGE_LOCK] == old.s.settings.range_pages
    assert redo.s.m.tally.acquisitions[PAGE_LOCK] == 0


def test_munlock_of_a_range_takes_the_page_lock_in_both_designs(stage: Stage) -> None:
    range_ = range_of(stage, locked=1)
    pages = pages_of_range(stage, range_)
    sys_call(stage, "sys_munlock", range_)
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == len(pages)
    assert LRU_UNEVICTABLE not in {list_of(stage, page) for page in pages}
    assert stage.s.ranges.locked[range_] == 0
    assert stage.s.events[MUNLOCK_PAGES] == stage.s.events[UNEVICTABLE_PGRESCUED] == len(pages)
    assert broken(stage) == []


@pytest.mark.parametrize("locked, path", [(1, "sys_mlock"), (0, "sys_munlock")])
def test_a_range_that_is_as_asked_already_is_left_at_once(stage: Stage, locked: int, path: str) -> None:
    """mlock_fixup(): newflags == vma->vm_flags."""
    range_ = range_of(stage, locked=locked)
    sys_call(stage, path, range_)
    assert stage.s.events[MLOCK_PAGES] == stage.s.events[MUNLOCK_PAGES] == stage.s.m.tally.acquisitions[PAGE_LOCK] == 0
    assert stage.s.ranges.locked[range_] == locked


def test_a_balanced_mlock_and_munlock_balance_their_events(stage: Stage) -> None:
    """/proc/vmstat after a balanced run: culled = rescued = mlocked = munlocked (§12)."""
    range_ = range_of(stage, locked=0)

    async def script(cpu: Cpu) -> None:
        await stage.paths["sys_mlock"](cpu, range_, stage.s.settings.range_pages)
        await stage.paths["sys_munlock"](cpu, range_, stage.s.settings.range_pages)

    play(stage, script)
    events = (UNEVICTABLE_PGCULLED, UNEVICTABLE_PGRESCUED, UNEVICTABLE_PGMLOCKED, UNEVICTABLE_PGMUNLOCKED)
    assert {stage.s.events[event] for event in events} == {stage.s.settings.range_pages}
    assert broken(stage) == []


def forget_pages(stage: Stage, range_: int) -> None:
    """Let reclaim have the pages of a range: afterwards its ptes are empty."""
    pages = pages_of_range(stage, range_)

    async def script(cpu: Cpu) -> None:
        for page in pages:
            await cpu.try_to_unmap(page)
        await stage.paths["sys_mlock"](cpu, range_, len(pages))

    play(stage, script)


def test_mlock_faults_in_what_reclaim_had_taken(stage: Stage) -> None:
    range_ = range_of(stage, locked=0)
    before = pages_of_range(stage, range_)
    forget_pages(stage, range_)
    after = pages_of_range(stage, range_)
    assert set(before).isdisjoint(after)
    assert stage.s.events[PGFAULT] == len(after)
    assert {list_of(stage, page) for page in after} == {LRU_UNEVICTABLE}
    assert all(stage.s.pages.flags[page] & PG_MLOCKED for page in after)
    assert broken(stage) == []


def test_munlock_passes_over_ptes_that_are_empty(stage: Stage) -> None:
    range_ = range_of(stage, locked=0)
    slot = range_ * stage.s.settings.range_pages

    async def script(cpu: Cpu) -> None:
        await cpu.try_to_unmap(stage.s.ranges.pte[slot])
        await stage.paths["__munlock_pte_handler"](cpu, slot)

    play(stage, script)
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == stage.s.events[MUNLOCK_PAGES] == 0


async def truncate(stage: Stage, cpu: Cpu, page: int) -> None:
    """unmap; lock; mapping = 0; unlock; drop the cache's reference: truncation as R3 has it."""
    await cpu.try_to_unmap(page)
    await stage.paths["lock_page"](cpu, page)
    await cpu.remove_from_page_cache(page)
    await stage.paths["unlock_page"](cpu, page)
    await stage.paths["put_page"](cpu, page)


def mlock_met_by_truncation(stage: Stage, primitive: str) -> int:
    """CPU 0 mlocks the first page of a file's range; CPU 1 truncates it before CPU 0's first call of a primitive."""
    range_ = range_of(stage, locked=0, file=1)
    slot = range_ * stage.s.settings.range_pages
    page = stage.s.ranges.pte[slot]
    window = gate(stage, 0, primitive)

    async def mlock(cpu: Cpu) -> None:
        await stage.paths["__mlock_vma_pages_range"](cpu, slot, 1)

    async def cut(cpu: Cpu) -> None:
        await until(window.reached)
        await truncate(stage, cpu, page)
        window.opened.succeed()

    play(stage, mlock, cut)
    return page


def test_redo_mlock_of_a_page_under_truncation_leaks_nr_mlock(redo: Stage) -> None:
    """R3: the page is mapped when looked at, truncated when marked, and freed with PG_mlocked set."""
    before = redo.s.zones.nr_mlock[0]
    page = mlock_met_by_truncation(redo, "test_and_set")
    assert broken(redo) == [f"violation {BAD_PAGE_MLOCKED}"], "the leak is not told twice"
    assert redo.s.violations[BAD_PAGE_MLOCKED] == 1
    assert redo.s.zones.nr_mlock[0] == before + 1
    assert list_of(redo, page) == NONE
    assert [defect.name for defect in redo.design.defects if defect.violation == BAD_PAGE_MLOCKED] == ["R3"]


def test_redo_mlock_passes_over_a_page_that_nobody_maps_any_more(redo: Stage) -> None:
    mlock_met_by_truncation(redo, "page_mapped")
    assert redo.s.events[UNEVICTABLE_PGMLOCKED] == 0
    assert broken(redo) == []


def test_old_mlock_passes_over_a_page_truncated_before_it_has_the_lock(old: Stage) -> None:
    mlock_met_by_truncation(old, "test_and_set")
    assert old.s.events[UNEVICTABLE_PGMLOCKED] == 0
    assert broken(old) == []


def test_munlock_looks_at_the_pte_again_when_its_page_was_truncated(stage: Stage) -> None:
    """§5.2: mapping == 0 under the page lock: unlock and retry; by then the pte is empty."""
    range_ = range_of(stage, locked=0, file=1)
    slot = range_ * stage.s.settings.range_pages
    page = stage.s.ranges.pte[slot]
    window = gate(stage, 0, "test_and_set")

    async def munlock(cpu: Cpu) -> None:
        await cpu.get_page(page)  # the pte's reference would keep the page; here it goes with the pte
        await stage.paths["__munlock_pte_handler"](cpu, slot)
        await stage.paths["put_page"](cpu, page)

    async def cut(cpu: Cpu) -> None:
        await until(window.reached)
        await truncate(stage, cpu, page)
        window.opened.succeed()

    play(stage, munlock, cut)
    assert calls_of(stage, "pte_page") == 2
    assert stage.s.events[MUNLOCK_PAGES] == 0
    assert broken(stage) == []


def test_only_redo_munlock_retries_for_an_anonymous_page_without_ptes(old: Stage, redo: Stage) -> None:
    """Migration leaves the mapping of an anonymous page; the patch asks for its mapcount too."""
    for stage, looks in ((old, 1), (redo, 2)):
        ranges = [r for r, locked in enumerate(stage.s.ranges.locked) if not locked and not stage.s.ranges.file[r]]
        slot = ranges[0] * stage.s.settings.range_pages
        window = gate(stage, 0, "test_and_set")

        async def munlock(cpu: Cpu, stage: Stage = stage, slot: int = slot) -> None:
            await stage.paths["__munlock_pte_handler"](cpu, slot)

        async def unmap(cpu: Cpu, stage: Stage = stage, slot: int = slot, window: Gate = window) -> None:
            await until(window.reached)
            page = stage.s.ranges.pte[slot]
            await stage.paths["add_to_swap"](cpu, page)
            await cpu.try_to_unmap(page)
            window.opened.succeed()

        play(stage, munlock, unmap)
        assert calls_of(stage, "pte_page") == looks
        assert broken(stage) == []


def test_the_references_of_get_user_pages_are_dropped_one_by_one(stage: Stage) -> None:
    range_ = range_of(stage, locked=0)
    sys_call(stage, "sys_mlock", range_)
    names = [name for name, _ in steps_of(stage, 0)]
    nr = stage.s.settings.range_pages
    assert names.count("follow_page") == nr
    assert names.index("follow_page") + nr - 1 < names.index("spin_lock_irq")  # one batch of 16, then page by page
    references = 1 + stage.s.ranges.file[range_]
    assert all(stage.s.pages.refcount[page] == references for page in pages_of_range(stage, range_))
    assert not any(stage.s.pages.flags[page] & PG_LOCKED for page in pages_of_range(stage, range_))
