"""How a zone's memory is divided at time 0, and memory that does not suffice."""

from __future__ import annotations

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from perfsim.errors import InputError
from perfsim.kernel.placement import place_tasks
from perfsim.kernel.shares import divide_memory, range_pages_of
from perfsim.kernel.state import Shares
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.kernel.conftest import WITH_RANGES, ScenarioMaker

HIGH = 48
"""Pages that are free at the start for the watermark's sake."""


def divided(scenario: Scenario, nodes: int = 2) -> Shares:
    """The division of a machine of four CPUs."""
    return divide_memory(scenario, place_tasks(scenario.tasks, 4, nodes), nodes, HIGH)


def test_locked_and_lockable_memory_comes_in_whole_ranges(make_scenario: ScenarioMaker) -> None:
    shares = divided(make_scenario())
    assert shares == Shares([HIGH] * 2, [8] * 2, [8] * 2, [0] * 2, [0] * 2, [0] * 2)
    shares = divided(make_scenario("memory.mlocked_fraction=0.3"))  # 153 pages
    assert (shares.locked, shares.pinned) == ([9, 9], [9, 9])


def test_a_zone_keeps_free_what_its_tasks_will_fault_in_and_fills_what_they_map_from_the_start(
    make_scenario: ScenarioMaker,
) -> None:
    shares = divided(make_scenario(workload=WITH_RANGES))
    assert shares.free == [HIGH + 8 + 8, HIGH + 8 + 8]  # a process and a writer each; node 0 has the rest too
    assert shares.mapped == [12 + 10, 0]


def test_who_shares_a_range_needs_no_memory_of_its_own(make_scenario: ScenarioMaker) -> None:
    shares = divided(make_scenario(workload=WITH_RANGES.replace("count: 3, shares", "count: 300, shares")))
    assert sum(shares.free) == 2 * HIGH + 4 * 8
    alone = WITH_RANGES.replace("kind: mlock, per: cpu, range_pages: 16", "kind: fault, per: cpu, range_pages: 16")
    shares = divided(make_scenario("memory.mlocked_fraction=0.1", workload=alone))
    assert (shares.locked, shares.unlocked) == ([0, 0], [0, 0]), "a pinner has no range to be dealt"
    assert shares.pinned == [51, 51]


def test_every_locker_has_a_range_to_lock_though_nothing_is_locked(make_scenario: ScenarioMaker) -> None:
    shares = divided(make_scenario("memory.mlocked_fraction=0"))
    assert (shares.locked, shares.unlocked) == ([0, 0], [2, 2])


def test_page_locks_of_a_loop_are_shared_out_to_the_nodes(make_scenario: ScenarioMaker) -> None:
    loop = "  - {name: loop, kind: lock_loop, count: 1, lock: page_lock, pages: 5, think: 1us, hold: 1us}\n"
    shares = divided(make_scenario(workload=WITH_RANGES.replace("measure:", f"{loop}measure:")))
    assert shares.looped == [3, 3]


def test_there_is_room_for_the_largest_range_and_for_one_page_if_there_is_none(make_scenario: ScenarioMaker) -> None:
    assert range_pages_of(make_scenario(workload=WITH_RANGES)) == 16
    assert range_pages_of(make_scenario("tasks.segments.range_pages=70", workload=WITH_RANGES)) == 70
    assert range_pages_of(load_scenario("reclaim_only", [])) == 1


@pytest.mark.parametrize(
    "sets, needed",
    [
        (("tasks.segments.range_pages=300",), 64 + 12 + 300 + 128 + 2 * 300),  # lockers' ranges have room for as many
        (("tasks.writers.range_pages=300",), HIGH + 8 + 300 + 22 + 128 + 2 * 300),
    ],
)
def test_memory_that_does_not_hold_every_tasks_range_is_refused_with_its_place_and_what_would_do(
    make_scenario: ScenarioMaker, sets: tuple[str, ...], needed: int
) -> None:
    with pytest.raises(InputError) as refused:
        divided(make_scenario(*sets, workload=WITH_RANGES))
    text = str(refused.value)
    assert "small.yaml:4:26: memory.pages_per_node: 512 pages" in text
    assert text.endswith(f"expected at least {needed}")


def test_segments_that_fill_a_node_leave_no_page_to_be_locked(make_scenario: ScenarioMaker) -> None:
    workload = WITH_RANGES.replace("count: 1, range_pages: 10", "count: 40, range_pages: 16")
    with pytest.raises(
        InputError,
        match=r"128 pages of a node's 512, of which \d+ are kept free, mapped from the start or .*; expected",
    ):
        divided(make_scenario(workload=workload))


@given(st.integers(256, 4096), st.integers(0, 60), st.integers(1, 64), st.integers(2, 4))
def test_what_is_divided_is_never_more_than_there_is(pages: int, percent: int, range_pages: int, nodes: int) -> None:
    sets = [f"memory.pages_per_node={pages}", f"memory.mlocked_fraction={percent / 100}", "machine.cpus=4"]
    sets += [f"machine.nodes={nodes}", *(f"tasks.{name}.range_pages={range_pages}" for name in ("nomads", "lockers"))]
    scenario = load_scenario("everything", [*sets, "tasks.shm_lockers.range_pages=8"])
    try:
        shares = divided(scenario, nodes)
    except InputError:
        reject()
    room = range_pages_of(scenario)
    for free, locked, unlocked, mapped, pinned, looped in zip(*shares, strict=True):
        assert min(free, locked, unlocked, mapped, pinned, looped) >= 0
        assert free + (locked + unlocked) * room + mapped + pinned + looped <= pages
        assert locked * room + pinned == pages * percent // 100
