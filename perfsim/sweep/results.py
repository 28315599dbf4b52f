"""A sweep and its directory: what is there already is taken over, rows are kept as they come, and the end is written.

runs.parquet          the rows of the sweep, in job order; replaced as a whole at the end, or at an interruption
runs.parts            rows since then, appended as they come; gone once they are in runs.parquet
sweep.json            what was asked, and how far it is
*.old-HASH            a former file with rows of another workload: nothing is lost, and a row that fits is found again
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import platform
import signal
import time
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from perfsim.errors import InputError, InterruptedSweep
from perfsim.store.atomic import replacing, unwritable
from perfsim.store.manifest import Manifest, read_manifest, write_manifest
from perfsim.store.parquet import read_runs, write_runs
from perfsim.store.parts import PartWriter, read_parts
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.driver import make_ready, outcomes
from perfsim.sweep.plan import COLUMN_NAMES, placed, plan, workers_for
from perfsim.sweep.progress import Pace, shown
from perfsim.sweep.worker import Failure
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from perfsim.scenario.schema import Scenario
    from perfsim.sweep.plan import Run

Row = dict[str, Any]

RUNS = "runs.parquet"
PARTS = "runs.parts"
MANIFEST = "sweep.json"

HASH_DIGITS = 8
ASIDE = f".old-{'[0-9a-f]' * HASH_DIGITS}"

MARKS = {
    RUNS: (b"PAR1", b"perfsim_schema_version"),
    PARTS: (b"perfsim rows ", b""),
    MANIFEST: (b"{", b'"workload_sha256"'),
}
"""By these beginnings, and by what comes after them, files of ours are known, those of a newer form and damaged ones
too."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for.

    sets: the `--set` texts. directory: where results go, made if need be. engine: its name. jobs_count: worker
    processes, None for as many as there are CPUs. fresh: the last results in the directory are removed first, and none
    is taken over. resume_command: what goes on after an interruption.
    """

    scenario: Scenario
    sets: tuple[str, ...]
    directory: Path
    engine: str
    jobs_count: int | None
    fresh: bool
    resume_command: str


class Finished(NamedTuple):
    """A sweep's end. rows: in job order. failures: the runs that have no row, each with the reason, in job order."""

    rows: list[Row]
    failures: list[tuple[Run, str]]


@dataclass(slots=True)
class _Session:
    """One call of `sweep_into`. rows: by run_id, those taken over and those that came since."""

    order: Order
    runs: tuple[Run, ...]
    rows: dict[str, Row]
    former: Manifest | None
    pace: Pace
    failures: list[tuple[Run, str]] = field(default_factory=list)


def sweep_into(order: Order, people: TextIO) -> Finished:
    """Complete the sweep in its directory, and return its rows.

    people: where progress and what else people want to know is written. Raises InputError, before anything is written,
    for whatever is wrong with the workload or the directory; InterruptedSweep after Ctrl-C or SIGTERM, once everything
    that had finished is stored.
    """
    workers_count = workers_for(order.jobs_count)
    runs = plan(order.scenario, workers_count, order.engine)
    make_ready(order.engine)
    with _alone_in(order.directory):
        if order.fresh:
            _remove_results(order.directory)
        session = _begin(order, runs, people)
        is_interrupted = asyncio.run(_complete(session, workers_count, people))
    rows = _rows(session)
    if is_interrupted:
        raise InterruptedSweep(len(rows), len(runs), order.resume_command)
    position = {run.task.run_id: number for number, run in enumerate(runs)}
    return Finished(rows, sorted(session.failures, key=lambda failure: position[failure[0].task.run_id]))


def _begin(order: Order, runs: tuple[Run, ...], people: TextIO) -> _Session:
    """Take over what the directory has; rows that no run of this sweep wants are set aside."""
    former = _former(order.directory / MANIFEST)
    wanted = {run.task.run_id for run in runs}
    rows: dict[str, Row] = {}
    for path, stored in [] if order.fresh else _stored(order.directory):
        fitting = {row["run_id"]: row for row in stored if row.get("run_id") in wanted and row.keys() >= COLUMN_NAMES}
        rows |= fitting
        if len(fitting) < len(stored) and path.name in (RUNS, PARTS):
            kept = _set_aside(path)
            strangers = format_count(len(stored) - len(fitting))
            _say(people, f"{strangers} rows of another sweep in {path} are kept in {kept.name}")
    reused_count = sum(run.task.run_id in rows for run in runs)
    if reused_count:
        _say(people, f"{format_count(reused_count)} of {format_count(len(runs))} runs are in {order.directory} already")
    work_total = sum(run.work for run in runs if run.task.run_id not in rows)
    return _Session(order, runs, rows, former, Pace(len(runs), reused_count, work_total))


def _say(people: TextIO, text: str) -> None:
    """Tell people a line; that nobody can be told is no reason to stop."""
    with suppress(OSError):
        people.write(text + "\n")


def _former(path: Path) -> Manifest | None:
    """The manifest that is there. Raises InputError, which says what to do, for one that cannot be read."""
    if not path.exists():
        return None
    try:
        return read_manifest(path)
    except InputError as error:
        fresh = ", or start over with --fresh" if _is_ours(path) else ""
        advice = f"move it away, which keeps the rows beside it{fresh}"
        raise InputError(error.place, f"{error.problem}; {advice}") from error


def _stored(directory: Path) -> Iterator[tuple[Path, list[Row]]]:
    """Every file of rows in the directory, former ones first. Raises InputError for one that is broken or foreign."""
    readers = {RUNS: read_runs, PARTS: read_parts}
    for name, read in readers.items():
        for path in sorted(directory.glob(name + ASIDE)):
            yield path, read(path)
    for name, read in readers.items():
        if (directory / name).exists():
            yield directory / name, read(directory / name)


def _set_aside(path: Path) -> Path:
    """A copy of the file, named by its content."""
    content = path.read_bytes()
    kept = path.with_name(f"{path.name}.old-{hashlib.sha256(content).hexdigest()[:HASH_DIGITS]}")
    with replacing(kept) as file:
        file.write(content)
    return kept


async def _complete(session: _Session, workers_count: int, people: TextIO) -> bool:
    """Run what is missing and store everything; whether that was interrupted.

    From here on SIGINT and SIGTERM only ask for the end: what they meet in the midst of storing is stored.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    missing = [run for run in session.runs if run.task.run_id not in session.rows]
    _store_manifest(session)
    async with shown(session.pace, people):
        collecting = asyncio.create_task(_collect(session, missing, workers_count))
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({collecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        is_interrupted = not collecting.done()
        if is_interrupted:
            collecting.cancel()
        await asyncio.wait({collecting, stopping})
    if not collecting.cancelled():
        collecting.result()  # raises what went wrong with the directory, or with us
    _store(session)
    return is_interrupted


async def _collect(session: _Session, missing: Sequence[Run], workers_count: int) -> None:
    with PartWriter(session.order.directory / PARTS) as parts:
        async with aclosing(outcomes(Backlog(missing), workers_count, session.order.engine)) as finished:
            async for run, outcome in finished:
                _keep(session, parts, run, outcome)


def _keep(session: _Session, parts: PartWriter, run: Run, outcome: Row | Failure) -> None:
    """Take one outcome into the session; a row is also on its way to the disk when this returns."""
    session.pace.finished_count += 1
    session.pace.work_finished += run.work
    if isinstance(outcome, Failure):
        session.failures.append((run, outcome.reason))
    else:
        row = placed(run, outcome)
        parts.add(row)
        session.rows[run.task.run_id] = row


def _store(session: _Session) -> None:
    """Put everything into runs.parquet and sweep.json; only then are the parts superfluous."""
    rows = _rows(session)
    if rows:
        write_runs(session.order.directory / RUNS, rows, session.order.scenario)
        (session.order.directory / PARTS).unlink(missing_ok=True)
    _store_manifest(session)


def _rows(session: _Session) -> list[Row]:
    """The rows there are, in job order, as this sweep shows them."""
    found = ((run, session.rows.get(run.task.run_id)) for run in session.runs)
    return [placed(run, row) for run, row in found if row is not None]


def _store_manifest(session: _Session) -> None:
    scenario, pace = session.order.scenario, session.pace
    run_ids = tuple(run.task.run_id for run in session.runs)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    former = session.former if session.former and set(session.former.run_ids) & set(run_ids) else None
    manifest = Manifest(
        workload=scenario.name,
        workload_sha256=hashlib.sha256(scenario.text.encode()).hexdigest(),
        sets=session.order.sets,
        axes={axis.path: len(axis.values) for axis in scenario.sweep.axes},
        points=session.runs[-1].labels["point"] + 1,
        designs=scenario.kernel.designs,
        replications=scenario.sweep.replications,
        seed=scenario.sweep.seed,
        engine=session.order.engine,
        run_ids=run_ids,
        done=tuple(run_id for run_id in run_ids if run_id in session.rows),
        failed={run.task.run_id: reason for run, reason in session.failures},
        started=former.started if former else now,
        updated=now,
        wall_s=(former.wall_s if former else 0.0) + time.monotonic() - pace.started_s,
        python_version=platform.python_version(),
    )
    write_manifest(session.order.directory / MANIFEST, manifest)


def _remove_results(directory: Path) -> None:
    """Start over: the last results go; what was set aside stays. Raises InputError, with nothing gone, for others'."""
    found = [path for path in (directory / name for name in MARKS) if path.exists()]
    for path in found:
        if not _is_ours(path):
            problem = "no result of perfsim, so that --fresh removes nothing"
            raise InputError(str(path), f"{problem}; expected it moved away, or another --out DIR")
    for path in found:
        try:
            path.unlink()
        except OSError as error:
            raise unwritable(path, error) from error


def _is_ours(path: Path) -> bool:
    """Whether perfsim has written a file, damaged or not. One cut off within its beginning holds nothing to lose."""
    if not path.is_file():
        return False
    try:
        content = path.read_bytes()
    except OSError:
        return False
    beginning, later = MARKS[path.name]
    return beginning.startswith(content) or (content.startswith(beginning) and later in content)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Make the directory and keep other sweeps out of it. Raises InputError if that cannot be."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        problem = f"{error.strerror}; expected a directory for results, or a place where one can be made"
        raise InputError(str(directory), problem) from error
    try:
        _lock(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    """Lock the directory itself: no file is left behind, and the lock falls when this process ends, however it ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            str(directory), "another sweep is at work here; expected one at a time, or --out DIR"
        ) from error
    except OSError:
        return  # some network file systems lock no directories; there it is for the user not to start two
