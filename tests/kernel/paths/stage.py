"""A stage for kernel paths: a booted state, the reference engine, and one script for each CPU.

A script is a coroutine function of its Cpu that calls paths and primitives. A gate stops a CPU before one of its
primitives until another script opens it: so an interleaving is written down, not hoped for.
"""

import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from perfsim.engine import reference
from perfsim.engine.budget import Budget
from perfsim.engine.checks import Checks
from perfsim.engine.prepare import profile_of
from perfsim.engine.reference import ReferenceCpu, Running
from perfsim.engine.trace import TraceRow
from perfsim.kernel.boot import Seed, boot
from perfsim.kernel.constants import KEVENTD, NONE
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.designs import Design, load_design
from perfsim.kernel.invariants import INVARIANTS, pages_of_list
from perfsim.kernel.primitives import Primitive
from perfsim.kernel.state import State
from perfsim.scenario.schema import Scenario

Script = Callable[[Cpu], Coroutine[Any, Any, Any]]


@dataclass
class Gate:
    """A CPU stops before the nth call of a primitive, of a flag if one is named, from now on; opened lets it go on."""

    primitive: str
    nth: int
    flag: int | None
    reached: simpy.Event
    opened: simpy.Event


class GatedCpu(ReferenceCpu):
    """The reference engine's Cpu, stopped where a gate says so."""

    gates: list[Gate]

    @types.coroutine
    def perform(self, primitive: Primitive, *arguments: int) -> Generator[simpy.Event, None, int]:
        for gate in self.gates:
            gate.nth -= gate.primitive == primitive.name and gate.flag in (None, *arguments[1:2])
            if gate.nth == 0 and not gate.reached.triggered:
                gate.reached.succeed()
                yield gate.opened
        return (yield from super().perform(primitive, *arguments))


@dataclass
class Stage:
    """One state under one design. rows: the trace so far."""

    env: simpy.Environment
    s: State
    design: Design
    cpus: list[ReferenceCpu] = field(default_factory=list)
    rows: list[TraceRow] = field(default_factory=list)

    @property
    def paths(self) -> Any:
        """The design's paths by name."""
        return self.design.paths


def new_stage(scenario: Scenario, design: str) -> Stage:
    """A stage with a task on each CPU, events/N if the kernel has them, and the machine's devices; none has begun."""
    loaded = load_design(design)
    s = boot(scenario, profile_of(scenario), Seed(1, 0), unevictable_lru=loaded.unevictable_lru)
    stage = Stage(simpy.Environment(initial_time=0), s, loaded)
    for task in range(len(s.tasks.cpu)):
        cpu = GatedCpu(stage.env, s, task, stage.cpus, stage.rows.append)
        cpu.gates = []
        stage.cpus.append(cpu)
    return stage


def gate(stage: Stage, cpu: int, primitive: str, nth: int = 1, flag: int | None = None) -> Gate:
    """Stop a CPU before the nth call of a primitive, by its name. flag: only calls for this flag count."""
    added = Gate(primitive, nth, flag, simpy.Event(stage.env), simpy.Event(stage.env))
    one = stage.cpus[cpu]
    assert isinstance(one, GatedCpu)
    one.gates.append(added)
    return added


@types.coroutine
def until(event: simpy.Event) -> Generator[simpy.Event, Any, Any]:
    """Let a script wait for a gate, or for anything else that happens on the stage. Returns what comes with it."""
    return (yield event)


def play(stage: Stage, *scripts: Script) -> list[Any]:
    """Run one script a CPU from its first step to its last, then drain its pagevecs. Returns what the scripts return.

    Raises StuckError when not all of them come to their end.
    """
    results: list[Any] = [None] * len(stage.cpus)
    for number, cpu in enumerate(stage.cpus):
        if number >= stage.s.settings.first_device:
            stage.env.process(stage.paths["run_task"](cpu))
            continue
        script = scripts[number] if number < len(scripts) else nothing
        is_thread = stage.s.tasks.kind[number] == KEVENTD
        steps = stage.paths["run_task"](cpu) if is_thread else _on_stage(stage, cpu, script, results)
        stage.env.process(steps)  # type: ignore[arg-type]  # as the engine does
    names = [f"script[{number}]" for number in range(len(stage.cpus))]
    reference.finish(Running(stage.env, stage.s, stage.cpus, names, Checks(), Budget()), at_ps=1)
    return results


async def nothing(cpu: Cpu) -> None:
    """The script of a CPU that has no part."""


async def _on_stage(stage: Stage, cpu: ReferenceCpu, script: Script, results: list[Any]) -> None:
    await cpu.task_begin()
    results[cpu.task] = await script(cpu)
    await stage.paths["lru_add_drain"](cpu)
    await cpu.task_exit()


def broken(stage: Stage) -> list[str]:
    """Names of the invariants that do not hold, and the kernel's own assertions that failed."""
    names = [invariant.__name__ for invariant in INVARIANTS if invariant(stage.s)]
    return names + [f"violation {number}" for number, count in enumerate(stage.s.violations) if count]


def pages_on(stage: Stage, lru: int, zone: int = 0) -> list[int]:
    """Pages of a zone's list, from the head."""
    return pages_of_list(stage.s, zone, lru)


def list_of(stage: Stage, page: int) -> int:
    """The list that links a page, or NONE."""
    found = [lru for lru in range(5) for zone in range(stage.s.settings.nodes) if page in pages_on(stage, lru, zone)]
    assert len(found) <= 1, f"page {page} is on lists {found}"
    return found[0] if found else NONE


def leave_free(stage: Stage, count: int, zone: int = 0) -> None:
    """Take free pages of a zone off the allocator, as if others had them, until so many are left."""
    zones = stage.s.zones
    while zones.free_count[zone] > count:
        zones.free_head[zone] = stage.s.pages.next[zones.free_head[zone]]
        zones.free_count[zone] -= 1


def range_of_task(stage: Stage, kind: int) -> int:
    """The range of the first task of a kind."""
    return stage.s.ranges.order[stage.s.tasks.range_first[stage.s.tasks.kind.index(kind)]]


def range_with(stage: Stage, *, file: int, locked: int, zone: int = 0) -> int:
    """The first range of an mlock task in a zone that is of a file, or not, and VM_LOCKED, or not."""
    ranges = stage.s.ranges
    every = range(stage.s.settings.first_own_range)
    return next(r for r in every if (ranges.file[r], ranges.locked[r], ranges.zone[r]) == (file, locked, zone))


def slots_of(stage: Stage, range_: int) -> range:
    """The ptes of a range."""
    nr = stage.s.settings.range_pages
    return range(range_ * nr, (range_ + 1) * nr)


def steps_of(stage: Stage, cpu: int) -> list[tuple[str, tuple[int, ...]]]:
    """Shared primitives of one CPU, in order, with their arguments."""
    return [(name, arguments) for _, its, name, arguments in stage.rows if its == cpu]


def calls_of(stage: Stage, name: str, cpu: int = 0) -> int:
    """How often a CPU performed a primitive."""
    return sum(1 for step, _ in steps_of(stage, cpu) if step == name)
