"""Both engines tell the same story, event by event, whatever the workload, the machine and the design.

Seven machines are drawn for by themselves, 16 workloads each, and compared for their first events, most of them to
their ends; PERFSIM_SLOW=1 draws 300 each and compares them all to their ends:

    PERFSIM_SLOW=1 .venv/bin/pytest -n 2 tests/properties/test_engines_agree.py
"""

import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from perfsim.engine import compiled
from perfsim.engine.verify import Verified, verify
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import TASK_KINDS
from perfsim.scenario.schema import KernelSpec, MeasureSpec, MemorySpec, Scenario, TaskSpec
from tests.properties.test_small_workloads import BASE, with_room
from tests.properties.workloads import (
    DESIGNS,
    HOW_MANY,
    OWNERS,
    SHARERS,
    Manner,
    durations,
    kernels,
    machines,
    task_groups,
)
from tests.tier import SLOW

WORKLOADS_A_MACHINE = 300 if SLOW else 16
EVENTS_MAX = 10**9 if SLOW else 8_000
"""Where a comparison ends. A few workloads have a hundred times as many: reclaim that finds nothing and winds down."""

SHIPPED_MACHINES = ("ia64", "x86_64", "ideal")
OWN_MACHINES = {
    "random": "extends: ideal\nspinlock: {algorithm: ideal, order: random, handoff_per_waiter: 20ns}\n",
    "lifo": "extends: ideal\nspinlock: {algorithm: ideal, order: lifo, handoff_fixed: 50ns}\n",
    "test_and_set": "extends: x86_64\nspinlock: {algorithm: test_and_set}\n"
    "spinlock_bias: {releaser: 3, same_node: 2, other_node: 1}\n",
    "queued": "extends: ia64\nspinlock: {algorithm: queued}\n",
}
MACHINES = (*SHIPPED_MACHINES, *OWN_MACHINES)

LONGEST_PS = 300_000_000
"""Of one CPU's run, times five. Where nothing costs time there are many more events in it."""
COSTLESS = {"ideal", "random", "lifo"}

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

FRACTIONS = st.sampled_from([0, 1, 70_000, 250_000, 500_000, 1_000_000])
MANNER = Manner(HOW_MANY, thinks=durations(500, 20_000), holds=st.one_of(durations(0, 0), durations(0, 5_000)))


class Drawn(NamedTuple):
    """One workload, but for its machine's profile. room: events of the trace buffer."""

    scenario: Scenario
    design: str
    seed: Seed
    room: int


@st.composite
def workloads(draw: st.DrawFn, longest_ps: int) -> Drawn:
    """A run of some microseconds, the fewer the more CPUs there are; in all some hundreds or thousands of events."""
    machine = draw(machines(("ideal",)))
    cpus, nodes = machine.cpus or 1, machine.nodes or 1
    memory = MemorySpec(draw(st.integers(64, 1024)), *(draw(FRACTIONS) for _ in range(4)))
    duration_ps = draw(st.integers(2_000_000, max(longest_ps // (cpus + 4), 2_000_000)))
    measure = MeasureSpec(draw(st.sampled_from([0, 1, duration_ps // 3])), duration_ps)
    own: dict[str, Any] = {
        "machine": machine,
        "memory": memory,
        "kernel": draw(kernels(nodes)),
        "tasks": draw(task_groups(nodes, MANNER)),
        "measure": measure,
    }
    seeds = st.builds(Seed, st.integers(0, 2**63 - 1), st.integers(0, 9))
    design = draw(st.sampled_from([*DESIGNS, "own"]))
    return Drawn(replace(BASE, **own), design, draw(seeds), draw(st.sampled_from([1, 64, compiled.TRACE_ROOM])))


def for_each_workload(machine: str, use: Callable[[Drawn], None]) -> None:
    """Draw the workloads that a machine is given, always the same ones."""

    @seed(zlib.crc32(machine.encode()))
    @settings(max_examples=WORKLOADS_A_MACHINE, suppress_health_check=list(HealthCheck))
    @given(workloads(LONGEST_PS // 20 if machine in COSTLESS else LONGEST_PS))
    def every(drawn: Drawn) -> None:
        use(drawn)

    every()


def on_machine(scenario: Scenario, profile: str) -> Scenario:
    """The workload on a machine of a profile, its memory grown to what its tasks need."""
    return with_room(replace(scenario, machine=replace(scenario.machine, profile=profile)))


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str], str]:
    """A machine's or design's name as a run wants it: shipped ones by name, the others as files."""
    texts = {f"{name}.yaml": f"name: {name}\n{text}" for name, text in OWN_MACHINES.items()}
    for file, text in {**texts, "own.py": OWN_DESIGN}.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    files = {file.stem: str(file) for file in tmp_path.iterdir()}
    return lambda name: files.get(name, name)


class EnoughError(BaseException):
    """So many events were equal. No Exception: that would be an end of the reference engine's run, to be compared."""


def enough(events: int, _: int) -> None:
    """End a comparison that has seen enough events."""
    if events >= EVENTS_MAX:
        raise EnoughError(events)


def compared(drawn: Drawn, profile: str, design: str) -> Verified | None:
    """What comes of a run by both engines; None if their first EVENTS_MAX events are equal, and there are more."""
    with pytest.MonkeyPatch.context() as patch, suppress(EnoughError):
        patch.setattr(compiled, "TRACE_ROOM", min(drawn.room, EVENTS_MAX))
        return verify(on_machine(drawn.scenario, profile), design, drawn.seed, enough)
    return None


@pytest.mark.parametrize("machine", MACHINES)
def test_no_workload_has_an_event_or_a_value_in_which_the_engines_differ(
    machine: str, file_of: Callable[[str], str], record_property: Callable[[str, Any], None]
) -> None:
    profile = file_of(machine)
    events: list[int] = []
    cut_off: list[int] = []

    def agree(drawn: Drawn) -> None:
        found = compared(drawn, profile, file_of(drawn.design))
        if found is None:
            cut_off.append(EVENTS_MAX)
        else:
            assert found.difference is None
            assert found.events == found.compiled_events
            events.append(found.events)

    for_each_workload(machine, agree)
    record_property("workloads", len(events))
    record_property("events", sum(events + cut_off))
    assert len(events) + len(cut_off) >= WORKLOADS_A_MACHINE
    assert len(events) >= WORKLOADS_A_MACHINE // 3
    assert sum(events + cut_off) > 100 * WORKLOADS_A_MACHINE


def test_the_workloads_drawn_are_of_every_sort() -> None:
    drawn: list[Drawn] = []
    for machine in MACHINES:
        for_each_workload(machine, drawn.append)
    assert len(drawn) >= 100
    assert {one.design for one in drawn} == {*DESIGNS, "own"}
    scenarios = [one.scenario for one in drawn]
    tasks = [(spec, scenario) for scenario in scenarios for spec in scenario.tasks]
    assert {spec.kind for spec, _ in tasks} == {*TASK_KINDS}
    assert {(spec.kind, kind_of_owner(spec, scenario)) for spec, scenario in tasks if spec.shares} == {
        (sharer, owner) for sharer in SHARERS for owner in OWNERS
    }
    assert {spec.kind for spec, _ in tasks if spec.range_pages and not spec.shares} == {*OWNERS}
    assert {bool(spec.range_pages) for spec, _ in tasks if spec.kind == "fault" and not spec.shares} == {True, False}
    assert {scenario.machine.nodes for scenario in scenarios} == {*range(1, 9)}
    assert max(scenario.machine.cpus or 0 for scenario in scenarios) > 48
    for key in (field.name for field in fields(KernelSpec) if field.name != "designs"):
        assert len({getattr(scenario.kernel, key) for scenario in scenarios}) > 1, key


def kind_of_owner(spec: TaskSpec, scenario: Scenario) -> str:
    """The kind of the group whose ranges a group shares."""
    return next(other.kind for other in scenario.tasks if other.name == spec.shares)
