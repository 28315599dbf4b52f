"""The torture script kills for real, finds nothing lost, and would find it."""

from pathlib import Path
from typing import Any

import pytest

from perfsim.store.parts import PartWriter
from scripts import torture

Row = dict[str, Any]


def row(run_id: str, events: int = 1, wall_s: float = 0.0) -> Row:
    return {"run_id": run_id, "events": events, "wall_s": wall_s}


def by_id(*rows: Row) -> dict[str, Row]:
    return {one["run_id"]: one for one in rows}


def test_sweeps_that_are_killed_end_with_the_rows_of_one_left_in_peace(capsys: pytest.CaptureFixture[str]) -> None:
    assert torture.main(["--kills", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("2 kills, ")
    assert lines[-1].endswith(" sweeps of 32 runs: 0 lost, 0 doubled, 0 changed")


def test_a_row_that_is_gone_or_differs_is_found_and_time_does_not_count() -> None:
    peace = by_id(row("a"), row("b"), row("c"))
    now = by_id(row("a", wall_s=9.0), row("b", events=2), row("stranger"))
    assert torture.toll(peace, now, by_id(row("a"), row("c"))) == torture.Toll(["c"], [], ["b", "stranger"])
    assert torture.toll(peace, peace, peace) == torture.Toll([], [], [])


def test_where_a_kill_hit_is_told_by_the_files_that_are_left(tmp_path: Path) -> None:
    assert torture.place(tmp_path) == "before its first row"
    with PartWriter(tmp_path / "runs.parts") as parts:
        parts.add(row("a"))
    assert torture.place(tmp_path) == "among its runs"
    (tmp_path / "runs.parquet.tmp-1").write_bytes(b"")
    assert torture.place(tmp_path) == "while a file was being replaced"
    (tmp_path / "runs.parquet").write_bytes(b"")
    assert torture.place(tmp_path) == "after its rows were put together"
