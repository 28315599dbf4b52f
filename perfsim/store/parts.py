"""Rows as they come: an append-only file of which a kill, a full disk or a flipped bit costs the lines that they hit.

A first line names the form; each further line is a CRC-32 in eight hexadecimal digits, a blank, and a row as JSON. A
line that is not as it was written is no row, and the next line is read like any other: JSON has no line breaks inside.
A length in front of each would say the same as its line break, and cost all rows behind it when it is what was hit.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perfsim.errors import InputError
from perfsim.store.atomic import sync_directory, unwritable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO
    from pathlib import Path
    from types import TracebackType

Row = dict[str, Any]

SYNC_INTERVAL_S = 1.0
"""From a row to its sync; with the sync itself, on any disk in good health, it is there within two seconds."""

_FORM = b"perfsim rows 1\n"
_CRC_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Parts:
    """What a part file holds.

    rows: of every whole line. damaged_count: lines, the first included, that are not as they were written. kept_bytes:
    up to the end of the last line; what comes after it is a line that a kill has cut off.
    """

    rows: list[Row]
    damaged_count: int
    kept_bytes: int


class PartWriter:
    """Appends rows to a part file; use it in a `with`.

    A row is with the operating system when `add` returns, so that it outlives this process; a thread of the writer's
    own puts it on disk `SYNC_INTERVAL_S` later, whether another row comes or not. One writer a file: the caller sees to
    that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._sync_error: OSError | None = None
        self._has_news = threading.Event()
        self._is_ending = threading.Event()
        self._syncing = threading.Thread(target=self._sync_after_news, name="sync rows", daemon=True)

    def __enter__(self) -> PartWriter:
        """Open the file, which is made if need be; a torn end is cut off, damaged lines before it stay.

        Raises InputError(path) if it cannot be written or is something else.
        """
        kept_bytes = read_parts(self._path).kept_bytes
        try:
            self._file = self._path.open("ab", buffering=0)
            self._file.truncate(kept_bytes)
            if not kept_bytes:
                self._write(_FORM)
                sync_directory(self._path.parent)
        except OSError as error:
            self._close()
            raise unwritable(self._path, error) from error
        self._syncing.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_ending.set()
        self._has_news.set()
        self._syncing.join()
        self._close()
        if error is None:
            self._raise_what_the_sync_met()

    def add(self, row: Row) -> None:
        """Append a row of plain values. Raises InputError(path) if there is no room for it, or for one before it."""
        text = json.dumps(row, separators=(",", ":"), allow_nan=False).encode()
        self._raise_what_the_sync_met()
        try:
            self._write(b"%0*x %s\n" % (_CRC_DIGITS, zlib.crc32(text), text))
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._has_news.set()

    def _write(self, data: bytes) -> None:
        assert self._file is not None, "a PartWriter is used outside its with"
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _sync_after_news(self) -> None:
        """The thread: a sync an interval after the first row that waits for one, and one at the end."""
        assert self._file is not None, "a PartWriter is used outside its with"
        is_last = False
        while not is_last:
            self._has_news.wait()
            self._is_ending.wait(SYNC_INTERVAL_S)
            self._has_news.clear()
            is_last = self._is_ending.is_set()
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                self._sync_error = error
                return

    def _raise_what_the_sync_met(self) -> None:
        if self._sync_error is not None:
            raise unwritable(self._path, self._sync_error) from self._sync_error

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def read_parts(path: Path) -> Parts:
    """What is whole in a part file; nothing if there is no file.

    A first line that is not ours is a damaged one if rows follow. Raises InputError(path) if the file cannot be read,
    or is something else: of another form, for instance.
    """
    try:
        with path.open("rb") as file:
            form = file.readline(len(_FORM))
            if form != _FORM:
                file.seek(0)
            parts = _parts(file, len(form) if form == _FORM else 0)
    except FileNotFoundError:
        return Parts([], 0, 0)
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}; expected rows of perfsim sweep") from error
    if not _FORM.startswith(form) and not parts.rows:  # cut off within its first line it is as good as none
        raise InputError(str(path), "not a file of perfsim sweep; expected its rows, or no such file")
    return parts


def _parts(lines: Iterable[bytes], kept_bytes: int) -> Parts:
    """What is whole in these lines. kept_bytes: of what is before them."""
    rows: list[Row] = []
    damaged_count = 0
    for line in lines:
        if not line.endswith(b"\n"):
            break
        kept_bytes += len(line)
        row = _row(line)
        if row is None:
            damaged_count += 1
        else:
            rows.append(row)
    return Parts(rows, damaged_count, kept_bytes)


def _row(line: bytes) -> Row | None:
    """The row of a line; None if the line is not as it was written."""
    crc, _, text = line[:-1].partition(b" ")
    if crc != b"%0*x" % (_CRC_DIGITS, zlib.crc32(text)):
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
