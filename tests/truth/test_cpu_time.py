"""CPU time is accounted for to the picosecond: every one of the window has one owner, on every CPU, in both engines."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.engine.engines import ReferenceEngine, begin
from perfsim.engine.trace import TraceRow
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import load_design
from perfsim.machine.tally import CATEGORIES, IDLE, KERNEL, SPIN, SWITCH, USER
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario

NS = 1000
US = 1_000_000

ONE_LOOP = """\
name: loop
machine: {profile: ideal, cpus: 2, nodes: 1}
memory: {pages_per_node: 64}
tasks:
  - {name: loops, kind: lock_loop, count: 1, think: 50ns, hold: 150ns}
measure: {warmup: 0us, duration: 10us}
"""
"""On CPU 0; rounds of 200 ns. CPU 1 has nothing to do."""

SLEEPERS = """\
name: sleepers
machine: {profile: x86_64, cpus: 4, nodes: 2}
memory: {pages_per_node: 512, mlocked_fraction: 0.25, dirty_fraction: 0.1}
tasks:
  - {name: kswapd, kind: kswapd, per: node}
  - {name: faulters, kind: fault, count: 1, think: {exponential: 2us}}
  - {name: loops, kind: lock_loop, count: 3, lock: page_lock, pages: 1, think: 1us, hold: 2us}
measure: {warmup: 0us, duration: 220us}
"""
"""CPUs that sleep and are woken again and again; one spins for a wait bucket now and then."""

Times = Callable[..., list[list[int]]]


@pytest.fixture
def times(tmp_path: Path, engine: str) -> Times:
    """Time in ps of each CPU by category, in the window between two instants of a run."""

    def measured(text: str, from_ps: int, to_ps: int, *sets: str) -> list[list[int]]:
        run = begin(engine, scenario_of(tmp_path, text, *sets), load_design("lock_page"), Seed(1, 0))
        run.advance(from_ps)
        run.begin_window(from_ps)
        run.advance(to_ps)
        run.end_window(to_ps)
        m = run.counts().m
        spent = m.tally.cpu_ps[: m.rules.cpus * CATEGORIES]
        return [spent[first : first + CATEGORIES] for first in range(0, len(spent), CATEGORIES)]

    return measured


def scenario_of(folder: Path, text: str, *sets: str) -> Scenario:
    file = folder / "w.yaml"
    file.write_text(text, encoding="utf-8")
    return load_scenario(str(file), sets)


def spent(**shares: int) -> list[int]:
    """Time by category: user, kernel, spin, switch, idle; what is not named is 0."""
    by_category = {USER: "user", KERNEL: "kernel", SPIN: "spin", SWITCH: "switch", IDLE: "idle"}
    return [shares.get(by_category[category], 0) for category in range(CATEGORIES)]


def test_a_loop_thinks_in_user_mode_and_holds_in_the_kernel(times: Times) -> None:
    assert times(ONE_LOOP, 0, 10 * US) == [
        spent(user=10 * US // 4, kernel=10 * US * 3 // 4),
        spent(idle=10 * US),
    ]


@pytest.mark.parametrize(
    "from_ns, to_ns, user_ns, kernel_ns",
    [(1030, 1167, 20, 117), (1000, 1049, 49, 0), (1060, 1190, 0, 130), (1199, 1251, 50, 2), (1050, 1200, 0, 150)],
)
def test_a_window_has_exactly_its_part_of_a_stay_that_its_edge_cuts(
    times: Times, from_ns: int, to_ns: int, user_ns: int, kernel_ns: int
) -> None:
    loop, nobody = times(ONE_LOOP, from_ns * NS, to_ns * NS)
    assert loop == spent(user=user_ns * NS, kernel=kernel_ns * NS)
    assert nobody == spent(idle=(to_ns - from_ns) * NS)


def test_two_loops_spin_for_each_others_hold(times: Times) -> None:
    """Rounds of 300 ns: 50 of thought, 100 for what is left of the other's hold, 150 with the lock."""
    two = times(ONE_LOOP, 3 * US, 9 * US, "tasks.loops.count=2")
    assert two == [spent(user=US, spin=2 * US, kernel=3 * US)] * 2


def test_tasks_that_share_a_cpu_pay_for_each_switch(times: Times, tmp_path: Path) -> None:
    """Rounds of 210 ns, each with a switch of 10 ns to the other task of the CPU."""
    profile = tmp_path / "switching.yaml"
    profile.write_text("name: switching\nextends: ideal\ncosts: {context_switch: 10ns}\n", encoding="utf-8")
    sets = (f"machine.profile={profile}", "machine.cpus=1", "tasks.loops.count=2")
    assert times(ONE_LOOP, 2100 * NS, 4200 * NS, *sets) == [spent(user=500 * NS, kernel=1500 * NS, switch=100 * NS)]


def test_every_cpus_time_adds_up_to_the_window_wherever_its_edges_are(times: Times) -> None:
    """And what two windows that touch have is what one over both has: no edge moves time to another category."""
    whole = times(SLEEPERS, 20 * US, 220 * US)
    assert all(sum(cpu[category] for cpu in whole) for category in range(CATEGORIES))
    draws = random.Random(5)
    for cut_ps in (draws.randrange(20 * US, 220 * US) for _ in range(30)):
        before, after = times(SLEEPERS, 20 * US, cut_ps), times(SLEEPERS, cut_ps, 220 * US)
        assert [sum(cpu) for cpu in before] == [cut_ps - 20 * US] * 4
        assert [sum(cpu) for cpu in after] == [220 * US - cut_ps] * 4
        both = [[a + b for a, b in zip(*cpu, strict=True)] for cpu in zip(before, after, strict=True)]
        assert both == whole, f"cut at {cut_ps} ps"


def test_nothing_is_left_to_pay_when_a_cpus_category_may_change(tmp_path: Path) -> None:
    """Work that is paid late belongs to the kernel, like the step that pays it: it is paid before anything else."""
    unpaid: list[TraceRow] = []
    seen = 0

    def look(row: TraceRow) -> None:
        nonlocal seen
        seen += 1
        if run.s.m.pending_ps[row[1]]:
            unpaid.append(row)

    run = ReferenceEngine(scenario_of(tmp_path, SLEEPERS), load_design("lock_page"), Seed(1, 0), look)
    run.advance(100 * US)
    assert seen > 1000
    assert unpaid == []
