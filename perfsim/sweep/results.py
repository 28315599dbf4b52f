"""A sweep and its directory: what is there already is taken over, rows are kept as they come, and the end is written.

runs.parquet          the rows of the sweep, in job order; replaced as a whole at the end, or at an interruption
runs.parts            rows since then, appended as they come; gone once they are in runs.parquet
sweep.json            what was asked, and how far it is
sweep.lock            which process is at work here; gone when it has ended well
*.old-HASH            a former file with rows that no run of this sweep wants: a row that fits is found again
*.damaged-HASH        a former file in which bytes have changed

A workload that was changed is refused: if no run of the former sweep is one of this, and a value differs that holds for
all runs, its rows would be of no use here. A sweep that only has other points, designs or replications is another
part of the same experiment: the rows that fit are used, the others set aside.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
import signal
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from perfsim.engine.budget import UNLIMITED, Limits
from perfsim.errors import InputError, InterruptedSweep
from perfsim.scenario.settings import differences, settings
from perfsim.store.manifest import Manifest, write_manifest
from perfsim.store.parquet import write_runs
from perfsim.store.parts import PartWriter
from perfsim.sweep.alone import alone_in
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.cluster import Cluster, check_cluster, cluster_outcomes
from perfsim.sweep.directory import (
    MANIFEST,
    PARTS,
    RUNS,
    Stored,
    check_room,
    former_manifest,
    make_directory,
    remove_results,
    set_aside,
    stored,
)
from perfsim.sweep.driver import make_ready, outcomes
from perfsim.sweep.plan import COLUMN_NAMES, available_cpus, placed, plan, workers_for
from perfsim.sweep.precision import Growth, asked, lacks, reached
from perfsim.sweep.progress import Pace, done_text, shown
from perfsim.sweep.travel import check_can_travel
from perfsim.sweep.worker import Failure
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from perfsim.scenario.schema import Scenario
    from perfsim.sweep.plan import Run

Row = dict[str, Any]

DIFFERENCES_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for.

    sets: the `--set` texts. directory: where results go, made if need be. engine: its name. jobs_count: worker
    processes, None for as many as there are CPUs. fresh: the last results in the directory are removed first, and none
    is taken over. resume_command: what goes on after an interruption. limits: what each run may take. scheduler: the
    address of a Dask cluster that carries out the runs; None for worker processes here.
    """

    scenario: Scenario
    sets: tuple[str, ...]
    directory: Path
    engine: str
    jobs_count: int | None
    fresh: bool
    resume_command: str
    limits: Limits = UNLIMITED
    scheduler: str | None = None


class Finished(NamedTuple):
    """A sweep's end. rows: in job order. failures: the runs that have no row, each with the reason, in job order.
    short: the ratios that are not known as closely as asked, by point and design, each with how closely it is.
    """

    rows: list[Row]
    failures: list[tuple[Run, str]]
    short: dict[str, str]


@dataclass(slots=True)
class _Session:
    """One call of `sweep_into`. rows: by run_id, those that were there, wanted or not, and those that came since."""

    order: Order
    growth: Growth
    rows: dict[str, Row]
    former: Manifest | None
    backlog: Backlog
    pace: Pace
    failures: list[tuple[Run, str]] = field(default_factory=list)


def sweep_into(order: Order, people: TextIO) -> Finished:
    """Complete the sweep in its directory, and return its rows.

    people: where progress and what else people want to know is written. Raises InputError, before anything is written,
    for whatever is wrong with the workload or the directory; InterruptedSweep after Ctrl-C or SIGTERM, once everything
    that had finished is stored.
    """
    cluster = _cluster(order, people)
    if cluster is not None:
        asyncio.run(check_cluster(cluster))
    workers_count = 0 if cluster else workers_for(order.jobs_count)
    planned = plan(order.scenario, workers_count, order.engine, order.limits)
    if cluster is None:
        make_ready(order.engine)
    else:
        check_can_travel(run.task for run in planned)
    make_directory(order.directory)
    with alone_in(order.directory):
        if workers_count > available_cpus():
            _say(people, f"--jobs {workers_count}: worker processes take turns, for there are {available_cpus()} CPUs")
        if order.fresh:
            remove_results(order.directory)
        session = _begin(order, planned, people)
        is_interrupted = asyncio.run(_complete(session, workers_count, cluster, people))
    rows = _rows(session)
    if is_interrupted:
        may_grow = session.growth.undecided_count > 0
        raise InterruptedSweep(len(rows), len(session.growth.runs), order.resume_command, may_grow=may_grow)
    position = {run.task.run_id: number for number, run in enumerate(session.growth.runs)}
    failures = sorted(session.failures, key=lambda failure: position[failure[0].task.run_id])
    return Finished(rows, failures, _short(session))


def _begin(order: Order, planned: tuple[Run, ...], people: TextIO) -> _Session:
    """Take over what the directory has, and let the sweep grow by it as it grew before.

    Raises InputError if all rows are of a workload that was changed since, or there is no room for those to come.
    """
    former = former_manifest(order.directory / MANIFEST)
    files: list[Stored] = []
    for file in [] if order.fresh else stored(order.directory, former):
        files.append(file)
        if file.problem:
            _say(people, file.problem)
    rows = {row["run_id"]: row for file in files for row in file.rows if row.keys() >= COLUMN_NAMES}
    growth = Growth(order.scenario, planned)
    for run in planned:
        if run.task.run_id in rows:
            growth.take(run, rows[run.task.run_id])
    runs = growth.runs
    wanted = {run.task.run_id for run in runs}
    if any(file.rows for file in files):
        _refuse_changed(order, former, wanted)
    for file in files:
        _set_strangers_aside(file, wanted, people)
    reused_count = sum(run.task.run_id in rows for run in runs)
    backlog = _backlog(order, runs, rows)
    pace = Pace(len(runs), reused_count, backlog.forecast, undecided_count=growth.undecided_count)
    if reused_count:
        _say(people, f"{done_text(pace)} are in {order.directory} already")
    check_room(order.directory, len(runs) - reused_count)
    return _Session(order, growth, rows, former, backlog, pace)


def _set_strangers_aside(file: Stored, wanted: set[str], people: TextIO) -> None:
    """Keep a copy of a file that the sweep will replace, if it has rows that no run wants, or none wants yet."""
    strangers_count = sum(row.get("run_id") not in wanted or not row.keys() >= COLUMN_NAMES for row in file.rows)
    if strangers_count and file.path.name in (RUNS, PARTS):
        kept = set_aside(file.path)
        _say(people, f"{format_count(strangers_count)} rows of another sweep in {file.path} are kept in {kept.name}")


def _backlog(order: Order, runs: Sequence[Run], rows: Mapping[str, Row]) -> Backlog:
    """The runs without a row, with what those that have one say of their length."""
    backlog = Backlog(run for run in runs if run.task.run_id not in rows)
    for run in runs:
        if run.task.run_id in rows:
            _learn(backlog, order, run, rows[run.task.run_id])
    backlog.try_some_first()
    return backlog


def _learn(backlog: Backlog, order: Order, run: Run, row: Row) -> None:
    """Expect of the waiting runs what a stored row says of one like them, unless another engine made it."""
    if row["engine"] == order.engine:
        backlog.forecast.learn(run, row)


def _cluster(order: Order, people: TextIO) -> Cluster | None:
    """The cluster that is to carry out the runs, if one is. Raises InputError for a number of local workers beside."""
    if order.scheduler is None:
        return None
    if order.jobs_count is not None:
        raise InputError("--jobs", "a cluster has its own workers; expected --scheduler or --jobs, not both")
    return Cluster(order.scheduler, lambda line: _say(people, line))


def _say(people: TextIO, text: str) -> None:
    """Tell people a line; that nobody can be told is no reason to stop."""
    with suppress(OSError):
        people.write(text + "\n")


def _refuse_changed(order: Order, former: Manifest | None, wanted: set[str]) -> None:
    """Raise InputError, which says what differs, if the rows that are there are those of a workload before a change."""
    if former is None or not former.settings or not wanted.isdisjoint(former.run_ids):
        return
    axes = {*former.axes, *(axis.path for axis in order.scenario.sweep.axes)}
    changes = differences(former.settings, settings(order.scenario))
    shown = [change for key, change in changes if key not in axes]
    if not shown:
        return
    if len(shown) > DIFFERENCES_SHOWN_MAX:
        shown[DIFFERENCES_SHOWN_MAX:] = [f"and {len(shown) - DIFFERENCES_SHOWN_MAX} more"]
    problem = f"the workload was changed since the sweep that is here: {', '.join(shown)}"
    raise InputError(str(order.directory), f"{problem}; expected --out DIR for a new sweep, or --fresh to start over")


async def _complete(session: _Session, workers_count: int, cluster: Cluster | None, people: TextIO) -> bool:
    """Run what is missing and store everything; whether that was interrupted.

    From here on SIGINT and SIGTERM only ask for the end: what they meet in the midst of storing is stored.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    _store_manifest(session)
    async with shown(session.pace, people):
        collecting = asyncio.create_task(_collect(session, workers_count, cluster))
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({collecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        is_interrupted = not collecting.done()
        if is_interrupted:
            collecting.cancel()
        await asyncio.wait({collecting, stopping})
    try:
        if not collecting.cancelled():
            collecting.result()  # raises what went wrong with the directory, or with us
        _store(session)
    except InputError as error:
        kept = f"{format_count(len(_rows(session)))} of {format_count(len(session.growth.runs))} runs are kept"
        raise InputError(error.place, f"{error.problem}; {kept}, go on with: {session.order.resume_command}") from error
    return is_interrupted


async def _collect(session: _Session, workers_count: int, cluster: Cluster | None) -> None:
    backlog, engine = session.backlog, session.order.engine
    found = cluster_outcomes(backlog, cluster, engine) if cluster else outcomes(backlog, workers_count, engine)
    with PartWriter(session.order.directory / PARTS) as parts:
        async with aclosing(found) as finished:
            async for run, outcome in finished:
                _keep(session, parts, run, outcome)
                session.backlog.add(_grow(session, run))


def _keep(session: _Session, parts: PartWriter, run: Run, outcome: Row | Failure) -> None:
    """Take one outcome into the session; a row is also on its way to the disk when this returns.

    A run that has a row already needs no second one.
    """
    if run.task.run_id in session.rows:
        return
    session.pace.finished_count += 1
    session.backlog.forecast.end(run, None if isinstance(outcome, Failure) else outcome)
    if isinstance(outcome, Failure):
        session.failures.append((run, outcome.reason))
    else:
        row = placed(run, outcome)
        parts.add(row)
        session.rows[run.task.run_id] = row


def _grow(session: _Session, run: Run) -> list[Run]:
    """The runs that the outcome of this one adds to the sweep, without those whose rows were there already."""
    more = session.growth.take(run, session.rows.get(run.task.run_id))
    found = [(one, session.rows[one.task.run_id]) for one in more if one.task.run_id in session.rows]
    for one, row in found:
        _learn(session.backlog, session.order, one, row)
    session.pace.runs_count += len(more)
    session.pace.reused_count += len(found)
    session.pace.undecided_count = session.growth.undecided_count
    return [one for one in more if one.task.run_id not in session.rows]


def _store(session: _Session) -> None:
    """Put everything into runs.parquet and sweep.json; only then are the parts superfluous."""
    rows = _rows(session)
    if rows:
        write_runs(session.order.directory / RUNS, rows, session.order.scenario)
        (session.order.directory / PARTS).unlink(missing_ok=True)
    _store_manifest(session)


def _rows(session: _Session) -> list[Row]:
    """The rows there are, in job order, as this sweep shows them."""
    found = ((run, session.rows.get(run.task.run_id)) for run in session.growth.runs)
    return [placed(run, row) for run, row in found if row is not None]


def _store_manifest(session: _Session) -> None:
    scenario, pace = session.order.scenario, session.pace
    runs = session.growth.runs
    run_ids = tuple(run.task.run_id for run in runs)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    former = session.former if session.former and set(session.former.run_ids) & set(run_ids) else None
    manifest = Manifest(
        workload=scenario.name,
        workload_sha256=hashlib.sha256(scenario.text.encode()).hexdigest(),
        sets=session.order.sets,
        settings=settings(scenario),
        axes={axis.path: len(axis.values) for axis in scenario.sweep.axes},
        points=runs[-1].labels["point"] + 1,
        designs=scenario.kernel.designs,
        replications=scenario.sweep.replications,
        precision=asked(scenario.sweep),
        seed=scenario.sweep.seed,
        engine=session.order.engine,
        run_ids=run_ids,
        done=tuple(run_id for run_id in run_ids if run_id in session.rows),
        failed={run.task.run_id: reason for run, reason in session.failures},
        short=_short(session),
        started=former.started if former else now,
        updated=now,
        wall_s=(former.wall_s if former else 0.0) + time.monotonic() - pace.started_s,
        python_version=platform.python_version(),
    )
    write_manifest(session.order.directory / MANIFEST, manifest)


def _short(session: _Session) -> dict[str, str]:
    """Where the precision that was asked for has not been reached, and by how much: known when every run has ended."""
    runs, rows = session.growth.runs, _rows(session)
    if len(rows) + len(session.failures) < len(runs):
        return {}
    names = dict.fromkeys(run.labels["design"] for run in runs)
    return lacks(reached(rows, tuple(names), session.order.scenario.sweep), [run.labels for run in runs])
