"""CPUs, nodes and the distance between them."""

from __future__ import annotations

from perfsim.machine.costs import LLC_TRANSFER, SOCKET_TRANSFER, SOCKET_TRANSFER_FAR
from perfsim.machine.profile import CostProfile, hops


def cpu_nodes(cpus: int, nodes: int) -> list[int]:
    """Node of each CPU: blocks of neighbours, as firmware numbers them. With few CPUs some nodes have none."""
    return [cpu * nodes // cpus for cpu in range(cpus)]


def transfer_table(profile: CostProfile, cost_ps: tuple[int, ...], nodes: int) -> list[int]:
    """Time in ps to fetch a line that is dirty in a cache of node b, for a CPU of node a: [a * nodes + b]."""
    by_hops = (cost_ps[LLC_TRANSFER], cost_ps[SOCKET_TRANSFER], cost_ps[SOCKET_TRANSFER_FAR])
    return [by_hops[min(hops(profile, a, b), 2)] for a in range(nodes) for b in range(nodes)]
