"""The directory of a sweep: changed, damaged, taken, full or not ours."""

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from perfsim.errors import InputError
from perfsim.store.manifest import read_manifest, write_manifest
from perfsim.store.parts import PartWriter
from tests.sweep.into import Tiny, files, sweep_there, without_time

pytestmark = pytest.mark.usefixtures("in_this_process")


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
        if path.name == "runs.parquet":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        os.unlink(path)  # noqa: PTH108 - the method is what is replaced

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


def test_a_directory_of_something_else_is_refused_and_hidden_files_are_not_minded(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*", encoding="utf-8")
    assert len(sweep_there(tiny("sweep.replications=1"), tmp_path)[0].rows) == 4
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r'other: .* such as "thesis.tex", and no results in it; expected a new or'):
        sweep_there(tiny(), other)
    assert files(other) == {"thesis.tex": b"mine"}


def test_a_disk_without_room_for_the_rows_is_told_before_the_first_run(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=8 * 32 * 1024 - 1))
    with pytest.raises(InputError, match=r"8 rows may need 256KiB, 256.0KiB are free; expected room, or --out DIR"):
        sweep_there(tiny(), tmp_path)
    assert files(tmp_path) == {}


def test_a_changed_workload_is_refused_saying_what_changed(tiny: Tiny, tmp_path: Path) -> None:
    first, _ = sweep_there(tiny(), tmp_path)
    before = files(tmp_path)
    with pytest.raises(InputError) as caught:
        sweep_there(tiny("measure.duration=90us", "kernel.pagevec_size=7"), tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: the workload was changed since the sweep that is here: measure.duration was 100us, is 90us, "
        "kernel.pagevec_size was not set, is 7; expected --out DIR for a new sweep, or --fresh to start over"
    )
    assert files(tmp_path) == before
    changed, _ = sweep_there(tiny("measure.duration=90us"), tmp_path, fresh=True)
    assert without_time(changed.rows) != without_time(first.rows)


def test_of_many_changes_the_first_are_told(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny("sweep.replications=1"), tmp_path)
    sets = [f"memory.{name}_fraction=0.3" for name in ("file", "mlocked", "referenced", "dirty")]
    with pytest.raises(InputError, match=r"measure.duration was 100us, is 90us, and 1 more; expected --out"):
        sweep_there(tiny("sweep.seed=2", "measure.duration=90us", *sets), tmp_path)


@pytest.mark.parametrize(
    "change", ["sweep.axes.machine.cpus=[4]", "kernel.designs=[redo_merged]", "sweep.axes.measure.duration=[90us]"]
)
def test_other_points_and_designs_are_no_change_of_the_workload(tiny: Tiny, tmp_path: Path, change: str) -> None:
    former, _ = sweep_there(tiny("sweep.replications=1"), tmp_path)
    _, told = sweep_there(tiny("sweep.replications=1", change), tmp_path)
    assert told.startswith("4 rows of another sweep")
    assert sweep_there(tiny("sweep.replications=1"), tmp_path)[0] == former


def test_another_way_to_write_the_same_is_no_change_of_the_workload(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny(), tmp_path)
    _, told = sweep_there(tiny("measure.duration=0.1ms", "kernel.pagevec_size=14"), tmp_path)
    assert told == f"8 of 8 runs are in {tmp_path} already\n"


def test_a_change_before_the_first_row_costs_nothing_and_is_not_refused(tiny: Tiny, tmp_path: Path) -> None:
    sweep_there(tiny("sweep.replications=1"), tmp_path)
    (tmp_path / "runs.parquet").unlink()
    assert len(sweep_there(tiny("measure.duration=90us"), tmp_path)[0].rows) == 8


def test_damaged_results_are_moved_aside_and_only_what_is_gone_is_run_again(tiny: Tiny, tmp_path: Path) -> None:
    whole, _ = sweep_there(tiny(), tmp_path)
    damaged = bytearray((tmp_path / "runs.parquet").read_bytes())
    damaged[100:1000] = bytes(900)
    (tmp_path / "runs.parquet").write_bytes(damaged)
    with PartWriter(tmp_path / "runs.parts") as parts:
        for row in whole.rows[:3]:
            parts.add(row)
    again, told = sweep_there(tiny(), tmp_path)
    assert again.rows[:3] == whole.rows[:3]
    assert without_time(again.rows) == without_time(whole.rows)
    (aside,) = tmp_path.glob("runs.parquet.damaged-*")
    assert aside.read_bytes() == damaged
    assert f"it is kept as {aside.name}, and its runs are made again\n3 of 8 runs are in" in told


def test_damaged_rows_among_the_parts_are_told_and_run_again(tiny: Tiny, tmp_path: Path) -> None:
    whole, _ = sweep_there(tiny(), tmp_path / "whole")
    (tmp_path / "hit").mkdir()
    with PartWriter(tmp_path / "hit" / "runs.parts") as parts:
        for row in whole.rows:
            parts.add(row)
    lines = (tmp_path / "hit" / "runs.parts").read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"1", b"7")
    (tmp_path / "hit" / "runs.parts").write_bytes(b"".join(lines))
    again, told = sweep_there(tiny(), tmp_path / "hit")
    damaged, reused = told.splitlines()
    assert damaged.endswith("runs.parts: damaged lines, 1 of them; their runs are made again")
    assert reused.startswith("7 of 8 runs are in ")
    assert without_time(again.rows) == without_time(whole.rows)


def test_a_clock_that_jumped_back_stops_no_sweep(tiny: Tiny, tmp_path: Path) -> None:
    first, _ = sweep_there(tiny(), tmp_path)
    manifest = read_manifest(tmp_path / "sweep.json")
    write_manifest(tmp_path / "sweep.json", replace(manifest, started="2099-01-01T00:00:00Z", updated="none"))
    assert sweep_there(tiny(), tmp_path)[0] == first
    later = read_manifest(tmp_path / "sweep.json")
    assert (later.started, later.wall_s >= manifest.wall_s) == ("2099-01-01T00:00:00Z", True)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_where_the_directory_should_be_is_refused(tiny: Tiny, tmp_path: Path, below: str) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"taken.*expected a directory for results"):
        sweep_there(tiny(), tmp_path / "taken" / below)
    assert files(tmp_path) == {"taken": b"mine"}
