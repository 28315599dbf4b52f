"""Which task runs on which CPU: fixed for the run, the same for every design."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.machine.topology import cpu_nodes
from perfsim.numeric.random import EXPONENTIAL
from perfsim.scenario.schema import Duration, Scenario, TaskSpec
from perfsim.scenario.tasks import task_count

EVENTS = TaskSpec("events", "keventd", count=None, share_ppm=None, per="cpu")
"""events/N, keventd's thread of CPU N: no workload's, and part of every kernel that gives it work to do."""


class Placed(NamedTuple):
    """One task: its group, its number within the group, its CPU and the zone it works on."""

    spec: TaskSpec
    number: int
    cpu: int
    zone: int

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"{self.spec.name}/{self.number}" if self.spec is EVENTS else f"{self.spec.name}[{self.number}]"


def place_everybody(scenario: Scenario, cpus: int, nodes: int, io_ps: int) -> list[Placed]:
    """The workload's tasks, then the kernel's own threads, then the machine's devices. io_ps: see place_devices()."""
    zones = cpu_nodes(cpus, nodes) if scenario.kernel.drain_all else []
    threads = [Placed(EVENTS, cpu, cpu, zone) for cpu, zone in enumerate(zones)]
    return [*place_tasks(scenario.tasks, cpus, nodes), *threads, *place_devices(cpus, nodes, io_ps)]


def place_tasks(specs: tuple[TaskSpec, ...], cpus: int, nodes: int) -> list[Placed]:
    """Tasks in the order of their groups. per cpu and per node: where they say; the others evenly, groups mixed.

    A node's task runs on its first CPU; a node without CPUs borrows one. kswapd counts as no load.
    """
    node_of_cpu = cpu_nodes(cpus, nodes)
    load = [0] * cpus
    chosen: dict[tuple[int, int], int] = {}
    for group, number in _mixed(specs, cpus, nodes):
        spec = specs[group]
        if spec.per == "cpu":
            cpu = number
        elif spec.per == "node":
            cpu = first_cpu(number, node_of_cpu)
        else:
            cpu = load.index(min(load))
        load[cpu] += spec.kind != "kswapd"
        chosen[group, number] = cpu
    return [
        Placed(specs[group], number, cpu, number % nodes if specs[group].kind == "kswapd" else node_of_cpu[cpu])
        for (group, number), cpu in sorted(chosen.items())
    ]


def place_devices(cpus: int, nodes: int, io_ps: int) -> list[Placed]:
    """What the machine does by itself, numbered behind the workload's tasks, each on a processor of its own: the timer,
    and a disk a node. io_ps: mean time of a request.
    """
    timer = TaskSpec("timer", "timer", count=1, share_ppm=None, per=None)
    disk = TaskSpec("disk", "disk", count=None, share_ppm=None, per="node", hold=Duration(EXPONENTIAL, io_ps, 0))
    disks = [Placed(disk, node, cpus + 1 + node, node) for node in range(nodes)]
    return [Placed(timer, 0, cpus, 0), *disks]


def first_cpu(node: int, node_of_cpu: list[int]) -> int:
    """A node's first CPU; one that a node without CPUs borrows."""
    return node_of_cpu.index(node) if node in node_of_cpu else node % len(node_of_cpu)


def _mixed(specs: tuple[TaskSpec, ...], cpus: int, nodes: int) -> list[tuple[int, int]]:
    """(group, number): fixed places first, then the groups in proportion, so that neighbours differ."""
    counts = [task_count(spec, cpus, nodes) for spec in specs]
    every = [(group, number) for group, count in enumerate(counts) for number in range(count)]
    return sorted(every, key=lambda task: (specs[task[0]].per is None, (2 * task[1] + 1) / counts[task[0]], task[0]))
