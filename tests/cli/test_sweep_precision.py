"""`perfsim sweep` with a precision: killed for real again and again, and what it says at its end."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfsim.store.parquet import read_runs
from perfsim.store.parts import read_parts
from tests.tier import SLOW

Perfsim = Callable[..., tuple[int, str, str]]
Process = tuple[list[str], dict[str, str]]
Row = dict[str, Any]

METRIC = "lru_lock_acquisitions"
MAX = 30 if SLOW else 12
PRECISE = (
    *("sweep", "quickstart", "--set", "memory.pages_per_node=280", "--set", "measure.warmup=10us"),
    *("--set", "measure.duration=100us", "--set", "sweep.axes.machine.cpus=[1, 4]", "--set", "sweep.replications=5"),
    *("--set", f"sweep.precision={{metric: {METRIC}, relative: 1%, max_replications: {MAX}}}"),
)


def without_time(directory: Path) -> list[Row]:
    rows = read_runs(directory / "runs.parquet")
    return [{name: value for name, value in row.items() if name != "wall_s"} for row in rows]


def kept_count(directory: Path) -> int:
    """Rows that have reached the disk."""
    stored = read_runs(directory / "runs.parquet") if (directory / "runs.parquet").exists() else []
    return len(stored) + len(read_parts(directory / "runs.parts").rows)


def kill_after(process: Process, directory: Path, more: int) -> None:
    """Sweep into a directory, and kill the driver and its workers once so many more rows are on the disk."""
    words, environment = process
    before = kept_count(directory)
    with subprocess.Popen(
        [*words, *PRECISE, "--out", str(directory), "--jobs", "2"],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as sweeping:
        deadline_s = time.monotonic() + 60
        while kept_count(directory) < before + more and sweeping.poll() is None:
            assert time.monotonic() < deadline_s, "no more rows in a minute"
            select.select([], [], [], 0.005)
        if sweeping.poll() is None:
            os.killpg(sweeping.pid, signal.SIGKILL)


def test_a_sweep_that_is_killed_again_and_again_ends_with_the_rows_of_one_that_is_not(
    process: Process, perfsim: Perfsim, tmp_path: Path
) -> None:
    status, undisturbed, _ = perfsim(*PRECISE, "--out", "whole", "--jobs", "1", "--format", "json")
    assert status == 0
    for more in (3, 12):
        kill_after(process, tmp_path / "killed", more)
    begun = kept_count(tmp_path / "killed")
    status, resumed, err = perfsim(*PRECISE, "--out", "killed", "--jobs", "1", "--format", "json")
    whole = without_time(tmp_path / "whole")
    assert (status, resumed) == (0, undisturbed)
    assert without_time(tmp_path / "killed") == whole
    assert len({row["run_id"] for row in whole}) == len(whole) == 2 * (5 + MAX)
    assert err.startswith(f"{begun} of ")


def test_the_other_engine_decides_the_same_and_json_says_what_fell_short(perfsim: Perfsim, tmp_path: Path) -> None:
    asked = [word.replace(f"max_replications: {MAX}", "max_replications: 7") for word in PRECISE]
    _, compiled, err = perfsim(*asked, "--out", "compiled", "--jobs", "1", "--format", "json")
    _, simpy, _ = perfsim(*asked, "--out", "simpy", "--jobs", "1", "--format", "json", "--engine", "simpy")
    assert compiled == simpy
    content = json.loads(compiled)
    known, short = content["points"]
    assert (known["replications"], short["replications"]) == (5, 7)
    key = f"{METRIC}.redo/lock_page_half_width"
    assert known[key] <= 0.01 < short[key]
    notes = [note for note in content["notes"] if not note.startswith("unsteady")]
    assert notes[-2].startswith(f"precision: 1 of 2 ratios of {METRIC} known to 1%")
    assert notes[-1].startswith("short of 1%: point 1, machine.cpus=4, redo: ")
    assert err.splitlines()[-1] == "ratios not known as closely as asked: 1, see short in compiled/sweep.json"
    (told,) = json.loads((tmp_path / "compiled" / "sweep.json").read_text())["short"].values()
    assert notes[-1].endswith(told)


@pytest.mark.parametrize(
    "words, problem",
    [
        (("--design", "redo"), 'sweep.precision: "redo" alone has no ratio; expected two designs or more'),
        (("--set", "sweep.precision.metric=pgscann"), 'is no metric; .* (did you mean "pgscan"?)'),
        (("--set", "sweep.precision.relative=0.02"), "0.02 has no unit; expected a percentage such as 2%"),
        (("--set", "sweep.precision.relative=-2%"), "out of range"),
        (("--set", "sweep.precision.max_replications=4"), "4 are fewer than the first ones, 5"),
        (("--set", "sweep.replications=1"), "1 say too little of how much a ratio varies; expected 5 or more"),
    ],
)
def test_a_precision_that_cannot_be_is_refused_in_one_line(
    perfsim: Perfsim, tmp_path: Path, words: tuple[str, ...], problem: str
) -> None:
    status, out, err = perfsim(*PRECISE, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert all(part in err for part in problem.split(" .* "))
    assert list(tmp_path.iterdir()) == []
