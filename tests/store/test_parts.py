"""Rows as they come: a kill at any moment leaves every whole row readable."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from perfsim.errors import InputError
from perfsim.store.parts import PartWriter, read_parts

Row = dict[str, Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.parts"


def append(path: Path, rows: list[Row]) -> None:
    with PartWriter(path) as writer:
        for row in rows:
            writer.add(row)


def test_rows_come_back_as_they_were(path: Path, rows: list[Row]) -> None:
    rows[0]["putback_latency_p99_ns"] = None
    rows[1]["design"] = "line\nbreak \N{GREEK SMALL LETTER MU} \\ \x00"
    append(path, rows)
    assert read_parts(path) == rows


def test_no_file_and_an_opened_one_hold_no_rows(path: Path) -> None:
    assert read_parts(path) == []
    append(path, [])
    assert read_parts(path) == []


def test_a_second_writer_goes_on_where_the_first_ended(path: Path, rows: list[Row]) -> None:
    append(path, rows[:3])
    append(path, rows[3:])
    assert read_parts(path) == rows


def test_a_row_can_be_read_as_soon_as_it_is_added(path: Path, rows: list[Row]) -> None:
    with PartWriter(path) as writer:
        for count, row in enumerate(rows, start=1):
            writer.add(row)
            assert read_parts(path) == rows[:count]


def test_a_file_cut_at_any_place_keeps_its_whole_rows_and_takes_more(path: Path) -> None:
    rows = [{"point": number, "wall_s": number / 3} for number in range(4)]
    append(path, rows)
    whole = path.read_bytes()
    line_ends = [place for place, byte in enumerate(whole, start=1) if byte == ord("\n")]
    for kept in range(len(whole)):
        path.write_bytes(whole[:kept])
        left = rows[: max(0, sum(end <= kept for end in line_ends) - 1)]
        assert read_parts(path) == left
        append(path, rows[3:])
        assert read_parts(path) == [*left, rows[3]]


def test_a_flipped_bit_loses_its_row_and_those_after_it_but_invents_none(path: Path) -> None:
    rows = [{"point": number} for number in range(3)]
    append(path, rows)
    whole = path.read_bytes()
    first_row = whole.index(b"\n") + 1
    for position in range(first_row, len(whole)):
        for bit in range(8):
            broken = bytearray(whole)
            broken[position] ^= 1 << bit
            path.write_bytes(broken)
            before = whole[first_row:position].count(b"\n")
            assert read_parts(path) == rows[:before]


def test_a_killed_writer_loses_no_row_that_was_added(path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "from perfsim.store.parts import PartWriter\n"
        "with PartWriter(pathlib.Path(sys.argv[1])) as writer:\n"
        "    for point in range(100):\n"
        "        writer.add({'point': point})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False, cwd=root, timeout=60)
    assert killed.returncode == -9
    assert read_parts(path) == [{"point": point} for point in range(100)]


def test_rows_are_synced_every_two_seconds_and_at_the_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    synced_s: list[float] = []

    def fsync(descriptor: int) -> None:
        synced_s.append(now_s)

    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    with PartWriter(path) as writer:
        monkeypatch.setattr(os, "fsync", fsync)
        for _ in range(9):
            now_s += 0.5
            writer.add({"point": 0})
    assert synced_s == [100.5, 102.5, 104.5, 104.5]


@pytest.mark.parametrize("content", [b"name: quickstart\n", b"PAR1garbage", b"perfsim rows 2\n", b"\0"])
def test_a_file_of_something_else_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for action in (read_parts, lambda path: append(path, [{"point": 1}])):
        with pytest.raises(InputError, match="not a file of perfsim sweep"):
            action(path)
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_parts(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        append(tmp_path / "none" / "runs.parts", [])


def test_a_full_disk_is_told_as_such(path: Path, rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with PartWriter(path) as writer:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(InputError, match="cannot be written: No space left on device"):
            writer.add(rows[0])
        monkeypatch.undo()
    assert read_parts(path) == rows[:1]
