"""The state at time 0: machine, empty tables, tasks on their CPUs, memory filled.

Memory starts near its steady state: some pages free, a share of each node in ranges that mlock tasks hold locked, a
smaller share in ranges they may lock next, and the rest the pages of the reclaimers' streams, half of each kind active.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

from perfsim.kernel.constants import (
    CONGESTION_ON,
    CPU_VECTORS,
    DEVICE_KINDS,
    HISTOGRAMS,
    KEVENTD,
    KINDS,
    LOCK_CLASSES,
    LRU_LISTS,
    LRU_LOCK,
    MZ_LOCK,
    NONE,
    PAGE_LOCK,
    PRIVATE_LISTS,
    SLEEP,
    STACK_VECTORS,
    STREAMS,
    TASK_KINDS,
    VECTOR_SLOTS,
    VIOLATIONS,
    VM_EVENTS,
    WAIT_BUCKET,
    WMARK_HIGH,
)
from perfsim.kernel.fill import fill_memory
from perfsim.kernel.placement import EVENTS, Placed, first_cpu, place_everybody, place_tasks
from perfsim.kernel.ranges import hand_out_ranges, new_objects, new_ranges, own_ranges, with_objects
from perfsim.kernel.shares import divide_memory, range_pages_of
from perfsim.kernel.sizes import costs_ps, inactive_ratio, machine_size, page_size_bytes, zone_watermarks
from perfsim.kernel.state import (
    Bugs,
    Disks,
    Mms,
    Objects,
    Pages,
    Ranges,
    RunQueues,
    ScanControl,
    Settings,
    Shares,
    State,
    Tasks,
    Timers,
    Vectors,
    WaitQueues,
    WorkQueues,
    Zones,
)
from perfsim.machine.costs import IO
from perfsim.machine.profile import CostProfile
from perfsim.machine.state import Layout, Machine, new_machine
from perfsim.machine.topology import cpu_nodes
from perfsim.numeric.columns import Filled, as_lists
from perfsim.numeric.random import stream_key
from perfsim.scenario.schema import WAIT_TABLE_SIZE_MAX, WAIT_TABLE_SIZE_MIN, Scenario

PAGES_PER_BUCKET = 256


class Seed(NamedTuple):
    """What the random numbers depend on, and all that they depend on."""

    seed: int
    replication: int


def boot(scenario: Scenario, profile: CostProfile, seed: Seed, *, unevictable_lru: bool = True) -> State:
    """The state of a run at time 0, in lists. unevictable_lru: whether the kernel has such lists.

    Raises InputError when the memory is too small for the tasks.
    """
    state = as_lists(blueprint(scenario, profile, seed, unevictable_lru=unevictable_lru))
    fill_memory(state)
    return state


def blueprint(scenario: Scenario, profile: CostProfile, seed: Seed, *, unevictable_lru: bool = True) -> State:
    """The state of a run before its memory is filled; the large columns are still Filled.

    Raises InputError when the memory is too small for the tasks.
    """
    cpus, nodes = machine_size(scenario, profile)
    placed = place_everybody(scenario, cpus, nodes, profile.best_ps[IO])
    watermark = zone_watermarks(scenario, profile)
    shares = divide_memory(scenario, placed, nodes, watermark[WMARK_HIGH])
    settings = _settings(scenario, profile, placed, shares)._replace(unevictable_lru=1 if unevictable_lru else 0)
    ranges = new_ranges(settings, shares, placed)
    tasks = new_tasks(placed, seed)
    hand_out_ranges(settings, ranges, tasks, placed)
    machine = new_machine(profile, costs_ps(scenario, profile), machine_layout(settings, placed, cpus, seed))
    owned = Owned(placed, tasks, ranges, new_objects(settings, placed))
    return state_of(settings, machine, shares, owned, watermark)


class Owned(NamedTuple):
    """The tasks of a run, as they are placed and as columns, and the ranges and objects that are theirs."""

    placed: list[Placed]
    tasks: Tasks
    ranges: Ranges
    objects: Objects


def state_of(
    settings: Settings, machine: Machine, shares: Shares, owned: Owned, watermark: tuple[int, int, int]
) -> State:
    """A state of no pages on lists, nobody waiting, nothing counted; the columns of pages are still Filled.

    watermark: of each zone, pages. As many mappings as nodes, objects and none.
    """
    placed, nodes, processors = owned.placed, settings.nodes, len(machine.cpu_node)
    cpus = machine.rules.cpus
    return State(
        m=machine,
        settings=settings,
        shares=shares,
        pages=_pages(settings, len(placed)),
        zones=_zones(nodes, watermark, placed),
        vectors=_vectors(processors, len(placed)),
        queues=_queues(settings, len(placed)),
        mms=_mms(len(placed)),
        work=_work_queues(cpus, placed),
        tasks=owned.tasks,
        sc=ScanControl([0] * len(placed), [0] * (len(placed) * LRU_LISTS), [0] * len(placed)),
        timers=Timers([NONE] * len(placed), [0] * len(placed)),
        disks=_disks(settings, cpu_nodes(cpus, nodes)),
        run=_run_queues(processors),
        ranges=owned.ranges,
        objects=owned.objects,
        mapping_flags=[0] * (nodes + 1 + settings.ranges - settings.first_object_range),
        events=[0] * VM_EVENTS,
        violations=[0] * VIOLATIONS,
        bugs=_bugs(),
        stop=[0],
    )


def memory_shares(scenario: Scenario, profile: CostProfile) -> Shares:
    """How each zone's memory is divided. Raises InputError when a zone is too small for its tasks."""
    cpus, nodes = machine_size(scenario, profile)
    pages_high = zone_watermarks(scenario, profile)[WMARK_HIGH]
    return divide_memory(scenario, place_tasks(scenario.tasks, cpus, nodes), nodes, pages_high)


def _settings(scenario: Scenario, profile: CostProfile, placed: list[Placed], shares: Shares) -> Settings:
    pages_per_node = scenario.memory.pages_per_node
    _, nodes = machine_size(scenario, profile)
    pages = nodes * pages_per_node
    buckets = scenario.kernel.wait_table_size or _power_of_two(pages_per_node // PAGES_PER_BUCKET)
    first_private = pages + nodes * LRU_LISTS
    own = own_ranges(placed)
    dealt = sum(shares.locked) + sum(shares.unlocked)
    first_mapping_line = 2 * pages + 2 * nodes + nodes * buckets
    first_mm_line = first_mapping_line + nodes + 1 + own.objects
    return Settings(
        tasks=len(placed),
        pages=pages,
        pages_per_node=pages_per_node,
        nodes=nodes,
        buckets_per_zone=buckets,
        memcg=1 if scenario.kernel.memcg else 0,
        drain_all=scenario.kernel.drain_all,
        pagevec_size=scenario.kernel.pagevec_size,
        swap_cluster_max=scenario.kernel.swap_cluster_max,
        unevictable_lru=1,
        file_ppm=scenario.memory.file_ppm,
        referenced_ppm=scenario.memory.referenced_ppm,
        dirty_ppm=scenario.memory.dirty_ppm,
        ranges=dealt + len(own.tasks),
        first_own_range=dealt,
        first_object_range=dealt + len(own.tasks) - own.objects,
        range_pages=range_pages_of(scenario),
        inactive_ratio=inactive_ratio(pages_per_node * page_size_bytes(scenario, profile)),
        first_device=sum(1 for one in placed if one.spec.kind not in DEVICE_KINDS),
        disk_slots=CONGESTION_ON + len(placed),
        stride=_stride(pages_per_node),
        first_head=pages,
        first_private=first_private,
        first_mz_lock=nodes,
        first_bucket_lock=2 * nodes,
        first_mapping_line=first_mapping_line,
        first_mm_line=first_mm_line,
        first_work_line=first_mm_line + len(placed),
    )


def _stride(pages: int) -> int:
    """A stride through a zone's pages that meets each once and keeps neighbours apart."""
    stride = pages * 618 // 1000 | 1
    while gcd(stride, pages) != 1:
        stride += 2
    return stride


def _power_of_two(wanted: int) -> int:
    size = WAIT_TABLE_SIZE_MIN
    while size < wanted and size < WAIT_TABLE_SIZE_MAX:
        size *= 2
    return size


def machine_layout(settings: Settings, placed: list[Placed], cpus: int, seed: Seed) -> Layout:
    """Cache lines: one a page, one a page_cgroup, then those of zones, memcg zones, wait buckets, mappings, mms and
    work queues.
    """
    nodes = settings.nodes
    buckets = nodes * settings.buckets_per_zone
    homes = [*range(nodes), *range(nodes), *(bucket // settings.buckets_per_zone for bucket in range(buckets))]
    homes += [0, *range(nodes), *(placed[task].zone for task in with_objects(placed))]
    homes += [*(one.zone for one in placed), *cpu_nodes(cpus, nodes)]
    locks = 2 * nodes + buckets
    return Layout(
        cpus=cpus,
        nodes=nodes,
        pages_per_node=settings.pages_per_node,
        memory_lines=2 * settings.pages,
        homes=tuple(homes),
        lock_lines=tuple(2 * settings.pages + lock for lock in range(locks)),
        lock_classes=(LRU_LOCK,) * nodes + (MZ_LOCK,) * nodes + (WAIT_BUCKET,) * buckets,
        lock_kinds=LOCK_CLASSES,
        histograms=HISTOGRAMS,
        accounts=len(placed),
        kinds=KINDS,
        key_seed=seed,
        device_nodes=tuple(one.zone for one in placed[settings.first_device :]),
    )


def _pages(settings: Settings, tasks: int) -> Pages:
    pages = settings.pages
    links = settings.first_private + tasks * PRIVATE_LISTS
    return Pages(
        flags=Filled(0, pages),
        refcount=Filled(0, pages),
        mapcount=Filled(0, pages),
        mapping=Filled(0, pages),
        slot=Filled(NONE, pages),
        cgroup=Filled(0, pages),
        locked_ps=Filled(NONE, pages),
        locker=Filled(0, pages),
        next=Filled(NONE, links),
        before=Filled(NONE, links),
    )


def _zones(nodes: int, watermark: tuple[int, int, int], placed: list[Placed]) -> Zones:
    kswapd = [NONE] * nodes
    for task, one in enumerate(placed):
        if one.spec.kind == "kswapd" and kswapd[one.zone] == NONE:
            kswapd[one.zone] = task
    return Zones(
        lru_length=[0] * (nodes * LRU_LISTS),
        cgroup_length=[0] * (nodes * LRU_LISTS),
        free_count=[0] * nodes,
        free_head=[NONE] * nodes,
        nr_mlock=[0] * nodes,
        watermark=list(watermark) * nodes,
        kswapd=kswapd,
        nr_scan=[0] * (nodes * LRU_LISTS),
        recent_scanned=[0] * (nodes * 2),
        recent_rotated=[0] * (nodes * 2),
        pages_scanned=[0] * nodes,
        all_unreclaimable=[0] * nodes,
    )


def _disks(settings: Settings, node_of_cpu: list[int]) -> Disks:
    nodes = settings.nodes
    irq_cpu = [first_cpu(node, node_of_cpu) for node in range(nodes)]
    return Disks([NONE] * (nodes * settings.disk_slots), [0] * nodes, [0] * nodes, [0] * nodes, irq_cpu)


def _vectors(cpus: int, tasks: int) -> Vectors:
    count = cpus * CPU_VECTORS + tasks * STACK_VECTORS
    return Vectors([NONE] * (count * VECTOR_SLOTS), [0] * count, cpus * CPU_VECTORS)


def _queues(settings: Settings, tasks: int) -> WaitQueues:
    buckets = settings.nodes * settings.buckets_per_zone
    return WaitQueues(
        head=[NONE] * buckets,
        next=[NONE] * tasks,
        page=[NONE] * tasks,
        queued=[0] * tasks,
        woken=[0] * tasks,
        flag=[0] * tasks,
        exclusive=[0] * tasks,
        since_ps=[NONE] * tasks,
    )


def _mms(tasks: int) -> Mms:
    nobody = [NONE] * tasks
    return Mms([0] * tasks, nobody, list(nobody), list(nobody), list(nobody), [0] * tasks, list(nobody))


def _work_queues(cpus: int, placed: list[Placed]) -> WorkQueues:
    thread = [NONE] * cpus
    for task, one in enumerate(placed):
        if one.spec is EVENTS:
            thread[one.cpu] = task
    tasks = len(placed)
    return WorkQueues(
        inserted=[0] * cpus,
        done=[0] * cpus,
        thread=thread,
        head=[NONE] * cpus,
        tail=[NONE] * cpus,
        next=[NONE] * tasks,
        target=[0] * tasks,
        waits_for=[NONE] * tasks,
    )


def _run_queues(cpus: int) -> RunQueues:
    return RunQueues(
        current=[NONE] * cpus,
        head=[NONE] * cpus,
        tail=[NONE] * cpus,
        woken_tail=[NONE] * cpus,
        need_resched=[0] * cpus,
        idle_from_ps=[0] * cpus,
        idle_to_ps=[0] * cpus,
        user_end_ps=[0] * cpus,
    )


def _bugs() -> Bugs:
    return Bugs(
        time_ps=[0] * VIOLATIONS,
        task=[NONE] * VIOLATIONS,
        page=[NONE] * VIOLATIONS,
        flags=[0] * VIOLATIONS,
        refcount=[0] * VIOLATIONS,
        mapcount=[0] * VIOLATIONS,
        trap=[0] * VIOLATIONS,
        sprung=[NONE],
    )


def new_tasks(placed: list[Placed], seed: Seed) -> Tasks:
    """The columns of tasks that have not begun."""
    count = len(placed)
    kinds = {kind: number for number, kind in enumerate(TASK_KINDS)} | {EVENTS.kind: KEVENTD} | DEVICE_KINDS
    return Tasks(
        cpu=[one.cpu for one in placed],
        kind=[kinds[one.spec.kind] for one in placed],
        mm=list(range(count)),
        state=[0] * count,
        since_ps=[0] * count,
        next_ready=[NONE] * count,
        zone=[one.zone for one in placed],
        user_ps=[0] * count,
        think=[part for one in placed for part in one.spec.think],
        hold=[part for one in placed for part in one.spec.hold],
        lock_class=[PAGE_LOCK if one.spec.lock == "page_lock" else LRU_LOCK for one in placed],
        page_count=[one.spec.pages for one in placed],
        range_pages=[one.spec.range_pages for one in placed],
        range_first=[0] * count,
        range_count=[0] * count,
        range_unlocked=[0] * count,
        shares=[1 if one.spec.shares else 0 for one in placed],
        target=[one.spec.target_node for one in placed],
        turns=[0] * count,
        sleep_kind=[SLEEP] * count,
        probe_depth=[0] * (count * HISTOGRAMS),
        probe_start_ps=[0] * (count * HISTOGRAMS),
        probe_spent_ps=[0] * (count * HISTOGRAMS * KINDS),
        redo_start_ps=[NONE] * count,
        redo_spent_ps=[0] * (count * KINDS),
        key=[stream_key(*seed, task, stream) for task in range(count) for stream in range(STREAMS)],
        draws=[0] * (count * STREAMS),
    )
