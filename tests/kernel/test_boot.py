"""The state at time 0: sizes, watermarks, ranges, and what does not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsim.errors import InputError
from perfsim.kernel.boot import Seed, boot, memory_shares
from perfsim.kernel.constants import DISK, KSWAPD, LRU_LOCK, MLOCK_TASK, NONE, PAGE_LOCK, PRIVATE_LISTS, TIMER
from perfsim.kernel.invariants import EVERY, Invariant, stranded_pages
from perfsim.kernel.sizes import machine_size, watermarks, zone_watermarks
from perfsim.kernel.state import State
from perfsim.machine.costs import PAGE_CLEAR, PAGE_COPY
from perfsim.machine.profile import load_profile
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.units import parse_fraction_ppm
from tests.kernel.conftest import SEGMENT, WITH_RANGES, WRITERS, ScenarioMaker, StateMaker

WORKLOADS = {
    "small": (),
    "no memcg": ("kernel.memcg=false",),
    "one CPU": ("machine.cpus=1", "machine.nodes=1"),
    "more nodes than CPUs": ("machine.cpus=2", "machine.nodes=4"),
    "all anonymous": ("memory.file_fraction=0",),
    "all files": ("memory.file_fraction=1",),
    "nothing locked": ("memory.mlocked_fraction=0",),
    "nearly all locked": ("memory.mlocked_fraction=0.8",),
    "odd sizes": ("memory.pages_per_node=617", "tasks.lockers.range_pages=7"),
    "pages, pagevecs and wait tables of other sizes": (
        "kernel.page_size=64KiB",
        "kernel.pagevec_size=1",
        "kernel.wait_table_size=4096",
        "kernel.min_free=6MiB",
    ),
    "the smallest memory": ("memory.pages_per_node=64", "tasks.lockers.range_pages=1", "memory.mlocked_fraction=0.1"),
}


@pytest.mark.parametrize("invariant", EVERY, ids=lambda invariant: invariant.__name__)
@pytest.mark.parametrize("sets", WORKLOADS.values(), ids=WORKLOADS)
def test_every_invariant_holds_at_boot(make_state: StateMaker, sets: tuple[str, ...], invariant: Invariant) -> None:
    assert invariant(make_state(*sets)) == 0


@pytest.mark.parametrize("sets", WORKLOADS.values(), ids=WORKLOADS)
def test_no_page_is_stranded_at_boot(make_state: StateMaker, sets: tuple[str, ...]) -> None:
    assert stranded_pages(make_state(*sets)) == 0


@pytest.mark.parametrize(
    "pages, nodes, page_bytes, expected",
    [
        # 2 x 512 pages of 4 KiB: sqrt(16 * 4096 KiB) = 256 KiB = 64 pages, 32 a zone, which is its sixteenth too.
        (512, 2, 4096, (32, 40, 48)),
        # 4 x 65536 pages of 4 KiB: sqrt(16 * 1048576 KiB) = 4096 KiB = 1024 pages, 256 a zone.
        (65_536, 4, 4096, (256, 320, 384)),
        # 4 x 65536 pages of 16 KiB: sqrt(16 * 4194304 KiB) = 8192 KiB = 512 pages, 128 a zone.
        (65_536, 4, 16_384, (128, 160, 192)),
        # 64 pages: 128 KiB at the least are 32 pages, but no more than a sixteenth.
        (64, 1, 4096, (4, 5, 6)),
        # 2**31 pages of 4 KiB: 64 MiB at the most are 16384 pages.
        (2**31, 1, 4096, (16_384, 20_480, 24_576)),
    ],
)
def test_watermarks_are_those_of_setup_per_zone_pages_min(
    pages: int, nodes: int, page_bytes: int, expected: tuple[int, int, int]
) -> None:
    assert watermarks(pages, nodes, page_bytes) == expected


def test_zones_have_the_watermarks_and_start_at_the_high_one(s: State) -> None:
    assert s.zones.watermark == [32, 40, 48] * 2
    assert s.zones.free_count == [48, 48]


def test_each_zone_knows_its_kswapd(s: State, make_state: StateMaker) -> None:
    assert s.zones.kswapd == [5, 6]
    assert [s.tasks.kind[task] for task in s.zones.kswapd] == [KSWAPD, KSWAPD]
    assert make_state("machine.nodes=1", "machine.cpus=1").zones.kswapd == [2]


def test_a_zone_without_a_kswapd_has_none(make_state: StateMaker) -> None:
    workload = """
name: alone
machine: {profile: ideal, cpus: 1, nodes: 1}
memory: {pages_per_node: 64}
tasks: [{name: faulters, kind: fault, count: 1, think: 1us}]
measure: {warmup: 0us, duration: 1us}
"""
    assert make_state(workload=workload).zones.kswapd == [NONE]


def test_every_range_of_a_zone_is_dealt_to_a_task_of_its_node(s: State) -> None:
    dealt: list[int] = []
    for task, kind in enumerate(s.tasks.kind):
        first, count = s.tasks.range_first[task], s.tasks.range_count[task]
        own = s.ranges.order[first : first + count]
        assert {s.ranges.zone[range_] for range_ in own} == ({s.tasks.zone[task]} if kind == MLOCK_TASK else set())
        assert all(s.ranges.owner[range_] == task for range_ in own)
        dealt += own
    assert sorted(dealt) == list(range(len(s.ranges.locked)))


@pytest.mark.parametrize("sets", [(), ("memory.mlocked_fraction=0",), ("memory.mlocked_fraction=0.8",)])
def test_every_task_that_locks_has_a_range_to_lock_and_those_come_first(
    make_state: StateMaker, sets: tuple[str, ...]
) -> None:
    s = make_state(*sets)
    for task in range(4):
        first, count = s.tasks.range_first[task], s.tasks.range_count[task]
        locked = [s.ranges.locked[range_] for range_ in s.ranges.order[first : first + count]]
        assert locked == sorted(locked)
        assert locked.count(0) == s.tasks.range_unlocked[task] >= 1


def test_tasks_of_one_node_have_equally_many_ranges_give_or_take_one(s: State) -> None:
    for zone in (0, 1):
        counts = [s.tasks.range_count[task] for task in range(4) if s.tasks.zone[task] == zone]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("pages, buckets", [(64, 4), (1024, 4), (1280, 8), (2048, 8), (65_536, 256)])
def test_wait_queues_are_as_many_as_the_kernel_has(make_state: StateMaker, pages: int, buckets: int) -> None:
    s = make_state(f"memory.pages_per_node={pages}", "tasks.lockers.range_pages=1", "machine.cpus=1", "machine.nodes=1")
    assert s.settings.buckets_per_zone == buckets
    assert len(s.queues.head) == buckets


def test_lines_of_pages_locks_and_mappings_are_apart_and_no_line_is_idle(s: State) -> None:
    pages = range(2 * s.settings.pages)
    mappings = range(s.settings.first_mapping_line, s.settings.first_mapping_line + s.settings.nodes + 1)
    mms = range(s.settings.first_mm_line, s.settings.first_mm_line + s.settings.tasks)
    queues = range(s.settings.first_work_line, s.settings.first_work_line + 4)
    assert [*pages, *s.m.lock_line, *mappings, *mms, *queues] == list(range(len(s.m.line_holders)))


def test_devices_follow_the_tasks_on_processors_of_their_own(s: State) -> None:
    assert (s.settings.first_device, s.settings.tasks, s.m.rules.cpus) == (7, 10, 4)
    assert s.tasks.kind[7:] == [TIMER, DISK, DISK]
    assert s.tasks.cpu[7:] == [4, 5, 6]
    assert s.m.cpu_node[4:] == [0, 0, 1]
    assert len(s.run.current) == len(s.m.pending_ps) == 7
    assert s.disks.irq_cpu == [0, 2]


def test_lines_of_objects_mms_and_work_queues_are_on_the_nodes_of_those_who_use_them(make_state: StateMaker) -> None:
    s = make_state("kernel.drain_all=once", workload=WITH_RANGES)
    settings = s.settings
    assert len(s.mapping_flags) == settings.nodes + 1 + 3
    assert settings.first_mm_line == settings.first_mapping_line + len(s.mapping_flags)
    assert settings.first_work_line == settings.first_mm_line + settings.tasks
    assert len(s.m.line_holders) == settings.first_work_line + 4
    home = s.m.line_home[settings.first_mapping_line - 2 * settings.pages :]
    objects, mms, queues = home[3:6], home[6 : 6 + settings.tasks], home[6 + settings.tasks :]
    assert objects == [s.tasks.zone[task] for task in (*WRITERS, SEGMENT)]
    assert mms == s.tasks.zone
    assert queues == [0, 0, 1, 1]


def test_ranges_of_one_task_follow_those_that_are_dealt_and_objects_come_last(ranged: State) -> None:
    settings = ranged.settings
    assert (settings.first_own_range, settings.first_object_range, settings.ranges) == (32, 35, 38)
    assert settings.range_pages == 16, "of the largest range"
    assert len(ranged.ranges.pte) == 38 * 16
    assert len(ranged.objects.cached) == 3 * 16


def test_threads_of_the_kernel_and_devices_map_nothing(make_state: StateMaker) -> None:
    s = make_state("kernel.drain_all=once", workload=WITH_RANGES)
    assert (s.settings.first_device, s.settings.tasks) == (18, 21)
    assert set(s.tasks.range_count[14:]) == {0}
    assert s.tasks.mm[14:] == list(range(14, 21))


def test_every_list_head_is_a_link_of_its_own(s: State) -> None:
    assert (s.settings.first_head, s.settings.first_private) == (1024, 1024 + 2 * 5)
    assert len(s.pages.next) == 1024 + 2 * 5 + s.settings.tasks * PRIVATE_LISTS


def test_a_lock_loop_takes_the_lock_that_the_workload_names(make_state: StateMaker) -> None:
    workload = """
name: loops
machine: {profile: ideal, cpus: 2, nodes: 1}
memory: {pages_per_node: 64}
tasks:
  - {name: pages, kind: lock_loop, count: 1, lock: page_lock, pages: 3, think: 1us, hold: 1us}
  - {name: zone, kind: lock_loop, count: 1, lock: lru_lock, think: 1us, hold: 1us}
measure: {warmup: 0us, duration: 1us}
"""
    s = make_state(workload=workload)
    assert (s.tasks.lock_class[:2], s.tasks.page_count[0]) == ([PAGE_LOCK, LRU_LOCK], 3)


def test_what_the_workload_leaves_out_is_the_profiles_own(make_scenario: ScenarioMaker) -> None:
    workload = """
name: own
machine: {profile: x86_64}
tasks: [{name: faulters, kind: fault, count: 1, think: 1us}]
measure: {warmup: 0us, duration: 1us}
"""
    profile = load_profile("x86_64")
    assert machine_size(make_scenario(workload=workload), profile) == (16, 4)
    assert machine_size(make_scenario(), profile) == (4, 2)


def booted(scenario: Scenario, seed: Seed) -> State:
    """A state of the x86_64 profile."""
    return boot(scenario, load_profile("x86_64"), seed)


def test_a_seed_decides_the_draws_and_nothing_else_at_boot(make_scenario: ScenarioMaker) -> None:
    scenario = make_scenario()
    first, again, other = (booted(scenario, Seed(seed, 0)) for seed in (1, 1, 2))
    assert first == again
    assert first.pages == other.pages
    assert (first.tasks.key == other.tasks.key, first.m.lock_key == other.m.lock_key) == (False, False)


def test_every_replication_has_draws_of_its_own(make_scenario: ScenarioMaker) -> None:
    scenario = make_scenario()
    keys = [key for replication in range(4) for key in booted(scenario, Seed(1, replication)).tasks.key]
    assert len(set(keys)) == len(keys)


def test_no_stream_of_a_task_is_that_of_a_lock(s: State) -> None:
    assert not set(s.tasks.key) & set(s.m.lock_key)


@pytest.mark.parametrize(
    "sets, needed",
    [
        (("tasks.lockers.range_pages=256",), 48 + 128 + 2 * 256),
        (("memory.mlocked_fraction=0.9",), 48 + 460 + 2 * 16),
        (("kernel.min_free=1376KiB",), 258 + 128 + 8 * 16),
    ],
)
def test_memory_that_holds_no_range_for_every_task_is_refused_with_its_place(
    make_scenario: ScenarioMaker, sets: tuple[str, ...], needed: int
) -> None:
    with pytest.raises(InputError) as refused:
        booted(make_scenario(*sets), Seed(1, 0))
    text = str(refused.value)
    assert text.split(": ")[0].endswith("small.yaml:4:26")
    assert "memory.pages_per_node: 512 pages" in text
    assert f"expected at least {needed}" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "sets, told",
    [
        (("memory.mlocked_fraction=1",), "512 pages of a node's 512, of which 48 are kept free"),
        (("memory.mlocked_fraction=0.91",), "465 pages of a node's 512, of which 48 .* at most 0.9062"),
        (("memory.mlocked_fraction=0.5", "kernel.min_free=2MiB"), "256 pages of .* 384 are kept .* at most 0.25"),
    ],
)
def test_more_locked_pages_than_memory_has_beside_its_free_ones_are_refused(
    make_scenario: ScenarioMaker, sets: tuple[str, ...], told: str
) -> None:
    with pytest.raises(InputError, match=rf"^--set memory.mlocked_fraction:1:1: memory.mlocked_fraction: .*{told}"):
        booted(make_scenario(*sets), Seed(1, 0))


@given(st.integers(64, 4096), st.integers(0, 10_000))
def test_the_most_that_a_refusal_offers_can_be_locked(pages: int, parts: int) -> None:
    scenario = load_scenario(
        "reclaim_only", [f"memory.pages_per_node={pages}", f"memory.mlocked_fraction={parts / 10_000}"]
    )
    try:
        memory_shares(scenario, load_profile("x86_64"))
    except InputError as error:
        most = str(error).rpartition(" ")[2]
        assert parts / 10_000 > float(most)
        memory_shares(
            replace(scenario, memory=replace(scenario.memory, mlocked_ppm=parse_fraction_ppm(float(most)))),
            load_profile("x86_64"),
        )


@pytest.mark.parametrize(
    "min_free, words",
    [
        (
            "2736KiB",
            "342 pages in each of 2 zones of 512, where reclaim keeps up to 513 pages free; expected 8KiB to 2728KiB",
        ),
        ("1TiB", "1TiB are 134217728 pages in each"),
        ("7KiB", "7KiB are 0 pages in each of 2 zones of 512; expected 8KiB to 2728KiB"),
    ],
)
def test_watermarks_above_the_zone_or_below_a_page_are_refused(
    make_scenario: ScenarioMaker, min_free: str, words: str
) -> None:
    with pytest.raises(InputError, match=rf"^--set kernel.min_free:1:1: kernel.min_free: .*{words}"):
        booted(make_scenario(f"kernel.min_free={min_free}"), Seed(1, 0))


@given(st.integers(64, 10**6), st.integers(1, 8), st.sampled_from([4096, 8192, 65_536]))
def test_the_least_and_the_most_min_free_that_a_refusal_offers_are_taken(
    pages: int, nodes: int, page_bytes: int
) -> None:
    sets = [f"memory.pages_per_node={pages}", f"machine.nodes={nodes}", f"kernel.page_size={page_bytes}B"]
    profile = load_profile("x86_64")
    with pytest.raises(InputError) as refused:
        zone_watermarks(load_scenario("reclaim_only", [*sets, "kernel.min_free=1KiB"]), profile)
    least, _, most = str(refused.value).split()[-3:]
    assert zone_watermarks(load_scenario("reclaim_only", [*sets, f"kernel.min_free={least}"]), profile) == (1, 2, 3)
    high = zone_watermarks(load_scenario("reclaim_only", [*sets, f"kernel.min_free={most}"]), profile)[2]
    assert pages - 1 <= high <= pages


def test_min_free_is_shared_out_to_the_zones_in_pages_of_the_size_that_the_workload_says(
    make_state: StateMaker,
) -> None:
    assert make_state("kernel.min_free=1MiB").zones.watermark == [128, 160, 192] * 2
    s = make_state("kernel.min_free=1MiB", "kernel.page_size=16KiB")
    assert s.zones.watermark == [32, 40, 48] * 2
    assert s.zones.free_count == [48, 48]


@pytest.mark.parametrize("profile", ["ia64", "x86_64"])
def test_pages_of_another_size_change_watermarks_and_the_cost_to_clear_and_copy_them(
    make_scenario: ScenarioMaker, profile: str
) -> None:
    found = load_profile(profile)
    sizes = ["memory.pages_per_node=8192", f"machine.profile={profile}"]
    for page_bytes in (4096, 8192, 65_536):
        s = boot(make_scenario(*sizes, f"kernel.page_size={page_bytes}B"), found, Seed(1, 0))
        expected = list(found.best_ps)
        for cost in (PAGE_CLEAR, PAGE_COPY):
            expected[cost] = found.best_ps[cost] * page_bytes // found.page_size_bytes
        assert s.m.cost_ps == expected
        assert s.zones.watermark == list(watermarks(8192, 2, page_bytes)) * 2
    assert boot(make_scenario(*sizes), found, Seed(1, 0)).m.cost_ps == list(found.best_ps)


def test_wait_queues_are_as_many_as_the_workload_says(make_state: StateMaker) -> None:
    s = make_state("kernel.wait_table_size=64")
    assert s.settings.buckets_per_zone == 64
    assert len(s.queues.head) == 2 * 64


def test_sizes_of_batches_are_settings_of_the_run(s: State, make_state: StateMaker) -> None:
    assert (s.settings.pagevec_size, s.settings.swap_cluster_max) == (14, 32)
    other = make_state("kernel.pagevec_size=2", "kernel.swap_cluster_max=16").settings
    assert (other.pagevec_size, other.swap_cluster_max) == (2, 16)
