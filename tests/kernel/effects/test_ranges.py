"""The ranges, ptes and pages that a task works on: chosen among its own or its group's, locked, and moved."""

from __future__ import annotations

from perfsim.kernel.constants import MAPPED_ELSEWHERE, NONE
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
    assert do(ranged, "set_vm_locked", range_, 1) == (1, 0)
    assert do(ranged, "set_vm_locked", range_, 1) == (0, 0)
    before[range_] = 1
    assert ranged.ranges.locked == before
    assert do(ranged, "slot_locked", range_ * 16 + 9).value == 1


def test_ranges_are_picked_from_those_of_the_task_and_change_sides(s: State, do: Do) -> None:
    tasks = s.tasks
    own = s.ranges.order[tasks.range_first[0] : tasks.range_first[0] + tasks.range_count[0]]
    unlocked = set(own[: tasks.range_unlocked[0]])
    picked = do(s, "pick_unlocked_range").value
    assert picked in unlocked
    assert tasks.range_unlocked[0] == len(unlocked) - 1
    back = do(s, "pick_locked_range").value
    assert back in set(own) - unlocked | {picked}
    assert tasks.range_unlocked[0] == len(unlocked)
    assert sorted(s.ranges.order) == list(range(len(s.ranges.order)))


def test_the_ranges_that_count_as_unlocked_stay_the_first_of_their_task(make_state: StateMaker, do: Do) -> None:
    s = make_state("memory.mlocked_fraction=0.4", "machine.cpus=1", "machine.nodes=1")
    unlocked = set(s.ranges.order[: s.tasks.range_unlocked[0]])
    assert 2 < len(unlocked) < s.tasks.range_count[0]
    for name in ("pick_unlocked_range", "pick_unlocked_range", "pick_locked_range", "pick_locked_range") * 50:
        unlocked ^= {do(s, name).value}
        assert set(s.ranges.order[: s.tasks.range_unlocked[0]]) == unlocked


def test_every_range_of_a_task_is_picked_in_time(s: State, do: Do) -> None:
    tasks = s.tasks
    own = set(s.ranges.order[tasks.range_first[1] : tasks.range_first[1] + tasks.range_count[1]])
    picked = set()
    for _ in range(200):
        picked.add(do(s, "pick_unlocked_range", task=1).value)
        picked.add(do(s, "pick_locked_range", task=1).value)
    assert picked == own


def test_a_range_begins_at_its_first_pte_and_is_locked_as_a_whole(s: State, do: Do) -> None:
    assert do(s, "vma_start", 3).value == 3 * 16
    do(s, "set_vm_locked", 3, 1)
    assert [do(s, "slot_locked", slot).value for slot in (48, 63)] == [1, 1]
    do(s, "set_vm_locked", 3, 0)
    assert [do(s, "slot_locked", slot).value for slot in (48, 63, MAPPED_ELSEWHERE, NONE)] == [0, 0, 0, 0]


def test_a_lock_loops_pages_are_spread_over_the_nodes(make_state: StateMaker, do: Do) -> None:
    s = make_state(
        workload="""
name: spread
machine: {profile: x86_64, cpus: 2, nodes: 2}
memory: {pages_per_node: 256}
tasks:
  - {name: loop, kind: lock_loop, per: cpu, lock: page_lock, pages: 5, think: 1us, hold: 1us}
measure: {warmup: 0us, duration: 1us}
"""
    )
    assert {do(s, "pick_page").value for _ in range(200)} == {0, 256, 1, 257, 2}
