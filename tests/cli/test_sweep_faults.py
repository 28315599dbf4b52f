"""`perfsim sweep` as processes that are killed, starved, kept out and told to hurry: what is left, and what it says."""

import ctypes
import os
import platform
import resource
import select
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from perfsim.scenario.validate import load_scenario
from perfsim.store.parquet import read_runs
from perfsim.store.parts import read_parts
from perfsim.sweep.plan import placed, plan
from perfsim.sweep.worker import Failure, work
from scripts.local_cluster import children_of, command_of
from tests.cli.conftest import Perfsim, without_progress

Row = dict[str, Any]
Process = tuple[list[str], dict[str, str]]
Begin = Callable[..., subprocess.Popen[str]]

LONG_ENOUGH_S = 120
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1
ROOM_BYTES = 12_000

# One run of an hour of simulated time beside short ones: it is given out first, and never ends by itself.
ENDLESS = (
    *("--set", "memory.pages_per_node=256", "--set", "measure.warmup=0us", "--set", "machine.cpus=1"),
    *("--set", "sweep.axes.measure.duration=[3600s, 100us, 110us]", "--set", "sweep.replications=1"),
    *("--design", "redo", "--out", "out", "--jobs", "2"),
)

# A long run beside a short one: on a busy machine only a longer one can be caught before it ends.
LONGER = [f"sweep.axes.measure.duration=[{long}, 100us]" for long in ("200ms", "1s", "5s", "25s")]

# Four short runs of one design.
SMALL = (
    *("--set", "memory.pages_per_node=280", "--set", "measure.warmup=10us", "--set", "measure.duration=100us"),
    *("--set", "sweep.replications=2", "--set", "sweep.axes.machine.cpus=[1, 2]", "--design", "redo", "--out", "out"),
)


def started(
    process: Process, folder: Path, *words: str, prepare: Callable[[], object] | None = None
) -> subprocess.Popen[str]:
    """A sweep in a process group of its own. Bytecode of one without room on the disk would be left cut off."""
    head, environment = process
    return subprocess.Popen(
        [*head, "sweep", *words],
        env=environment | ({"PYTHONDONTWRITEBYTECODE": "1"} if prepare else {}),
        cwd=folder,
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=prepare,  # noqa: PLW1509 - no threads here
    )


@pytest.fixture
def begin(process: Process, tmp_path: Path) -> Begin:
    """Start a sweep of the quickstart in a directory that is empty at first."""
    return partial(started, process, tmp_path)


def end_of(sweeping: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its status, stdout and stderr. Workers hold the pipes too: both are at their end when the last has ended."""
    out, err = sweeping.communicate(timeout=LONG_ENOUGH_S)
    return sweeping.returncode, out, err


def wait_for(what: str, is_so: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + LONG_ENOUGH_S
    while not is_so():
        assert time.monotonic() < deadline_s, f"no {what} in {LONG_ENOUGH_S} s"
        select.select([], [], [], 0.02)


def rows_of(directory: Path) -> int:
    return len(read_parts(directory / "runs.parts").rows)


def workers_of(driver: int) -> set[int]:
    """The worker processes of a driver."""
    return {child for child in children_of(driver) if b"spawn_main" in command_of(child)}


def kill(processes: Sequence[int] | set[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def without_time(path: Path) -> list[Row]:
    return [{**row, "wall_s": 0.0} for row in read_runs(path)]


class Killed(NamedTuple):
    """A sweep whose driver was killed when it had two of three rows. second: the end of another one, begun before."""

    out: Path
    driver: int
    second: tuple[int, str, str]


@pytest.fixture(scope="module")
def killed(process: Process, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """One for all tests, which work on copies. It is there when the last worker has ended."""
    folder = tmp_path_factory.mktemp("killed")
    with started(process, folder, "quickstart", *ENDLESS) as first:
        wait_for("two rows", lambda: rows_of(folder / "out") == 2)
        with started(process, folder, "quickstart", *ENDLESS, "--fresh") as second:
            told = end_of(second)
        first.kill()
        end_of(first)
    return Killed(folder / "out", first.pid, told)


@pytest.fixture(scope="module")
def finished(process: Process, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of results that nothing has disturbed, of SMALL; for all tests, which work on copies."""
    folder = tmp_path_factory.mktemp("finished")
    with started(process, folder, "quickstart", *SMALL, "--jobs", "1") as sweeping:
        assert end_of(sweeping)[0] == 0
    return folder / "out"


def test_ctrl_c_keeps_what_is_done_says_how_to_go_on_and_leaves_no_worker(begin: Begin, tmp_path: Path) -> None:
    with begin("quickstart", *ENDLESS) as sweeping:
        wait_for("two rows", lambda: rows_of(tmp_path / "out") == 2)
        os.killpg(sweeping.pid, signal.SIGINT)
        status, out, err = end_of(sweeping)
    assert (status, out) == (130, "")
    (told,) = without_progress(err)
    assert told.startswith("interrupted: 2 of 3 runs are kept; go on with: perfsim sweep quickstart --set ")
    assert told.endswith(" --design redo --out out --jobs 2")
    assert len(read_runs(tmp_path / "out" / "runs.parquet")) == 2


def test_a_sweep_whose_driver_is_killed_leaves_no_worker_and_is_completed_by_the_next(
    perfsim: Perfsim, killed: Killed, tmp_path: Path
) -> None:
    shutil.copytree(killed.out, tmp_path / "out")
    kept = read_parts(tmp_path / "out" / "runs.parts").rows
    assert (tmp_path / "out" / "sweep.lock").exists()
    shorter = ("--set", "sweep.axes.measure.duration=[90us, 100us, 110us]")
    status, _, err = perfsim("sweep", "quickstart", *ENDLESS, *shorter, "--jobs", "1")
    assert status == 0
    assert err.startswith("2 of 3 runs are in out already\n")
    walls = [row["wall_s"] for row in read_runs(tmp_path / "out" / "runs.parquet")]
    assert sorted(walls[1:]) == sorted(row["wall_s"] for row in kept)
    assert not (tmp_path / "out" / "sweep.lock").exists()


def test_a_point_that_loses_its_worker_twice_is_set_aside_and_the_rest_is_kept(begin: Begin, tmp_path: Path) -> None:
    with begin("quickstart", *ENDLESS) as sweeping:
        wait_for("two rows", lambda: rows_of(tmp_path / "out") == 2)
        first = workers_of(sweeping.pid)
        assert len(first) == 2
        kill(first)
        wait_for("new worker", lambda: workers_of(sweeping.pid) - first)
        kill(workers_of(sweeping.pid) - first)
        status, out, err = end_of(sweeping)
    assert status == 1
    assert len(out.splitlines()) > 2
    assert "2 runs are in out/runs.parquet\n" in err
    assert err.splitlines()[-1] == (
        "point 0, measure.duration=3600s, redo, replication 0: "
        "the worker process died 2 times in this run; is there enough memory?"
    )
    assert [row["measure.duration"] for row in read_runs(tmp_path / "out" / "runs.parquet")] == ["100us", "110us"]


def test_a_run_that_loses_its_worker_once_has_the_row_of_one_left_in_peace(begin: Begin, tmp_path: Path) -> None:
    longer = next(words for words in LONGER if loses_its_worker(begin, tmp_path / "out", words))
    scenario = load_scenario("quickstart", (*ENDLESS[1:6:2], longer, "sweep.replications=1"), designs=("redo",))
    outcomes = [(run, work(run.task)) for run in plan(scenario, 1)]
    peace = [placed(run, row) | {"wall_s": 0.0} for run, row in outcomes if not isinstance(row, Failure)]
    assert (without_time(tmp_path / "out" / "runs.parquet"), len(peace)) == (peace, 2)


def loses_its_worker(begin: Begin, out: Path, longer: str) -> bool:
    """Whether the longer of two runs lost its worker, killed when the other's row was there, and has got a new one."""
    with begin("quickstart", *ENDLESS, "--set", longer, "--fresh") as sweeping:
        wait_for("a row or the end", lambda: sweeping.poll() is not None or rows_of(out))
        first = set() if sweeping.poll() is not None else workers_of(sweeping.pid)
        kill(first)
        wait_for("new worker or the end", lambda: sweeping.poll() is not None or workers_of(sweeping.pid) - first)
        has_new = sweeping.poll() is None
        assert end_of(sweeping)[0] == 0
    return has_new


def test_the_second_sweep_in_a_directory_is_refused_and_told_who_the_first_is(killed: Killed) -> None:
    status, out, err = killed.second
    assert (status, out) == (2, "")
    assert err.startswith(f"out: another sweep is at work here: process {killed.driver} on {platform.node()} since 2")
    assert err.endswith("Z; expected one at a time, or --out DIR\n")
    assert rows_of(killed.out) == 2


def test_a_run_that_takes_longer_than_it_may_is_given_up_and_the_rest_is_kept(perfsim: Perfsim, tmp_path: Path) -> None:
    status, _, err = perfsim("sweep", "quickstart", *ENDLESS, "--jobs", "1", "--max-time", "500ms")
    assert status == 1
    assert "point 0, measure.duration=3600s, redo, replication 0: given up after 0.5 s, the most that a run may " in err
    assert len(read_runs(tmp_path / "out" / "runs.parquet")) == 2


def test_a_run_of_more_events_than_it_may_have_is_given_up_at_the_same_instant_by_both_engines(
    perfsim: Perfsim, tmp_path: Path
) -> None:
    told = []
    for engine in ("compiled", "simpy"):
        limited = (*ENDLESS, "--jobs", "1", "--max-events", "5000", "--engine", engine, "--fresh")
        status, _, err = perfsim("sweep", "quickstart", *limited)
        assert (status, len(read_runs(tmp_path / "out" / "runs.parquet"))) == (1, 2)
        told.append(without_progress(err))
    assert told[0] == told[1]
    assert "redo, replication 0: given up after 5000 events, the most that a run may take, at " in told[0][-1]


def test_a_full_disk_keeps_what_had_room_and_the_command_that_is_told_goes_on(
    begin: Begin, perfsim: Perfsim, finished: Path, tmp_path: Path
) -> None:
    """The system refuses bytes beyond a limit on the size of files, as it does when there are no blocks left."""
    with begin("quickstart", *SMALL, "--jobs", "2", prepare=lambda: limit_files(ROOM_BYTES)) as starved:
        status, out, err = end_of(starved)
    kept = rows_of(tmp_path / "out")
    assert (status, out) == (2, "")
    assert 1 <= kept < 4
    problem = "out/runs.parts: cannot be written: File too large; expected a place with room to write"
    assert without_progress(err)[0].startswith(
        f"{problem}; {kept} of 4 runs are kept, go on with: perfsim sweep quickstart --set "
    )
    words = shlex.split(err.rpartition("go on with: ")[2])[1:]
    status, _, err = perfsim(*words)
    assert (status, err.splitlines()[0]) == (0, f"{kept} of 4 runs are in out already")
    assert without_time(tmp_path / "out" / "runs.parquet") == without_time(finished / "runs.parquet")


def limit_files(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def heed_permissions() -> None:
    """What root may write although nobody may: not after this."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.mark.parametrize("has_results", [False, True])
def test_a_directory_that_may_not_be_written_is_refused_and_stays_as_it_is(
    begin: Begin, finished: Path, tmp_path: Path, *, has_results: bool
) -> None:
    if has_results:
        shutil.copytree(finished, tmp_path / "out")
    else:
        (tmp_path / "out").mkdir()
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (tmp_path / "out").chmod(0o555)
    with begin("quickstart", *SMALL, prepare=heed_permissions) as refused:
        status, out, err = end_of(refused)
    assert (status, out) == (2, "")
    assert err == "out: cannot be written: Permission denied; expected a place with room to write\n"
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_part_file_with_a_flipped_bit_and_a_torn_end_costs_the_rows_it_hit(
    perfsim: Perfsim, killed: Killed, tmp_path: Path
) -> None:
    shutil.copytree(killed.out, tmp_path / "out")
    parts = tmp_path / "out" / "runs.parts"
    kept = read_parts(parts).rows[1]
    broken = bytearray(parts.read_bytes())
    broken[len(b"perfsim rows 1\n") + 200] ^= 4
    parts.write_bytes(broken + b'0123abcd {"run_id": "to')
    short = ("--set", "sweep.axes.measure.duration=[100us, 110us]")
    status, _, err = perfsim("sweep", "quickstart", *ENDLESS, *short, "--jobs", "1")
    assert status == 0
    damaged, reused = err.splitlines()[:2]
    assert damaged == "out/runs.parts: damaged lines, 1 of them; their runs are made again"
    assert reused == "1 of 2 runs are in out already"
    rows = read_runs(tmp_path / "out" / "runs.parquet")
    assert len(rows) == 2
    assert [row["wall_s"] for row in rows if row["run_id"] == kept["run_id"]] == [kept["wall_s"]]


def test_more_jobs_than_cpus_are_told_and_used(perfsim: Perfsim, tmp_path: Path) -> None:
    cpus = len(os.sched_getaffinity(0))
    status, _, err = perfsim("sweep", "quickstart", *SMALL, "--jobs", str(cpus + 1))
    assert (status, len(read_runs(tmp_path / "out" / "runs.parquet"))) == (0, 4)
    assert err.startswith(f"--jobs {cpus + 1}: worker processes take turns, for there are {cpus} CPUs\n")
