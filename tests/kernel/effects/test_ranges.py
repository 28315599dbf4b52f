"""The ranges that a task works on: chosen among its own or its group's, and moved to another node."""

from __future__ import annotations

from perfsim.kernel.state import State
from tests.kernel.conftest import NOMAD, PINNER, SEGMENT, WITH_RANGES, Do, StateMaker


def test_who_shares_a_range_picks_that_of_its_group(ranged: State, do: Do) -> None:
    picked = [do(ranged, "pick_range", task=task).value for task in range(4, 9)]
    assert picked == [picked[0], picked[1], picked[0], picked[1], picked[0]]
    assert picked[0] != picked[1]
    assert do(ranged, "pick_range", task=PINNER) == do(ranged, "pick_range", task=SEGMENT)


def test_the_only_range_is_picked_without_a_draw_and_several_with_one(ranged: State, do: Do) -> None:
    do(ranged, "pick_range", task=NOMAD)
    assert set(ranged.tasks.draws) == {0}
    first, count = ranged.tasks.range_first[0], ranged.tasks.range_count[0]
    own = ranged.ranges.order[first : first + count]
    assert {do(ranged, "pick_range").value for _ in range(200)} == set(own)
    assert sum(ranged.tasks.draws) == 200
    assert ranged.ranges.order[first : first + count] == own, "nothing changes sides"


def test_a_pte_is_picked_among_the_first_of_its_range(ranged: State, do: Do) -> None:
    assert {do(ranged, "pick_slot", 5, 3).value for _ in range(100)} == {80, 81, 82}
    assert do(ranged, "pick_slot", 5, 1).value == 80


def test_threads_know_that_they_share(ranged: State, do: Do) -> None:
    found = [do(ranged, "task_shares", task=task).value for task in range(14)]
    assert found == [1 if task in (6, 7, 8, PINNER) else 0 for task in range(14)]


def test_memory_moves_to_the_next_node_each_time_and_back(ranged: State, do: Do) -> None:
    assert ranged.tasks.zone[NOMAD] == 0
    assert [do(ranged, "migration_target", task=NOMAD).value for _ in range(4)] == [1, 0, 1, 0]


def test_memory_moves_to_the_node_that_the_workload_names(make_state: StateMaker, do: Do) -> None:
    s = make_state(workload=WITH_RANGES.replace("range_pages: 12", "range_pages: 12, target_node: 1"))
    assert [do(s, "migration_target", task=NOMAD).value for _ in range(3)] == [1, 1, 1]


def test_a_range_is_locked_alone(ranged: State, do: Do) -> None:
    before = list(ranged.ranges.locked)
    range_ = ranged.ranges.order[ranged.tasks.range_first[SEGMENT]]
    assert do(ranged, "set_vm_locked", range_, 1) == (0, 0)
    before[range_] = 1
    assert ranged.ranges.locked == before
    assert do(ranged, "slot_locked", range_ * 16 + 9).value == 1
