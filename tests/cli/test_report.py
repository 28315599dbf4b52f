"""`perfsim report`: from a real sweep to a page and pictures; refused in one line."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.scenario.validate import load_scenario
from tests.measure.rows import made_rows
from tests.sweep.stored import store

Perfsim = Callable[..., tuple[int, str, str]]
Tiny = tuple[str, ...]


def test_a_sweep_becomes_a_page_and_pictures(perfsim: Perfsim, tiny_sweep: Tiny, tmp_path: Path) -> None:
    assert perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out", "--jobs", "1")[0] == 0
    status, out, err = perfsim("report", "out", "--png", "deep/pictures")
    assert (status, out) == (0, "")
    page = (tmp_path / "out" / "report.html").read_text()
    assert err.startswith("out/report.html: ")
    assert "redo against lock_page: " in page
    assert len(list((tmp_path / "deep" / "pictures").glob("*.png"))) >= 6
    assert perfsim("report", "out/runs.parquet", "--out", "again.html")[0] == 0
    assert (tmp_path / "again.html").read_text().count("redo against lock_page: ") == 2
    assert perfsim("sweep", "quickstart", *tiny_sweep, "--out", "out", "--jobs", "1")[0] == 0, "a page does no harm"


@pytest.fixture
def made(perfsim: Perfsim, tmp_path: Path) -> Perfsim:
    """The command line where `out` has results that nobody had to run."""
    scenario = load_scenario("quickstart", ["sweep.replications=2"])
    store(tmp_path / "out", scenario, made_rows(scenario))
    return perfsim


def test_before_and_after_are_one_report(made: Perfsim, tmp_path: Path) -> None:
    assert made("report", "out", "out/runs.parquet", "--out", "both.html", "--design", "redo")[0] == 0
    page = (tmp_path / "both.html").read_text()
    assert "redo in out against redo in out/runs.parquet: " in page
    assert "lock_page in out" not in page


def test_a_directory_whose_name_is_no_text_is_shown_with_it_escaped(made: Perfsim, tmp_path: Path) -> None:
    odd = os.fsdecode(b"out\xff")
    (tmp_path / "out").rename(tmp_path / odd)
    scenario = load_scenario("quickstart", ["sweep.replications=2"])
    store(tmp_path / "out", scenario, made_rows(scenario)[:-1])
    assert made("report", "out", odd, "--out", "both.html", "--png", "pictures")[0] == 0
    assert "redo in out against redo in out\\udcff: " in (tmp_path / "both.html").read_text(encoding="utf-8")
    (tmp_path / odd / "runs.parquet").unlink()
    (tmp_path / "out" / "runs.parquet").rename(tmp_path / odd / "runs.parquet")
    assert made("report", odd, "--out", "one.html")[0] == 0
    assert "out\\udcff: unfinished" in (tmp_path / "one.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words, told",
    [
        (("nowhere",), "nowhere: no such file"),
        (("empty",), "empty: no results in it"),
        (("damaged",), "damaged/runs.parquet: damaged"),
        (("notes.txt",), "notes.txt: damaged, or no Parquet file at all"),
        (("out", "--out", "gone/page.html"), "gone/page.html: cannot be written: No such file or directory"),
        (("out", "--out", ""), "--out: is empty"),
        (("out", "--out", "empty"), "empty: is there and is no file"),
        (("out", "--png", "notes.txt"), "notes.txt: is a file; expected a directory"),
        (("out", "--metric", "reclaim_scaned_per_s"), 'did you mean "reclaim_scanned_per_s"'),
        (("out", "--base", "redoo"), 'did you mean "redo"'),
        (("out", "out", "--base", "redo"), "--base: two results are compared with each other"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], told: str, made: Perfsim, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "damaged").mkdir()
    content = (tmp_path / "out" / "runs.parquet").read_bytes()
    (tmp_path / "damaged" / "runs.parquet").write_bytes(content[: len(content) // 2])
    status, out, err = made("report", *words)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not list(tmp_path.rglob("*.html"))
