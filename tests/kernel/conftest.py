"""Small booted states, and a way to let one primitive take effect on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from perfsim.engine.prepare import profile_of
from perfsim.kernel.boot import Seed, boot
from perfsim.kernel.invariants import INVARIANTS
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.state import State
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario

# Tasks 0 .. 3 lock on CPUs 0 .. 3, task 4 faults on CPU 0, tasks 5 and 6 are kswapd of nodes 0 and 1, on CPUs 0 and 2.
WORKLOAD = """
name: small
machine: {profile: x86_64, cpus: 4, nodes: 2}
memory: {pages_per_node: 512, file_fraction: 0.5, mlocked_fraction: 0.25, referenced_fraction: 0.5, dirty_fraction: 0.5}
kernel: {memcg: true, drain_all: never}
tasks:
  - {name: lockers, kind: mlock, per: cpu, range_pages: 16, hold: 20us, think: 3us}
  - {name: faulters, kind: fault, count: 1, think: 5us}
  - {name: kswapd, kind: kswapd, per: node}
measure: {warmup: 0us, duration: 1ms}
"""

# Tasks 0 .. 3 lock as above; 4 and 5 map a range each, which 6, 7 and 8 share; 9 migrates a range of its own; 10 and 11
# write a file each, 12 locks a segment, which 13 shares.
WITH_RANGES = """
name: ranges
machine: {profile: x86_64, cpus: 4, nodes: 2}
memory: {pages_per_node: 512, file_fraction: 0.5, mlocked_fraction: 0.25, referenced_fraction: 0.5, dirty_fraction: 0.5}
kernel: {memcg: true, drain_all: never}
tasks:
  - {name: lockers, kind: mlock, per: cpu, range_pages: 16, hold: 20us, think: 3us}
  - {name: processes, kind: fault, count: 2, range_pages: 8, hold: 20us, think: 5us}
  - {name: threads, kind: fault, count: 3, shares: processes, think: 5us}
  - {name: nomads, kind: migrate, count: 1, range_pages: 12, think: 5us}
  - {name: writers, kind: truncate, count: 2, range_pages: 8, hold: 20us, think: 5us}
  - {name: segments, kind: shm_lock, count: 1, range_pages: 10, hold: 20us, think: 5us}
  - {name: pinners, kind: mlock, count: 1, shares: segments, hold: 20us, think: 5us}
measure: {warmup: 0us, duration: 1ms}
"""
NOMAD, WRITERS, SEGMENT, PINNER = 9, (10, 11), 12, 13


class Done(NamedTuple):
    """What an effect returned, and what its CPU has to pay for it."""

    value: int
    cost_ps: int


Do = Callable[..., Done]
StateMaker = Callable[..., State]
ScenarioMaker = Callable[..., Scenario]


def wakes(s: State) -> list[tuple[int, int]]:
    """Resumptions asked for since the last look: (CPU, instant)."""
    count = s.m.wakes.length[0]
    s.m.wakes.length[0] = 0
    return list(zip(s.m.wakes.cpu[:count], s.m.wakes.at_ps[:count], strict=True))


def violated(s: State) -> list[str]:
    """Names of the invariants that do not hold."""
    return [invariant.__name__ for invariant in INVARIANTS if invariant(s)]


@pytest.fixture
def make_scenario(tmp_path: Path) -> ScenarioMaker:
    """Make a scenario of the workload above, or of another; further arguments are as for --set."""

    def make(*sets: str, workload: str = WORKLOAD) -> Scenario:
        file = tmp_path / "small.yaml"
        file.write_text(workload, encoding="utf-8")
        return load_scenario(str(file), sets)

    return make


@pytest.fixture
def make_state(make_scenario: ScenarioMaker) -> StateMaker:
    """Boot a scenario: arguments as for make_scenario."""

    def make(*sets: str, workload: str = WORKLOAD) -> State:
        scenario = make_scenario(*sets, workload=workload)
        return boot(scenario, profile_of(scenario), Seed(1, 0))

    return make


@pytest.fixture
def s(make_state: StateMaker) -> State:
    """Four CPUs on two nodes of 512 pages, a quarter of them locked, at time 0."""
    return make_state()


@pytest.fixture
def ranged(make_state: StateMaker) -> State:
    """The same machine with tasks whose ranges are their own, are shared, or map an object; at time 0."""
    return make_state(workload=WITH_RANGES)


@pytest.fixture
def do() -> Do:
    """Let a primitive take effect, by its name: do(s, name, *arguments, task=0, now=0). Its cost is paid at once."""

    def perform(s: State, name: str, *arguments: int, task: int = 0, now: int = 0) -> Done:
        cpu = s.tasks.cpu[task]
        assert s.m.pending_ps[cpu] == 0, f"CPU {cpu} has not paid"
        value = PRIMITIVES[name].effect(s, task, now, *arguments)
        cost_ps, s.m.pending_ps[cpu] = s.m.pending_ps[cpu], 0
        return Done(value, cost_ps)

    return perform


@pytest.fixture
def running(s: State, do: Do) -> State:
    """Tasks 0 .. 3 run on their CPUs."""
    for task in range(4):
        do(s, "task_begin", task=task)
    return s
