"""Machine code is kept, found again, never trusted when damaged, and made once by processes that want it at once."""

import hashlib
import inspect
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

import pytest
from llvmlite import binding

from perfsim.engine import cache, compile  # noqa: A004 - the module
from perfsim.engine.sources import sources_sha256

CODE = b"machine code, made up"


class Compiler:
    """A compiler that takes no time, and counts."""

    def __init__(self) -> None:
        self.times = 0

    def machine_code(self) -> bytes:
        """See compile.machine_code()."""
        self.times += 1
        return CODE


class Kept(NamedTuple):
    """The compiler, and the file in which its code is kept."""

    compiler: Compiler
    file: Path


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """A cache of its own that is empty, and a compiler that counts."""
    compiler = Compiler()
    monkeypatch.setenv(cache.DIRECTORY_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(compile, "machine_code", compiler.machine_code)
    monkeypatch.setattr(cache, "_given", [])
    # The code that this process has is not to be lost: the next test that runs would load it anew.
    monkeypatch.setattr(cache, "engine_code", cache.engine_code.__wrapped__)
    return Kept(compiler, tmp_path / "cache" / f"engine-{cache.identity()}.o")


def test_code_is_made_once_and_found_again(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    assert [cache.engine_code() for _ in range(3)] == [CODE] * 3
    assert kept.compiler.times == 1
    assert kept.file.read_bytes() == CODE + hashlib.sha256(CODE).digest()
    first, last = capsys.readouterr().err.splitlines()
    assert first == "perfsim: compiling the engine for this machine, this once (a minute or two) ..."
    assert last == f"perfsim: compiled in 0.0 s, kept in {kept.file.parent}"


def test_nothing_is_said_of_code_that_is_found(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    cache.engine_code()
    capsys.readouterr()
    cache.engine_code()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("damage", ["empty", "truncated", "one bit", "checksum alone", "longer"])
def test_a_damaged_file_is_made_anew(kept: Kept, damage: str) -> None:
    cache.engine_code()
    whole = kept.file.read_bytes()
    damaged = {
        "empty": b"",
        "truncated": whole[:-1],
        "one bit": bytes([whole[0] ^ 1]) + whole[1:],
        "checksum alone": hashlib.sha256(b"").digest(),
        "longer": whole + b"\0",
    }
    kept.file.write_bytes(damaged[damage])
    assert cache.engine_code() == CODE
    assert (kept.compiler.times, kept.file.read_bytes()) == (2, whole)


def test_a_directory_that_cannot_be_made_is_said_and_the_code_used_nevertheless(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root may write anywhere, so the directory's name is taken by a file."""
    kept.file.parent.write_text("in the way")
    assert cache.engine_code() == CODE
    place = kept.file.parent
    expected = f"perfsim: compiled in 0.0 s, for this process alone: {place} cannot be written (Not a directory)\n"
    assert capsys.readouterr().err.endswith(expected)


def test_a_file_that_cannot_be_written_leaves_nothing_behind(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert cache.engine_code() == CODE
    assert "cannot be written (No space left on device)" in capsys.readouterr().err
    assert [file.suffix for file in kept.file.parent.iterdir()] == [".lock"]


def test_code_that_is_given_is_neither_looked_for_nor_made(kept: Kept) -> None:
    cache.use(b"from elsewhere")
    assert cache.engine_code() == b"from elsewhere"
    assert kept.compiler.times == 0
    assert not kept.file.parent.exists()


def test_the_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(cache.DIRECTORY_VARIABLE, str(tmp_path / "mine"))
    assert cache.directory() == tmp_path / "mine"
    monkeypatch.delenv(cache.DIRECTORY_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.directory() == tmp_path / "perfsim"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.directory() == tmp_path / "home" / ".cache" / "perfsim"


def compile_beside(barrier: Barrier, log: Path) -> None:
    """What each of several processes does: wait for the others, then ask for the code."""

    def machine_code() -> bytes:
        with log.open("a") as lines:
            lines.write("compiled\n")
        return CODE * 100_000

    compile.machine_code = machine_code
    barrier.wait()
    assert cache.engine_code() == CODE * 100_000  # the fixture's, without a memory


def test_processes_that_want_the_code_at_once_make_it_once(kept: Kept, tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(4)
    processes = [fork.Process(target=compile_beside, args=(barrier, tmp_path / "log")) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4
    assert (tmp_path / "log").read_text() == "compiled\n"


def test_the_identity_covers_every_module_from_which_a_compiled_function_comes() -> None:
    package = Path(cache.__file__).parent.parent
    covered = {file for pattern in cache.COMPILED_MODULES for file in package.glob(pattern)}
    sources = {Path(inspect.getfile(function)) for function in compile.functions_of_the_engine()}
    assert len(sources) > 10
    assert sources - covered == set()
    assert Path(compile.__file__) in covered
    assert all(any(package.glob(pattern)) for pattern in cache.COMPILED_MODULES)


@pytest.fixture
def identity() -> Iterator[Callable[[], str]]:
    """The identity as a process has it that asks for the first time."""

    def anew() -> str:
        sources_sha256.cache_clear()
        cache.identity_of.cache_clear()
        return cache.identity()

    yield anew
    sources_sha256.cache_clear()
    cache.identity_of.cache_clear()


@pytest.mark.parametrize("changed", ["loop.py", "version of numba", "processor", "features"])
def test_the_identity_changes_with_whatever_the_code_depends_on(
    identity: Callable[[], str], monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    before = identity()
    assert identity() == before
    read = Path.read_bytes
    if changed == "loop.py":
        monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + (b"#" if self.name == changed else b""))
    elif changed == "version of numba":
        monkeypatch.setattr(cache, "version", lambda name: "0.0" if name == "numba" else "")
    elif changed == "processor":
        monkeypatch.setattr(binding, "get_host_cpu_name", lambda: "abacus")
    else:
        monkeypatch.setattr(binding, "get_host_cpu_features", type("Features", (), {"flatten": lambda _: "+"}))
    assert identity() != before
    assert len(before) == 16
