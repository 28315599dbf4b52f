"""Results on disk as perfsim sweep leaves them, with figures made for a test."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from perfsim.scenario.points import Job, jobs
from perfsim.scenario.schema import Scenario
from perfsim.store.manifest import Manifest, write_manifest
from perfsim.store.parquet import write_runs
from perfsim.store.parts import PartWriter
from tests.measure.rows import made_row

Row = dict[str, Any]
Figures = Callable[[Job], dict[str, object]]


def rows_of(scenario: Scenario, figures: Figures) -> list[Row]:
    """A row for each job, with the figures that are made of it."""
    return [made_row(scenario, job, **figures(job)) for job in jobs(scenario)]


def store(directory: Path, scenario: Scenario, rows: Sequence[Row], waiting: Sequence[Row] = ()) -> Path:
    """A directory of results: rows in runs.parquet, waiting ones in runs.parts, the whole sweep in sweep.json."""
    directory.mkdir()
    if rows:
        write_runs(directory / "runs.parquet", rows, scenario)
    if waiting:
        with PartWriter(directory / "runs.parts") as parts:
            for row in waiting:
                parts.add(row)
    run_ids = tuple(made_row(scenario, job)["run_id"] for job in jobs(scenario))
    manifest = Manifest(
        workload=scenario.name,
        workload_sha256="",
        sets=(),
        settings={},
        axes={axis.path: len(axis.values) for axis in scenario.sweep.axes},
        points=1,
        designs=scenario.kernel.designs,
        replications=scenario.sweep.replications,
        precision=scenario.sweep.precision.metric if scenario.sweep.precision else "",
        seed=scenario.sweep.seed,
        engine="compiled",
        run_ids=run_ids,
        done=tuple(row["run_id"] for row in rows),
        failed={},
        short={},
        started="2026-11-25T03:15:00Z",
        updated="2026-11-25T03:15:00Z",
        wall_s=1.0,
        python_version="3.11.7",
    )
    write_manifest(directory / "sweep.json", manifest)
    return directory
