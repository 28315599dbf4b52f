"""Pages, zones, pagevecs, wait queues and tasks of one run, as plain columns of integers (kernel-protocol §1)."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.machine.state import Machine
from perfsim.numeric.columns import Ints

NONE = -1

PG_LOCKED = 1 << 0
PG_REFERENCED = 1 << 2
PG_UPTODATE = 1 << 3
PG_DIRTY = 1 << 4
PG_LRU = 1 << 5
PG_ACTIVE = 1 << 6
PG_WRITEBACK = 1 << 12
PG_SWAPCACHE = 1 << 15
PG_RECLAIM = 1 << 17
PG_SWAPBACKED = 1 << 19
PG_UNEVICTABLE = 1 << 20
PG_MLOCKED = 1 << 21

LRU_INACTIVE_ANON = 0
LRU_ACTIVE_ANON = 1
LRU_INACTIVE_FILE = 2
LRU_ACTIVE_FILE = 3
LRU_UNEVICTABLE = 4
LRU_LISTS = 5
LRU_ACTIVE = 1
LRU_FILE = 2

SWAP_CLUSTER_MAX = 32
SWAPPINESS = 60
DEF_PRIORITY = 12
PAGEVEC_SIZE = 14
MLOCK_BATCH = 16

# Vectors of pages: a CPU's lru_add pagevec of each evictable list (0 .. 3) and its rotate pagevec, then those on a
# task's stack.
ROTATE_PVEC = 4
PVEC = 5
FREED_PVEC = 6
PAGES_TO_FREE = 7
GUP_PAGES = 8
ROTATED = 9
MMU_GATHER = 10
LOOKUP_PVEC = 11
STACK_VECTORS = 7
VECTOR_SLOTS = 16

# Private lists of a task.
L_HOLD = 0
L_INACTIVE = 1
PAGE_LIST = 2
RET_PAGES = 3
PAGELIST = 4
PRIVATE_LISTS = 5

# Lock classes; each is a histogram of waits too.
LRU_LOCK = 0
PAGE_LOCK = 1
MZ_LOCK = 2
WAIT_BUCKET = 3
LOCK_CLASSES = 4
LOCK_NAMES = ("lru_lock", "page_lock", "memcg_lock", "wait_bucket")

# Latency probes: histograms after those of the locks.
PUTBACK = 4
RECLAIM_BATCH = 5
MLOCK_CALL = 6
MUNLOCK_CALL = 7
FAULT = 8
HISTOGRAMS = 9
PROBE_NAMES = {
    PUTBACK: "putback",
    RECLAIM_BATCH: "reclaim_batch",
    MLOCK_CALL: "mlock_call",
    MUNLOCK_CALL: "munlock_call",
    FAULT: "fault",
}

# vm events and counters of a run.
PGSCAN = 0
PGSTEAL = 1
PGACTIVATE = 2
PGDEACTIVATE = 3
UNEVICTABLE_PGCULLED = 4
UNEVICTABLE_PGRESCUED = 5
UNEVICTABLE_PGMLOCKED = 6
UNEVICTABLE_PGMUNLOCKED = 7
UNEVICTABLE_PGSTRANDED = 8
PUTBACKS = 9
MLOCK_PAGES = 10
MUNLOCK_PAGES = 11
PGFAULT = 12
REDO_RETRIES = 13
PAGE_LOCK_SLEEPS = 14
PAGE_LOCK_STEALS = 15
UNEVICTABLE_PGSCANNED = 16
UNEVICTABLE_PGCLEARED = 17
PGMIGRATE_SUCCESS = 18
PGSCAN_KSWAPD = 19
PGSCAN_DIRECT = 20
PGREFILL = 21
KSWAPD_STEAL = 22
ALLOCSTALL = 23
PAGEOUTRUN = 24
PGROTATED = 25
OOM_KILL = 26
VM_EVENTS = 27

# Violations: the kernel's own checks, each counted apart; kernel/violations.py has their names.
BUG_VM = 0
BUG_UNLOCKED_PAGE = 1
BAD_PAGE = 2
BAD_PAGE_MLOCKED = 3
BAD_PAGE_LOCKED = 4
BUG_GET_PAGE = 5
BUG_PUT_PAGE = 6
BUG_PAGE_COUNT = 7
BUG_ATOMIC = 8
BUG_RECURSION = 9
VIOLATIONS = 10

# Mappings: 0 none, odd anonymous, even a file. mapping >> 1 numbers the object.
NO_MAPPING = 0
MAPPING_ANON = 1
AS_UNEVICTABLE = 1
MAPPED_ELSEWHERE = -2
"""Page's pte slot: mapped by a process that the model does not follow."""
LOCKED_ELSEWHERE = -3
"""Page's pte slot: mapped like that, by a VM_LOCKED range that is never unlocked."""

# A pte: the page that it maps, or one of these; MIGRATION_ENTRY - page while the page is being migrated.
PTE_LOCKED = -2
"""None yet: a fault has the pte lock and is about to map a page."""
MIGRATION_ENTRY = -3

FROZEN = -2
"""No page yet: the one in the page cache has its references frozen."""

EAGAIN = 11
ENOMEM = 12

# Task kinds, and where a task is.
TASK_KINDS = ("kswapd", "direct_reclaim", "fault", "mlock", "lock_loop", "migrate", "truncate", "shm_lock")
KSWAPD, DIRECT_RECLAIM, FAULT_TASK, MLOCK_TASK, LOCK_LOOP, MIGRATE_TASK, TRUNCATE_TASK, SHM_LOCK_TASK = range(8)
KEVENTD = len(TASK_KINDS)
"""The kind of events/N, which is no workload's."""
DEVICE_KINDS = {"timer": -1, "disk": -2}
"""What the machine does by itself: tasks that no workload names, each on a processor of its own behind the CPUs."""
TIMER, DISK = DEVICE_KINDS.values()

TASK_NEW = 0
TASK_RUNNING = 1
TASK_READY = 2
TASK_SLEEPING = 3
TASK_DONE = 4

# Settings.drain_all: how often an mlock() drains the pagevecs of all CPUs.
DRAIN_NEVER = 0
DRAIN_ONCE = 1
DRAIN_TWICE = 2

# Streams of random numbers of a task.
THINK = 0
HOLD = 1
CHOICE = 2
REFERENCED = 3
CONTENT = 4
STREAMS = 5

WMARK_MIN = 0
WMARK_LOW = 1
WMARK_HIGH = 2

# A disk's queue: requests from which on it is congested, and below which it is no more (of 128).
CONGESTION_ON = 113
CONGESTION_OFF = 103

HZ = 250
JIFFY_PS = 10**12 // HZ


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
    """pages: [vector * VECTOR_SLOTS + i], length: [vector]; vector = cpu * PVEC + i, or first_stack + task *
    STACK_VECTORS + i.
    """

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
    (migrations begun). probe_depth, probe_start_ps: [task * HISTOGRAMS + probe]. key, draws: [task * STREAMS + stream].
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
    probe_depth: Ints
    probe_start_ps: Ints
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


def list_head(zone: int, lru: int, s: State) -> int:
    """Link number of a zone's LRU list."""
    return s.settings.first_head + zone * LRU_LISTS + lru


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
