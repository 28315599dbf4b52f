"""A row says what the run did: percentiles, missing values, utilisation, and pairs that met the same think times."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from perfsim.engine.trace import TraceRow, Watch
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario

ScenarioMaker = Callable[..., Scenario]

TWO_LOOPS = """\
name: loops
machine: {profile: ideal, cpus: 2, nodes: 1}
memory: {pages_per_node: 64}
tasks:
  - {name: loops, kind: lock_loop, per: cpu, think: 50ns, hold: 100ns}
measure: {warmup: 1us, duration: 10us}
"""

MIXED = """\
name: mixed
machine: {profile: x86_64, cpus: 4, nodes: 2}
memory: {pages_per_node: 512, mlocked_fraction: 0.25, dirty_fraction: 0.1}
kernel: {drain_all: never}
tasks:
  - {name: reclaimers, kind: direct_reclaim, count: 2, think: {exponential: 5us}}
  - {name: lockers, kind: mlock, count: 2, range_pages: 8, hold: {uniform: [5us, 15us]}, think: {exponential: 5us}}
measure: {warmup: 20us, duration: 200us}
"""


@pytest.fixture
def scenario_of(tmp_path: Path) -> ScenarioMaker:
    """A scenario of a text; further arguments are as for --set."""

    def make(text: str, *sets: str) -> Scenario:
        file = tmp_path / "w.yaml"
        file.write_text(text, encoding="utf-8")
        return load_scenario(str(file), sets)

    return make


def test_a_row_carries_its_identity(scenario_of: ScenarioMaker, engine: str) -> None:
    row = simulate(scenario_of(MIXED), "redo", Seed(7, 3), engine)
    identity = {"design": "redo", "profile": "x86_64", "cpus": 4, "nodes": 2, "replication": 3, "seed": 7}
    assert {name: row[name] for name in identity} == identity
    assert row["engine"] == engine
    assert row["simulated_ns"] == 200_000


def test_an_unknown_engine_is_refused(scenario_of: ScenarioMaker) -> None:
    with pytest.raises(InputError, match='--engine: no engine is called "steam"; known: compiled, simpy'):
        simulate(scenario_of(TWO_LOOPS), "redo", Seed(1, 0), "steam")


def test_a_wait_that_is_always_the_same_is_every_percentile(scenario_of: ScenarioMaker, engine: str) -> None:
    """Two tasks, 50 ns of thought, 100 ns of hold: each waits 50 ns for what is left of the other's hold."""
    row = simulate(scenario_of(TWO_LOOPS), "redo", Seed(1, 0), engine)
    figures = ("mean", "p50", "p90", "p99", "p999", "max")
    assert {row[f"lru_lock_wait_latency_{figure}_ns"] for figure in figures} == {50}
    assert row["lru_lock_wait_latency_count"] == row["lru_lock_acquisitions"] == row["lru_lock_contentions"] == 100
    (cell,) = row["lru_lock_wait_latency_hist"]
    assert cell["count"] == 100
    assert 50 <= cell["upper_ns"] <= 50 * (1 + 1 / 64)


@pytest.mark.parametrize("name", ["lru_lock_wait", "putback", "reclaim_batch", "mlock_call"])
def test_a_percentile_is_the_bound_of_the_cell_that_holds_the_share(scenario_of: ScenarioMaker, name: str) -> None:
    row = simulate(scenario_of(MIXED), "lock_page", Seed(1, 0))
    cells, count = row[f"{name}_latency_hist"], row[f"{name}_latency_count"]
    assert count > 2
    for label, per_mille in (("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999)):
        sums = [sum(cell["count"] for cell in cells[: number + 1]) for number in range(len(cells))]
        first = next(number for number, total in enumerate(sums) if total * 1000 >= count * per_mille)
        bound = min(cells[first]["upper_ns"], row[f"{name}_latency_max_ns"])
        assert row[f"{name}_latency_{label}_ns"] == bound


def test_what_was_never_counted_is_null_and_never_zero(scenario_of: ScenarioMaker, engine: str) -> None:
    row = simulate(scenario_of(TWO_LOOPS), "redo", Seed(1, 0), engine)
    for name in ("putback", "page_lock_wait", "reclaim_batch", "mlock_call", "munlock_call", "fault"):
        figures = {row[f"{name}_latency_{figure}_ns"] for figure in ("mean", "p50", "p90", "p99", "p999", "max")}
        assert figures == {None}
        assert row[f"{name}_latency_count"] == 0
        assert row[f"{name}_latency_hist"] == []


def test_a_lock_that_is_always_held_is_used_wholly(scenario_of: ScenarioMaker, engine: str) -> None:
    row = simulate(scenario_of(TWO_LOOPS), "redo", Seed(1, 0), engine)
    assert row["lru_lock_utilization"] == 1
    assert row["lru_lock_hold_total_ns"] == 10_000
    assert row["lru_lock_hold_max_ns"] == 100


def test_utilization_is_the_mean_over_the_locks_of_a_class(scenario_of: ScenarioMaker, engine: str) -> None:
    """One CPU, two nodes: its own node's lock is held 100 of 150 ns, the other's never."""
    scenario = scenario_of(TWO_LOOPS, "machine.cpus=1", "machine.nodes=2", "measure.duration=15us")
    row = simulate(scenario, "redo", Seed(1, 0), engine)
    assert row["lru_lock_utilization"] == pytest.approx(1 / 3, abs=0.005)
    assert row["lru_lock_contentions"] == 0


def test_page_locks_of_a_loop_share_the_utilization_of_the_pages_it_spreads_over(
    scenario_of: ScenarioMaker, engine: str
) -> None:
    text = TWO_LOOPS.replace("think: 50ns", "lock: page_lock, pages: 4, think: 50ns")
    row = simulate(scenario_of(text, "machine.cpus=1"), "redo", Seed(1, 0), engine)
    assert row["page_lock_utilization"] * 4 == pytest.approx(2 / 3, abs=0.01)
    assert row["page_lock_hold_total_ns"] == pytest.approx(10_000 * 2 / 3, abs=100)


def test_the_window_leaves_the_warm_up_out(scenario_of: ScenarioMaker, engine: str) -> None:
    short = simulate(scenario_of(TWO_LOOPS, "measure.warmup=0us"), "redo", Seed(1, 0), engine)
    late = simulate(scenario_of(TWO_LOOPS, "measure.warmup=100us"), "redo", Seed(1, 0), engine)
    assert late["lru_lock_acquisitions"] == 100
    assert abs(short["lru_lock_acquisitions"] - 100) <= 1


def test_cpu_time_is_told_apart(scenario_of: ScenarioMaker, engine: str) -> None:
    """A round of 200 ns: 50 in thought, 50 spinning, 100 in the kernel with the lock."""
    row = simulate(scenario_of(TWO_LOOPS), "redo", Seed(1, 0), engine)
    assert row["cpu_user_fraction"] == pytest.approx(0.25)
    assert row["cpu_spin_fraction"] == pytest.approx(0.25)
    assert row["cpu_kernel_fraction"] == pytest.approx(0.5)
    assert row["cpu_switch_fraction"] == row["cpu_idle_fraction"] == 0


def test_rates_are_counters_by_the_simulated_time(scenario_of: ScenarioMaker, engine: str) -> None:
    row = simulate(scenario_of(MIXED), "redo", Seed(1, 0), engine)
    assert row["pgscan"] > 0
    assert row["reclaim_scanned_per_s"] == pytest.approx(row["pgscan"] / 200e-6)
    assert row["reclaim_freed_per_s"] == pytest.approx(row["pgsteal"] / 200e-6)
    assert row["putback_per_s"] == pytest.approx(row["putback_latency_count"] / 200e-6)


def user_times_ps(scenario: Scenario, design: str, primitive: str) -> dict[int, list[int]]:
    """By CPU: how long each stay in user mode lasted, in order. One task a CPU, so the next row of the CPU ends it."""
    rows: list[TraceRow] = []
    simulate(scenario, design, Seed(1, 0), watch=Watch(rows.append))
    stays: dict[int, list[int]] = {}
    for cpu in range(4):
        own = [row for row in rows if row[1] == cpu]
        stays[cpu] = [later[0] - earlier[0] for earlier, later in pairwise(own) if earlier[2] == primitive]
    return stays


@pytest.mark.parametrize("primitive", ["think", "hold_in_user"])
def test_both_designs_meet_the_same_think_and_hold_times(scenario_of: ScenarioMaker, primitive: str) -> None:
    """Common random numbers: the designs get a different number of rounds done, each round with the same times.

    Without threads of the kernel's nobody preempts user mode, so that a stay there is one row long.
    """
    scenario = scenario_of(MIXED, "measure.duration=400us")
    old, new = (user_times_ps(scenario, design, primitive) for design in ("lock_page", "redo"))
    compared = 0
    for cpu in range(4):
        for one, other in zip(old[cpu], new[cpu], strict=False):
            assert one == other
            compared += 1
    assert compared > 10
    assert len({time_ps for stays in old.values() for time_ps in stays}) > 10


def test_a_row_depends_on_seed_and_replication(scenario_of: ScenarioMaker, engine: str) -> None:
    scenario = scenario_of(MIXED)
    seeds = (Seed(1, 0), Seed(1, 0), Seed(2, 0), Seed(1, 1))
    rows = [simulate(scenario, "redo", seed, engine) | {"wall_s": 0.0} for seed in seeds]
    assert rows[0] == rows[1]
    assert len({row["run_id"] for row in rows}) == 3
    assert len({row["cpu_kernel_fraction"] for row in rows}) == 3


def test_a_declared_defect_is_counted_by_name_and_is_no_violation(scenario_of: ScenarioMaker, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        '"""Unlocks twice after each cull."""\n\nextends = "lock_page"\n\n'
        "async def unlock_page(cpu, page):\n"
        "    await cpu.test_and_clear(page, 1)\n"
        "    await cpu.test_and_clear(page, 1)\n",
        encoding="utf-8",
    )
    row = simulate(scenario_of(MIXED), str(file), Seed(1, 0))
    (hit,) = row["defect_hits"]
    assert hit["defect"] == "B4"
    assert hit["count"] > 0
    assert row["invariant_violations"] == 0


def test_a_violation_that_the_design_does_not_declare_is_counted_as_one(
    scenario_of: ScenarioMaker, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        '"""Forgets to link."""\n\nextends = "redo"\n\n'
        "async def add_page_to_unevictable_list(cpu, page):\n"
        "    await cpu.set_flag(page, 1 << 20)\n",
        encoding="utf-8",
    )
    row = simulate(scenario_of(MIXED), str(file), Seed(1, 0))
    assert row["invariant_violations"] > 0
    assert row["defect_hits"] == []


def test_violations_are_listed_by_check_with_their_number_and_first_instant(
    scenario_of: ScenarioMaker, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    twice = "    await cpu.test_and_clear(page, 1)\n" * 2
    file.write_text(
        f'"""Unlocks twice."""\nextends = "redo_merged"\nasync def unlock_page(cpu, page):\n{twice}', encoding="utf-8"
    )
    row = simulate(scenario_of(MIXED), str(file), Seed(1, 0))
    (one,) = row["violated_checks"]
    assert one["check"] == "BUG at mm/filemap.c:575 (unlock of an unlocked page)"
    assert one["count"] == row["invariant_violations"] > 1
    assert 0 < one["first_ns"] < 220_000


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_the_unevictable_lists_grow_by_what_is_culled_where_pages_move_by_putback_alone(
    design: str, scenario_of: ScenarioMaker
) -> None:
    alone = MIXED.replace("  - {name: reclaimers, kind: direct_reclaim, count: 2, think: {exponential: 5us}}\n", "")
    row = simulate(scenario_of(alone), design, Seed(1, 0))
    assert row["unevictable_list_drift"] == 0
    assert min(row["unevictable_pgs_culled"], row["unevictable_pgs_rescued"]) > 0
    assert row["unevictable_pgs_culled"] != row["unevictable_pgs_rescued"]


def test_faults_in_locked_ranges_show_as_drift_of_the_unevictable_lists(scenario_of: ScenarioMaker) -> None:
    rows = [simulate(scenario_of(MIXED, "measure.duration=2ms"), "redo", Seed(seed, 0)) for seed in range(5)]
    assert max(row["unevictable_list_drift"] for row in rows) > 0


NOTHING_TO_FREE = """\
name: full
machine: {profile: x86_64, cpus: 2, nodes: 1}
memory: {pages_per_node: 512, file_fraction: 0, mlocked_fraction: 0.9, referenced_fraction: 1.0}
tasks:
  - {name: kswapd, kind: kswapd, per: node}
  - {name: reclaimers, kind: direct_reclaim, count: 1, think: 1us}
  - {name: faulters, kind: fault, count: 2, think: 1us}
measure: {warmup: 0us, duration: 3s}
"""


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_run_without_memory_to_free_ends_and_says_how_often_it_ran_out(
    scenario_of: ScenarioMaker, design: str
) -> None:
    row = simulate(scenario_of(NOTHING_TO_FREE), design, Seed(1, 0), "simpy")
    assert row["oom_kills"] > 100
    assert row["pgsteal"] == row["invariant_violations"] == row["stranded_pages"] == 0
    assert row["pgscan"] > 0
    assert row["faults_per_s"] * row["simulated_ns"] / 1e9 < 32, "what was free, down to pages_min"


def test_a_run_with_memory_to_free_is_never_out_of_it(scenario_of: ScenarioMaker) -> None:
    assert simulate(scenario_of(MIXED), "redo", Seed(1, 0), "simpy")["oom_kills"] == 0
