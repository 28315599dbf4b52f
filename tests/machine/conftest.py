"""A small machine with figures that tell themselves apart in a sum, and without a kernel on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import CostProfile, load_profile
from perfsim.machine.state import Layout, Machine, new_machine
from perfsim.numeric.columns import as_lists

HOPS = ((0, 1, 1, 2), (1, 0, 1, 1), (1, 1, 0, 1), (2, 1, 1, 0))
"""Four nodes as on the Opteron: nodes 0 and 3 are two hops apart, all others one."""

COSTS_PS = {
    "l1_hit": 1,
    "atomic_local": 10,
    "dram_local": 100,
    "dram_remote": 150,
    "llc_transfer": 60,
    "socket_transfer": 1_000,
    "socket_transfer_far": 3_000,
    "barrier_release": 7,
    "line_service": 100_000,
}
"""All other costs are zero."""

PAGES_PER_NODE = 8

ProfileMaker = Callable[..., CostProfile]
MachineMaker = Callable[..., Machine]


@pytest.fixture
def make_profile() -> ProfileMaker:
    """Make a profile of four nodes with the figures above; arguments replace its fields, or its costs by name."""

    def make(**changes: Any) -> CostProfile:
        costs = COSTS_PS | {name: changes.pop(name) for name in COST_NAMES if name in changes}
        best_ps = tuple(costs.get(name, 0) for name in COST_NAMES)
        fields: dict[str, Any] = {"nodes": 4, "node_hops": HOPS, "algorithm": "ticket", "best_ps": best_ps}
        return replace(load_profile("ideal"), **(fields | changes))

    return make


@pytest.fixture
def make_machine(make_profile: ProfileMaker) -> MachineMaker:
    """Make a machine of four nodes and 16 CPUs with two spinlocks, the first at home on node 0, the other on node 1.

    Lines 0 to 63 are memory, two rows of 8 a node. Arguments are those of make_profile, and cpus.
    """

    def make(cpus: int = 16, **changes: Any) -> Machine:
        profile = make_profile(**changes)
        memory_lines = 2 * PAGES_PER_NODE * profile.nodes
        layout = Layout(
            cpus=cpus,
            nodes=profile.nodes,
            pages_per_node=PAGES_PER_NODE,
            memory_lines=memory_lines,
            homes=(0, 1 % profile.nodes),
            lock_lines=(memory_lines, memory_lines + 1),
            lock_classes=(0, 1),
            lock_kinds=2,
            histograms=2,
            accounts=cpus,
            kinds=4,
            key_seed=(1, 0),
        )
        return as_lists(new_machine(profile, profile.best_ps, layout))

    return make
