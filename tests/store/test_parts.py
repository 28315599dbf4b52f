"""Rows as they come: a kill at any moment leaves every whole row readable."""

import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from perfsim.errors import InputError
from perfsim.store import parts
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
    assert read_parts(path).rows == rows


def test_no_file_and_an_opened_one_hold_no_rows(path: Path) -> None:
    assert read_parts(path).rows == []
    append(path, [])
    assert read_parts(path).rows == []


def test_a_second_writer_goes_on_where_the_first_ended(path: Path, rows: list[Row]) -> None:
    append(path, rows[:3])
    append(path, rows[3:])
    assert read_parts(path).rows == rows


def test_a_row_can_be_read_as_soon_as_it_is_added(path: Path, rows: list[Row]) -> None:
    with PartWriter(path) as writer:
        for count, row in enumerate(rows, start=1):
            writer.add(row)
            assert read_parts(path).rows == rows[:count]


def test_a_file_cut_at_any_place_keeps_its_whole_rows_and_takes_more(path: Path) -> None:
    rows = [{"point": number, "wall_s": number / 3} for number in range(4)]
    append(path, rows)
    whole = path.read_bytes()
    line_ends = [place for place, byte in enumerate(whole, start=1) if byte == ord("\n")]
    for kept in range(len(whole)):
        path.write_bytes(whole[:kept])
        left = rows[: max(0, sum(end <= kept for end in line_ends) - 1)]
        found = read_parts(path)
        assert (found.rows, found.damaged_count) == (left, 0)
        append(path, rows[3:])
        assert read_parts(path).rows == [*left, rows[3]]


def test_a_flipped_bit_loses_its_row_alone_and_invents_none(path: Path) -> None:
    rows = [{"point": number} for number in range(4)]
    append(path, rows[:3])
    whole = path.read_bytes()
    for position in range(len(whole)):
        for bit in range(8):
            broken = bytearray(whole)
            broken[position] ^= 1 << bit
            path.write_bytes(broken)
            line = whole[:position].count(b"\n")  # a line's end that is gone costs the next row too
            is_last_end = position == len(whole) - 1
            hit = {line, line + 1} if whole[position] == ord("\n") and not is_last_end else {line}
            left = [row for number, row in enumerate(rows[:3], start=1) if number not in hit]
            found = read_parts(path)
            assert found.rows == left
            assert found.damaged_count == (0 if is_last_end else 1 + (broken[position] == ord("\n")))


def test_rows_after_a_damaged_line_outlive_the_next_writer(path: Path, rows: list[Row]) -> None:
    append(path, rows[:3])
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"run_id", b"run_ID")
    path.write_bytes(b"".join(lines) + b"torn")
    append(path, rows[3:4])
    found = read_parts(path)
    assert (found.rows, found.damaged_count) == ([rows[0], *rows[2:4]], 1)


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
    assert read_parts(path).rows == [{"point": point} for point in range(100)]


def test_the_last_row_is_synced_although_no_other_follows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced_bytes: queue.SimpleQueue[int] = queue.SimpleQueue()
    monkeypatch.setattr(parts, "SYNC_INTERVAL_S", 0.1)
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced_bytes.put(os.fstat(descriptor).st_size))
    with PartWriter(path) as writer:
        synced_bytes.get(timeout=2)  # the directory's, with the new name
        for point in range(2):
            writer.add({"point": point})
            begin_s = time.monotonic()
            assert synced_bytes.get(timeout=30) == path.stat().st_size
            assert time.monotonic() - begin_s >= parts.SYNC_INTERVAL_S / 2
        assert synced_bytes.empty()


def test_rows_that_come_together_are_synced_together_and_what_is_left_at_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced_bytes: list[int] = []
    with PartWriter(path) as writer:
        monkeypatch.setattr(os, "fsync", lambda descriptor: synced_bytes.append(os.fstat(descriptor).st_size))
        for point in range(100):
            writer.add({"point": point})
    assert len(synced_bytes) <= 2
    assert synced_bytes[-1] == path.stat().st_size


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


def test_a_disk_that_refuses_a_sync_is_told_with_the_next_row(
    path: Path, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def fail(descriptor: int) -> None:
        failed.set()
        raise OSError(5, "Input/output error")

    def write() -> None:
        with PartWriter(path) as writer:
            monkeypatch.setattr(os, "fsync", fail)
            writer.add(rows[0])
            assert failed.wait(timeout=30)
            writer._syncing.join(timeout=30)
            writer.add(rows[1])

    monkeypatch.setattr(parts, "SYNC_INTERVAL_S", 0.0)
    with pytest.raises(InputError, match="cannot be written: Input/output error"):
        write()
    assert read_parts(path).rows == rows[:1]


def test_a_full_disk_keeps_what_had_room_and_the_next_writer_goes_on(path: Path) -> None:
    """A limit on the size of files, which the system enforces in the midst of a row."""
    program = (
        "import pathlib, resource, sys\n"
        "from perfsim.store.parts import PartWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with PartWriter(pathlib.Path(sys.argv[1])) as writer:\n"
        "    for point in range(100):\n"
        "        writer.add({'point': point, 'text': 'x' * 77})\n"
    )
    root = Path(__file__).parents[2]
    words = [sys.executable, "-c", program, str(path)]
    ended = subprocess.run(words, check=False, cwd=root, timeout=60, capture_output=True, text=True)
    assert f"InputError: {path}: cannot be written: File too large; expected a place with room" in ended.stderr
    assert path.stat().st_size == 1000
    kept = read_parts(path)
    assert [row["point"] for row in kept.rows] == list(range(9))
    append(path, [{"point": 9}])
    assert [row["point"] for row in read_parts(path).rows] == list(range(10))
