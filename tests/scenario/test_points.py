"""The points and jobs of a sweep."""

import time
from collections.abc import Callable
from dataclasses import replace

from perfsim.scenario.points import Job, Point, jobs, points
from perfsim.scenario.schema import place
from perfsim.scenario.validate import load_scenario

Refused = Callable[[Callable[[], object]], str]

TWO_AXES = ["sweep.axes.memory.mlocked_fraction=[0.1, 50%]"]


def test_the_last_axis_turns_fastest(good_file: str) -> None:
    assert [(point.index, point.axes) for point in points(load_scenario(good_file, TWO_AXES))] == [
        (0, (("machine.cpus", 1), ("memory.mlocked_fraction", 0.1))),
        (1, (("machine.cpus", 1), ("memory.mlocked_fraction", 0.5))),
        (2, (("machine.cpus", 4), ("memory.mlocked_fraction", 0.1))),
        (3, (("machine.cpus", 4), ("memory.mlocked_fraction", 0.5))),
    ]


def test_a_point_is_a_scenario_with_the_values_in_place_and_no_axes(good_file: str) -> None:
    scenario = load_scenario(good_file, TWO_AXES)
    third = points(scenario)[2].scenario
    assert (third.machine.cpus, third.memory.mlocked_ppm) == (4, 100_000)
    assert third.sweep == replace(scenario.sweep, axes=())
    assert replace(third, machine=scenario.machine, memory=scenario.memory, sweep=scenario.sweep) == scenario


def test_a_point_knows_that_its_values_stand_in_the_axes(good_file: str) -> None:
    last = points(load_scenario(good_file))[1].scenario
    assert place(last, "machine.cpus") == "w.yaml:12:23"
    assert place(last, "machine.profile") == "w.yaml:2:20"


def test_a_scenario_without_axes_is_its_own_one_point(good_file: str) -> None:
    scenario = load_scenario(good_file, ["machine.cpus=2"])
    assert points(scenario) == (Point(0, (), scenario),)


def test_jobs_go_by_point_then_design_then_replication(good_file: str) -> None:
    scenario = load_scenario(good_file)
    first, second = points(scenario)
    assert jobs(scenario) == (
        Job(first, "lock_page", 0),
        Job(first, "lock_page", 1),
        Job(first, "redo", 0),
        Job(first, "redo", 1),
        Job(second, "lock_page", 0),
        Job(second, "lock_page", 1),
        Job(second, "redo", 0),
        Job(second, "redo", 1),
    )


def test_an_axis_may_add_a_key_that_the_file_leaves_out(good_file: str) -> None:
    scenario = load_scenario(good_file, ["sweep.axes={tasks.lockers.range_pages: [1, 1024]}"])
    assert [point.scenario.tasks[1].range_pages for point in points(scenario)] == [1, 1024]


def test_a_point_whose_values_do_not_fit_each_other_is_refused(good_file: str, refused: Refused) -> None:
    """Each value is a good one by itself; only the combination is not."""
    sets = ["tasks.lockers.range_pages=512", "sweep.axes.memory.pages_per_node=[1024, 256]"]
    scenario = load_scenario(good_file, sets)
    told = refused(lambda: points(scenario))
    assert told.startswith("--set tasks.lockers.range_pages:1:1: ")
    assert "expected at most memory.pages_per_node, 256" in told


def test_a_share_that_comes_to_no_task_on_some_point_is_refused(good_file: str, refused: Refused) -> None:
    scenario = load_scenario(good_file, ["tasks.lockers.share=20%"])
    told = refused(lambda: jobs(scenario))
    assert told.startswith("--set tasks.lockers.share:1:1: tasks.lockers.share: 20% of 1 CPU comes to no task")


def test_a_thousand_points_are_made_while_a_user_waits(good_file: str) -> None:
    axes = {"machine.cpus": list(range(2, 102)), "memory.pages_per_node": list(range(1000, 1010))}
    started_s = time.monotonic()
    assert len(points(load_scenario(good_file, [f"sweep.axes={axes}"]))) == 1000
    assert time.monotonic() - started_s < 5
