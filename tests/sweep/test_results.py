"""A sweep in its directory: kept as it comes, taken over, interrupted, refused."""

import asyncio
import errno
import fcntl
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from perfsim.errors import InputError, InterruptedSweep
from perfsim.scenario.schema import Scenario
from perfsim.store.manifest import read_manifest
from perfsim.store.parquet import read_runs
from perfsim.store.parts import PartWriter
from perfsim.sweep import results
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.plan import Run
from perfsim.sweep.results import Finished, Order, sweep_into
from perfsim.sweep.worker import Failure, work

Row = dict[str, Any]
Tiny = Callable[..., Scenario]

COMMAND = "perfsim sweep tiny"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without worker processes: they have tests of their own, and these are quicker."""
    monkeypatch.setattr(results, "outcomes", outcomes_here)


def taken(backlog: Backlog) -> list[Run]:
    """All that wait, in the order of the jobs."""
    waiting = [backlog.take() for _ in range(len(backlog))]
    return sorted(waiting, key=lambda run: (run.labels["point"], run.labels["design"], run.task.seed.replication))


async def outcomes_here(backlog: Backlog, workers_count: int, engine: str) -> AsyncIterator[tuple[Run, Row | Failure]]:
    """As the driver's, last run first."""
    for run in reversed(taken(backlog)):
        await asyncio.sleep(0)
        yield run, work(run.task)


def sweep_there(scenario: Scenario, directory: Path, *, fresh: bool = False) -> tuple[Finished, str]:
    """Sweep into a directory; the end, and what people were told."""
    told = io.StringIO()
    finished = sweep_into(Order(scenario, ("a=1",), directory, "compiled", 1, fresh, COMMAND), told)
    return finished, told.getvalue()


def without_time(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "wall_s"} for row in rows]


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


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


def test_fresh_removes_the_last_results_takes_nothing_over_and_leaves_the_rest(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny(), tmp_path)
    sweep_there(tiny("sweep.replications=1"), tmp_path)
    with PartWriter(tmp_path / "runs.parts") as parts:
        parts.add({"run_id": "of another"})
    (aside,) = (path.name for path in tmp_path.glob("runs.parquet.old-*"))
    for name in ("notes.txt", "runs.parquet.notes", "runs.parts.notes", "runs.parquet.old-notes"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    (tmp_path / "runs.parquet.d").mkdir()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    _, told = sweep_there(tiny("sweep.replications=1"), tmp_path, fresh=True)
    (tmp_path / "runs.parquet.d").rmdir()
    after = files(tmp_path)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert (told, changed) == ("", {"runs.parquet", "runs.parts", "sweep.json"})
    assert aside in after


@pytest.mark.parametrize("name", ["runs.parquet", "runs.parts", "sweep.json"])
@pytest.mark.parametrize(
    "content", [b"garbage", b"PAR1 of another program PAR1", b'{"name": "of another program"}', None]
)
def test_fresh_refuses_what_perfsim_did_not_write_and_removes_nothing(
    tiny: Tiny, tmp_path: Path, name: str, content: bytes | None
) -> None:
    sweep_there(tiny(), tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    before = files(tmp_path)
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"^{tmp_path / name}: no result of perfsim, .*expected"):
        sweep_there(tiny(), tmp_path, fresh=True)
    assert {path.name for path in tmp_path.iterdir()} == {*before, name}
    assert {other: (tmp_path / other).read_bytes() for other in before} == before


def test_fresh_gets_past_damaged_results_and_those_of_a_newer_form(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny(), tmp_path)
    stored = bytearray((tmp_path / "runs.parquet").read_bytes())
    stored[len(stored) // 4] ^= 1
    (tmp_path / "runs.parquet").write_bytes(stored)
    (tmp_path / "runs.parts").write_bytes(b"perfsim rows 2\n")
    manifest = (tmp_path / "sweep.json").read_bytes()
    (tmp_path / "sweep.json").write_bytes(manifest[: len(manifest) // 2])
    assert len(sweep_there(tiny(), tmp_path, fresh=True)[0].rows) == 8


@pytest.mark.parametrize("name", ["runs.parquet", "runs.parts", "sweep.json"])
def test_fresh_gets_past_an_empty_file(tiny: Tiny, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert len(sweep_there(tiny(), tmp_path, fresh=True)[0].rows) == 8


def test_fresh_tells_in_one_line_what_it_cannot_remove(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    sweep_there(tiny(), tmp_path)
    before = files(tmp_path)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(InputError, match=r"runs\.parquet: cannot be written: Permission denied"):
        sweep_there(tiny(), tmp_path, fresh=True)
    assert files(tmp_path) == before


def test_a_damaged_manifest_is_refused_with_both_ways_out(tiny: Tiny, tmp_path: Path) -> None:
    first, _ = sweep_there(tiny(), tmp_path)
    manifest = tmp_path / "sweep.json"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"sweep\.json: damaged.*; move it away, .*, or start over with --fresh$"):
        sweep_there(tiny(), tmp_path)
    manifest.rename(tmp_path / "moved.json")
    assert sweep_there(tiny(), tmp_path)[0] == first


def test_a_foreign_manifest_is_refused_with_the_one_way_out_there_is(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny(), tmp_path)
    (tmp_path / "sweep.json").write_text('{"mine": 1}', encoding="utf-8")
    with pytest.raises(InputError, match=r"sweep\.json: no manifest.*; move it away, which keeps the rows beside it$"):
        sweep_there(tiny(), tmp_path)


def test_people_who_cannot_be_told_do_not_stop_a_sweep(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny(), tmp_path)
    order = Order(tiny("sweep.replications=1"), (), tmp_path, "compiled", 1, fresh=False, resume_command=COMMAND)
    with (
        pytest.raises(OSError, match="No space left"),  # when it is closed, with what it has not got rid of
        Path("/dev/full").open("w", encoding="utf-8", buffering=1) as full,
    ):
        finished = sweep_into(order, full)
    assert len(finished.rows) == 4


@pytest.mark.parametrize("name", ["runs.parquet", "runs.parts", "sweep.json", "runs.parquet.old-00000000"])
@pytest.mark.parametrize("content", [b"", b"garbage of some length, and no row\n"])
def test_a_broken_or_foreign_file_is_refused_and_nothing_is_written(
    tiny: Tiny, tmp_path: Path, name: str, content: bytes
) -> None:
    if (name, content) == ("runs.parts", b""):
        content = b"perfsim rows 2\n"  # an empty one is what a kill at the very start leaves
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"^{tmp_path / name}: .*expected"):
        sweep_there(tiny(), tmp_path)
    assert files(tmp_path) == {name: content}


def test_two_sweeps_at_once_in_one_directory_are_refused(tiny: Tiny, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(InputError, match="another sweep is at work here"):
        sweep_there(tiny(), tmp_path)
    assert files(tmp_path) == {}


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_where_the_directory_should_be_is_refused(tiny: Tiny, tmp_path: Path, below: str) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"taken.*expected a directory for results"):
        sweep_there(tiny(), tmp_path / "taken" / below)
    assert files(tmp_path) == {"taken": b"mine"}


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
        for run in taken(backlog)[:3]:
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
        for number, run in enumerate(taken(backlog)):
            yield run, Failure("stuck") if number == 2 else work(run.task)

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
        for run in reversed(taken(backlog)):
            yield run, Failure("stuck")

    monkeypatch.setattr(results, "outcomes", failing)
    finished, _ = sweep_there(tiny(), tmp_path)
    assert [run.task.run_id for run, _ in finished.failures] == [run.task.run_id for run in runs]
