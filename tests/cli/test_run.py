"""`perfsim run`: designs side by side; what is wrong is told in one line, and nothing is written."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfsim.measure.columns import COLUMNS

Perfsim = Callable[..., tuple[int, str, str]]
Tiny = tuple[str, ...]


def rows_of(text: str) -> list[dict[str, Any]]:
    content = json.loads(text)
    assert content.keys() == {"runs"}
    rows: list[dict[str, Any]] = content["runs"]
    return rows


def test_the_designs_stand_side_by_side_with_their_ratio(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("run", "quickstart", *tiny)
    assert (status, err) == (0, "")
    head = next(line for line in out.splitlines() if line.startswith("metric"))
    assert head.split() == ["metric", "unit", "lock_page", "redo", "redo/lock_page"]
    assert any(line.startswith("reclaim_scanned_per_s") for line in out.splitlines())


def test_json_has_one_row_a_design_with_every_column_in_order(perfsim: Perfsim, tiny: Tiny) -> None:
    status, out, err = perfsim("run", "quickstart", *tiny, "--format", "json")
    rows = rows_of(out)
    assert (status, err) == (0, "")
    assert [row["design"] for row in rows] == ["lock_page", "redo"]
    assert all(list(row) == [column.name for column in COLUMNS] for row in rows)


def test_options_replace_what_the_workload_says(perfsim: Perfsim, tiny: Tiny) -> None:
    options = ("--design", "redo", "--profile", "ia64", "--seed", "7", "--set", "machine.cpus=2", "--engine", "simpy")
    (row,) = rows_of(perfsim("run", "quickstart", *tiny, *options, "--format", "json")[1])
    named = ("design", "profile", "seed", "cpus", "engine", "replication", "point")
    assert [row[name] for name in named] == ["redo", "ia64", 7, 2, "simpy", 0, 0]


def test_a_workload_and_a_design_may_be_files(perfsim: Perfsim, tiny: Tiny) -> None:
    Path("mine.py").write_text("async def direct_reclaim(cpu):\n    await cpu.think()\n", encoding="utf-8")
    workload = (
        "name: w\nmachine: {profile: x86_64, cpus: 1}\ntasks:\n  - {name: f, kind: fault, per: cpu, think: 20us}\n"
    )
    Path("w.yaml").write_text(workload, encoding="utf-8")
    (row,) = rows_of(perfsim("run", "w.yaml", *tiny, "--design", "mine.py", "--format", "json")[1])
    assert row["design"] == "mine"


def test_csv_and_markdown_carry_the_table(perfsim: Perfsim, tiny: Tiny) -> None:
    head, *lines = csv.reader(io.StringIO(perfsim("run", "quickstart", *tiny, "--format", "csv")[1]))
    assert head == ["metric", "unit", "lock_page", "redo", "redo/lock_page"]
    assert lines
    assert "| metric | unit |" in perfsim("run", "quickstart", *tiny, "--format", "markdown")[1]


def test_the_sweep_of_the_workload_is_left_aside(perfsim: Perfsim, tiny: Tiny) -> None:
    with_axis = ("--set", "sweep.axes.machine.profile=[ia64, ideal]", "--format", "json")
    rows = rows_of(perfsim("run", "quickstart", *tiny, *with_axis)[1])
    assert {row["profile"] for row in rows} == {"x86_64"}


@pytest.mark.parametrize(
    "words, told",
    [
        (("quikstart",), 'WORKLOAD: "quikstart" is no file and no shipped workload; expected'),
        ((".",), ".: "),
        (("quickstart", "--set", "machine.cpu=2"), "--set machine.cpu"),
        (("quickstart", "--set", "machine.cpus=2.5"), "--set machine.cpus"),
        (("quickstart", "--set", "machine.cpus"), "--set: "),
        (("quickstart", "--set", "measure.duration=20"), "--set measure.duration"),
        (("quickstart", "--set", "memory.pages_per_node=1000000000"), "--set memory.pages_per_node"),
        (("quickstart", "--seed", "-1"), "--seed"),
        (("quickstart", "--design", "red"), "--design"),
        (("quickstart", "--design", "gone.py"), "--design"),
        (("quickstart", "--design", "../../etc/passwd"), "--design"),
        (("quickstart", "--profile", "x86"), "--profile"),
        (("quickstart", "--profile", "gone.yaml"), "--profile"),
        (("quickstart", "--profile", ""), "--profile"),
        (
            ("quickstart", "--engine", "simpie"),
            '--engine: no engine is called "simpie" (did you mean "simpy"?); known: compiled, simpy',
        ),
    ],
)
def test_bad_input_is_told_in_one_line_with_its_place(
    perfsim: Perfsim, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    status, out, err = perfsim("run", *words)
    assert (status, out) == (2, "")
    assert err.startswith(told)
    assert err.count("\n") == 1
    assert err.removesuffix("\n").isprintable()
    assert list(tmp_path.iterdir()) == []


def test_two_designs_of_one_name_are_refused_before_the_first_run(perfsim: Perfsim, tiny: Tiny) -> None:
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "x.py").write_text("async def direct_reclaim(cpu):\n    await cpu.think()\n", encoding="utf-8")
    status, out, err = perfsim("run", "quickstart", *tiny, "--design", "a/x.py", "--design", "b/x.py")
    assert (status, out) == (2, "")
    assert err == ('--design: "a/x.py" and "b/x.py" are both called "x" in the results; expected different names\n')


def test_a_broken_workload_is_told_with_line_and_column(perfsim: Perfsim) -> None:
    Path("w.yaml").write_text("name: w\nmachine: {profile: x86_64, cpus: many}\n", encoding="utf-8")
    status, out, err = perfsim("run", "w.yaml")
    assert (status, out) == (2, "")
    assert err.startswith("w.yaml:2:34: machine.cpus: ")
