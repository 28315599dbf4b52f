"""One sweep at a time in a directory: the second is told who the first is.

The lock is on a file, not on the directory, because network file systems lock only what is open for writing.
"""

from __future__ import annotations

import fcntl
import os
import platform
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perfsim.errors import InputError, one_line
from perfsim.store.atomic import unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = "sweep.lock"
HOLDER_CHARACTERS_MAX = 200


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Keep other sweeps out of the directory. Raises InputError if one is in it, or it cannot be written."""
    path = directory / LOCK
    descriptor = _lock(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _lock(path: Path) -> int:
    """Lock this file, and say in it who does; what a killed sweep has left is written over. Returns its descriptor.

    The lock falls when this process ends, however it ends. Raises InputError if another has it.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise unwritable(path.parent, error) from error
        try:
            _take(descriptor, path)
            if _is_named(descriptor, path):  # and not one that another sweep removed as it ended
                _say_who(descriptor, path)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        problem = f"another sweep is at work here{_who(path)}"
        raise InputError(str(path.parent), f"{problem}; expected one at a time, or --out DIR") from error
    except OSError:
        return  # some network file systems lock nothing; there it is for the user not to start two


def _is_named(descriptor: int, path: Path) -> bool:
    """Whether the file that is open is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _say_who(descriptor: int, path: Path) -> None:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {platform.node()} since {since}\n".encode())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise unwritable(path.parent, error) from error


def _who(path: Path) -> str:
    """Who has the lock, as it said itself."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    return f": {one_line(text[:HOLDER_CHARACTERS_MAX])}" if text else ""
