"""The runs of a sweep: order, labels, identity, and what is refused before anything runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.measure.columns import columns_with
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from perfsim.sweep.plan import WORKERS_MAX, Run, available_cpus, placed, plan, workers_for


def test_runs_come_in_the_order_point_design_replication(runs: tuple[Run, ...]) -> None:
    order = [(run.labels["machine.cpus"], run.task.design, run.task.seed.replication) for run in runs]
    assert order == [(cpus, design, i) for cpus in (1, 2) for design in ("lock_page", "redo") for i in (0, 1)]
    assert [run.labels["point"] for run in runs] == [0] * 4 + [1] * 4


def test_every_run_has_an_identity_of_its_own_and_the_seed_of_the_workload(runs: tuple[Run, ...]) -> None:
    assert len({run.task.run_id for run in runs}) == len(runs)
    assert {run.task.seed.seed for run in runs} == {1}


def test_a_placed_row_has_every_column_of_its_sweep_and_no_other(
    tiny: Callable[..., Scenario], runs: tuple[Run, ...]
) -> None:
    task = runs[-1].task
    elsewhere = {"point": 7, "machine.nodes": 3, "design": "old name"}
    row = placed(runs[-1], simulate(task.scenario, task.design, task.seed) | elsewhere)
    assert row.keys() == {column.name for column in columns_with(tiny().sweep.axes)}
    assert (row["point"], row["machine.cpus"], row["design"], row["run_id"]) == (1, 2, "redo", task.run_id)


def test_a_design_from_a_file_goes_by_its_name_in_the_rows(tiny: Callable[..., Scenario], tmp_path: Path) -> None:
    design = tmp_path / "idle.py"
    design.write_text("async def direct_reclaim(cpu):\n    await cpu.think()\n", encoding="utf-8")
    assert {run.labels["design"] for run in plan(tiny(designs=(str(design),)), 1)} == {"idle"}


@pytest.mark.parametrize("names", [("a/same.py", "b/same.py"), ("redo", "b/redo.py"), ("b/redo.py", "redo")])
def test_two_designs_of_one_name_are_refused_where_the_second_is_listed(
    tiny: Callable[..., Scenario], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names:
        if name.endswith(".py"):
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text("async def direct_reclaim(cpu):\n    await cpu.think()\n", encoding="utf-8")
    told = f'"{names[0]}" and "{names[1]}" are both called "{Path(names[0]).stem}"'
    with pytest.raises(InputError, match=rf"^--design: {told} in the results; expected different names$"):
        plan(tiny(designs=("lock_page", *names)), 1)
    with pytest.raises(InputError, match=rf"^--set kernel.designs\S*: {told}"):
        plan(tiny(f"kernel.designs=[lock_page, {', '.join(names)}]"), 1)


def test_a_profile_that_only_one_point_names_is_looked_for_before_anything_runs(
    tiny: Callable[..., Scenario],
) -> None:
    with pytest.raises(InputError, match=r"nowhere"):
        plan(tiny("sweep.axes.machine.profile=[x86_64, nowhere]"), 1)


def test_memory_is_checked_for_all_runs_at_once_but_not_for_more_than_there_are(
    tiny: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfsim.engine.prepare.available_bytes", lambda: 1)
    with pytest.raises(InputError, match=r"8 runs at once of .* need .* are available"):
        plan(tiny(), 64)


@pytest.mark.parametrize("count", [0, -1, WORKERS_MAX + 1])
def test_a_number_of_workers_out_of_bounds_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=rf"--jobs: {count} worker processes; expected 1 to {WORKERS_MAX}"):
        workers_for(count)


def test_without_a_number_of_workers_there_is_one_for_each_cpu() -> None:
    assert workers_for(None) == available_cpus() >= 1
    assert workers_for(3) == 3
