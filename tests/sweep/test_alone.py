"""One sweep at a time in a directory."""

import errno
import fcntl
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.sweep import results
from perfsim.sweep.alone import alone_in
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.plan import Run
from perfsim.sweep.worker import Failure
from tests.sweep.into import Row, Tiny, files, outcomes_here, sweep_there

pytestmark = pytest.mark.usefixtures("in_this_process")


def enter(directory: Path) -> None:
    with alone_in(directory):
        pass


def test_a_sweep_in_a_locked_directory_is_refused_although_nobody_says_who_has_it(tiny: Tiny, tmp_path: Path) -> None:
    with (tmp_path / "sweep.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another sweep is at work here; expected one at a time"):
            sweep_there(tiny(), tmp_path)
    assert files(tmp_path) == {"sweep.lock": b""}


def test_the_second_of_two_sweeps_is_told_who_the_first_is(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[str] = []

    async def second(backlog: Backlog, workers_count: int, engine: str) -> AsyncIterator[tuple[Run, Row | Failure]]:
        with pytest.raises(InputError) as caught:
            enter(tmp_path)
        refusals.append(str(caught.value))
        async for pair in outcomes_here(backlog, workers_count, engine):
            yield pair

    (tmp_path / "sweep.lock").write_text("process 1 on what was killed long ago", encoding="utf-8")
    monkeypatch.setattr(results, "outcomes", second)
    assert len(sweep_there(tiny(), tmp_path)[0].rows) == 8
    who = rf"process {os.getpid()} on \S+ since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(rf"{tmp_path}: another sweep is at work here: {who}; expected .* or --out DIR", refusals[0])
    assert not (tmp_path / "sweep.lock").exists()


def test_a_lock_on_a_file_that_another_sweep_removed_meanwhile_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    taken: list[int] = []

    def remove_before_the_first(descriptor: int, operation: int) -> None:
        if not taken:
            (tmp_path / "sweep.lock").unlink()
        flock(descriptor, operation)
        taken.append(descriptor)

    monkeypatch.setattr(fcntl, "flock", remove_before_the_first)
    with alone_in(tmp_path):
        assert len(taken) == 2
        with pytest.raises(InputError, match="another sweep is at work here: process"):
            enter(tmp_path)


def test_where_nothing_can_be_locked_a_sweep_works_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    enter(tmp_path)
    assert files(tmp_path) == {}
