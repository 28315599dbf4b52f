"""A file is replaced as a whole or not at all, whatever happens in between."""

from __future__ import annotations

import os
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

from perfsim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_replaceable(path: Path) -> None:
    """Raise InputError(path) where `replacing` could not put a file: for whoever works long before there is one."""
    _refuse_no_file(path)
    try:
        with TemporaryFile(dir=path.resolve().parent):
            return
    except OSError as error:
        raise unwritable(path, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; it takes the place of `path` when the block ends well.

    Both its content and its name are on disk then. If the block raises, `path` stays as it was and nothing is left.
    Of a link, what it leads to is replaced. Raises InputError(path) if the place cannot be written, a full disk
    included, or something is there that is no file: a device must not become one.
    """
    _refuse_no_file(path)
    place = path.resolve()
    _remove_abandoned(place)
    temporary = place.with_name(f"{place.name}.tmp-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
        sync_directory(place.parent)
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


def _refuse_no_file(path: Path) -> None:
    try:
        is_else = path.exists() and not path.is_file()
    except OSError as error:
        raise unwritable(path, error) from error
    if is_else:
        raise InputError(str(path), "is there and is no file; expected a file to be written")


def _remove_abandoned(path: Path) -> None:
    """Remove what a killed process left: temporary files of this name whose process is no more."""
    for left in path.parent.glob(f"{escape(path.name)}.tmp-*"):
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
