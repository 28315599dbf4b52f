"""Which keys may vary in a sweep, and the values that columns get from them."""

import pytest

from perfsim.errors import InputError
from perfsim.scenario.axes import axis_paths
from perfsim.scenario.validate import load_scenario


def test_every_value_that_a_run_depends_on_may_vary(good_file: str) -> None:
    paths = axis_paths(load_scenario(good_file).tasks)
    assert {"machine.profile", "machine.cpus", "memory.dirty_fraction", "kernel.memcg", "measure.duration"} <= set(
        paths
    )
    assert {"tasks.kswapd.count", "tasks.lockers.range_pages", "tasks.loop.lock", "tasks.loop.per"} <= set(paths)


def test_names_designs_and_the_sweep_itself_cannot_vary(good_file: str) -> None:
    paths = axis_paths(load_scenario(good_file).tasks)
    assert not {"name", "kernel.designs", "tasks.lockers.name", "tasks.lockers.kind", "tasks.kswapd.hold"} & set(paths)
    assert not [path for path in paths if path.startswith(("sweep", "check"))]


@pytest.mark.parametrize(
    "axis, columns",
    [
        ("machine.profile=[ia64, x86_64, ./mine.yaml]", ["ia64", "x86_64", "./mine.yaml"]),
        ("machine.nodes=[1, 4]", [1, 4]),
        ("memory.mlocked_fraction=[0, 0.1, 50%, 1]", [0.0, 0.1, 0.5, 1.0]),
        ("kernel.memcg=[true, false]", ["true", "false"]),
        ("kernel.drain_all=[never, once, twice]", ["never", "once", "twice"]),
        ("kernel.page_size=[4KiB, 16384B, 65.536KB]", ["4KiB", "16KiB", "64KiB"]),
        ("kernel.min_free=[4097KiB, 4MiB, 1GiB]", ["4097KiB", "4MiB", "1GiB"]),
        ("kernel.pagevec_size=[1, 14]", [1, 14]),
        ("kernel.swap_cluster_max=[16, 32]", [16, 32]),
        ("kernel.wait_table_size=[4, 256]", [4, 256]),
        ("measure.warmup=[0s, 500us, 0.5s]", ["0s", "500us", "500ms"]),
        ("measure.warmup=[auto, 1ms]", ["auto", "1ms"]),
        (
            "tasks.loop.hold=[20us, {exponential: 20us}, {uniform: [0us, 30us]}]",
            ["20us", "exponential 20us", "uniform 0s to 30us"],
        ),
        ("tasks.lockers.share=[25%, 0.5]", [0.25, 0.5]),
        ("tasks.lockers.range_pages=[1, 64]", [1, 64]),
        ("tasks.loop.lock=[lru_lock, page_lock]", ["lru_lock", "page_lock"]),
    ],
)
def test_a_column_holds_the_value_in_its_plainest_form(axis: str, columns: list[object], good_file: str) -> None:
    path, _, values = axis.partition("=")
    scenario = load_scenario(good_file, ["sweep.axes={}", f"sweep.axes.{path}={values}"])
    assert scenario.sweep.axes[0].path == path
    found = [value.column for value in scenario.sweep.axes[0].values]
    assert found == columns
    assert [type(value) for value in found] == [type(value) for value in columns]


def test_a_target_node_is_text_for_one_of_its_values_is_a_word(good_file: str) -> None:
    tasks = "tasks=[{name: m, kind: migrate, count: 1, think: 1us}]"
    scenario = load_scenario(good_file, [tasks, "sweep.axes={}", "sweep.axes.tasks.m.target_node=[next, 0, 1]"])
    assert [value.column for value in scenario.sweep.axes[0].values] == ["next", "0", "1"]


def test_sizes_of_one_meaning_are_one_value(good_file: str) -> None:
    with pytest.raises(InputError, match=r'duplicate value "4KiB"; the first is at line 1, column 2'):
        load_scenario(good_file, ["sweep.axes.kernel.page_size=[4KiB, 4096B]"])


def test_values_of_one_meaning_are_one_value(good_file: str) -> None:
    with pytest.raises(InputError, match=r'duplicate value "0\.5"; the first is at line 1, column 2'):
        load_scenario(good_file, ["sweep.axes.memory.file_fraction=[50%, 0.5]"])
