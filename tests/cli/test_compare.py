"""`perfsim compare`: from a real sweep to an answer in each form; refused in one line."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.scenario.validate import load_scenario
from tests.measure.rows import made_rows
from tests.sweep.stored import store

Perfsim = Callable[..., tuple[int, str, str]]
Tiny = tuple[str, ...]


@pytest.fixture
def swept(perfsim: Perfsim, tiny_sweep: Tiny) -> Perfsim:
    """The command line where a small sweep has left its results in `out`."""
    assert perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out", "--jobs", "1")[0] == 0
    return perfsim


def test_a_sweep_is_compared_in_every_form(swept: Perfsim) -> None:
    status, table, err = swept("compare", "out", "--metric", "events")
    assert (status, err) == (0, "")
    assert table.startswith("quickstart: events, redo against lock_page\n")
    assert "2 points together: ratio " in table
    assert swept("compare", "out", "--format", "markdown")[1].count("| verdict |") == 2
    content = json.loads(swept("compare", "out", "--format", "json")[1])
    assert [point["machine.cpus"] for point in content["points"]] == [1, 2, 1, 2]
    lines = list(csv.DictReader(io.StringIO(swept("compare", "out", "--format", "csv")[1])))
    assert [line["ratio"] for line in lines] == [
        "" if point["ratio"] is None else str(point["ratio"]) for point in content["points"]
    ]


def test_a_sweep_is_the_same_as_itself(swept: Perfsim) -> None:
    status, out, _ = swept("compare", "out", "out/runs.parquet", "--design", "redo", "--metric", "events")
    assert status == 0
    assert "redo in out against redo in out/runs.parquet: same (within 1 %) at 2 of 2 points" in out


@pytest.fixture
def made(perfsim: Perfsim, tmp_path: Path) -> Perfsim:
    """The command line where `out` has results that nobody had to run."""
    scenario = load_scenario("quickstart", ["sweep.replications=2"])
    store(tmp_path / "out", scenario, made_rows(scenario))
    return perfsim


def test_the_base_and_the_margin_can_be_chosen(made: Perfsim) -> None:
    _, out, _ = made("compare", "out", "--base", "redo", "--margin", "99%", "--metric", "events")
    assert "lock_page against redo: same (within 99 %) at " in out


@pytest.mark.parametrize(
    "words, told",
    [
        (("nowhere",), "nowhere: no such file; expected results that perfsim sweep wrote"),
        (("",), "RESULTS: is empty; expected results that perfsim sweep wrote"),
        ((".",), ".: no results in it, neither runs.parquet nor runs.parts"),
        (("out", "nowhere"), "nowhere: no such file"),
        (("out", "--metric", "putback"), '--metric: "putback" is no figure of the results; expected one such as '),
        (("out", "--margin", "1"), '--margin: "1" is no fraction; '),
        (("out", "--design", "reod"), '--design: out has no design "reod"; expected one of lock_page, redo (did you'),
        (("out", "--base", "redo", "out"), "--base: two results are compared with each other; "),
        (("out", "--format", "xml"), "Invalid value for '--format'"),
    ],
)
def test_bad_input_is_told_in_one_line(made: Perfsim, words: tuple[str, ...], told: str) -> None:
    status, out, err = made("compare", *words)
    assert (status, out) == (2, "")
    assert err.startswith(told)
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1" + bytes(64) + b"PAR1"])
def test_a_broken_file_of_results_is_refused(perfsim: Perfsim, content: bytes) -> None:
    Path("out").mkdir()
    Path("out/runs.parquet").write_bytes(content)
    status, out, err = perfsim("compare", "out")
    assert (status, out) == (2, "")
    assert err == "out/runs.parquet: damaged, or no Parquet file at all; expected results that perfsim sweep wrote\n"


def test_a_sweep_of_one_design_is_nothing_to_compare(perfsim: Perfsim, tmp_path: Path) -> None:
    scenario = load_scenario("lock_contention", ["sweep.axes={machine.cpus: [2]}"])
    store(tmp_path / "out", scenario, made_rows(scenario))
    assert perfsim("compare", "out") == (
        2,
        "",
        "out: one design alone, lock_page; expected two to compare, or a second directory of results\n",
    )
