"""Laws that hold on every run of every workload, whatever was drawn: conservation, order, and bounds.

`violated_laws` says which of them a row breaks. All but one need no statistics: they are exact, or exact up to what the
ends of the window cut off. Sources: Little 1961; Denning and Buzen 1978 (operational analysis).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from perfsim.engine.prepare import profile_of
from perfsim.kernel.constants import SWAP_CLUSTER_MAX
from perfsim.measure.columns import PERCENTILES, SPENT_ON
from perfsim.scenario.tasks import task_count
from perfsim.truth.queueing import Handoff, throughput_bounds_per_ns
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from perfsim.scenario.schema import Duration, Scenario

Row: TypeAlias = Mapping[str, Any]

ROUNDING = 1e-9
"""Relative error of a figure made of whole picoseconds by a few operations on floats, with room."""

CELL_WIDTH = 1 / 64
"""Relative width of a histogram's cells."""

SAMPLING_DEVIATIONS = 5
"""Standard deviations that a run's acquisitions may lie outside the bounds of their mean: once in a million runs."""

NS_PER_S = 10**9
CPU_CATEGORIES = ("user", "kernel", "spin", "switch", "idle")
SPINLOCKS = ("lru_lock", "memcg_lock", "wait_bucket")
MAY_BE_NEGATIVE = ("nr_mlock", "unsteady_rate_change", "unsteady_list_change")
"""A kernel counter that a design's known race may take below zero, and changes, which may be downwards; every other
figure is a count, a time or a share.
"""


class Loops(NamedTuple):
    """What a run of `lock_loop` tasks alone was asked to do: one task a CPU, each on the lru_lock of its own node.

    cpus: of one node. order: of service, "fifo", "random" or "lifo".
    """

    cpus: int
    nodes: int
    think: Duration
    hold: Duration
    handoff: Handoff
    order: str


def violated_laws(row: Row, scenario: Scenario) -> list[str]:
    """What a row of this scenario says that cannot be: one sentence a law it breaks, none if all is well."""
    tasks = sum(task_count(task, row["cpus"], row["nodes"]) for task in scenario.tasks)
    broken = [*_figures(row), *_cpu_time(row), *_spin_time(row), *_reclaim(row, tasks)]
    for column in row:
        if column.endswith("_acquisitions"):
            broken += _lock(row, column.removesuffix("_acquisitions"))
        if column.endswith("_latency_hist"):
            broken += _latency(row, column.removesuffix("_hist"))
        if column.endswith("_spent_total_ps"):
            broken += _spent(row, column.removesuffix("_spent_total_ps"))
    loops = loops_of(scenario, row["cpus"], row["nodes"])
    return broken if loops is None else [*broken, *_loops(row, loops)]


def loops_of(scenario: Scenario, cpus: int, nodes: int) -> Loops | None:
    """The scenario as queueing theory's closed queue, if it is one; None for every other workload or machine."""
    profile = profile_of(scenario)
    if profile.algorithm != "ideal" or len(scenario.tasks) != 1 or any(profile.best_ps) or cpus % nodes:
        return None
    task = scenario.tasks[0]
    if task.kind != "lock_loop" or task.lock != "lru_lock" or task_count(task, cpus, nodes) != cpus:
        return None
    handoff = Handoff(profile.handoff_fixed_ps / PS_PER_NS, profile.handoff_per_waiter_ps / PS_PER_NS)
    return Loops(cpus // nodes, nodes, task.think, task.hold, handoff, profile.order)


def _figures(row: Row) -> Iterator[str]:
    for column, value in row.items():
        if isinstance(value, int | float) and not (math.isfinite(value) and (value >= 0 or column in MAY_BE_NEGATIVE)):
            yield f"{column} is {value}"


def _cpu_time(row: Row) -> Iterator[str]:
    """Every picosecond of a CPU has one owner."""
    total = sum(row[f"cpu_{category}_fraction"] for category in CPU_CATEGORIES)
    if not _close(total, 1.0):
        yield f"the fractions of CPU time sum to {total!r}"


def _spin_time(row: Row) -> Iterator[str]:
    """A wait for a spinlock is spun; a CPU may have begun one wait before the window, where its beginning was spun."""
    waited_ns = sum(row[f"{lock}_wait_total_ns"] for lock in SPINLOCKS)
    longest_ns = max(row[f"{lock}_wait_max_ns"] for lock in SPINLOCKS)
    spun_ns = _cpu_ns(row, "spin")
    if _exceeds(waited_ns, spun_ns + row["cpus"] * longest_ns):
        yield f"CPUs spun for {spun_ns:.0f} ns, but waits for spinlocks lasted {waited_ns:.0f} ns"


def _reclaim(row: Row, tasks: int) -> Iterator[str]:
    # Each task may have scanned a batch before the window of which it frees pages in the window.
    if row["pgsteal"] > row["pgscan"] + SWAP_CLUSTER_MAX * tasks:
        yield f"{row['pgsteal']} pages were freed of {row['pgscan']} scanned"
    putbacks = row["putback_per_s"] * row["simulated_ns"] / NS_PER_S
    if not _close(putbacks, row["putback_latency_count"]):
        yield f"{putbacks:.3f} putbacks by their rate, {row['putback_latency_count']} by their latencies"


def _lock(row: Row, lock: str) -> Iterator[str]:
    acquisitions, contentions = row[f"{lock}_acquisitions"], row[f"{lock}_contentions"]
    wait_ns, wait_max_ns = row[f"{lock}_wait_total_ns"], row[f"{lock}_wait_max_ns"]
    hold_ns, hold_max_ns = row[f"{lock}_hold_total_ns"], row[f"{lock}_hold_max_ns"]
    if contentions > acquisitions:
        yield f"{lock}: {contentions} contentions in {acquisitions} acquisitions"
    if _exceeds(wait_max_ns, wait_ns) or _exceeds(wait_ns, contentions * wait_max_ns):
        yield f"{lock}: {contentions} waits of at most {wait_max_ns} ns last {wait_ns} ns together"
    if _exceeds(hold_max_ns, hold_ns) or _exceeds(hold_max_ns, row["simulated_ns"]):
        yield f"{lock}: a hold of {hold_max_ns} ns, {hold_ns} ns of holds, {row['simulated_ns']} ns simulated"
    if _exceeds(row[f"{lock}_utilization"], 1.0):
        yield f"{lock}: utilization {row[f'{lock}_utilization']!r} is above 1"
    if lock == "lru_lock" and not _close(row["lru_lock_utilization"] * row["simulated_ns"] * row["nodes"], hold_ns):
        yield f"lru_lock: {hold_ns} ns of holds do not make a utilization of {row['lru_lock_utilization']!r}"
    yield from _lock_latency(row, lock)


def _lock_latency(row: Row, lock: str) -> Iterator[str]:
    """The histogram of waits, where a lock has one, and the sums beside it count the same waits."""
    count = row.get(f"{lock}_wait_latency_count")
    if count is None:
        return
    if count != row[f"{lock}_acquisitions"]:
        yield f"{lock}: {count} waits in {row[f'{lock}_acquisitions']} acquisitions; a wait of zero counts"
    elif count and not _close(row[f"{lock}_wait_latency_mean_ns"] * count, row[f"{lock}_wait_total_ns"]):
        yield f"{lock}: mean wait and total wait differ"
    elif count and row[f"{lock}_wait_latency_max_ns"] != row[f"{lock}_wait_max_ns"]:
        yield f"{lock}: two longest waits"


def _latency(row: Row, latency: str) -> Iterator[str]:
    """Count, mean, percentiles, maximum and histogram of one latency describe the same values."""
    count, cells = row[f"{latency}_count"], row[f"{latency}_hist"]
    counted = sum(cell["count"] for cell in cells)
    if counted != count:
        yield f"{latency}: {counted} values in the histogram, {count} counted"
        return
    figures = {name: row[f"{latency}_{name}_ns"] for name in ("mean", *dict(PERCENTILES), "max")}
    if count == 0:
        yield from (f"{latency}: no value, but a {name}" for name, value in figures.items() if value is not None)
        return
    uppers_ns = [cell["upper_ns"] for cell in cells]
    if uppers_ns != sorted(set(uppers_ns)) or not all(cell["count"] > 0 for cell in cells):
        yield f"{latency}: the histogram's cells are out of order or empty"
    if not _in_cell(figures["max"], uppers_ns[-1]):
        yield f"{latency}: a maximum of {figures['max']} ns, but the last cell ends at {uppers_ns[-1]} ns"
    if not _in_cell(figures["mean"], sum(cell["upper_ns"] * cell["count"] for cell in cells) / count):
        yield f"{latency}: the mean of {figures['mean']} ns is not the histogram's"
    for name, per_mille in PERCENTILES:
        if not _in_cell(figures[name], _upper_of_rank(cells, -(-count * per_mille // 1000))):
            yield f"{latency}: {name} of {figures[name]} ns is not the histogram's"
    ordered = [figures[name] for name in (*dict(PERCENTILES), "max")]
    if ordered != sorted(ordered):
        yield f"{latency}: percentiles and maximum are not in order: {ordered}"


def _spent(row: Row, name: str) -> Iterator[str]:
    """What was spent by kind is, to the picosecond, what the latencies sum to."""
    total_ps, count = row[f"{name}_spent_total_ps"], row[f"{name}_latency_count"]
    kinds_ps = sum(row[f"{name}_spent_{kind}_ps"] for kind in SPENT_ON)
    if kinds_ps != total_ps:
        yield f"{name}: {kinds_ps} ps by kind, {total_ps} ps in all"
    if count and row[f"{name}_latency_mean_ns"] != total_ps / count / PS_PER_NS:
        yield f"{name}: {total_ps} ps in all are not {count} times the mean of {row[f'{name}_latency_mean_ns']} ns"
    if not count and total_ps:
        yield f"{name}: {total_ps} ps in all of no value"


def _upper_of_rank(cells: list[dict[str, Any]], rank: int) -> float:
    """Upper end in ns of the cell that holds the value of this rank, from 1."""
    seen = 0
    for cell in cells:
        seen += cell["count"]
        if seen >= rank:
            return float(cell["upper_ns"])
    raise AssertionError(f"rank {rank} of {seen}")


def _loops(row: Row, loops: Loops) -> Iterator[str]:
    """What holds of a lock with nothing beside it: kernel time is hold, spinning is waiting, throughput has bounds."""
    window_ns, hold_ns = row["simulated_ns"], row["lru_lock_hold_total_ns"]
    kernel_ns, spun_ns = _cpu_ns(row, "kernel"), _cpu_ns(row, "spin")
    if not _close(kernel_ns, hold_ns, of=row["cpus"] * window_ns):
        yield f"CPUs were in the kernel for {kernel_ns:.3f} ns, but held locks for {hold_ns:.3f} ns"
    longest_pass_ns = loops.handoff.after_ns(loops.cpus - 1)
    # The window's end may cut a wait of each CPU. In FIFO order no other CPU holds the lock twice during one wait.
    cut_ns = row["cpus"] * ((loops.cpus - 1) * row["lru_lock_hold_max_ns"] + loops.cpus * longest_pass_ns)
    if loops.order == "fifo" and _exceeds(spun_ns, row["lru_lock_wait_total_ns"] + cut_ns):
        yield f"CPUs spun for {spun_ns:.0f} ns, but waits lasted {row['lru_lock_wait_total_ns']:.0f} ns"
    # Every contended take has one hand-off; of each lock, one more may be under way at either end of the window.
    handoffs = row["lru_lock_contentions"]
    passing_ns_max = (handoffs + loops.nodes) * longest_pass_ns
    if _exceeds(spun_ns, (loops.cpus - 1) * hold_ns + loops.cpus * passing_ns_max):
        yield f"CPUs spun for {spun_ns:.0f} ns, more than all can while a lock is held or on its way"
    passing_ns_min = max(0, handoffs - loops.nodes) * loops.handoff.after_ns(1)
    if _exceeds(hold_ns + passing_ns_min, loops.nodes * window_ns):
        yield f"holds of {hold_ns:.0f} ns and hand-offs of {passing_ns_min:.0f} ns do not fit into the window"
    yield from _throughput(row, loops)


def _throughput(row: Row, loops: Loops) -> Iterator[str]:
    """The bounds of the mean number of acquisitions, widened by what a run's own draws and its window's ends can do.

    Thinks and holds deviate from their means by no more than these, so that the number's variance is at most its mean.
    """
    count = row["lru_lock_acquisitions"]
    bounds = throughput_bounds_per_ns(loops.cpus, loops.think, loops.hold, loops.handoff)
    low, high = (per_ns * loops.nodes * row["simulated_ns"] for per_ns in bounds)
    fewest = low - SAMPLING_DEVIATIONS * math.sqrt(low) - row["cpus"]
    most = high + SAMPLING_DEVIATIONS * math.sqrt(high) + row["cpus"]
    if not fewest <= count <= most:
        yield f"locks were taken {count} times; it can be {low:.1f} to {high:.1f} times in the mean"


def _cpu_ns(row: Row, category: str) -> float:
    """Time of all CPUs in one category."""
    return float(row[f"cpu_{category}_fraction"] * row["cpus"] * row["simulated_ns"])


def _close(one: float, other: float, of: float = 0.0) -> bool:
    """Equal up to rounding; of: the whole of which both are parts."""
    return math.isclose(one, other, rel_tol=ROUNDING, abs_tol=ROUNDING * max(of, 1e-3))


def _exceeds(value: float, limit: float) -> bool:
    """Above the limit by more than rounding."""
    return value > limit and not _close(value, limit)


def _in_cell(value: float, upper_ns: float) -> bool:
    """Whether the upper end of its cell can stand for the value."""
    return not _exceeds(value, upper_ns) and not _exceeds(upper_ns, value * (1 + CELL_WIDTH))
