"""A file is replaced as a whole or not at all, whatever happens in between."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from perfsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; it takes the place of `path` when the block ends well.

    Both its content and its name are on disk then. If the block raises, `path` stays as it was and nothing is left.
    Raises InputError(path) if the place cannot be written, a full disk included.
    """
    _remove_abandoned(path)
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        _remove(temporary)


def sync_directory(directory: Path) -> None:
    """Put on disk which files a directory has: a new name is safe only then."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> InputError:
    """The refusal of a place that cannot be written."""
    return InputError(str(path), f"cannot be written: {error.strerror or error}; expected a place with room to write")


def _remove_abandoned(path: Path) -> None:
    """Remove what a killed process left: temporary files of this name whose process is no more."""
    for left in path.parent.glob(f"{path.name}.tmp-*"):
        number = left.name.rpartition("-")[2]
        if number.isdecimal() and not _is_alive(int(number)):
            _remove(left)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # it is litter; what matters has been said or done
