"""C: shrink_zone(), try_to_free_pages(), balance_pgdat(), and what comes of it when nothing can be freed (§4.5)."""

from collections import Counter

import pytest

from perfsim.kernel.constants import (
    ALLOCSTALL,
    DEF_PRIORITY,
    HZ,
    JIFFY_PS,
    KSWAPD_STEAL,
    LRU_ACTIVE_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_LISTS,
    MAPPED_ELSEWHERE,
    OOM_KILL,
    PAGEOUTRUN,
    PGDEACTIVATE,
    PGREFILL,
    PGSCAN,
    PGSCAN_DIRECT,
    PGSCAN_KSWAPD,
    PGSTEAL,
    SWAP_CLUSTER_MAX,
    WMARK_HIGH,
    WMARK_MIN,
)
from perfsim.kernel.cpu import Cpu
from tests.kernel.paths.conftest import StageMaker
from tests.kernel.paths.stage import Stage, broken, calls_of, leave_free, pages_on, play, steps_of

NOTHING_TO_FREE = ("memory.referenced_fraction=1.0", "memory.file_fraction=0.0")


def answer(stage: Stage, path: str, *arguments: int) -> int:
    """What a path returns on CPU 0."""

    async def script(cpu: Cpu) -> int:
        return int(await stage.paths[path](cpu, *arguments))

    return int(play(stage, script)[0])


def scanned(stage: Stage) -> Counter[int]:
    """Pages that CPU 0 found due, by list."""
    due: Counter[int] = Counter()
    for _, (_, lru, delta) in [step for step in steps_of(stage, 0) if step[0] == "due_to_scan"]:
        due[lru] += delta
    return due


def test_a_zones_lists_are_scanned_by_their_size_and_the_priority(stage: Stage) -> None:
    """Nothing scanned yet: swappiness 60 alone divides, 61 to 141."""
    lengths = list(stage.s.zones.lru_length)
    answer(stage, "shrink_zone", 2, 0)
    percent = 100 * 61 // (61 + 141 + 1)
    expected = {lru: (lengths[lru] >> 2) * (percent if lru < 2 else 100 - percent) // 100 for lru in range(4)}
    assert scanned(stage) == expected
    assert broken(stage) == []


def test_priority_zero_scans_every_list_whole(stage: Stage) -> None:
    lengths = stage.s.zones.lru_length[:4]
    answer(stage, "shrink_zone", 0, 0)
    assert scanned(stage) == dict(enumerate(lengths))
    assert stage.s.events[PGSCAN] >= lengths[LRU_INACTIVE_FILE]
    assert stage.s.events[PGREFILL] >= lengths[LRU_ACTIVE_FILE]
    assert broken(stage) == []


def test_little_is_due_at_first_and_then_no_list_is_touched(stage: Stage) -> None:
    assert answer(stage, "shrink_zone", DEF_PRIORITY, 0) == 0
    assert stage.s.events[PGSCAN] == 0
    assert stage.s.zones.nr_scan[:LRU_LISTS] == [1, 1, 1, 1, 0]


@pytest.mark.parametrize("rotated,expected", [(0, 100 * 21 * 61 // (21 * 61 + 142)), (19, 100 * 64 // (64 + 142))])
def test_the_share_of_anonymous_pages_follows_their_rotation(stage: Stage, rotated: int, expected: int) -> None:
    stage.s.zones.recent_scanned[0], stage.s.zones.recent_rotated[0] = 20, rotated
    assert answer(stage, "get_scan_ratio", 0) == expected


def test_old_rotation_counts_half_under_lru_lock(stage: Stage) -> None:
    anon = stage.s.zones.lru_length[0] + stage.s.zones.lru_length[1]
    stage.s.zones.recent_scanned[0], stage.s.zones.recent_rotated[0] = anon // 4 + 1, 8
    answer(stage, "get_scan_ratio", 0)
    assert (stage.s.zones.recent_scanned[0], stage.s.zones.recent_rotated[0]) == ((anon // 4 + 1) // 2, 4)
    assert calls_of(stage, "spin_lock_irq") == 1


def test_with_hardly_any_file_pages_only_anonymous_ones_are_scanned(make_stage: StageMaker) -> None:
    stage = make_stage("redo", "memory.file_fraction=0.0")
    leave_free(stage, stage.s.zones.watermark[WMARK_MIN])
    assert answer(stage, "get_scan_ratio", 0) == 100


def test_direct_reclaim_stops_at_thirty_two_pages(stage: Stage) -> None:
    freed = answer(stage, "try_to_free_pages", 0)
    assert SWAP_CLUSTER_MAX <= freed == stage.s.events[PGSTEAL]
    assert stage.s.events[ALLOCSTALL] == 1
    assert stage.s.events[PGSCAN] == stage.s.events[PGSCAN_DIRECT] > 0
    assert calls_of(stage, "congestion_wait") == 0
    assert broken(stage) == []


def test_active_lists_are_aged_before_they_are_needed(stage: Stage) -> None:
    answer(stage, "shrink_zone", 0, 0)
    assert stage.s.events[PGDEACTIVATE] > 0
    assert stage.s.events[PGREFILL] >= stage.s.events[PGDEACTIVATE]


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_pass_that_frees_nothing_naps_below_priority_ten(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, *NOTHING_TO_FREE)
    assert answer(stage, "try_to_free_pages", 0) == 0
    naps = calls_of(stage, "congestion_wait")
    assert 0 < naps <= DEF_PRIORITY - 2
    assert stage.env.now >= naps * (HZ // 10 - 1) * JIFFY_PS
    assert broken(stage) == []


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_an_allocation_without_any_memory_is_out_of_memory_after_a_tick(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, *NOTHING_TO_FREE)
    leave_free(stage, stage.s.zones.watermark[WMARK_MIN])
    assert answer(stage, "handle_mm_fault", MAPPED_ELSEWHERE) == 0
    assert stage.s.events[OOM_KILL] == 1
    assert calls_of(stage, "schedule_timeout") == 1
    assert broken(stage) == ["no_page_is_lost"]  # those that the test took away


def test_memory_that_came_free_meanwhile_is_no_reason_to_kill(stage: Stage) -> None:
    stage.s.zones.watermark[WMARK_HIGH] = stage.s.zones.free_count[0] - 1
    assert answer(stage, "__alloc_pages_may_oom", 0) == 0
    assert stage.s.events[OOM_KILL] == 0


def test_kswapd_reclaims_until_its_zone_has_pages_high(stage: Stage) -> None:
    leave_free(stage, stage.s.zones.watermark[WMARK_MIN])
    stage.s.tasks.kind[0] = 0  # kswapd
    assert answer(stage, "balance_pgdat", 0) > 0
    assert stage.s.zones.free_count[0] > stage.s.zones.watermark[WMARK_HIGH]
    assert stage.s.events[PAGEOUTRUN] >= 1
    assert stage.s.events[PGSCAN] == stage.s.events[PGSCAN_KSWAPD] > 0
    assert stage.s.events[PGSTEAL] == stage.s.events[KSWAPD_STEAL] > 0
    assert stage.s.events[ALLOCSTALL] == 0
    assert broken(stage) == ["no_page_is_lost"]  # those that the test took away


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_kswapd_gives_a_zone_up_that_it_has_looked_through_six_times(make_stage: StageMaker, design: str) -> None:
    stage = make_stage(design, *NOTHING_TO_FREE)
    leave_free(stage, stage.s.zones.watermark[WMARK_MIN])

    async def script(cpu: Cpu) -> None:
        await cpu.schedule_timeout(1)
        stage.s.stop[0] = 0  # a stage is over from its first instant
        await stage.paths["balance_pgdat"](cpu, 0)

    play(stage, script)
    assert stage.s.zones.all_unreclaimable[0] == 1
    pages = sum(stage.s.zones.lru_length[:4])
    assert stage.s.zones.pages_scanned[0] >= 6 * pages
    assert stage.s.zones.free_count[0] == stage.s.zones.watermark[WMARK_MIN]
    assert 1 < stage.s.events[PAGEOUTRUN] <= 6


def test_direct_reclaim_leaves_an_unreclaimable_zone_to_kswapd(stage: Stage) -> None:
    stage.s.zones.all_unreclaimable[0] = 1
    oldest = pages_on(stage, LRU_INACTIVE_ANON)[-1]
    assert answer(stage, "try_to_free_pages", 0) == 0
    assert scanned(stage).total() <= 4, "priority 12 alone"
    assert pages_on(stage, LRU_INACTIVE_ANON)[-1] == oldest
