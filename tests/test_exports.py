"""The public face of `import perfsim`: what it lists, that it stays callable, and that its words are true."""

import asyncio
import importlib
import importlib.metadata
import inspect
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import perfsim
from perfsim.errors import InputError
from perfsim.report.comparison import Asked, compare
from tests.sweep.stored import rows_of, store

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

TINY = ("memory.pages_per_node=256", "measure.warmup=10us", "measure.duration=100us", "sweep.replications=1")


def test_the_public_names_are_these_and_each_is_there() -> None:
    assert sorted(perfsim.__all__) == ["__version__", "check", "compare", "load_workload", "run", "sweep"]
    assert all(hasattr(perfsim, name) for name in perfsim.__all__)


def test_every_public_function_is_documented_and_typed() -> None:
    for function in (perfsim.check, perfsim.compare, perfsim.load_workload, perfsim.run, perfsim.sweep):
        signature = inspect.signature(function)
        assert inspect.getdoc(function)
        assert signature.return_annotation is not signature.empty
        assert all(one.annotation is not one.empty for one in signature.parameters.values())


def test_the_version_is_that_of_the_distribution() -> None:
    assert perfsim.__version__ == PROJECT["version"]


@pytest.mark.parametrize("module", ["perfsim.sweep", "perfsim.sweep.driver"])
def test_sweep_stays_a_function_when_the_folder_of_its_name_is_imported(module: str) -> None:
    statement = f"import perfsim, importlib; importlib.import_module('{module}'); assert callable(perfsim.sweep)"
    subprocess.run([sys.executable, "-c", statement], check=True, cwd=ROOT, timeout=60)


def test_every_declared_entry_point_can_be_loaded() -> None:
    declared = [(group, name, value) for group, of in PROJECT["entry-points"].items() for name, value in of.items()]
    declared += [("console_scripts", name, value) for name, value in PROJECT["scripts"].items()]
    assert {"perfsim.designs", "console_scripts"} <= {group for group, _, _ in declared}
    for group, name, value in declared:
        assert importlib.metadata.EntryPoint(name, value, group).load() is not None


def test_a_workload_is_loaded_by_name_and_by_path_with_changes() -> None:
    by_name = perfsim.load_workload("quickstart")
    by_path = perfsim.load_workload(ROOT / "workloads" / "quickstart.yaml", ["sweep.seed=7"])
    assert by_name.name == by_path.name == "quickstart"
    assert by_path.sweep.seed == 7


def test_run_gives_one_row_of_the_first_design_at_the_seed_of_the_workload() -> None:
    scenario = perfsim.load_workload("quickstart", TINY)
    row = perfsim.run(scenario)
    assert row["design"] == scenario.kernel.designs[0]
    assert row["seed"] == scenario.sweep.seed


def test_run_hands_every_event_to_the_trace() -> None:
    events: list[tuple[int, int, str, tuple[int, ...]]] = []
    row = perfsim.run(perfsim.load_workload("quickstart", TINY), design="redo", seed=3, trace=events.append)
    assert (row["design"], row["seed"]) == ("redo", 3)
    assert events
    assert [event[0] for event in events] == sorted(event[0] for event in events)


def test_sweep_yields_a_row_for_every_point_design_and_replication() -> None:
    async def rows() -> list[dict[str, Any]]:
        return [row async for row in perfsim.sweep(scenario, jobs=1)]

    scenario = perfsim.load_workload("quickstart", [*TINY, "machine.cpus=1"])
    found = asyncio.run(rows())
    assert sorted(row["design"] for row in found) == sorted(scenario.kernel.designs)
    assert len({row["run_id"] for row in found}) == len(found)


def test_sweep_refuses_an_engine_that_there_is_none_of() -> None:
    async def first_row() -> dict[str, Any]:
        return await anext(perfsim.sweep(perfsim.load_workload("quickstart"), engine="simpi"))

    with pytest.raises(InputError, match='did you mean "simpy"'):
        asyncio.run(first_row())


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_run_refuses_a_seed_that_no_workload_can_have(seed: int) -> None:
    with pytest.raises(InputError, match=f"seed: {seed} is out of range; expected 0 to 9223372036854775807"):
        perfsim.run(perfsim.load_workload("quickstart", TINY), seed=seed)


def test_compare_gives_what_the_command_prints_as_json_with_the_same_usual_metrics(tmp_path: Path) -> None:
    scenario = perfsim.load_workload("quickstart", ["sweep.replications=2"])
    path = store(tmp_path / "out", scenario, rows_of(scenario, lambda job: {"putback_per_s": 1.0 + job.replication}))
    assert perfsim.compare(path) == json.loads(compare(Asked(str(path))).text("json"))
    (overall,) = perfsim.compare(path, path, designs=["redo"], metrics=["putback_per_s"], margin=0.02)["overall"]
    assert (overall["ratio"], overall["verdict"]) == (1, "same")
    with pytest.raises(InputError, match="--base"):
        perfsim.compare(path, base="no_such_design")


def test_run_checks_meanwhile_if_asked_to_and_refuses_what_is_no_number_of_events() -> None:
    scenario = perfsim.load_workload("quickstart", TINY)
    alone, watched = perfsim.run(scenario), perfsim.run(scenario, check_every=10)
    assert {**alone, "wall_s": 0} == {**watched, "wall_s": 0}
    with pytest.raises(InputError, match="check_every: -1 events; expected 0 or more"):
        perfsim.run(scenario, check_every=-1)


def test_check_gives_what_the_command_prints_as_json_by_one_limit_or_one_a_metric(tmp_path: Path) -> None:
    scenario = perfsim.load_workload("quickstart", ["sweep.replications=2"])
    path = store(tmp_path / "out", scenario, rows_of(scenario, lambda job: {"putback_per_s": 1.0 + job.replication}))
    found = perfsim.check(path, path, max_regression={"putback_per_s": 0.03})
    assert (found["verdict"], len(found["points"]), len(found["together"])) == ("fine", 3 * 2, 2)
    assert {one["metric"] for one in perfsim.check(path, path, max_regression="3%")["points"]} == {
        "reclaim_scanned_per_s",
        "putback_latency_p99_ns",
    }
    with pytest.raises(InputError, match="the workload has no section check"):
        perfsim.check(path, path)
