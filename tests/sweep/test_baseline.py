"""A baseline made of results: it reads as they do, takes no more than it must, and replaces nothing else."""

from pathlib import Path

import numpy as np
import pytest

from perfsim.errors import InputError
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.stats.comparison import columns_for
from perfsim.stats.matching import VIOLATIONS
from perfsim.store.baseline import read_baseline, write_baseline
from perfsim.sweep.baseline import update_baseline
from perfsim.sweep.outcome import read_results
from tests.sweep.stored import rows_of, store

SCANNED, P99 = "reclaim_scanned_per_s", "putback_latency_p99_ns"
COLUMNS = columns_for([SCANNED, P99])
AXES = "sweep.axes={machine.cpus: [1, 2], memory.mlocked_fraction: [0.25, 0.5], tasks.lockers.hold: [5us, 20us]}"


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("quickstart", [AXES, "sweep.replications=3"])


@pytest.fixture
def directory(tmp_path: Path, scenario: Scenario) -> str:
    rows = rows_of(scenario, lambda job: {SCANNED: job.point.index + job.replication / 7, P99: None})
    return str(store(tmp_path / "out", scenario, rows))


def test_a_baseline_reads_as_the_results_do(directory: str, tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    written = update_baseline(str(path), directory, COLUMNS)
    assert written == read_baseline(path)
    assert written.figures == (*COLUMNS, VIOLATIONS)
    found, whole = (read_results(name, COLUMNS) for name in (str(path), directory))
    for part in ("workload", "axes", "points", "designs", "draws", "first_draws"):
        assert getattr(found, part) == getattr(whole, part)
    assert found.has_run.all()
    for column in (*COLUMNS, VIOLATIONS):
        assert np.array_equal(found.values[column], whole.values[column], equal_nan=True)


def test_a_former_baseline_is_replaced_and_nothing_else(directory: str, tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    update_baseline(str(path), directory, [SCANNED])
    update_baseline(str(path), directory, COLUMNS)
    assert read_baseline(path).figures == (*COLUMNS, VIOLATIONS)
    for name, told in (
        (str(tmp_path), 'a directory; expected a file to write, such as "'),
        (f"{directory}/runs.parquet", "a file that is no baseline; expected one, or no such file"),
        (f"{directory}/sweep.json", "no baseline of perfsim; expected"),
        (str(tmp_path / "no" / "folder"), "cannot be written: No such file or directory"),
    ):
        before = Path(name).read_bytes() if Path(name).is_file() else b""
        with pytest.raises(InputError) as refused:
            update_baseline(name, directory, COLUMNS)
        assert refused.value.problem.startswith(told)
        assert (Path(name).read_bytes() if Path(name).is_file() else b"") == before


def test_an_unfinished_sweep_and_runs_without_a_manifest_make_no_baseline(tmp_path: Path, scenario: Scenario) -> None:
    rows = rows_of(scenario, lambda _: {})
    directory = store(tmp_path / "out", scenario, rows[:-1])
    with pytest.raises(InputError, match="out: unfinished, 47 of 48 runs are there; expected a finished sweep"):
        update_baseline(str(tmp_path / "kept.json"), str(directory), COLUMNS)
    (directory / "sweep.json").unlink()
    with pytest.raises(InputError, match=r"out: no sweep\.json beside it says whether it is whole; expected"):
        update_baseline(str(tmp_path / "kept.json"), str(directory), COLUMNS)
    assert not (tmp_path / "kept.json").exists()


def test_a_baseline_whose_axes_are_no_axes_is_refused(directory: str, tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    written = update_baseline(str(path), directory, [SCANNED])
    for changed, told in (
        (written._replace(axes=("point", *written.axes[1:])), "a column of every run is no axis"),
        (written._replace(runs=()), "no run in it"),
        (
            written._replace(runs=(written.runs[0], (*written.runs[1][:3], "7", *written.runs[1][4:]))),
            "an axis has values of several types",
        ),
    ):
        write_baseline(path, changed)
        with pytest.raises(InputError, match=told):
            read_results(str(path), [SCANNED])
