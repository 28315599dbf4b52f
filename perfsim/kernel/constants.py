"""Numbers of the kernel and of the model: flags, lists, vectors, events, kinds (kernel-protocol §1)."""

from __future__ import annotations

from perfsim.machine.account import ATOMIC, TRANSFER, WAIT

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
LRU_NAMES = ("inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable")
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
CPU_VECTORS = 5
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

# Kinds of time on a task's account: the machine's, by lock class from WAIT on, and those of the kernel's.
SLEEP = WAIT + LOCK_CLASSES
WAKE_UP = SLEEP + 1
REDO = SLEEP + 2
KINDS = SLEEP + 3
KIND_NAMES = {
    ATOMIC: "atomic",
    TRANSFER: "transfer",
    **{WAIT + lock_class: name for lock_class, name in enumerate(LOCK_NAMES)},
    SLEEP: "sleep",
    WAKE_UP: "wakeup",
    REDO: "redo",
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
