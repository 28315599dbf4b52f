"""C: mm/vmscan.c, shrink_active_list(): deactivation, and the cull before it (kernel-protocol §4.2)."""

import pytest

from perfsim.kernel.constants import (
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_FILE,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    PAGE_LOCK,
    PG_ACTIVE,
    PG_MLOCKED,
    PGDEACTIVATE,
    SWAP_CLUSTER_MAX,
    UNEVICTABLE_PGCULLED,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.stage import Stage, broken, list_of, pages_on, play


def shrink(stage: Stage, nr_pages: int = SWAP_CLUSTER_MAX, mlocked: int = 0) -> list[int]:
    """One batch of zone 0's active file pages, some of them marked mlocked before. Returns its pages, oldest first."""
    batch = pages_on(stage, LRU_ACTIVE_FILE)[::-1][:nr_pages]

    async def script(cpu: Cpu) -> None:
        for page in batch[:mlocked]:
            await cpu.test_and_set(page, PG_MLOCKED)
        await stage.paths["shrink_active_list"](cpu, nr_pages, 0, LRU_INACTIVE_FILE)

    play(stage, script)
    return batch


def test_the_oldest_active_pages_become_inactive(stage: Stage) -> None:
    batch = shrink(stage)
    assert set(pages_on(stage, LRU_INACTIVE_FILE)[:SWAP_CLUSTER_MAX]) == set(batch)
    assert not any(stage.s.pages.flags[page] & PG_ACTIVE for page in batch)
    assert stage.s.events[PGDEACTIVATE] == SWAP_CLUSTER_MAX
    assert broken(stage) == []


def test_a_batch_of_thirty_two_takes_lru_lock_once_and_three_times(stage: Stage) -> None:
    """1 to isolate; 1 to put back, again after each of two full pagevecs (§4.2, result)."""
    shrink(stage)
    assert stage.s.m.tally.acquisitions[LRU_LOCK] == 1 + 3


@pytest.mark.parametrize("mlocked", [1, 5, 32])
def test_unevictable_pages_are_culled_before_lru_lock_is_taken_again(stage: Stage, mlocked: int) -> None:
    batch = shrink(stage, mlocked=mlocked)
    assert {list_of(stage, page) for page in batch[:mlocked]} == {LRU_UNEVICTABLE}
    assert stage.s.events[UNEVICTABLE_PGCULLED] == mlocked
    assert stage.s.events[PGDEACTIVATE] == SWAP_CLUSTER_MAX - mlocked
    full_pagevecs = (SWAP_CLUSTER_MAX - mlocked) // 14
    assert stage.s.m.tally.acquisitions[LRU_LOCK] == 2 + mlocked + full_pagevecs
    assert stage.s.m.tally.acquisitions[PAGE_LOCK] == (mlocked if stage.design.name == "lock_page" else 0)
    assert broken(stage) == []


def test_a_list_shorter_than_the_batch_is_emptied(stage: Stage) -> None:
    length = len(pages_on(stage, LRU_ACTIVE_FILE))
    shrink(stage, nr_pages=length + 10)
    assert pages_on(stage, LRU_ACTIVE_FILE) == []
    assert stage.s.events[PGDEACTIVATE] == length
    assert broken(stage) == []
