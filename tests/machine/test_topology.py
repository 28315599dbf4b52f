"""Which CPU is of which node, and how far nodes are apart."""

from __future__ import annotations

import pytest

from perfsim.machine.topology import cpu_nodes, transfer_table
from tests.machine.conftest import ProfileMaker

NEAR, HOP, FAR = 60, 1_000, 3_000


@pytest.mark.parametrize(
    "cpus, nodes, expected",
    [
        (8, 4, [0, 0, 1, 1, 2, 2, 3, 3]),
        (4, 4, [0, 1, 2, 3]),
        (5, 2, [0, 0, 0, 1, 1]),
        (6, 4, [0, 0, 1, 2, 2, 3]),
        (7, 1, [0] * 7),
    ],
)
def test_neighbouring_cpus_share_a_node(cpus: int, nodes: int, expected: list[int]) -> None:
    assert cpu_nodes(cpus, nodes) == expected


@pytest.mark.parametrize("cpus", [1, 3, 16, 17, 64, 1000])
@pytest.mark.parametrize("nodes", [1, 2, 3, 4])
def test_no_node_has_more_than_one_cpu_more_than_another(cpus: int, nodes: int) -> None:
    of_cpu = cpu_nodes(cpus, nodes)
    counts = [of_cpu.count(node) for node in range(nodes)]
    assert of_cpu == sorted(of_cpu)
    assert sum(counts) == cpus
    assert max(counts) - min(counts) <= 1


def test_with_fewer_cpus_than_nodes_some_nodes_have_none() -> None:
    assert cpu_nodes(2, 4) == [0, 2]
    assert cpu_nodes(1, 4) == [0]


def test_a_transfer_costs_by_the_number_of_hops(make_profile: ProfileMaker) -> None:
    profile = make_profile()
    assert transfer_table(profile, profile.best_ps, 4) == [
        *(NEAR, HOP, HOP, FAR),
        *(HOP, NEAR, HOP, HOP),
        *(HOP, HOP, NEAR, HOP),
        *(FAR, HOP, HOP, NEAR),
    ]


def test_a_run_of_fewer_nodes_takes_the_first_ones(make_profile: ProfileMaker) -> None:
    profile = make_profile()
    assert transfer_table(profile, profile.best_ps, 2) == [NEAR, HOP, HOP, NEAR]


def test_a_node_that_the_machine_has_not_is_as_far_as_its_farthest(make_profile: ProfileMaker) -> None:
    profile = make_profile()
    table = transfer_table(profile, profile.best_ps, 5)
    assert table[4 * 5 :] == [FAR, FAR, FAR, FAR, NEAR]
    assert [table[node * 5 + 4] for node in range(5)] == [FAR, FAR, FAR, FAR, NEAR]


def test_more_than_two_hops_cost_what_two_cost(make_profile: ProfileMaker) -> None:
    profile = make_profile(nodes=2, node_hops=((0, 5), (5, 0)))
    assert transfer_table(profile, profile.best_ps, 2) == [NEAR, FAR, FAR, NEAR]
