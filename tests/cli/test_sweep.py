"""`perfsim sweep`: rows, table and resumption; interrupted for real; refused in one line."""

import csv
import io
import json
import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest

from perfsim.store.parquet import read_runs
from perfsim.store.parts import read_parts
from perfsim.sweep import results
from perfsim.sweep.plan import plan
from perfsim.sweep.results import Finished, Order

Perfsim = Callable[..., tuple[int, str, str]]
Process = tuple[list[str], dict[str, str]]
Tiny = tuple[str, ...]

# One run of an hour of simulated time beside short ones: it is given out first, and never ends by itself.
ENDLESS = (
    *("--set", "memory.pages_per_node=256", "--set", "measure.warmup=0us", "--set", "machine.cpus=1"),
    *("--set", "sweep.axes.measure.duration=[3600s, 100us, 110us]", "--set", "sweep.replications=1"),
    *("--design", "redo", "--out", "out", "--jobs", "2"),
)


def test_a_sweep_leaves_its_rows_and_prints_its_ratios(perfsim: Perfsim, tiny_sweep: Tiny) -> None:
    status, out, err = perfsim("sweep", "quickstart", *tiny_sweep, "--jobs", "2")
    assert status == 0
    assert len(read_runs(Path("results/quickstart/runs.parquet"))) == 8
    assert "95 % interval" in out
    assert err == "8 runs are in results/quickstart/runs.parquet\n"


def test_the_same_command_again_prints_the_same_and_runs_nothing(perfsim: Perfsim, tiny_sweep: Tiny) -> None:
    first = perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out", "--format", "json")
    stored = Path("out/runs.parquet").read_bytes()
    second = perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out", "--format", "json")
    assert json.loads(first[1]) == json.loads(second[1])
    assert second[2].startswith("8 of 8 runs are in out already\n")
    assert Path("out/runs.parquet").read_bytes() == stored


def test_data_alone_goes_to_stdout(perfsim: Perfsim, tiny_sweep: Tiny) -> None:
    out = perfsim("sweep", "quickstart", *tiny_sweep, "--format", "csv", "--jobs", "1")[1]
    head, *lines = csv.reader(io.StringIO(out))
    assert head[0] == "machine.cpus"
    assert [line[0] for line in lines] == ["1", "2"]


def test_a_sweep_of_one_design_has_a_table_without_ratios(perfsim: Perfsim, tiny: Tiny) -> None:
    one = ("--set", "sweep.replications=1", "--set", "sweep.axes.machine.cpus=[2]", "--jobs", "1")
    status, out, _ = perfsim("sweep", "lock_contention", *tiny, *one)
    assert status == 0
    assert "95 % interval" not in out


def test_runs_that_fail_are_told_after_the_table_of_the_others(perfsim: Perfsim, tiny_sweep: Tiny) -> None:
    Path("broken.py").write_text(
        "async def direct_reclaim(cpu):\n    never = 1 // (1 - await cpu.should_stop() - 1)\n", encoding="utf-8"
    )
    designs = ("--design", "redo", "--design", "broken.py")
    status, out, err = perfsim("sweep", "quickstart", *tiny_sweep, *designs, "--out", "out")
    assert status == 1
    assert "redo" in out
    assert "4 runs failed alike, the first: point 0, machine.cpus=1, broken, replication 0: " in err
    assert err.count("ZeroDivisionError") == 1
    assert {row["design"] for row in read_runs(Path("out/runs.parquet"))} >= {"redo"}


def test_of_many_reasons_the_first_are_told_and_the_runs_of_the_rest_counted(
    perfsim: Perfsim, tiny_sweep: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(order: Order, people: TextIO) -> Finished:
        runs = plan(order.scenario, 1)
        return Finished([], [(run, f"reason {min(number, 6)}") for number, run in enumerate(runs)])

    monkeypatch.setattr(results, "sweep_into", failing)
    status, out, err = perfsim("sweep", "quickstart", *tiny_sweep)
    assert (status, out) == (1, "")
    assert err.splitlines()[0] == "point 0, machine.cpus=1, lock_page, replication 0: reason 0"
    assert err.splitlines()[5:] == ["3 more runs failed for other reasons"]


@pytest.mark.parametrize("closed", ["2>&-", "0<&- 2>&-", "2>/dev/full"])
def test_a_sweep_whose_words_nobody_can_read_is_completed(
    process: Process, tmp_path: Path, tiny_sweep: Tiny, closed: str
) -> None:
    words, environment = process
    command = shlex.join([*words, "sweep", "quickstart", *tiny_sweep, "--out", "out"])
    ended = subprocess.run(
        ["sh", "-c", f"{command} {closed}"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0
    assert b"95 % interval" in ended.stdout
    assert len(read_runs(tmp_path / "out" / "runs.parquet")) == 8


@pytest.mark.parametrize("output, status, told", [(">&-", 141, b""), (">/dev/full", 1, b"stdout: cannot be written: ")])
def test_a_sweep_whose_answer_cannot_be_written_keeps_its_rows(
    process: Process, tmp_path: Path, tiny_sweep: Tiny, output: str, status: int, told: bytes
) -> None:
    words, environment = process
    command = shlex.join([*words, "sweep", "quickstart", *tiny_sweep, "--out", "out"])
    ended = subprocess.run(
        ["sh", "-c", f"{command} {output}"],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr[: len(told)], ended.stderr.count(b"\n")) == (status, told, len(told[:1]))
    assert len(read_runs(tmp_path / "out" / "runs.parquet")) == 8


@pytest.mark.parametrize(
    "words, told",
    [
        (("--jobs", "0"), "--jobs: 0 worker processes; expected 1 to"),
        (("--set", "sweep.axes.machine.cpus=[1, x]"), "--set sweep.axes.machine.cpus"),
        (("--set", "sweep.axes.machine.profile=[x86_64, x87]"), "--set sweep.axes.machine.profile"),
        (("--set", "sweep.replications=0"), "--set sweep.replications"),
        (("--engine", "steam"), "--engine: "),
        (("--design", "redo", "--design", "redo"), "--design"),
        (("--out", ""), "--out: is empty; expected a directory for results"),
        (("--out", "/proc/nowhere/out"), "/proc/nowhere/out: "),
    ],
)
def test_bad_input_is_told_in_one_line_and_nothing_is_written(
    perfsim: Perfsim, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    status, out, err = perfsim("sweep", "quickstart", *words)
    assert (status, out) == (2, "")
    assert err.startswith(told)
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1" + bytes(64) + b"PAR1"])
def test_a_broken_file_of_results_is_refused_and_left_alone(perfsim: Perfsim, tiny_sweep: Tiny, content: bytes) -> None:
    Path("out").mkdir()
    Path("out/runs.parquet").write_bytes(content)
    status, out, err = perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out")
    assert (status, out) == (2, "")
    assert err.startswith("out/runs.parquet: ")
    assert err.count("\n") == 1
    assert [path.name for path in Path("out").iterdir()] == ["runs.parquet"]


def begin_endless(process: Process, tmp_path: Path) -> subprocess.Popen[str]:
    """Start a sweep whose first run never ends, in a process group of its own, and wait for its other two rows."""
    words, environment = process
    sweeping = subprocess.Popen(
        [*words, "sweep", "quickstart", *ENDLESS],
        env=environment,
        cwd=tmp_path,
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline_s = time.monotonic() + 60
    while len(read_parts(tmp_path / "out" / "runs.parts")) < 2:
        assert time.monotonic() < deadline_s, "no two rows in a minute"
        select.select([], [], [], 0.02)
    return sweeping


def test_ctrl_c_keeps_what_is_done_says_how_to_go_on_and_leaves_no_worker(process: Process, tmp_path: Path) -> None:
    with begin_endless(process, tmp_path) as sweeping:
        os.killpg(sweeping.pid, signal.SIGINT)
        # Workers hold the pipes too: both are at their end only when the last worker has ended.
        out, err = sweeping.communicate(timeout=60)
    assert (sweeping.returncode, out) == (130, "")
    assert err.startswith("interrupted: 2 of 3 runs are kept; go on with: perfsim sweep quickstart --set ")
    assert err.endswith(" --design redo --out out --jobs 2\n")
    assert len(read_runs(tmp_path / "out" / "runs.parquet")) == 2


def test_a_killed_sweep_is_completed_by_the_next(process: Process, tmp_path: Path, perfsim: Perfsim) -> None:
    with begin_endless(process, tmp_path) as sweeping:
        sweeping.kill()
        sweeping.communicate(timeout=60)
    kept = read_parts(tmp_path / "out" / "runs.parts")
    shorter = ("--set", "sweep.axes.measure.duration=[90us, 100us, 110us]")
    status, _, err = perfsim("sweep", "quickstart", *ENDLESS, *shorter)
    assert status == 0
    assert err.startswith("2 of 3 runs are in out already\n")
    walls = [row["wall_s"] for row in read_runs(tmp_path / "out" / "runs.parquet")]
    assert sorted(walls[1:]) == sorted(row["wall_s"] for row in kept)
