"""The laws hold on every run of every shipped workload, and a row that breaks one is found."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfsim.engine import ENGINES
from perfsim.kernel.boot import Seed
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.truth.laws import loops_of, violated_laws
from tests.tier import SLOW

Row = dict[str, Any]

WORKLOADS = sorted(Path(__file__).parents[2].joinpath("workloads").glob("*.yaml"))
SMALL = ["machine.cpus=4", "machine.nodes=2", "memory.pages_per_node=4096"]
SHORT = ["measure.warmup=200us", "measure.duration=1ms"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda path: path.stem)
@pytest.mark.parametrize("engine", ENGINES if SLOW else ENGINES[:1])
def test_the_laws_hold_on_every_shipped_workload(workload: Path, engine: str) -> None:
    """The other engine's rows of these workloads are equal: tests/test_workloads.py."""
    scenario = load_scenario(str(workload), SMALL + SHORT)
    for design in scenario.kernel.designs:
        row = simulate(scenario, design, Seed(1, 0), engine)
        assert violated_laws(row, scenario) == []
        assert row["lru_lock_acquisitions"] > 0


@pytest.fixture(scope="module")
def contention() -> tuple[Scenario, Row]:
    """Four CPUs at one ideal lock, half of whose takes must wait, and their row."""
    sets = ["machine.cpus=4", "tasks.cpus.think={exponential: 200ns}", "measure.duration=100us"]
    scenario = load_scenario("lock_contention", sets)
    return scenario, simulate(scenario, "lock_page", Seed(1, 0))


def added(column: str, amount: float) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        row[column] += amount

    return change


def scaled(column: str, factor: float) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        row[column] *= factor

    return change


def replaced(column: str, value: object) -> Callable[[Row], None]:
    def change(row: Row) -> None:
        row[column] = value

    return change


def traded(column: str, other: str, amount: float) -> Callable[[Row], None]:
    """Moves an amount from one column to another, so that their sum says nothing."""

    def change(row: Row) -> None:
        row[column] -= amount
        row[other] += amount

    return change


def with_cell(index: int, key: str, factor: int) -> Callable[[Row], None]:
    """Changes one cell of the histogram of waits."""

    def change(row: Row) -> None:
        row["lru_lock_wait_latency_hist"][index][key] *= factor

    return change


BROKEN = {
    "a CPU's time is not all accounted for": (added("cpu_idle_fraction", 1e-6), "sum to"),
    "a figure is not a number": (replaced("wall_s", float("nan")), "wall_s is nan"),
    "a counter is negative": (replaced("pgscan", -1), "pgscan is -1"),
    "more is freed than was scanned": (replaced("pgsteal", 1000), "1000 pages were freed"),
    "a rate and a count differ": (added("putback_latency_count", 1), "putbacks by their rate"),
    "there are more contentions than acquisitions": (scaled("lru_lock_contentions", 100), "contentions in"),
    "a wait is longer than all together": (scaled("lru_lock_wait_max_ns", 1000), "last"),
    "no wait is long enough for their sum": (scaled("lru_lock_wait_max_ns", 0.01), "last"),
    "a hold is longer than all together": (scaled("lru_lock_hold_max_ns", 1000), "a hold of"),
    "a lock is held for longer than there is time": (replaced("page_lock_utilization", 1.001), "is above 1"),
    "holds do not make the utilization": (scaled("lru_lock_hold_total_ns", 0.999), "make a utilization"),
    "waits of zero are left out": (added("lru_lock_acquisitions", 1), "a wait of zero counts"),
    "mean and total wait differ": (scaled("lru_lock_wait_latency_mean_ns", 1.001), "mean wait and total"),
    "there are two longest waits": (scaled("lru_lock_wait_latency_max_ns", 1.001), "two longest waits"),
    "the histogram counts more than the count": (with_cell(0, "count", 2), "values in the histogram"),
    "cells are out of order": (with_cell(1, "upper_ns", 0), "out of order or empty"),
    "the last cell is far from the maximum": (with_cell(-1, "upper_ns", 2), "but the last cell"),
    "the mean is not the histogram's": (scaled("lru_lock_wait_latency_mean_ns", 1.1), "the mean of"),
    "a percentile is not the histogram's": (scaled("lru_lock_wait_latency_p99_ns", 0.9), "p99 of"),
    "percentiles are out of order": (replaced("lru_lock_wait_latency_p90_ns", 1e9), "not in order"),
    "nothing was put back, but it has a mean": (replaced("putback_latency_mean_ns", 0.0), "no value, but a mean"),
    "a path's time is not that of its kinds": (added("fault_spent_redo_ps", 1), "ps by kind"),
    "a path's time is of no call": (added("fault_spent_total_ps", 1), "in all of no value"),
    "waits were not spun": (traded("cpu_spin_fraction", "cpu_user_fraction", 0.2), "waits for spinlocks lasted"),
    "more was spun than waited": (traded("cpu_user_fraction", "cpu_spin_fraction", 0.2), "but waits lasted"),
    "CPUs spin while no lock is held": (traded("cpu_user_fraction", "cpu_spin_fraction", 0.5), "more than all can"),
    "a hold is not kernel time": (traded("cpu_kernel_fraction", "cpu_user_fraction", 1e-3), "in the kernel"),
    "throughput is above its bound": (scaled("simulated_ns", 0.5), "times in the mean"),
    "throughput is below its bound": (scaled("simulated_ns", 3), "times in the mean"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_breaks_a_law_is_found(name: str, contention: tuple[Scenario, Row]) -> None:
    scenario, row = contention
    assert violated_laws(row, scenario) == []
    change, expected = BROKEN[name]
    broken = copy.deepcopy(row)
    change(broken)
    assert [law for law in violated_laws(broken, scenario) if expected in law] != []


def test_hand_offs_that_do_not_fit_into_the_window_are_found(contention: tuple[Scenario, Row], tmp_path: Path) -> None:
    """A run without hand-off cost, judged as one whose every hand-off takes a microsecond."""
    slow = tmp_path / "slow.yaml"
    slow.write_text("{name: slow, extends: ideal, spinlock: {algorithm: ideal, order: fifo, handoff_fixed: 1us}}\n")
    scenario = load_scenario("lock_contention", ["machine.cpus=4"], profile=str(slow))
    found = violated_laws(contention[1], scenario)
    assert [law for law in found if "do not fit into the window" in law] != []


def test_only_one_loop_per_cpu_on_an_ideal_lru_lock_is_a_closed_queue() -> None:
    def is_queue(*sets: str, workload: str = "lock_contention") -> bool:
        scenario = load_scenario(workload, ["machine.cpus=4", "machine.nodes=2", *sets])
        return loops_of(scenario, 4, 2) is not None

    assert is_queue()
    assert not is_queue("tasks.cpus.lock=page_lock")
    assert not is_queue("machine.profile=x86_64")
    loop = "kind: lock_loop, hold: 100ns, think: 900ns"
    assert not is_queue(f"tasks=[{{name: one, {loop}, count: 3}}]")
    assert not is_queue(f"tasks=[{{name: one, {loop}, count: 2}}, {{name: two, {loop}, count: 2}}]")
    assert not is_queue(workload="quickstart")


def test_the_closed_queue_of_a_node_has_the_cpus_and_times_of_the_workload() -> None:
    scenario = load_scenario("lock_contention", ["machine.cpus=8", "machine.nodes=2"])
    loops = loops_of(scenario, 8, 2)
    assert loops is not None
    assert (loops.cpus, loops.nodes, loops.order) == (4, 2, "fifo")
    assert (loops.think, loops.hold) == (scenario.tasks[0].think, scenario.tasks[0].hold)
    assert loops.handoff.after_ns(3) == 0
