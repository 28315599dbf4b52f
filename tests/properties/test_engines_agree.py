"""Both engines tell the same story, event by event, whatever the workload, the machine and the design.

Seven machines are drawn for by themselves, 16 workloads each, in under a minute in all; PERFSIM_SLOW=1 draws 300 each:

    PERFSIM_SLOW=1 .venv/bin/pytest -n 2 tests/properties/test_engines_agree.py
"""

import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from perfsim.engine import compiled
from perfsim.engine.verify import Verified, verify
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed, memory_shares
from perfsim.kernel.state import TASK_KINDS
from perfsim.machine.profile import load_profile
from perfsim.scenario.schema import KernelSpec, MachineSpec, MeasureSpec, MemorySpec, Scenario, TaskSpec
from tests.properties.test_small_workloads import BASE, DESIGNS, durations, group

WORKLOADS_A_MACHINE = 300 if os.environ.get("PERFSIM_SLOW") else 16

SHIPPED_MACHINES = ("ia64", "x86_64", "ideal")
OWN_MACHINES = {
    "random": "extends: ideal\nspinlock: {algorithm: ideal, order: random, handoff_per_waiter: 20ns}\n",
    "lifo": "extends: ideal\nspinlock: {algorithm: ideal, order: lifo, handoff_fixed: 50ns}\n",
    "test_and_set": "extends: x86_64\nspinlock: {algorithm: test_and_set}\n"
    "spinlock_bias: {releaser: 3, same_node: 2, other_node: 1}\n",
    "queued": "extends: ia64\nspinlock: {algorithm: queued}\n",
}
MACHINES = (*SHIPPED_MACHINES, *OWN_MACHINES)

OWN_DESIGN = '''\
"""One function of redo is replaced."""

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.swap import __page_cache_release
from perfsim.machine.costs import ATOMIC_LOCAL

extends = "redo"


async def put_page(cpu: Cpu, page: int) -> None:
    zone = await cpu.page_zone(page)
    for turn in range(zone + page % 3):
        await cpu.work(ATOMIC_LOCAL)
        if page >> turn & 1 and -page // 4 < ~turn:
            await cpu.smp_mb()
    if await cpu.put_page_testzero(page):
        await __page_cache_release(cpu, page)
'''

HOW_MANY: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.integers(1, 6).map(lambda count: {"count": count}),
    st.sampled_from(["node", "cpu"]).map(lambda per: {"per": per}),
    st.integers(5, 10).map(lambda tenths: {"share_ppm": tenths * 100_000}),  # of one CPU, half is still a task
)
FRACTIONS = st.sampled_from([0, 1, 70_000, 250_000, 500_000, 1_000_000])
THINKS = durations(500, 20_000)
HOLDS = st.one_of(durations(0, 0), durations(0, 5_000))


KERNELS = st.builds(
    KernelSpec,
    designs=st.just(DESIGNS),
    memcg=st.booleans(),
    drain_all=st.integers(0, 2),
    page_size_bytes=st.sampled_from([None, 4096, 65_536]),
    pagevec_size=st.sampled_from([14, 1, 2, 15]),
    swap_cluster_max=st.sampled_from([32, 1, 256]),
    wait_table_size=st.sampled_from([None, 4, 64]),
)


class Drawn(NamedTuple):
    """One workload, but for its machine's profile. room: events of the trace buffer."""

    scenario: Scenario
    design: str
    seed: Seed
    room: int


@st.composite
def task_groups(draw: st.DrawFn) -> tuple[TaskSpec, ...]:
    """One to five groups of any kinds; kswapds as many as there are nodes, or one."""
    kinds = draw(st.lists(st.sampled_from(TASK_KINDS), min_size=1, max_size=5, unique=True))
    kswapds: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{"per": "node"}, {"count": 1}])
    return tuple(
        group(kind, number, draw(kswapds if kind == "kswapd" else HOW_MANY), (draw(THINKS), draw(HOLDS)))
        for number, kind in enumerate(kinds)
    )


@st.composite
def workloads(draw: st.DrawFn) -> Drawn:
    """A run of some microseconds, the fewer the more CPUs there are; in all some hundreds or thousands of events."""
    cpus = draw(st.one_of(st.integers(1, 8), st.integers(9, 64)))
    memory = MemorySpec(draw(st.integers(64, 1024)), *(draw(FRACTIONS) for _ in range(4)))
    kernel = draw(KERNELS)
    duration_ps = draw(st.integers(2_000_000, 300_000_000 // (cpus + 4)))
    measure = MeasureSpec(draw(st.sampled_from([0, 1, duration_ps // 3])), duration_ps)
    machine = MachineSpec("ideal", cpus, draw(st.integers(1, 8)))
    own: dict[str, Any] = {
        "machine": machine,
        "memory": memory,
        "kernel": kernel,
        "tasks": draw(task_groups()),
        "measure": measure,
    }
    seeds = st.builds(Seed, st.integers(0, 2**63 - 1), st.integers(0, 9))
    design = draw(st.sampled_from([*DESIGNS, "own"]))
    return Drawn(replace(BASE, **own), design, draw(seeds), draw(st.sampled_from([1, 64, compiled.TRACE_ROOM])))


def on_machine(scenario: Scenario, profile: str) -> Scenario:
    """The workload on a machine of a profile, its memory grown to what its tasks need."""
    scenario = replace(scenario, machine=replace(scenario.machine, profile=profile))
    while True:
        try:
            memory_shares(scenario, load_profile(profile))
        except InputError:
            memory = scenario.memory
            mlocked_ppm = min(memory.mlocked_ppm, 500_000)
            grown = replace(memory, pages_per_node=2 * memory.pages_per_node, mlocked_ppm=mlocked_ppm)
            scenario = replace(scenario, memory=grown)
        else:
            return scenario


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str], str]:
    """A machine's or design's name as a run wants it: shipped ones by name, the others as files."""
    texts = {f"{name}.yaml": f"name: {name}\n{text}" for name, text in OWN_MACHINES.items()}
    for file, text in {**texts, "own.py": OWN_DESIGN}.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    files = {file.stem: str(file) for file in tmp_path.iterdir()}
    return lambda name: files.get(name, name)


def compared(drawn: Drawn, profile: str, design: str) -> Verified:
    """What comes of a run by both engines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "TRACE_ROOM", drawn.room)
        return verify(on_machine(drawn.scenario, profile), design, drawn.seed)


@pytest.mark.parametrize("machine", MACHINES)
def test_no_workload_has_an_event_or_a_value_in_which_the_engines_differ(
    machine: str, file_of: Callable[[str], str], record_property: Callable[[str, Any], None]
) -> None:
    profile = file_of(machine)
    events: list[int] = []
    met: set[str] = set()

    @seed(zlib.crc32(machine.encode()))
    @settings(max_examples=WORKLOADS_A_MACHINE, suppress_health_check=list(HealthCheck))
    @given(workloads())
    def agree(drawn: Drawn) -> None:
        found = compared(drawn, profile, file_of(drawn.design))
        assert found.difference is None
        assert found.events == found.compiled_events
        events.append(found.events)
        met.update(spec.kind for spec in drawn.scenario.tasks)
        met.add(drawn.design)

    agree()
    record_property("workloads", len(events))
    record_property("events", sum(events))
    assert len(events) >= WORKLOADS_A_MACHINE
    assert sum(events) > 100 * WORKLOADS_A_MACHINE
    assert met >= {*TASK_KINDS}
    assert len(met & {*DESIGNS, "own"}) > 1, "so few draws on one machine may miss a design"
