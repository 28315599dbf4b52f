"""The one table of result columns: name, type, unit and meaning of each, in the order in which files have them.

Parquet field metadata, the keys of a row, and the documentation all come from here. Units: ns, ps (of sums that are
exact), s, 1/s, pages, and "1" for pure numbers and other counts; "" for text and for lists, whose fields name their
own. A value that does not exist, such as a percentile of no values, is null and never 0. Whatever is counted is counted
in the measured window, unless its meaning says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.scenario.schema import Axis

STRING = "string"
INT64 = "int64"
FLOAT64 = "float64"
HIST = "hist"
DEFECTS = "defects"
CHECKS = "checks"


class Column(NamedTuple):
    """type: string, int64, float64, hist (list of {upper_ns, count}), defects (list of {defect, count}) or checks (list
    of {check, count, first_ns}).
    """

    name: str
    type: str
    unit: str
    meaning: str


def axis_column(axis: Axis) -> Column:
    """The column of an axis of a sweep, named by the axis's dotted path.

    Whole numbers give int64, other numbers float64; anything else, durations such as "20us" included, is text.
    """
    types = {type(value.column) for value in axis.values}
    kind = INT64 if types == {int} else FLOAT64 if types <= {int, float} else STRING
    unit = "" if kind == STRING else _AXIS_UNITS.get(axis.path.rpartition(".")[2], "1")
    return Column(axis.path, kind, unit, f"Value of the sweep's axis {axis.path} at this point.")


def columns_with(axes: Sequence[Axis]) -> tuple[Column, ...]:
    """All columns of a sweep's results: `COLUMNS` with the axes after the other columns of identity."""
    return (*_IDENTITY, *map(axis_column, axes), *COLUMNS[len(_IDENTITY) :])


_AXIS_UNITS = {
    "pages_per_node": "pages",
    "range_pages": "pages",
    "pages": "pages",
    "pagevec_size": "pages",
    "swap_cluster_max": "pages",
}

_IDENTITY = (
    Column(
        "run_id",
        STRING,
        "",
        "Content hash of all that determines the result: values of the workload, figures of the profile, source of the "
        "design, version of perfsim, seed and replication.",
    ),
    Column(
        "point",
        INT64,
        "1",
        "Number of the point in the sweep, from 0; the last axis turns fastest.",
    ),
    Column("design", STRING, "", "Name of the design: the variant of the kernel that ran."),
    Column("profile", STRING, "", "Name of the cost profile: what the machine's steps cost."),
    Column("cpus", INT64, "1", "CPUs of the machine."),
    Column("nodes", INT64, "1", "NUMA nodes of the machine; each has one zone with one lru_lock."),
    Column(
        "replication", INT64, "1", "Number of the replication, from 0; at one number every design meets equal draws."
    ),
    Column("seed", INT64, "1", "Seed of the random numbers; each replication draws its own from it."),
    Column("engine", STRING, "", "Engine that ran the simulation; no other column but wall_s depends on it."),
)

_THROUGHPUT = (
    Column(
        "reclaim_scanned_per_s", FLOAT64, "1/s", "Pages that reclaim took off inactive lists, per simulated second."
    ),
    Column("reclaim_freed_per_s", FLOAT64, "1/s", "Pages that reclaim freed, per simulated second."),
    Column("putback_per_s", FLOAT64, "1/s", "Completed calls of the design's putback function, per simulated second."),
    Column("mlock_pages_per_s", FLOAT64, "1/s", "Pages that mlock() went through, per simulated second."),
    Column("munlock_pages_per_s", FLOAT64, "1/s", "Pages that munlock() went through, per simulated second."),
    Column("faults_per_s", FLOAT64, "1/s", "Page faults that got a page, per simulated second."),
    Column("migrated_per_s", FLOAT64, "1/s", "Pages that migration moved, per simulated second."),
)

_LATENCIES = {
    "putback": "a putback of one page, from call to return",
    "lru_lock_wait": "a wait for a zone's lru_lock, from the first try to owning it; a wait of zero counts as a wait",
    "page_lock_wait": "a wait for a page lock, from the first try that failed to the one that succeeded, time asleep "
    "included; a wait of zero counts as a wait",
    "reclaim_batch": "one batch of reclaim, at most kernel.swap_cluster_max pages of one list (shrink_list), from call "
    "to return",
    "mlock_call": "an mlock() of one range, from call to return",
    "munlock_call": "a munlock() of one range, from call to return",
    "fault": "a page fault, from entry to return",
}

SPENT_ON = {
    "work": "plain work of the CPU, hits in its cache included: what is of no other kind",
    "atomic": "atomic operations and memory barriers, the transfer of the line aside",
    "transfer": "fetching cache lines from other CPUs or from memory, or taking them away from those that have a copy",
    "lru_lock": "spinning for a zone's lru_lock",
    "page_lock": "asleep for a page lock, until woken for it",
    "memcg_lock": "spinning for the memory cgroup's zone lock",
    "wait_bucket": "spinning for the lock of a bucket of page wait queues",
    "sleep": "asleep for anything else, until woken: a page under I/O, mmap_sem, another CPU's work queue, a timer",
    "wakeup": "ready to run and not running: from a wake-up to running again, or while another task had the CPU",
    "redo": "doing a putback over, from the first time on that it starts over to its end, whatever it does there",
}
"""The kinds of time that a measured path is made of, in the order of the columns."""

SPENT_BY = {name: what.split(",")[0] for name, what in _LATENCIES.items() if "_wait" not in name}
"""The paths whose time is told by kind."""

PERCENTILES = (("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999))
"""As columns call them, and per mille."""


def _latency(name: str, what: str) -> tuple[Column, ...]:
    prefix = f"{name}_latency"
    return (
        Column(f"{prefix}_count", INT64, "1", f"How many values there are, each the time of {what}."),
        Column(f"{prefix}_mean_ns", FLOAT64, "ns", f"Exact mean time of {what}. Null if there was none."),
        *(
            Column(f"{prefix}_{label}_ns", FLOAT64, "ns", _percentile(label, per_mille, what))
            for label, per_mille in PERCENTILES
        ),
        Column(f"{prefix}_max_ns", FLOAT64, "ns", f"Exact longest time of {what}. Null if there was none."),
        Column(
            f"{prefix}_hist",
            HIST,
            "",
            f"Histogram of the time of {what}: the cells that are not empty, each with its largest value in ns "
            "(upper_ns, at most 1/64 above any value in the cell) and the number of values in it (count).",
        ),
    )


def _percentile(label: str, per_mille: int, what: str) -> str:
    text = (
        f"Time of {what}: at least {per_mille / 10:g} % of the values are no longer. Upper bound of a histogram cell, "
        "at most 1/64 above the exact value, and never above the maximum. Null if there was none"
    )
    return f"{text}; with fewer than 1000 values it is the maximum." if label == "p999" else f"{text}."


def _spent(name: str, what: str) -> tuple[Column, ...]:
    return (
        Column(
            f"{name}_spent_total_ps", INT64, "ps", f"Sum of the times of {what}: to the picosecond, that of its kinds."
        ),
        *(
            Column(f"{name}_spent_{kind}_ps", INT64, "ps", f"Of the times of {what}, the part spent on this: {doing}.")
            for kind, doing in SPENT_ON.items()
        ),
    )


_LOCKS = {
    "lru_lock": ("zone->lru_lock", "one a node"),
    "page_lock": (
        "the page lock (PG_locked)",
        "one a page; if every task is a lock_loop, only the pages that they spread over",
    ),
    "memcg_lock": ("the memory cgroup's zone lock (mz->lru_lock)", "one a node"),
    "wait_bucket": ("the lock of a bucket of page wait queues", "all buckets of all zones"),
}


def _lock(name: str, lock: str, number: str) -> tuple[Column, ...]:
    held = f"Holds of {lock} count from the start of the window at the earliest and to its end at the latest."
    return (
        Column(f"{name}_acquisitions", INT64, "1", f"How often {lock} was taken."),
        Column(f"{name}_contentions", INT64, "1", f"How often {lock} was taken by someone who had to wait for it."),
        Column(f"{name}_wait_total_ns", FLOAT64, "ns", f"Sum of all waits for {lock} that ended with it taken."),
        Column(f"{name}_wait_max_ns", FLOAT64, "ns", f"Longest wait for {lock} that ended with it taken; 0 if none."),
        Column(f"{name}_hold_total_ns", FLOAT64, "ns", f"Sum of all holds, of all locks of the class. {held}"),
        Column(f"{name}_hold_max_ns", FLOAT64, "ns", f"Longest hold; 0 if there was none. {held}"),
        Column(
            f"{name}_utilization",
            FLOAT64,
            "1",
            f"Mean share of time that a lock of the class is held: {name}_hold_total_ns / (simulated_ns x number of "
            f"locks); {number}.",
        ),
    )


_PAGE_LOCK_QUEUE = (
    Column("page_lock_sleeps", INT64, "1", "How often a task went to sleep for a page lock."),
    Column(
        "page_lock_steals",
        INT64,
        "1",
        "How often a task that was woken for a page lock found it taken by another and had to wait again.",
    ),
)

_PROTOCOL = (
    Column("redo_retries", INT64, "1", "How often a putback started over because the page had become evictable."),
    Column(
        "stranded_pages",
        INT64,
        "pages",
        "Evictable pages left on unevictable lists, where reclaim never looks, once every task has finished its round "
        "after the window.",
    ),
    Column(
        "stranded_longest_ns",
        FLOAT64,
        "ns",
        "How long the first of the stranded pages has been there at the end of the run: since its page lock was taken "
        "last, by the munlock that should have moved it, or since the start if it never was. Null if there are none.",
    ),
    Column("pgscan", INT64, "pages", "Pages that reclaim took off inactive lists to look at them."),
    Column("pgsteal", INT64, "pages", "Pages that reclaim freed."),
    Column("pgactivate", INT64, "pages", "Pages that reclaim found in use and moved to an active list."),
    Column("pgdeactivate", INT64, "pages", "Pages that reclaim moved from an active list to an inactive one."),
    Column("unevictable_pgs_culled", INT64, "pages", "Pages that a putback moved to an unevictable list."),
    Column("unevictable_pgs_rescued", INT64, "pages", "Pages that a putback moved from an unevictable list."),
    Column(
        "unevictable_pgs_scanned",
        INT64,
        "pages",
        "Pages of a mapping that SHM_UNLOCK looked at for those to rescue.",
    ),
    Column("unevictable_pgs_mlocked", INT64, "pages", "Pages that became mlocked."),
    Column(
        "unevictable_pgs_munlocked",
        INT64,
        "pages",
        "Pages that munlock() made evictable, on the list at once or by whoever had them isolated.",
    ),
    Column("unevictable_pgs_cleared", INT64, "pages", "Mlocked pages that lost their mlock to truncation."),
    Column(
        "unevictable_pgs_stranded",
        INT64,
        "pages",
        "Pages that munlock() could not isolate from the unevictable list: the kernel's suspicion, where "
        "stranded_pages is the fact.",
    ),
    Column(
        "unevictable_list_drift",
        INT64,
        "pages",
        "Growth of the unevictable lists from the start to the end of the run, less what was culled and not rescued. "
        "Faults in locked ranges raise it, pages freed from the lists and putbacks that lost a race lower it.",
    ),
    Column(
        "oom_kills",
        INT64,
        "1",
        "How often an allocation found no memory that could be freed, so that the kernel would have killed a process; "
        "here the fault fails, and its task goes on.",
    ),
    Column("nr_mlock", INT64, "pages", "Pages that are mlocked at the end of the window."),
    Column("nr_unevictable", INT64, "pages", "Pages on unevictable lists at the end of the window."),
)

_CPU_TIME = tuple(
    Column(f"cpu_{name}_fraction", FLOAT64, "1", f"Share of all CPUs' time spent {doing}; the five shares sum to 1.")
    for name, doing in (
        ("user", "in user mode"),
        ("kernel", "in the kernel, spinning and switching aside"),
        ("spin", "spinning for a lock"),
        ("switch", "switching between tasks"),
        ("idle", "with no task to run"),
    )
)

_RUN = (
    Column("simulated_ns", FLOAT64, "ns", "Length of the measured window, in simulated time."),
    Column("events", INT64, "1", "Shared primitives that took effect by the end of the window, warm-up included."),
    Column("wall_s", FLOAT64, "s", "Real time that the run took: the one column that differs when a run is repeated."),
    Column(
        "invariant_violations",
        INT64,
        "1",
        "Violations of the kernel's assertions and of the state's invariants, but for those that the design declares "
        "as its known defects.",
    ),
    Column(
        "violated_checks",
        CHECKS,
        "",
        "What those violations are: a list of the name of the kernel's assertion or of the invariant (check), how "
        "often it was violated (count; while the run went on, the most at one instant), and when first (first_ns; null "
        "for an invariant at the end of the run).",
    ),
    Column(
        "defect_hits",
        DEFECTS,
        "",
        "Known defects of the design that showed: a list of the defect's name (defect) and how often (count).",
    ),
)

_HOW_FAR = "By what part of its mean that moves from the first half of the window to the second."
_NONE_MOVES = "Null if none does."

_STEADY = (
    Column("warmup_ns", FLOAT64, "ns", "Simulated time before the measured window: measure.warmup, or what auto took."),
    Column(
        "warmup_detected_ns",
        FLOAT64,
        "ns",
        "When the run's rates and lists had become steady (MSER-5), as far back as is looked: the length of the window "
        "before it. What moves too little to matter is steady from there. Null if something moves on to the end.",
    ),
    Column(
        "unsteady",
        STRING,
        "",
        "What is wrong with the measured window: warm-up, if the warm-up was too short and the rest of the window is "
        "steady; drift, if something moves to its end. Null if nothing is.",
    ),
    Column("unsteady_rate", STRING, "", f"The rate that moves most in the window. {_NONE_MOVES}"),
    Column("unsteady_rate_change", FLOAT64, "1", f"{_HOW_FAR} {_NONE_MOVES}"),
    Column("unsteady_list", STRING, "", f"The LRU list that moves most in the window, and its node. {_NONE_MOVES}"),
    Column("unsteady_list_change", FLOAT64, "1", f"{_HOW_FAR} {_NONE_MOVES}"),
)

COLUMNS: tuple[Column, ...] = (
    *_IDENTITY,
    *_THROUGHPUT,
    *(column for name, what in _LATENCIES.items() for column in _latency(name, what)),
    *(column for name, what in SPENT_BY.items() for column in _spent(name, what)),
    *(column for name, (lock, number) in _LOCKS.items() for column in _lock(name, lock, number)),
    *_PAGE_LOCK_QUEUE,
    *_PROTOCOL,
    *_CPU_TIME,
    *_STEADY,
    *_RUN,
)
"""Every column but those of the axes."""
