"""Pages, zones, pagevecs, wait queues and tasks of one run, as plain columns of integers (kernel-protocol §1)."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel.constants import (
    CPU_VECTORS,
    LRU_ACTIVE,
    LRU_FILE,
    LRU_LISTS,
    LRU_LOCK,
    LRU_UNEVICTABLE,
    MAPPING_ANON,
    MZ_LOCK,
    NONE,
    PG_ACTIVE,
    PG_SWAPBACKED,
    PG_UNEVICTABLE,
    STACK_VECTORS,
)
from perfsim.machine.state import Machine
from perfsim.numeric.columns import Ints


class Settings(NamedTuple):
    """Constants of the run. parts per million: *_ppm. first_head, first_private: numbers of the list heads, which
    follow the pages in the link columns; first_mz_lock, first_bucket_lock: numbers of the spinlocks; stride: of the
    order in which memory is filled. unevictable_lru: 1 for a kernel that has one. ranges: all of them; those from
    first_own_range on are of one task each, those from first_object_range on map an object (a file, a segment of shared
    memory) that has a page cache of its own. inactive_ratio: of a zone, see inactive_anon_is_low(). first_device: task
    number of the machine's timer, behind all other tasks; the disks of the nodes follow. disk_slots: of a disk's queue.
    """

    tasks: int
    pages: int
    pages_per_node: int
    nodes: int
    buckets_per_zone: int
    memcg: int
    drain_all: int
    pagevec_size: int
    swap_cluster_max: int
    unevictable_lru: int
    file_ppm: int
    referenced_ppm: int
    dirty_ppm: int
    ranges: int
    first_own_range: int
    first_object_range: int
    range_pages: int
    inactive_ratio: int
    first_device: int
    disk_slots: int
    stride: int
    first_head: int
    first_private: int
    first_mz_lock: int
    first_bucket_lock: int
    first_mapping_line: int
    first_mm_line: int
    first_work_line: int


class Pages(NamedTuple):
    """[page]: flags, refcount (_count), mapcount (_mapcount + 1), mapping, slot (the pte that maps it; of an object's
    page its index there, mapped or not), cgroup (bit 0 the bit spinlock, above it list + 1), locked_ps and locker (when
    PG_locked was set last, NONE before the first time, and by which task).
    next, before: list links, [page or head].
    """

    flags: Ints
    refcount: Ints
    mapcount: Ints
    mapping: Ints
    slot: Ints
    cgroup: Ints
    locked_ps: Ints
    locker: Ints
    next: Ints
    before: Ints


class Zones(NamedTuple):
    """lru_length, cgroup_length, nr_scan (pages due to be scanned): [zone * LRU_LISTS + list]. recent_scanned,
    recent_rotated: [zone * 2 + 0 anonymous, 1 file]. watermark: [zone * 3 + which]. The rest: [zone]; kswapd
    is its task.
    """

    lru_length: Ints
    cgroup_length: Ints
    free_count: Ints
    free_head: Ints
    nr_mlock: Ints
    watermark: Ints
    kswapd: Ints
    nr_scan: Ints
    recent_scanned: Ints
    recent_rotated: Ints
    pages_scanned: Ints
    all_unreclaimable: Ints


class Vectors(NamedTuple):
    """pages: [vector * VECTOR_SLOTS + i], length: [vector]; see cpu_vector() and stack_vector()."""

    pages: Ints
    length: Ints
    first_stack: int


class WaitQueues(NamedTuple):
    """Hashed wait queues of page locks. head: [bucket]. Of a waiting task: next, page, queued, woken,
    flag (the bit that it waits for), exclusive (it wants to set it, not just to see it clear), since_ps (of a wait for
    the lock).
    """

    head: Ints
    next: Ints
    page: Ints
    queued: Ints
    woken: Ints
    flag: Ints
    exclusive: Ints
    since_ps: Ints


class Mms(NamedTuple):
    """mmap_sem of each address space, [mm]: activity (-1 a writer, else how many readers), writer (the task, or NONE),
    head and tail of the tasks that wait. Of a waiting task: next, write (1 for a writer), waits_for (the mm, or NONE).
    """

    activity: Ints
    writer: Ints
    head: Ints
    tail: Ints
    next: Ints
    write: Ints
    waits_for: Ints


class WorkQueues(NamedTuple):
    """keventd's queue of each CPU, [cpu]: work items inserted and done so far, thread (events/N, a task, or NONE), head
    and tail of the tasks that flush it. Of a flushing task: next, target (items done that it waits for), waits_for (the
    CPU, or NONE).
    """

    inserted: Ints
    done: Ints
    thread: Ints
    head: Ints
    tail: Ints
    next: Ints
    target: Ints
    waits_for: Ints


class Tasks(NamedTuple):
    """[task]: cpu, kind, mm (the address space it runs in), state, since_ps (of the state), next_ready, zone; user_ps
    (what is left of the user time of a task in a run queue; 0 for one that is in the kernel); think and hold: (kind,
    first_ps, second_ps).

    Of a lock_loop: lock_class, page_count. Of a task with ranges: range_pages (of each, at most), its ranges in
    Ranges.order (first, count; those of an mlock task the unlocked ones first), shares (1 if they are those of the task
    whose mm it runs in). Of a migrate task: target (the node to go to, NONE for the next one each time), turns
    (migrations begun). sleep_kind: what its sleep is booked as. probe_depth, probe_start_ps: [task * HISTOGRAMS +
    probe]; probe_spent_ps: [(task * HISTOGRAMS + probe) * KINDS + kind], its account at the start. redo_start_ps: when
    its putback started over, else NONE; redo_spent_ps: [task * KINDS + kind], its account then. key, draws: [task *
    STREAMS + stream].
    """

    cpu: Ints
    kind: Ints
    mm: Ints
    state: Ints
    since_ps: Ints
    next_ready: Ints
    zone: Ints
    user_ps: Ints
    think: Ints
    hold: Ints
    lock_class: Ints
    page_count: Ints
    range_pages: Ints
    range_first: Ints
    range_count: Ints
    range_unlocked: Ints
    shares: Ints
    target: Ints
    turns: Ints
    sleep_kind: Ints
    probe_depth: Ints
    probe_start_ps: Ints
    probe_spent_ps: Ints
    redo_start_ps: Ints
    redo_spent_ps: Ints
    key: Ints
    draws: Ints


class ScanControl(NamedTuple):
    """struct scan_control of a task that reclaims, and nr[] of its shrink_zone(): nr_scanned: [task]; nr: [task *
    LRU_LISTS + list]. kswapd_waits: [task], 1 while a kswapd sleeps until it is needed.
    """

    nr_scanned: Ints
    nr: Ints
    kswapd_waits: Ints


class Timers(NamedTuple):
    """[task]: expires_ps, at which a sleeping task is woken, NONE without a timer; congestion, 1 if it is woken earlier
    by a disk that has caught up.
    """

    expires_ps: Ints
    congestion: Ints


class Disks(NamedTuple):
    """A disk a node: requests, one a page, first come first served. page: [disk * disk_slots + i], a ring. [disk]: its
    head and length; congested, 1 while reclaim shall not add to it; irq_cpu, the CPU that takes its interrupts.
    """

    page: Ints
    head: Ints
    length: Ints
    congested: Ints
    irq_cpu: Ints


class RunQueues(NamedTuple):
    """[cpu]: the task that runs or is being switched in (current), the queue behind it (head, tail; woken_tail: the
    last of the woken at its front), need_resched, since when it idles (or will, when the last task is switched out),
    the instant at which it begins to switch to the task that was woken on it, and while it is in user mode, until when.
    """

    current: Ints
    head: Ints
    tail: Ints
    woken_tail: Ints
    need_resched: Ints
    idle_from_ps: Ints
    idle_to_ps: Ints
    user_end_ps: Ints


class Ranges(NamedTuple):
    """Ranges of pages that tasks map: each a vma. order: each task's ranges, those unlocked first. [range]: locked
    (VM_LOCKED), owner (the task), file (1 when file-backed), zone (of its pages at the start).
    pte: [range * range_pages + i], a page, NONE, or one of the other values of a pte.
    """

    order: Ints
    locked: Ints
    owner: Ints
    file: Ints
    zone: Ints
    pte: Ints


class Objects(NamedTuple):
    """Files and segments of shared memory, each mapped by one range: [object] has the range first_object_range +
    object, and as mapping the number nodes + 1 + object. size: pages that may be faulted in (i_size).
    cached: [object * range_pages + i], the page cache: a page, or NONE.
    """

    size: Ints
    cached: Ints


class Shares(NamedTuple):
    """How a zone's memory is divided at time 0, [zone]: free pages; ranges locked and ranges that may be, of mlock
    tasks; pages of the ranges that tasks of other kinds map from the start (mapped); pages locked for good; the zone's
    first pages, whose page locks are a lock_loop's (looped: locked for good too, so that nobody frees them). The rest
    is evictable.
    """

    free: Ints
    locked: Ints
    unlocked: Ints
    mapped: Ints
    pinned: Ints
    looped: Ints


class Bugs(NamedTuple):
    """The first hit of each violation, [violation]: time_ps, task, page (NONE for none), and what the page was then:
    flags, refcount, mapcount. trap: 1 if a hit shall end the run; sprung: [the violation that did, or NONE].
    """

    time_ps: Ints
    task: Ints
    page: Ints
    flags: Ints
    refcount: Ints
    mapcount: Ints
    trap: Ints
    sprung: Ints


class State(NamedTuple):
    """Everything that a primitive may touch. violations: [violation] how often; bugs: the first of each. stop: [1 when
    tasks shall finish].
    """

    m: Machine
    settings: Settings
    shares: Shares
    pages: Pages
    zones: Zones
    vectors: Vectors
    queues: WaitQueues
    mms: Mms
    work: WorkQueues
    tasks: Tasks
    sc: ScanControl
    timers: Timers
    disks: Disks
    run: RunQueues
    ranges: Ranges
    objects: Objects
    mapping_flags: Ints
    events: Ints
    violations: Ints
    bugs: Bugs
    stop: Ints


def zone_of(s: State, page: int) -> int:
    """A page's zone: one a node."""
    return page // s.settings.pages_per_node


def object_of(s: State, slot: int) -> int:
    """The object that a pte's range maps, or NONE."""
    range_ = slot // s.settings.range_pages
    return range_ - s.settings.first_object_range if range_ >= s.settings.first_object_range else NONE


def cache_index(s: State, slot: int) -> int:
    """Where the page cache of a pte's object holds its page. slot: of a range that maps an object."""
    return slot - s.settings.first_object_range * s.settings.range_pages


def is_of_object(s: State, page: int) -> int:
    """1 for a page in the page cache of an object."""
    mapping = s.pages.mapping[page]
    return 1 if not mapping & MAPPING_ANON and mapping >> 1 > s.settings.nodes else 0


def list_head(s: State, zone: int, lru: int) -> int:
    """Link number of a zone's LRU list."""
    return s.settings.first_head + zone * LRU_LISTS + lru


def cpu_vector(cpu: int, which: int) -> int:
    """Number of one of a CPU's vectors: 0 to ROTATE_PVEC."""
    return cpu * CPU_VECTORS + which


def stack_vector(s: State, task: int, which: int) -> int:
    """Number of one of the vectors on a task's stack: PVEC to LOOKUP_PVEC."""
    return s.vectors.first_stack + task * STACK_VECTORS + which - CPU_VECTORS


def spinlock(s: State, lock_class: int, index: int) -> int:
    """Machine's number of a spinlock: LRU_LOCK and MZ_LOCK by zone, WAIT_BUCKET by bucket."""
    if lock_class == LRU_LOCK:
        return index
    if lock_class == MZ_LOCK:
        return s.settings.first_mz_lock + index
    return s.settings.first_bucket_lock + index


def page_lru(flags: int) -> int:
    """The list that a page's flags name: C page_lru()."""
    if flags & PG_UNEVICTABLE:
        return LRU_UNEVICTABLE
    lru = 0 if flags & PG_SWAPBACKED else LRU_FILE
    return lru + (LRU_ACTIVE if flags & PG_ACTIVE else 0)


def bucket_of(s: State, page: int) -> int:
    """Wait queue of a page: its zone's table, a multiplicative hash of its number (kernel-protocol §8, D14)."""
    hashed = (page * 0x9E370001 & 0xFFFFFFFF) >> 16
    return zone_of(s, page) * s.settings.buckets_per_zone + hashed % s.settings.buckets_per_zone
