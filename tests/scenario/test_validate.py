"""A whole workload: what a good one becomes. What is wrong with bad ones is in test_validate_bad_files.py."""

import dataclasses
import pickle
from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.kernel.constants import PAGEVEC_SIZE, SWAP_CLUSTER_MAX, VECTOR_SLOTS
from perfsim.numeric.random import EXPONENTIAL, FIXED
from perfsim.scenario.schema import (
    PAGEVEC_SIZE_MAX,
    Axis,
    AxisValue,
    CheckRule,
    Duration,
    KernelSpec,
    MachineSpec,
    MeasureSpec,
    MemorySpec,
    Precision,
    SweepSpec,
    place,
)
from perfsim.scenario.validate import load_scenario

SMALLEST = "name: small\nmachine: {profile: ideal}\ntasks: [{name: loop, kind: lock_loop, think: 1us, hold: 1us}]\n"


def test_every_section_of_a_workload_is_read(good_file: str) -> None:
    scenario = load_scenario(good_file)
    assert scenario.name == "good"
    assert scenario.machine == MachineSpec("x86_64", cpus=4, nodes=2)
    assert scenario.memory == MemorySpec(pages_per_node=1024, mlocked_ppm=500_000)
    assert scenario.kernel == KernelSpec(("lock_page", "redo"), memcg=True, drain_all=1)
    assert [task.name for task in scenario.tasks] == ["kswapd", "lockers", "loop"]
    assert scenario.tasks[1].hold == Duration(FIXED, 100_000_000, 0)
    assert scenario.tasks[1].think == Duration(EXPONENTIAL, 50_000_000, 0)
    assert scenario.measure == MeasureSpec(warmup_ps=10**9, duration_ps=2 * 10**9)
    assert [axis.path for axis in scenario.sweep.axes] == ["machine.cpus"]
    assert (scenario.sweep.replications, scenario.sweep.seed) == (2, 1)
    assert scenario.check == (CheckRule("putback_per_s", 30_000),)


def test_what_a_workload_leaves_out_has_its_documented_default(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALLEST, encoding="utf-8")
    scenario = load_scenario(tmp_path / "small.yaml")
    assert scenario.machine == MachineSpec("ideal", cpus=None, nodes=None)
    assert scenario.memory == MemorySpec(65_536, 500_000, 0, 200_000, 0)
    assert scenario.kernel == KernelSpec(("lock_page", "redo"), memcg=True, drain_all=2)
    assert scenario.measure == MeasureSpec(2 * 10**9, 20 * 10**9)
    assert scenario.sweep == SweepSpec((), replications=5, seed=1)
    assert scenario.check == ()


def test_a_warm_up_may_be_left_to_the_run(good_file: str) -> None:
    measure = load_scenario(good_file, ["measure.warmup=auto", "measure.duration=3ms"]).measure
    assert measure == MeasureSpec(3 * 10**9, 3 * 10**9, is_auto=True)
    assert measure.warmup_max_ps == 24 * 10**9
    assert MeasureSpec(5, 7).warmup_max_ps == 5


PRECISION = "sweep.precision={metric: pgscan, relative: 1.25%, max_replications: 40}"


def test_a_precision_begins_with_ten_replications_unless_it_is_told_how_many(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALLEST, encoding="utf-8")
    sweep = load_scenario(tmp_path / "small.yaml", [PRECISION]).sweep
    assert sweep == SweepSpec((), replications=10, seed=1, precision=Precision("pgscan", 12_500, 40))
    assert load_scenario(tmp_path / "small.yaml", [PRECISION, "sweep.replications=40"]).sweep.replications == 40


def test_runs_are_limited_by_the_most_that_a_precision_may_take(good_file: str) -> None:
    sets = [PRECISION.replace("40", "10000"), "sweep.replications=5"]
    assert load_scenario(good_file, [*sets, "sweep.axes.measure.duration=[1ms, 2ms]"]).sweep.precision is not None
    durations = ", ".join(f"{number}us" for number in range(1, 52))
    with pytest.raises(InputError, match="2,040,000 runs"):
        load_scenario(good_file, [*sets, f"sweep.axes.measure.duration=[{durations}]"])


def test_every_option_of_the_kernel_is_read(good_file: str) -> None:
    sets = ["kernel.page_size=16KiB", "kernel.pagevec_size=2", "kernel.swap_cluster_max=16", "kernel.min_free=4MiB"]
    kernel = load_scenario(good_file, [*sets, "kernel.wait_table_size=64"]).kernel
    assert kernel == KernelSpec(
        drain_all=1,
        page_size_bytes=16_384,
        pagevec_size=2,
        swap_cluster_max=16,
        wait_table_size=64,
        min_free_bytes=4 * 2**20,
    )


def test_the_kernels_own_figures_are_the_defaults() -> None:
    assert (KernelSpec().pagevec_size, KernelSpec().swap_cluster_max) == (PAGEVEC_SIZE, SWAP_CLUSTER_MAX)
    assert PAGEVEC_SIZE_MAX < VECTOR_SLOTS


def test_the_text_is_kept_as_the_file_has_it_whatever_is_set(good_file: str, good_text: str) -> None:
    scenario = load_scenario(good_file, ["machine.cpus=2"], seed=7)
    assert scenario.text == good_text
    assert scenario.machine.cpus == 2


@pytest.mark.parametrize(
    "path, expected",
    [
        ("", "w.yaml:1:1"),
        ("name", "w.yaml:1:7"),
        ("machine.profile", "w.yaml:2:20"),
        ("kernel.designs.1", "w.yaml:4:31"),
        ("tasks.lockers", "w.yaml:7:5"),
        ("tasks.lockers.think.exponential", "w.yaml:7:80"),
        ("sweep.axes.machine.cpus.0", "w.yaml:12:20"),
        ("memory.dirty_fraction", "w.yaml:3:9"),
        ("tasks.lockers.range_pages", "w.yaml:7:5"),
        ("sweep.axes.machine.nodes", "w.yaml:12:5"),
        ("nowhere.at.all", "w.yaml:1:1"),
    ],
)
def test_a_path_has_the_place_of_the_nearest_thing_that_the_file_says(path: str, expected: str, good_file: str) -> None:
    assert place(load_scenario(good_file), path) == expected


def test_what_an_option_says_has_the_place_of_that_option(good_file: str) -> None:
    scenario = load_scenario(good_file, ["machine.nodes= 3"], profile="ia64", designs=["redo"], seed=5)
    assert place(scenario, "machine.nodes") == "--set machine.nodes:1:2"
    assert place(scenario, "machine.profile") == "--profile"
    assert place(scenario, "kernel.designs.0") == "--design"
    assert place(scenario, "sweep.seed") == "--seed"


def test_profile_designs_and_seed_replace_what_the_file_says(good_file: str) -> None:
    designs = ["lock_page", "./mine.py"]
    scenario = load_scenario(good_file, profile="profiles/mine.yaml", designs=designs, seed=2**63 - 1)
    assert scenario.machine.profile == "profiles/mine.yaml"
    assert scenario.kernel.designs == ("lock_page", "./mine.py")
    assert scenario.sweep.seed == 2**63 - 1


def test_a_profile_option_replaces_the_axis_of_profiles(good_file: str) -> None:
    axes = ["sweep.axes.machine.profile=[ia64, x86_64]"]
    assert len(load_scenario(good_file, axes).sweep.axes) == 2
    scenario = load_scenario(good_file, axes, profile="ideal")
    assert [axis.path for axis in scenario.sweep.axes] == ["machine.cpus"]
    assert scenario.machine.profile == "ideal"


def test_a_scenario_survives_the_way_to_another_process(good_file: str) -> None:
    scenario = load_scenario(good_file)
    copy = pickle.loads(pickle.dumps(scenario))  # noqa: S301 - our own bytes
    assert copy == scenario
    assert (copy.places, copy.text, copy.root) == (scenario.places, scenario.text, scenario.root)


def test_scenarios_are_equal_when_they_mean_the_same(good_file: str, good_text: str) -> None:
    Path("spaced.yaml").write_text(good_text.replace("1ms", "1000us").replace(": ", ":  "), encoding="utf-8")
    first, second = load_scenario(good_file), load_scenario("spaced.yaml")
    assert first == second
    assert hash(first) == hash(second)
    assert first.places != second.places
    assert first != load_scenario(good_file, seed=2)


def test_a_scenario_cannot_be_changed(good_file: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_scenario(good_file).name = "other"  # type: ignore[misc]


def test_more_nodes_than_cpus_are_allowed(good_file: str) -> None:
    """The shipped sweep goes down to one CPU on four nodes: memory may be larger than what has CPUs."""
    scenario = load_scenario(good_file, ["machine.cpus=1", "machine.nodes=4"])
    assert scenario.machine == MachineSpec("x86_64", cpus=1, nodes=4)


def test_an_axis_keeps_each_value_as_written_and_as_a_column_holds_it(good_file: str) -> None:
    scenario = load_scenario(good_file, ["sweep.axes.memory.file_fraction=[50%, 0.1]"])
    axis = scenario.sweep.axes[1]
    assert axis == Axis(
        "memory.file_fraction", (AxisValue(axis.values[0].node, 0.5), AxisValue(axis.values[1].node, 0.1))
    )
    assert [value.node.value for value in axis.values] == ["50%", 0.1]
