"""Who works on which ranges: dealt, one's own, or another's, and which of them map an object."""

from __future__ import annotations

import pytest

from perfsim.kernel.placement import Placed, place_tasks
from perfsim.kernel.ranges import has_own_range, is_locker, own_ranges, with_objects
from perfsim.kernel.state import State, object_of
from tests.kernel.conftest import NOMAD, PINNER, SEGMENT, WITH_RANGES, WRITERS, ScenarioMaker, StateMaker

PROCESSES = (4, 5)
THREADS = (6, 7, 8)
FIRST_OWN = 32
"""Ranges 0 .. 31 are dealt to the lockers."""


@pytest.fixture
def placed(make_scenario: ScenarioMaker) -> list[Placed]:
    """The tasks of the workload with ranges."""
    return place_tasks(make_scenario(workload=WITH_RANGES).tasks, 4, 2)


def ranges_of(s: State, task: int) -> list[int]:
    """The ranges that a task works on."""
    first = s.tasks.range_first[task]
    return s.ranges.order[first : first + s.tasks.range_count[task]]


def test_lockers_are_dealt_ranges_who_shares_has_none_and_the_others_have_one(placed: list[Placed]) -> None:
    kinds = [(is_locker(one), has_own_range(one.spec)) for one in placed]
    assert kinds[:4] == [(True, False)] * 4
    assert [task for task, (_, own) in enumerate(kinds) if own] == [*PROCESSES, NOMAD, *WRITERS, SEGMENT]
    assert [kinds[task] for task in (*THREADS, PINNER)] == [(False, False)] * 4


def test_those_that_map_an_object_come_last_whatever_their_order_in_the_file(make_scenario: ScenarioMaker) -> None:
    lines = WITH_RANGES.splitlines()
    moved = [line for line in lines if "segments, kind" in line]
    first = lines.index("tasks:") + 1
    text = "\n".join([*lines[:first], *moved, *(line for line in lines[first:] if line not in moved)])
    placed = place_tasks(make_scenario(workload=text).tasks, 4, 2)
    names = [placed[task].name for task in own_ranges(placed).tasks]
    assert names == ["processes[0]", "processes[1]", "nomads[0]", "segments[0]", "writers[0]", "writers[1]"]
    assert [placed[task].name for task in with_objects(placed)] == names[3:]
    assert own_ranges(placed).objects == 3


def test_a_workload_without_ranges_has_none(make_state: StateMaker) -> None:
    workload = """
name: none
machine: {profile: ideal, cpus: 2, nodes: 1}
memory: {pages_per_node: 64}
tasks: [{name: faulters, kind: fault, count: 2, think: 1us}]
measure: {warmup: 0us, duration: 1us}
"""
    s = make_state(workload=workload)
    assert (s.settings.ranges, s.ranges.order, s.ranges.pte, s.objects.size) == (0, [], [], [])
    assert set(s.tasks.range_count) == {0}


def test_own_ranges_are_numbered_behind_those_that_are_dealt(ranged: State) -> None:
    owners = [*PROCESSES, NOMAD, *WRITERS, SEGMENT]
    assert ranged.ranges.owner[FIRST_OWN:] == owners
    assert [ranges_of(ranged, task) for task in owners] == [[FIRST_OWN + i] for i in range(6)]
    assert ranged.ranges.zone[FIRST_OWN:] == [ranged.tasks.zone[task] for task in owners]
    assert set(ranged.ranges.locked[FIRST_OWN:]) == {0}
    assert {ranged.ranges.owner[range_] for range_ in range(FIRST_OWN)} == {0, 1, 2, 3}


def test_objects_have_the_numbers_of_their_ranges_and_no_other_range_has_one(ranged: State) -> None:
    pages = ranged.settings.range_pages
    objects = [object_of(ranged, range_ * pages + i) for range_ in range(38) for i in (0, pages - 1)]
    assert objects == [-1] * 70 + [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("share", ["0", "1"])
def test_files_are_files_and_segments_are_not_whatever_the_mix(make_state: StateMaker, share: str) -> None:
    s = make_state(f"memory.file_fraction={share}", workload=WITH_RANGES)
    assert s.ranges.file[-3:] == [1, 1, 0]
    assert set(s.ranges.file[:-3]) == {int(share)}


def test_threads_work_on_the_ranges_of_their_groups_tasks_in_turn_and_in_their_mm(ranged: State) -> None:
    assert [ranges_of(ranged, task) for task in THREADS] == [ranges_of(ranged, task) for task in (4, 5, 4)]
    assert [ranged.tasks.mm[task] for task in THREADS] == [4, 5, 4]
    assert (ranges_of(ranged, PINNER), ranged.tasks.mm[PINNER]) == (ranges_of(ranged, SEGMENT), SEGMENT)
    assert [ranged.tasks.range_pages[task] for task in (*THREADS, PINNER)] == [8, 8, 8, 10]
    others = [task for task in range(ranged.settings.tasks) if task not in (*THREADS, PINNER)]
    assert [ranged.tasks.mm[task] for task in others] == others


def test_who_shares_with_an_mlock_task_works_on_all_that_it_was_dealt(make_state: StateMaker) -> None:
    s = make_state(workload=WITH_RANGES.replace("shares: processes", "shares: lockers"))
    assert [ranges_of(s, task) for task in THREADS] == [ranges_of(s, task) for task in (0, 1, 2)]
    assert len(ranges_of(s, THREADS[0])) == 8
    assert [s.tasks.mm[task] for task in THREADS] == [0, 1, 2]
    assert {s.ranges.owner[range_] for range_ in ranges_of(s, THREADS[0])} == {0}


def test_a_range_is_as_large_as_its_task_says_in_room_for_the_largest(make_state: StateMaker) -> None:
    s = make_state("tasks.nomads.range_pages=40", workload=WITH_RANGES)
    assert s.settings.range_pages == 40
    assert [s.tasks.range_pages[task] for task in (0, 4, NOMAD, SEGMENT)] == [16, 8, 40, 10]
