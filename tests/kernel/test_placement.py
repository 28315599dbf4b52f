"""Which task runs where."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from perfsim.kernel.constants import DRAIN_NEVER
from perfsim.kernel.placement import place_devices, place_everybody, place_tasks
from perfsim.machine.topology import cpu_nodes
from perfsim.numeric.random import EXPONENTIAL
from perfsim.scenario.schema import TaskSpec
from perfsim.scenario.validate import load_scenario


def group(
    kind: str = "fault",
    name: str = "",
    count: int | None = None,
    share_ppm: int | None = None,
    per: str | None = None,
) -> TaskSpec:
    """A group of tasks by count, share_ppm or per."""
    return TaskSpec(name or kind, kind, count, share_ppm, per)


IO_PS = 5_500_000_000


def cpus_of(specs: tuple[TaskSpec, ...], cpus: int, nodes: int, name: str) -> list[int]:
    """CPUs of the tasks of one group, in their order."""
    return [one.cpu for one in place_tasks(specs, cpus, nodes) if one.spec.name == name]


def test_every_cpu_has_a_thread_of_the_kernels_if_the_kernel_drains_them() -> None:
    scenario = replace(load_scenario("quickstart"), tasks=(group(name="a", count=2),))
    placed = place_everybody(scenario, 3, 2, IO_PS)
    threads, devices = ["events/0", "events/1", "events/2"], ["timer[0]", "disk[0]", "disk[1]"]
    assert [one.name for one in placed] == ["a[0]", "a[1]", *threads, *devices]
    assert [(one.cpu, one.zone) for one in placed[2:5]] == list(enumerate(cpu_nodes(3, 2)))
    assert [one.cpu for one in placed[5:]] == [3, 4, 5], "a device has a processor of its own"
    never = replace(scenario, kernel=replace(scenario.kernel, drain_all=DRAIN_NEVER))
    assert [one.name for one in place_everybody(never, 3, 2, IO_PS)] == ["a[0]", "a[1]", *devices]


def test_tasks_are_numbered_by_group_and_within_their_group() -> None:
    placed = place_tasks((group(name="a", count=2), group(name="b", per="cpu")), 3, 1)
    assert [(one.spec.name, one.number) for one in placed] == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2)]


def test_a_task_for_each_cpu_is_on_that_cpu() -> None:
    assert cpus_of((group(per="cpu"),), 5, 2, "fault") == [0, 1, 2, 3, 4]


def test_the_timer_and_a_disk_a_node_stand_behind_the_cpus() -> None:
    devices = [(one.spec.kind, one.number, one.cpu, one.zone) for one in place_devices(4, 2, 70)]
    assert devices == [("timer", 0, 4, 0), ("disk", 0, 5, 0), ("disk", 1, 6, 1)]
    assert {tuple(one.spec.hold) for one in place_devices(4, 2, 70)[1:]} == {(EXPONENTIAL, 70, 0)}


def test_a_nodes_task_is_on_its_first_cpu() -> None:
    assert cpus_of((group("kswapd", per="node"),), 8, 4, "kswapd") == [0, 2, 4, 6]


def test_a_node_without_cpus_borrows_one_but_its_kswapd_keeps_its_zone() -> None:
    placed = place_tasks((group("kswapd", per="node"),), 2, 4)
    assert [one.zone for one in placed] == [0, 1, 2, 3]
    assert [one.cpu for one in placed] == [0, 1, 1, 1]


@pytest.mark.parametrize("cpus, nodes", [(1, 1), (4, 2), (16, 4), (7, 3)])
def test_a_task_works_on_the_zone_of_its_cpus_node(cpus: int, nodes: int) -> None:
    placed = place_tasks((group(count=2 * cpus),), cpus, nodes)
    assert [one.zone for one in placed] == [one.cpu * nodes // cpus for one in placed]


@pytest.mark.parametrize("count", [1, 4, 7, 8, 17])
def test_tasks_are_spread_evenly(count: int) -> None:
    loads = Counter(cpus_of((group(count=count),), 4, 2, "fault"))
    assert max(loads.values()) - min(loads.get(cpu, 0) for cpu in range(4)) <= 1


def test_two_groups_that_share_the_cpus_are_mixed_over_the_nodes() -> None:
    specs = (group(name="a", share_ppm=500_000), group(name="b", share_ppm=500_000))
    assert cpus_of(specs, 8, 2, "a") == [0, 2, 4, 6]
    assert cpus_of(specs, 8, 2, "b") == [1, 3, 5, 7]


def test_kswapd_is_no_load_and_a_task_of_a_cpu_is_one() -> None:
    kswapd, free = group("kswapd", per="node"), group(name="free", count=2)
    assert cpus_of((kswapd, free), 2, 1, "free") == [0, 1]
    fixed = group(name="fixed", per="node")
    assert cpus_of((fixed, free), 4, 2, "free") == [1, 3]


def test_the_order_of_groups_in_the_file_moves_no_fixed_task() -> None:
    free, fixed = group(name="free", count=1), group(name="fixed", per="node")
    assert cpus_of((free, fixed), 2, 1, "free") == cpus_of((fixed, free), 2, 1, "free") == [1]
