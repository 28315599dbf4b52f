"""A sweep in its directory: kept as it comes, taken over, interrupted, refused."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perfsim.errors import InputError, InterruptedSweep
from perfsim.store.manifest import read_manifest
from perfsim.store.parquet import read_runs
from perfsim.store.parts import PartWriter
from perfsim.sweep import results
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.plan import Run
from perfsim.sweep.results import Order, sweep_into
from perfsim.sweep.worker import Failure, work
from tests.sweep.into import COMMAND, Row, Tiny, files, sweep_there, waiting, without_time

pytestmark = pytest.mark.usefixtures("in_this_process")


def test_rows_are_returned_and_stored_in_the_order_of_the_jobs(
    tiny: Tiny, runs: tuple[Run, ...], tmp_path: Path
) -> None:
    finished, told = sweep_there(tiny(), tmp_path / "a" / "b")
    assert [row["run_id"] for row in finished.rows] == [run.task.run_id for run in runs]
    assert read_runs(tmp_path / "a" / "b" / "runs.parquet") == finished.rows
    assert sorted(files(tmp_path / "a" / "b")) == ["runs.parquet", "sweep.json"]
    assert (finished.failures, told) == ([], "")


def test_the_manifest_says_what_was_asked_and_that_all_is_done(tiny: Tiny, tmp_path: Path) -> None:
    finished, _ = sweep_there(tiny(), tmp_path)
    manifest = read_manifest(tmp_path / "sweep.json")
    assert (manifest.points, manifest.designs, manifest.replications) == (2, ("lock_page", "redo"), 2)
    assert manifest.run_ids == manifest.done == tuple(row["run_id"] for row in finished.rows)
    assert (manifest.sets, manifest.axes, manifest.seed) == (("a=1",), {"machine.cpus": 2}, 1)


def test_a_second_sweep_takes_every_row_over(tiny: Tiny, tmp_path: Path) -> None:
    first, _ = sweep_there(tiny(), tmp_path)
    stored = (tmp_path / "runs.parquet").read_bytes()
    second, told = sweep_there(tiny(), tmp_path)
    assert second == first
    assert told == f"8 of 8 runs are in {tmp_path} already\n"
    assert (tmp_path / "runs.parquet").read_bytes() == stored


@pytest.mark.parametrize("kept", [0, 3, 8])
def test_a_sweep_that_was_killed_goes_on_from_its_parts(tiny: Tiny, tmp_path: Path, kept: int) -> None:
    whole, _ = sweep_there(tiny(), tmp_path / "whole")
    (tmp_path / "killed").mkdir()
    with PartWriter(tmp_path / "killed" / "runs.parts") as parts:
        for row in whole.rows[:kept]:
            parts.add(row)
    with (tmp_path / "killed" / "runs.parts").open("ab") as torn:
        torn.write(b"0123abcd {")
    resumed, _ = sweep_there(tiny(), tmp_path / "killed")
    assert resumed.rows[:kept] == whole.rows[:kept]
    assert without_time(resumed.rows) == without_time(whole.rows)
    assert sorted(files(tmp_path / "killed")) == ["runs.parquet", "sweep.json"]


def test_rows_of_another_sweep_are_set_aside_and_found_again(tiny: Tiny, tmp_path: Path) -> None:
    large, _ = sweep_there(tiny(), tmp_path)
    small, told = sweep_there(tiny("sweep.replications=1"), tmp_path)
    assert [row["wall_s"] for row in small.rows] == [row["wall_s"] for row in large.rows[::2]]
    (former,) = tmp_path.glob("runs.parquet.old-*")
    assert read_runs(former) == large.rows
    assert f"4 rows of another sweep in {tmp_path / 'runs.parquet'} are kept in {former.name}\n" in told
    assert sweep_there(tiny(), tmp_path)[0] == large


def test_parts_of_another_sweep_are_set_aside_too(tiny: Tiny, tmp_path: Path) -> None:
    with PartWriter(tmp_path / "runs.parts") as parts:
        parts.add({"run_id": "of another"})
        parts.add({"no": "identity"})
    before = (tmp_path / "runs.parts").read_bytes()
    finished, told = sweep_there(tiny("sweep.replications=1"), tmp_path)
    (former,) = tmp_path.glob("runs.parts.old-*")
    assert former.read_bytes() == before
    assert told.startswith("2 rows of another sweep")
    assert len(finished.rows) == 4


def test_a_row_is_taken_over_at_the_point_and_axes_of_this_sweep(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny(), tmp_path)
    other, told = sweep_there(tiny("sweep.axes.machine.cpus=[2]", "sweep.axes.machine.nodes=[1]"), tmp_path)
    assert {(row["point"], row["machine.cpus"], row["machine.nodes"]) for row in other.rows} == {(0, 2, 1)}
    assert "4 of 4 runs are in" in told


def test_people_who_cannot_be_told_do_not_stop_a_sweep(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny(), tmp_path)
    order = Order(tiny("sweep.replications=1"), (), tmp_path, "compiled", 1, fresh=False, resume_command=COMMAND)
    with (
        pytest.raises(OSError, match="No space left"),  # when it is closed, with what it has not got rid of
        Path("/dev/full").open("w", encoding="utf-8", buffering=1) as full,
    ):
        finished = sweep_into(order, full)
    assert len(finished.rows) == 4


def test_what_is_wrong_with_a_late_point_is_found_before_the_directory_is_made(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        sweep_there(tiny("sweep.axes.machine.profile=[x86_64, nowhere]"), tmp_path / "new")
    assert files(tmp_path) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_is_done_and_says_how_to_go_on(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    async def interrupted(
        backlog: Backlog, workers_count: int, engine: str
    ) -> AsyncIterator[tuple[Run, Row | Failure]]:
        for run in waiting(backlog)[:3]:
            yield run, work(run.task)
        os.kill(os.getpid(), number)
        await asyncio.get_running_loop().create_future()

    with monkeypatch.context() as patched:
        patched.setattr(results, "outcomes", interrupted)
        with pytest.raises(InterruptedSweep) as caught:
            sweep_there(tiny(), tmp_path)
    assert str(caught.value) == f"interrupted: 3 of 8 runs are kept; go on with: {COMMAND}"
    kept = read_runs(tmp_path / "runs.parquet")
    assert len(kept) == len(read_manifest(tmp_path / "sweep.json").done) == 3
    whole, told = sweep_there(tiny(), tmp_path)
    assert whole.rows[:3] == kept
    assert (len(whole.rows), told) == (8, f"3 of 8 runs are in {tmp_path} already\n")


def test_an_interruption_before_the_first_row_keeps_what_was_there(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(backlog: Backlog, workers_count: int, engine: str) -> AsyncIterator[tuple[Run, Row | Failure]]:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.get_running_loop().create_future()
        yield backlog.take(), Failure("never")

    monkeypatch.setattr(results, "outcomes", nothing)
    with pytest.raises(InterruptedSweep, match="0 of 8 runs are kept"):
        sweep_there(tiny(), tmp_path)
    assert not (tmp_path / "runs.parquet").exists()


def test_a_failed_run_costs_no_other_its_row_and_is_tried_again(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(backlog: Backlog, workers_count: int, engine: str) -> AsyncIterator[tuple[Run, Row | Failure]]:
        runs = waiting(backlog)
        for run in runs:
            yield run, Failure("stuck") if run is runs[2] else work(run.task)

    with monkeypatch.context() as patched:
        patched.setattr(results, "outcomes", failing)
        finished, _ = sweep_there(tiny(), tmp_path)
    ((failed, reason),) = finished.failures
    assert (len(finished.rows), reason) == (7, "stuck")
    assert json.loads((tmp_path / "sweep.json").read_text())["failed"] == {failed.task.run_id: "stuck"}
    again, _ = sweep_there(tiny(), tmp_path)
    assert (len(again.rows), again.failures) == (8, [])
    assert read_manifest(tmp_path / "sweep.json").failed == {}


def test_failed_runs_are_told_in_the_order_of_the_jobs(
    tiny: Tiny, runs: tuple[Run, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(backlog: Backlog, workers_count: int, engine: str) -> AsyncIterator[tuple[Run, Row | Failure]]:
        for run in reversed(waiting(backlog)):
            yield run, Failure("stuck")

    monkeypatch.setattr(results, "outcomes", failing)
    finished, _ = sweep_there(tiny(), tmp_path)
    assert [run.task.run_id for run, _ in finished.failures] == [run.task.run_id for run in runs]
