"""The compiled engine's machine code, kept: made once for a machine, and again only for another perfsim or numba.

A file's name is a hash of all that the code depends on: the sources of what is compiled, numba's version, the machine's
processor. Its last bytes are a checksum, so that a damaged file is made anew. Where no file can be kept, the code is
made for this process alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from llvmlite import binding

from perfsim.engine.sources import sources_sha256

DIRECTORY_VARIABLE = "PERFSIM_CACHE_DIR"
CHECKSUM_BYTES = 32
COMPILED_MODULES = (
    *(f"engine/{name}.py" for name in ("arithmetic", "calendar", "compile", "dispatch", "entry", "layout", "loop")),
    *(f"engine/{name}.py" for name in ("native", "program", "standstill")),
    *("kernel/*.py", "kernel/effects/*.py", "machine/*.py", "numeric/*.py"),
)
"""Sources of what is compiled, and of what compiles it. The paths of designs are not: they are interpreted."""

_given: list[bytes] = []


@cache
def engine_code() -> bytes:
    """The machine code for load.linked(): from the cache, else compiled now, which stderr is told."""
    if _given:
        return _given[0]
    return kept_code(_file(), "engine", "a minute or two", _made)


def kept_code(file: Path, what: str, how_long: str, make: Callable[[], bytes]) -> bytes:
    """The code in a file, or else made now, which stderr is told, and kept there. what, how_long: for what it is told.

    One process makes it, while others that need it wait.
    """
    code = _read(file)
    if code is not None:
        return code
    with _one_at_a_time(file):
        return _read(file) or _compile(file, what, how_long, make)


def use(code: bytes) -> None:
    """Take this code, which another process has made, and look for none. Before the first engine_code()."""
    _given[:] = [code]


def is_kept() -> bool:
    """Whether there is code for this machine, so that nothing need be compiled."""
    return bool(_given) or _read(_file()) is not None


def keep(code: bytes) -> None:
    """Use this code, and keep it for others here: another machine of the same identity() has made it."""
    use(code)
    file = _file()
    with suppress(OSError):  # it is in use, kept or not
        file.parent.mkdir(parents=True, exist_ok=True)
        _keep(file, code)


def directory() -> Path:
    """Where the code is kept: $PERFSIM_CACHE_DIR, else perfsim/ in $XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "perfsim"


def identity() -> str:
    """Sixteen hexadecimal digits that name all that the engine's code depends on."""
    return identity_of(COMPILED_MODULES)


@cache
def identity_of(sources: tuple[str, ...]) -> str:
    """Sixteen hexadecimal digits that name all that code depends on which is made of these files of the package."""
    digest = hashlib.sha256(sources_sha256(sources).encode())
    for name in (version("numba"), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()):
        digest.update(name.encode())
    return digest.hexdigest()[:16]


def _file() -> Path:
    return directory() / f"engine-{identity()}.o"


def _made() -> bytes:
    from perfsim.engine.compile import machine_code  # numba, which a warm cache does without

    return machine_code()


def _compile(file: Path, what: str, how_long: str, make: Callable[[], bytes]) -> bytes:
    _say(f"compiling the {what} for this machine, this once ({how_long}) ...")
    begin = time.monotonic()
    code = make()
    _say(f"compiled in {time.monotonic() - begin:.1f} s{_keep(file, code)}")
    return code


def _keep(file: Path, code: bytes) -> str:
    """Write the code to its file, whole or not at all. Returns what to add to the announcement."""
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_bytes(code + hashlib.sha256(code).digest())
        unfinished.replace(file)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        return f", for this process alone: {file.parent} cannot be written ({error.strerror})"
    return f", kept in {file.parent}"


def _read(file: Path) -> bytes | None:
    """The code in a file; None if there is none, or not as it was written."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    code, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
    return code if code and hashlib.sha256(code).digest() == checksum else None


@contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    """Let one process compile while others that need the same code wait for it; without a directory, none waits."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.with_suffix(".lock").open("w")
    except OSError:
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody who listens is no reason to stop
        sys.stderr.write(f"perfsim: {text}\n")
