"""What holds of every run, whatever the workload, the machine and the design: Hypothesis draws small ones."""

from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsim.engine import reference
from perfsim.engine.prepare import profile_of, task_names
from perfsim.engine.trace import TraceRow, Watch
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed, boot, memory_shares
from perfsim.kernel.constants import LRU_LISTS
from perfsim.kernel.designs import load_design
from perfsim.kernel.invariants import INVARIANTS, stranded_pages
from perfsim.kernel.state import State
from perfsim.machine.profile import load_profile
from perfsim.measure.row import simulate
from perfsim.numeric.random import EXPONENTIAL, FIXED
from perfsim.scenario.relations import check_relations
from perfsim.scenario.schema import Duration, MachineSpec, MeasureSpec, MemorySpec, Scenario, TaskSpec
from perfsim.scenario.validate import load_scenario
from tests.properties.workloads import DESIGNS, NS_PS, Manner, durations, kernels, machines, task_groups
from tests.tier import SLOW

PROFILES = ("ia64", "x86_64", "ideal")
LATENCIES = ("putback", "lru_lock_wait", "page_lock_wait", "reclaim_batch", "mlock_call", "munlock_call", "fault")
LOCKS = ("lru_lock", "page_lock", "memcg_lock", "wait_bucket")
CPU_TIMES = ("user", "kernel", "spin", "switch", "idle")

BASE = load_scenario("quickstart")


class Case(NamedTuple):
    """A small run."""

    scenario: Scenario
    design: str
    seed: int


MANNER = Manner(st.integers(1, 4).map(lambda count: {"count": count}), durations(1_000, 20_000), durations(0, 20_000))


def group(kind: str, number: int, how_many: dict[str, Any], durations_: tuple[Duration, Duration]) -> TaskSpec:
    """A group of tasks of one kind; what the kind does not have is left at its default."""
    think, hold = durations_
    own: dict[str, Any] = {} if kind == "kswapd" else {"think": think}
    if kind in ("mlock", "lock_loop"):
        own["hold"] = hold
    if kind == "mlock":
        own["range_pages"] = 1 + think.a_ps % 8
    if kind == "lock_loop" and think.a_ps % 2:
        own |= {"lock": "page_lock", "pages": 1 + think.a_ps % 5}
    counts: dict[str, Any] = {"count": None, "share_ppm": None, "per": None}
    return TaskSpec(f"group{number}", kind, **(counts | how_many), **own)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A run of some tens of microseconds on some hundred pages a node, or as many as its tasks need."""
    parts = st.sampled_from([0, 100_000, 300_000, 500_000])
    memory = MemorySpec(draw(st.integers(256, 1024)), draw(parts) * 2, draw(parts), draw(parts) * 2, draw(parts))
    machine = draw(machines(PROFILES))
    nodes = machine.nodes or 1
    scenario = replace(
        BASE,
        machine=machine,
        memory=memory,
        kernel=draw(kernels(nodes)),
        tasks=draw(task_groups(nodes, MANNER)),
        measure=MeasureSpec(draw(st.sampled_from([0, 10_000_000])), draw(st.integers(20_000_000, 120_000_000))),
    )
    return Case(with_room(scenario), draw(st.sampled_from(DESIGNS)), draw(st.integers(0, 2**63 - 1)))


def with_room(scenario: Scenario) -> Scenario:
    """The workload, its memory grown to what its tasks need."""
    while True:
        try:
            memory_shares(scenario, load_profile(scenario.machine.profile))
        except InputError:
            memory = scenario.memory
            mlocked_ppm = min(memory.mlocked_ppm, 500_000)
            grown = replace(memory, pages_per_node=2 * memory.pages_per_node, mlocked_ppm=mlocked_ppm)
            scenario = replace(scenario, memory=grown)
        else:
            check_relations(scenario)
            return scenario


def run_to_the_end(case: Case, seed: int) -> tuple[State, list[TraceRow]]:
    """The state at quiescence, and the trace."""
    profile = profile_of(case.scenario)
    design = load_design(case.design)
    s = boot(case.scenario, profile, Seed(seed, 0), unevictable_lru=design.unevictable_lru)
    rows: list[TraceRow] = []
    names = task_names(case.scenario, profile)
    running = reference.start(s, design, names, rows.append)
    end_ps = case.scenario.measure.warmup_ps + case.scenario.measure.duration_ps
    reference.advance(running, end_ps)
    reference.finish(running, end_ps)
    return s, rows


def measured(case: Case) -> dict[str, Any]:
    """The row of a case, its invariants checked on the way."""
    return simulate(case.scenario, case.design, Seed(case.seed, 0), watch=Watch(check_every=300))


@settings(max_examples=80 if SLOW else 40)
@given(cases())
def test_pages_flags_lists_and_references_agree_after_every_run(case: Case) -> None:
    s, _ = run_to_the_end(case, case.seed)
    assert {check.__name__: check(s) for check in INVARIANTS if check(s)} == {}
    declared = {defect.violation for defect in load_design(case.design).defects}
    assert {violation for violation, count in enumerate(s.violations) if count} <= declared
    assert stranded_pages(s) == 0
    for zone in range(s.settings.nodes):
        on_lists = sum(s.zones.lru_length[zone * LRU_LISTS : (zone + 1) * LRU_LISTS])
        assert on_lists + s.zones.free_count[zone] == s.settings.pages_per_node


@settings(max_examples=40 if SLOW else 20)
@given(cases())
def test_the_same_seed_gives_the_same_trace_and_another_seed_another(case: Case) -> None:
    _, rows = run_to_the_end(case, case.seed)
    assert run_to_the_end(case, case.seed)[1] == rows
    random_thinks = all(spec.think.kind != FIXED and spec.think.a_ps != spec.think.b_ps for spec in case.scenario.tasks)
    if random_thinks and any(name == "think" for _, _, name, _ in rows):
        assert run_to_the_end(case, case.seed ^ 1)[1] != rows


@settings(max_examples=80 if SLOW else 40)
@given(cases())
def test_the_figures_of_every_row_agree_with_each_other(case: Case) -> None:
    row = measured(case)
    assert row["violated_checks"] == []
    assert row["invariant_violations"] == row["stranded_pages"] == 0
    assert {hit["defect"] for hit in row["defect_hits"]} <= {one.name for one in load_design(case.design).defects}
    check_cpu_time(row)
    for name in LATENCIES:
        check_latency(row, f"{name}_latency")
    for name in LOCKS:
        check_lock(row, name)
    check_counters(row, case)


def check_cpu_time(row: dict[str, Any]) -> None:
    """Every picosecond of every CPU has one owner."""
    shares = [row[f"cpu_{name}_fraction"] for name in CPU_TIMES]
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1, abs=1e-12)


def check_latency(row: dict[str, Any], name: str) -> None:
    """Cells sum to the count; percentiles grow to the maximum, which is in the last cell; nothing counted is null."""
    cells = row[f"{name}_hist"]
    assert sum(cell["count"] for cell in cells) == row[f"{name}_count"]
    assert all(earlier["upper_ns"] < later["upper_ns"] for earlier, later in pairwise(cells))
    figures = [row[f"{name}_{figure}_ns"] for figure in ("p50", "p90", "p99", "p999", "max")]
    if not cells:
        assert {*figures, row[f"{name}_mean_ns"]} == {None}
        return
    assert figures == sorted(figures)
    assert figures[-1] <= cells[-1]["upper_ns"] <= figures[-1] * (1 + 1 / 64) + 0.001
    assert 0 <= row[f"{name}_mean_ns"] <= figures[-1]


def check_lock(row: dict[str, Any], name: str) -> None:
    """A lock is busy for at most all the time, and who waits is among those who acquire."""
    assert 0 <= row[f"{name}_contentions"] <= row[f"{name}_acquisitions"]
    assert 0 <= row[f"{name}_wait_max_ns"] <= row[f"{name}_wait_total_ns"] + 1e-9
    assert 0 <= row[f"{name}_hold_max_ns"] <= row[f"{name}_hold_total_ns"] + 1e-9
    assert 0 <= row[f"{name}_utilization"] <= 1
    if f"{name}_wait_latency_count" in row:
        assert row[f"{name}_wait_latency_count"] == row[f"{name}_acquisitions"]
        assert row[f"{name}_wait_latency_mean_ns"] in (None, pytest.approx(mean_wait_ns(row, name)))


def mean_wait_ns(row: dict[str, Any], name: str) -> float:
    """Total wait by acquisitions."""
    return float(row[f"{name}_wait_total_ns"]) / max(1, int(row[f"{name}_acquisitions"]))


def check_counters(row: dict[str, Any], case: Case) -> None:
    """What the kernel's counters have to do with each other, within a window."""
    seconds = row["simulated_ns"] / 1e9
    assert row["pgsteal"] <= row["pgscan"]
    assert row["reclaim_scanned_per_s"] * seconds == pytest.approx(row["pgscan"])
    assert row["reclaim_freed_per_s"] * seconds == pytest.approx(row["pgsteal"])
    assert row["putback_per_s"] * seconds == pytest.approx(row["putback_latency_count"])
    if case.design == "lock_page":
        assert row["redo_retries"] == 0
    if not case.scenario.kernel.memcg:
        assert row["memcg_lock_acquisitions"] == 0


@pytest.mark.parametrize("design", DESIGNS)
def test_page_locks_of_loops_never_meet_pages_that_reclaim_frees(design: str) -> None:
    """A loop locks pages without a reference: they must not come from, nor go to, the allocator meanwhile."""
    times = (Duration(EXPONENTIAL, 300 * NS_PS, 0), Duration(EXPONENTIAL, 1000 * NS_PS, 0))
    loops = replace(group("lock_loop", 0, {"count": 2}, times), lock="page_lock", pages=64)
    reclaimers = group("direct_reclaim", 1, {"count": 2}, times)
    scenario = replace(
        BASE,
        machine=MachineSpec("x86_64", 4, 1),
        memory=MemorySpec(256, mlocked_ppm=100_000),
        tasks=(loops, reclaimers),
        measure=MeasureSpec(0, 500_000_000),
    )
    s, rows = run_to_the_end(Case(scenario, design, 1), 1)
    assert any(name == "free_page_to_zone" for _, _, name, _ in rows)
    assert s.violations == [0] * len(s.violations)
    assert {check.__name__: check(s) for check in INVARIANTS if check(s)} == {}
