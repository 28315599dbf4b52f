"""`perfsim sweep`: rows, table and resumption; runs that fail; refused in one line."""

import csv
import io
import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest

from perfsim.store.parquet import read_runs
from perfsim.sweep import results
from perfsim.sweep.plan import plan
from perfsim.sweep.results import Finished, Order
from tests.cli.conftest import without_progress

Perfsim = Callable[..., tuple[int, str, str]]
Process = tuple[list[str], dict[str, str]]
Tiny = tuple[str, ...]


def test_a_sweep_leaves_its_rows_and_prints_its_ratios(perfsim: Perfsim, tiny_sweep: Tiny) -> None:
    status, out, err = perfsim("sweep", "quickstart", *tiny_sweep, "--jobs", "2")
    assert status == 0
    assert len(read_runs(Path("results/quickstart/runs.parquet"))) == 8
    assert "95 % interval" in out
    assert without_progress(err) == ["8 runs are in results/quickstart/runs.parquet"]


def test_the_same_command_again_prints_the_same_and_runs_nothing(perfsim: Perfsim, tiny_sweep: Tiny) -> None:
    first = perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out", "--jobs", "1", "--format", "json")
    stored = Path("out/runs.parquet").read_bytes()
    second = perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out", "--jobs", "1", "--format", "json")
    assert json.loads(first[1]) == json.loads(second[1])
    assert second[2].startswith("8 of 8 runs are in out already\n")
    assert Path("out/runs.parquet").read_bytes() == stored


def test_data_alone_goes_to_stdout(perfsim: Perfsim, tiny_sweep: Tiny) -> None:
    out = perfsim("sweep", "quickstart", *tiny_sweep, "--format", "csv", "--jobs", "1")[1]
    head, *lines = csv.reader(io.StringIO(out))
    assert head[0] == "machine.cpus"
    assert [line[0] for line in lines] == ["1", "2"]


def test_throughput_is_drawn_at_a_terminal_alone(
    perfsim: Perfsim, tiny_sweep: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("sweep", "quickstart", *tiny_sweep, "--jobs", "1")
    piped = perfsim(*words)[1]
    monkeypatch.setattr("perfsim.cli.sweep.shows_pictures", lambda: True)
    picture = perfsim(*words)[1].removeprefix(piped).splitlines()
    assert picture[:2] == ["", "reclaim_scanned_per_s over cpus, from 0"]
    assert [line.split()[0] for line in picture[4:]] == ["lock_page", "redo"]
    assert "█" not in perfsim(*words, "--format", "csv")[1]


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
    status, out, err = perfsim("sweep", "quickstart", *tiny_sweep, *designs, "--out", "out", "--jobs", "1")
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
        return Finished([], [(run, f"reason {min(number, 6)}") for number, run in enumerate(runs)], {})

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
    command = shlex.join(
        [*words, "sweep", "quickstart", *tiny_sweep, "--design", "redo", "--out", "out", "--jobs", "1"]
    )
    ended = subprocess.run(
        ["sh", "-c", f"{command} {closed}"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0
    assert b"reclaim_scanned_per_s" in ended.stdout
    assert len(read_runs(tmp_path / "out" / "runs.parquet")) == 4


@pytest.mark.parametrize("output, status, told", [(">&-", 141, ""), (">/dev/full", 1, "stdout: cannot be written: ")])
def test_a_sweep_whose_answer_cannot_be_written_keeps_its_rows(
    process: Process, tmp_path: Path, tiny_sweep: Tiny, output: str, status: int, told: str
) -> None:
    words, environment = process
    command = shlex.join(
        [*words, "sweep", "quickstart", *tiny_sweep, "--design", "redo", "--out", "out", "--jobs", "1"]
    )
    ended = subprocess.run(
        ["sh", "-c", f"{command} {output}"],
        env=environment,
        cwd=tmp_path,
        text=True,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    lines = without_progress(ended.stderr)
    assert (ended.returncode, len(lines)) == (status, len(told[:1]))
    assert "".join(lines).startswith(told)
    assert len(read_runs(tmp_path / "out" / "runs.parquet")) == 4


@pytest.mark.parametrize(
    "words, told",
    [
        (("--jobs", "0"), "--jobs: 0 worker processes; expected 1 to"),
        (("--set", "sweep.axes.machine.cpus=[1, x]"), "--set sweep.axes.machine.cpus"),
        (("--set", "sweep.axes.machine.profile=[x86_64, x87]"), "--set sweep.axes.machine.profile"),
        (("--set", "sweep.replications=0"), "--set sweep.replications"),
        (("--engine", "steam"), "--engine: "),
        (("--design", "redo", "--design", "redo"), "--design"),
        (("--jobs", "1025"), "--jobs: 1025 worker processes; expected 1 to 1024"),
        (("--max-events", "0"), "--max-events: 0 events; expected at least 1"),
        (("--max-time", "soon"), '--max-time: "soon" is no duration; expected a number and a unit'),
        (("--max-time", "0s"), '--max-time: "0s" is no time; expected more, such as 600s'),
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
