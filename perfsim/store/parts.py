"""Rows as they come: an append-only file that a kill at any moment leaves readable up to its last whole row.

A first line names the form; each further line is a CRC-32 in eight hexadecimal digits, a blank, and a row as JSON.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from typing import TYPE_CHECKING, Any

from perfsim.errors import InputError
from perfsim.store.atomic import sync_directory, unwritable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO
    from pathlib import Path
    from types import TracebackType

Row = dict[str, Any]

SYNC_INTERVAL_S = 2.0

_FORM = b"perfsim rows 1\n"
_CRC_DIGITS = 8


class PartWriter:
    """Appends rows to a part file; use it in a `with`.

    A row is with the operating system when `add` returns, so that it outlives this process; it is on disk at the latest
    with the first row after `SYNC_INTERVAL_S`, or at the end. One writer a file: the caller sees to that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._synced_s = 0.0

    def __enter__(self) -> PartWriter:
        """Open the file, which is made if need be; a torn end is cut off.

        Raises InputError(path) if it cannot be written or is something else.
        """
        kept_bytes = _valid(self._path)[1]
        try:
            self._file = self._path.open("ab", buffering=0)
            self._file.truncate(kept_bytes)
            if not kept_bytes:
                self._write(_FORM)
                sync_directory(self._path.parent)
        except OSError as error:
            self._close()
            raise unwritable(self._path, error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._sync()
        except OSError as failure:
            if error is None:
                raise unwritable(self._path, failure) from failure
        finally:
            self._close()

    def add(self, row: Row) -> None:
        """Append a row of plain values. Raises InputError(path) if there is no room for it."""
        text = json.dumps(row, separators=(",", ":"), allow_nan=False).encode()
        try:
            self._write(b"%0*x %s\n" % (_CRC_DIGITS, zlib.crc32(text), text))
            if time.monotonic() - self._synced_s >= SYNC_INTERVAL_S:
                self._sync()
        except OSError as error:
            raise unwritable(self._path, error) from error

    def _write(self, data: bytes) -> None:
        assert self._file is not None, "a PartWriter is used outside its with"
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _sync(self) -> None:
        assert self._file is not None, "a PartWriter is used outside its with"
        os.fsync(self._file.fileno())
        self._synced_s = time.monotonic()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def read_parts(path: Path) -> list[Row]:
    """The rows of a part file up to the first that is torn or damaged; none if there is no file.

    Raises InputError(path) if it cannot be read or is something else.
    """
    return _valid(path)[0]


def _valid(path: Path) -> tuple[list[Row], int]:
    """The valid rows at a file's beginning, and how many bytes they and the first line take."""
    try:
        with path.open("rb") as file:
            form = file.readline(len(_FORM))
            if form == _FORM:
                return _rows(file)
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}; expected rows of perfsim sweep") from error
    if not _FORM.startswith(form):  # cut off within its first line it is as good as none
        raise InputError(str(path), "not a file of perfsim sweep; expected its rows, or no such file")
    return [], 0


def _rows(lines: Iterable[bytes]) -> tuple[list[Row], int]:
    """The rows of the lines after the first, up to one that is no row, and how many bytes are valid with the first."""
    rows: list[Row] = []
    valid_bytes = len(_FORM)
    for line in lines:
        row = _row(line)
        if row is None:
            break
        rows.append(row)
        valid_bytes += len(line)
    return rows, valid_bytes


def _row(line: bytes) -> Row | None:
    """The row of a line; None if the line is torn or damaged."""
    crc, _, text = line[:-1].partition(b" ")
    if not line.endswith(b"\n") or crc != b"%0*x" % (_CRC_DIGITS, zlib.crc32(text)):
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
