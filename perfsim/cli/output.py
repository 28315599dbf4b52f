"""Where text goes: data to stdout, words for people to stderr."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from perfsim.errors import InputError, PerfsimError

CLOSED_PIPE_STATUS = 141
"""What a shell reports of a program that wrote into a pipe nobody reads any more: 128 + SIGPIPE."""


STANDARD_DESCRIPTORS = range(3)


def open_missing_streams() -> None:
    """Stand in for each standard stream that this process was started without.

    A closed stdout becomes a pipe that nobody reads, and a closed stderr goes nowhere. Their descriptors are taken too,
    here and in the workers: a file of results must not be given the number that a library writes its complaints to.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) in STANDARD_DESCRIPTORS:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - it takes no keywords
    os.close(descriptor)
    if sys.stdout is None:
        reader, writer = os.pipe()
        os.close(reader)
        sys.stdout = os.fdopen(writer, "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def write_data(text: str) -> None:
    """Write what was asked for to stdout, all of it, now; leave in silence if nobody reads it any more.

    Raises PerfsimError if it cannot be written, to a full disk for instance.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go(sys.stdout)
        sys.exit(CLOSED_PIPE_STATUS)
    except OSError as error:
        _let_go(sys.stdout)
        raise PerfsimError(f"stdout: cannot be written: {error.strerror}; the answer is not complete") from error


def file_to_write(option: str, name: str, example: str) -> Path:
    """Where the file goes that an option asks for. Raises InputError, before anything runs, where none can be."""
    from perfsim.store.atomic import check_replaceable

    if not name:
        raise InputError(option, f"is empty; expected a file to be written, such as {example}")
    path = Path(name)
    check_replaceable(path)
    return path


def tell(text: str) -> None:
    """Write words for people to stderr, ending the line."""
    write_words(text + "\n")


def shows_colour() -> bool:
    """Whether stdout is a terminal whose user has nothing against colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def shows_pictures() -> bool:
    """Whether stdout is a terminal that has block characters."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and encoding == "utf8"


def write_words(text: str) -> None:
    """Write words for people to stderr, of any number of lines; that nobody can be told is no reason to stop."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _let_go(sys.stderr)


def tell_meanwhile(text: str) -> None:
    """Show people who wait at a terminal what is going on, in place of what this showed before; "" takes it away."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        write_words(f"\r{text}\x1b[K")


def _let_go(stream: TextIO) -> None:
    """Send what is still in the stream's buffer nowhere, or Python would complain of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
