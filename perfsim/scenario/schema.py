"""What a scenario is: frozen values, each field with its unit, range and default.

Defaults are the values that the fields have here; fields without one must be given in the workload file. Two scenarios
are equal when they mean the same simulations: where a value stood in its file does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from perfsim.numeric.random import FIXED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfsim.scenario.source import Node

CPUS_MAX = 1024
NODES_MAX = 64
PAGES_PER_NODE_MIN = 64
PAGES_PER_NODE_MAX = 2**31
TASK_COUNT_MAX = 65_536
REPLICATIONS_MAX = 10_000
FIRST_REPLICATIONS_MIN = 5
FIRST_REPLICATIONS = 10
"""With `sweep.precision` the deviation of the first replications decides how many there are in all. Fewer than 5 say
too little of it; 10 cost a third more than if it were known (stats/sequential.py)."""

SEED_MAX = 2**63 - 1
POINTS_MAX = 10_000
JOBS_MAX = 1_000_000
PAGE_SIZE_BYTES_MIN = 2**12
PAGE_SIZE_BYTES_MAX = 2**16
PAGEVEC_SIZE_MAX = 15
SWAP_CLUSTER_MAX_MAX = 256
WAIT_TABLE_SIZE_MIN = 4
WAIT_TABLE_SIZE_MAX = 4096
NEXT_NODE = -1
"""target_node of a task that takes the nodes in turn."""

MS_PS = 10**9
DURATION_MAX_PS = 3600 * 10**12
"""An hour, for every duration of a workload: even rare draws from an exponential, and their sums, fit 64 bits."""

AUTO = "auto"
AUTO_WINDOWS_MAX = 8
"""A warm-up that is found out takes so many durations at most, and one at least."""

SECTION_KEYS: Mapping[str, tuple[str, ...]] = {
    "machine": ("profile", "cpus", "nodes"),
    "memory": ("pages_per_node", "file_fraction", "mlocked_fraction", "referenced_fraction", "dirty_fraction"),
    "kernel": (
        "designs",
        "memcg",
        "drain_all",
        "page_size",
        "pagevec_size",
        "swap_cluster_max",
        "wait_table_size",
        "min_free",
    ),
    "measure": ("warmup", "duration"),
    "sweep": ("axes", "replications", "precision", "seed"),
    "sweep.precision": ("metric", "relative", "max_replications"),
}
"""The keys of each section that has fixed ones. `tasks.KINDS` has those of the tasks."""

DRAIN_ALL = ("never", "once", "twice")
"""The words for kernel.drain_all; the index of one is its number."""

AxisColumn = int | float | str


class Duration(NamedTuple):
    """A time that a task takes, drawn anew each time; whole picoseconds.

    kind: FIXED (always a_ps), EXPONENTIAL (mean a_ps) or UNIFORM (from a_ps to b_ps). b_ps is 0 unless UNIFORM.
    """

    kind: int
    a_ps: int
    b_ps: int


NO_TIME = Duration(FIXED, 0, 0)


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """Which machine. profile: a name or the path of a .yaml file; cpus, nodes: None means the profile's own.

    costs_ps: what the steps cost in place of the profile's best figures, in the order of machine/costs.py; none means
    those. No file can say so: it is what `sensitivity` varies.
    """

    profile: str
    cpus: int | None = None
    nodes: int | None = None
    costs_ps: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MemorySpec:
    """What fills memory at the start.

    pages_per_node: pages of each node's zone, 64 to 2**31.
    file_ppm, mlocked_ppm, referenced_ppm, dirty_ppm: parts per million of the pages that are file pages (the others are
    anonymous), are mlocked, have been referenced, are dirty. By default half is file cache, a fifth has been used
    lately, and nothing is locked or dirty: a workload adds what it is about.
    """

    pages_per_node: int = 65_536
    file_ppm: int = 500_000
    mlocked_ppm: int = 0
    referenced_ppm: int = 200_000
    dirty_ppm: int = 0


@dataclass(frozen=True, slots=True)
class KernelSpec:
    """Which kernels.

    designs: names, or paths of .py files, the first one old. memcg: memory cgroups are built in.
    drain_all: how often an mlock() drains the pagevecs of all CPUs, an index of DRAIN_ALL: 2.6.26-rc5-mm3 does it at
    entry and exit of mlock() and of munlock(), later kernels once, at the entry of mlock().
    page_size_bytes: PAGE_SIZE, a power of two from 4 KiB to 64 KiB; None means the profile's.
    pagevec_size: PAGEVEC_SIZE, pages in a full pagevec, 1 to 15.
    swap_cluster_max: SWAP_CLUSTER_MAX, pages that reclaim takes off a list at once, 1 to 256.
    wait_table_size: hashed wait queues of page locks in a zone, a power of two from 4 to 4096; None means as many as
    the kernel gives a zone of that size, one for 256 pages.
    min_free_bytes: min_free_kbytes, a whole number of KiB, what is kept free in all zones together; None means as
    much as the kernel keeps of that memory.
    """

    designs: tuple[str, ...] = ("lock_page", "redo")
    memcg: bool = True
    drain_all: int = 2
    page_size_bytes: int | None = None
    pagevec_size: int = 14
    swap_cluster_max: int = 32
    wait_table_size: int | None = None
    min_free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A group of equal tasks.

    name: unique in the scenario. kind: one of `tasks.KINDS`.
    count, share_ppm, per: how many; exactly one of the three is not None. share_ppm is of the CPUs; per is "node" or
    "cpu". `tasks.task_count` gives the number.
    think, hold: the task's own time between two rounds, and with what it has locked, mapped or written; NO_TIME if the
    kind has none.
    range_pages: pages of the range, file or segment that a round works on; 0 if it works on none, which a fault task
    may. With shares the first so many pages of the other's range, all of them for mlock.
    shares: the group whose tasks' ranges these work on, task i on those of task i modulo their number, as threads of
    one process do; "" for ranges of its own.
    target_node: where migrate moves its pages, a node's number; NEXT_NODE for each node after the other, and for the
    other kinds.
    lock: "lru_lock" or "page_lock", of a lock_loop. pages: over how many page locks it spreads; 0 without page_lock.
    count_place: where the file says how many: its count, share or per; the task itself if it leaves that out.
    """

    name: str
    kind: str
    count: int | None
    share_ppm: int | None
    per: str | None
    think: Duration = NO_TIME
    hold: Duration = NO_TIME
    range_pages: int = 0
    shares: str = ""
    target_node: int = NEXT_NODE
    lock: str = "lru_lock"
    pages: int = 0
    count_place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """What is measured: duration_ps (above 0) of simulated time, after warmup_ps that does not count.

    is_auto: the warm-up is as long as each run takes to be steady, warmup_ps at least and warmup_max_ps at most.
    """

    warmup_ps: int = 2 * MS_PS
    duration_ps: int = 20 * MS_PS
    is_auto: bool = False

    @property
    def warmup_max_ps(self) -> int:
        """The longest warm-up that a run may have."""
        return AUTO_WINDOWS_MAX * self.duration_ps if self.is_auto else self.warmup_ps


@dataclass(frozen=True, slots=True)
class AxisValue:
    """One value of an axis: as written (`node`), and as the column of results holds it (`column`).

    A fraction is a float there, a duration its text ("20us", "exponential 20us", "uniform 10us to 30us").
    """

    node: Node = field(compare=False)
    column: AxisColumn


@dataclass(frozen=True, slots=True)
class Axis:
    """A key of the workload that a sweep varies. path: the key, dotted ("machine.cpus", "tasks.lockers.hold")."""

    path: str
    values: tuple[AxisValue, ...]


@dataclass(frozen=True, slots=True)
class Precision:
    """How closely each new design's ratio to the old one is to be known at every point.

    metric: a column of results. relative_ppm: half the width of the 95 % interval relative to the ratio, above 0.
    max_replications: of a point, at most; not fewer than the first ones.
    """

    metric: str
    relative_ppm: int
    max_replications: int


@dataclass(frozen=True, slots=True)
class SweepSpec:
    """What a sweep does: every combination of the axes' values, each `replications` times; seed 0 to 2**63 - 1.

    precision: if not None, `replications` are the first ones, and each point gets as many more as that takes.
    """

    axes: tuple[Axis, ...] = ()
    replications: int = 5
    seed: int = 1
    precision: Precision | None = None

    @property
    def replications_max(self) -> int:
        """Replications of a point and design at most."""
        return self.precision.max_replications if self.precision else self.replications


@dataclass(frozen=True, slots=True)
class CheckRule:
    """How much worse a metric may become against a baseline: parts per million of the baseline's value."""

    metric: str
    max_regression_ppm: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A validated workload. Its own values, without its axes, are a scenario that can run.

    name: letters, digits, `_`, `-` and `.`; it also names the directory of results.
    tasks: at least one, in the file's order.
    places: dotted path ("kernel.designs.0", "tasks.lockers.hold") to FILE:LINE:COLUMN; `place` also finds parents.
    text: the workload file as it was read, before any `--set`.
    root: the tree of nodes with every `--set` applied; the points of a sweep are made from it.
    """

    name: str
    machine: MachineSpec
    memory: MemorySpec
    kernel: KernelSpec
    tasks: tuple[TaskSpec, ...]
    measure: MeasureSpec
    sweep: SweepSpec
    check: tuple[CheckRule, ...]
    places: Mapping[str, str] = field(compare=False, repr=False)
    text: str = field(compare=False, repr=False)
    root: Node = field(compare=False, repr=False)


def place(scenario: Scenario, path: str) -> str:
    """FILE:LINE:COLUMN of a dotted path; if the file does not have it, of the nearest section around it."""
    while path and path not in scenario.places:
        path = path.rpartition(".")[0]
    return scenario.places[path]
