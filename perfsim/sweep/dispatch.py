"""Runs given out to a cluster's workers over one connection to its scheduler.

Each run is given to one worker by name, with at most one more behind it. So the death of a worker names the run that
it was in: Dask's own count blames all that were queued there, after four deaths. And a sweep of a million runs has no
more futures than twice the workers. Short runs are given out as a batch, for the handing out of one costs all concerned
some milliseconds; one that was in a batch when its worker died is tried again alone, before anything is its fault.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from perfsim.sweep.failures import ATTEMPTS_MAX, DIED, overdue, set_aside
from perfsim.sweep.fleet import Refusal, make_ready, welcomed
from perfsim.sweep.remote import carry_out
from perfsim.sweep.travel import Packer
from perfsim.sweep.worker import Failure
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence

    from perfsim.sweep.backlog import Backlog
    from perfsim.sweep.fleet import Welcome
    from perfsim.sweep.plan import Run

Row = dict[str, Any]

HELD_MAX = 2
"""Attempts that a worker holds at once: one in work, and one more so that it need not wait for us."""
QUEUED_BEHIND_S = 2.0
"""Nothing is to wait behind an attempt that takes longer: another worker may be free sooner, and handing out is cheap
beside it.
"""
BATCH_S = 1.0
"""So long a batch of short runs may take: the rows are to reach the disk within two seconds."""
SHARES = 4
"""A worker is given at most its share of what waits, divided by this: at the end, batches are of one run."""
LOOK_S = 0.5
"""How often the scheduler is asked who is there."""
SILENCE_S = 30.0
"""A scheduler that does not answer for so long is gone."""
ALONE_FIRST_S = 3.0
ALONE_AGAIN_S = 60.0
"""When people are told that no worker is there, and again."""


@dataclass(eq=False, slots=True)
class _Attempt:
    """Runs that a worker holds: one, or a batch.

    expected_s: how long they will take; inf if nobody knows. begun_s: since when the worker can be at them, on the
    monotonic clock.
    """

    runs: Sequence[Run]
    future: Any
    expected_s: float
    begun_s: float


@dataclass(eq=False, slots=True)
class _Worker:
    """A worker that is ready. held_max: attempts that it may hold; held: in the order in which it gets to them."""

    address: str
    held_max: int
    held: list[_Attempt] = field(default_factory=list)

    def has_room(self, held_count: int) -> bool:
        """Whether it holds so many attempts and is to be given one more."""
        if len(self.held) != held_count or held_count >= self.held_max:
            return False
        return not self.held or self.held[0].expected_s <= QUEUED_BEHIND_S


class _Ended(NamedTuple):
    """News of an attempt: its runs' outcomes; None if Dask gave it up, an exception if it could not be carried out."""

    worker: _Worker
    attempt: _Attempt
    outcomes: _Outcomes | Exception | None


class _Seen(NamedTuple):
    """News of the scheduler: its workers with the threads of each."""

    threads: Mapping[str, int]


class _Welcomed(NamedTuple):
    """News of workers that have come, and what they are; those that have gone again are not among the welcomes."""

    addresses: Sequence[str]
    welcomes: Mapping[str, Welcome]


_News: TypeAlias = "_Ended | _Seen | _Welcomed | Exception"  # an OSError: the scheduler is gone
_Outcomes: TypeAlias = "Sequence[Row | Failure]"
_Outcome: TypeAlias = "tuple[Run, Row | Failure]"


class Dispatch:
    """Gives out what waits in a backlog until nothing is left or the connection is lost.

    client: Dask's, connected. engine: what all runs are simulated with. deaths: how many workers each run has killed,
    by run_id, carried over from the last connection. tell: is called with lines for people. is_lost: the connection is,
    and all runs that were given out wait again.
    """

    def __init__(
        self, client: Any, backlog: Backlog, engine: str, deaths: Counter[str], tell: Callable[[str], None]
    ) -> None:
        self.is_lost = False
        self._client = client
        self._address = client.scheduler.address
        self._backlog = backlog
        self._engine = engine
        self._deaths = deaths
        self._tell = tell
        self._packer = Packer()
        self._news: asyncio.Queue[_News] = asyncio.Queue()
        self._workers: dict[str, _Worker] = {}
        self._open: set[_Worker] = set()  # all that may have room are among these: among thousands, to ask few
        self._met: dict[str, int] = {}  # threads of each worker that was there at the last look, ready or not
        self._errands: set[asyncio.Task[None]] = set()
        self._numbers = count()
        self._returned_count = 0
        self._tell_alone_s = time.monotonic() + ALONE_FIRST_S

    async def outcomes(self) -> AsyncGenerator[_Outcome, None]:
        """Each run with its outcome, as they end."""
        self._send(self._watch())
        try:
            while self._backlog or any(worker.held for worker in self._workers.values()):
                found = list(self._learn(await self._news.get()))
                found += set_aside(self._backlog, found)
                if self.is_lost:
                    self._give_back()
                else:
                    self._give_out()  # first, so that no worker waits for whoever takes the outcomes
                for outcome in found:
                    yield outcome
                if self.is_lost:
                    return
                self._give_out()  # what was added meanwhile
        finally:
            self._drop(attempt for worker in self._workers.values() for attempt in worker.held)
            for errand in self._errands:
                errand.cancel()
            await asyncio.gather(*self._errands, return_exceptions=True)

    def loss(self) -> str:
        """What has happened to the connection, for people."""
        again = f"; {format_count(self._returned_count)} runs that it had will be given out again"
        return f"the scheduler at {self._address} is gone or has forgotten our runs: waiting for it{again}"

    def _learn(self, news: _News) -> Iterator[_Outcome]:
        """Take in one piece of news; the outcomes that come of it."""
        match news:
            case _Ended(worker, attempt, found):
                yield from self._ended(worker, attempt, found)
            case _Seen(threads):
                yield from self._seen(threads)
            case _Welcomed(addresses, welcomes):
                self._welcome(addresses, welcomes)
            case OSError():
                self.is_lost = True
            case _:
                raise news

    def _ended(self, worker: _Worker, attempt: _Attempt, found: _Outcomes | Exception | None) -> Iterator[_Outcome]:
        """An attempt's end. One that is not held any more was given out again; what comes of it is of no interest."""
        from distributed import KilledWorker

        if attempt not in worker.held:
            return
        was_in_work = worker.held[0] is attempt
        worker.held.remove(attempt)
        self._open.add(worker)
        for next_one in worker.held[:1]:
            next_one.begun_s = time.monotonic()
        if isinstance(found, KilledWorker):
            yield from self._killed(attempt, is_to_blame=was_in_work)
        elif found is None:
            self._return([attempt])
            self.is_lost = True
        elif isinstance(found, Exception):
            failure = Failure(f"no worker could carry it out: {type(found).__name__}: {found}")
            yield from ((run, failure) for run in attempt.runs)
        else:
            yield from zip(attempt.runs, found, strict=True)

    def _seen(self, threads: Mapping[str, int]) -> Iterator[_Outcome]:
        """Take leave of workers that are gone, and welcome those that have come."""
        for address in [address for address in self._workers if address not in threads]:
            gone = self._workers.pop(address)
            self._open.discard(gone)
            held = self._taken_from(gone)
            in_work = next((attempt for attempt in held if not attempt.future.done()), None)
            self._drop(held)
            for attempt in held:
                yield from self._killed(attempt, is_to_blame=attempt is in_work)
        come = [address for address in threads if address not in self._met]
        self._met = dict(threads)
        if come:
            self._send(self._meet(come))
        self._tell_if_alone()

    def _killed(self, attempt: _Attempt, *, is_to_blame: bool) -> Iterator[_Outcome]:
        """Runs whose worker is gone, to be given out again, but for one that was alone in it for the last time."""
        if not is_to_blame:
            self._backlog.put_back(attempt.runs)
            return
        is_alone = len(attempt.runs) == 1
        for run in attempt.runs:
            self._deaths[run.task.run_id] += is_alone  # of those in a batch, 0 says that they are to be alone
            if is_alone and time.monotonic() - attempt.begun_s >= run.task.limits.wall_s_max:
                yield run, overdue(run.task)
            elif self._deaths[run.task.run_id] >= ATTEMPTS_MAX:
                yield run, DIED
            else:
                self._backlog.put_back([run])

    def _welcome(self, addresses: Sequence[str], welcomes: Mapping[str, Welcome]) -> None:
        """Use the workers that have come, but those that cannot be used, which people are told."""
        for address in addresses:
            threads = self._met.get(address)
            welcome = welcomes.get(address)
            if threads is None or welcome is None:
                self._met.pop(address, None)  # gone again; to be met anew if it is not
            elif isinstance(welcome, Refusal):
                self._tell(f"not used: {welcome.reason}")
            else:
                self._workers[address] = _Worker(address, HELD_MAX if threads == 1 else 1)
                self._open.add(self._workers[address])
                if threads > 1:
                    advice = f"dask worker --nworkers {threads} --nthreads 1 uses all"
                    self._tell(f"of {threads} threads of the worker {address} one is used; {advice}")

    def _tell_if_alone(self) -> None:
        """Say every so often that there is no worker."""
        now_s = time.monotonic()
        if self._workers:
            self._tell_alone_s = now_s + ALONE_FIRST_S
        elif now_s >= self._tell_alone_s:
            self._tell_alone_s = now_s + ALONE_AGAIN_S
            command = f"dask worker {self._address} --nthreads 1"
            what = f"; {len(self._met)} are there and not ready" if self._met else f"; start one: {command}"
            self._tell(f"waiting for a worker at {self._address}{what}")

    def _give_out(self) -> None:
        """Give every worker a run, and a second one while there are many: at the end none waits behind a long one."""
        if self._client.status != "running":
            return  # we shall hear of it
        for held_count in range(HELD_MAX):
            for worker in self._open:
                if len(self._backlog) <= held_count * len(self._workers):
                    return
                if worker.has_room(held_count):
                    self._give(worker)
        self._open.clear()

    def _give(self, worker: _Worker) -> None:
        runs, expected_s = self._batch()
        parcels = pickle.dumps([self._packer.parcel(run.task) for run in runs])
        key = f"{self._client.id}-{runs[0].task.run_id}-{next(self._numbers)}"
        future = self._client.submit(carry_out, parcels, key=key, workers=[worker.address], pure=False)
        attempt = _Attempt(runs, future, expected_s, time.monotonic())
        worker.held.append(attempt)
        self._send(self._wait(worker, attempt))

    def _batch(self) -> tuple[list[Run], float]:
        """The next run, or as many short ones as make a batch, and how long they will take."""
        runs = [self._backlog.take()]
        duration_s = self._expected_s(runs[0])
        if runs[0].task.run_id in self._deaths:
            return runs, duration_s
        for _ in range(len(self._backlog) // (SHARES * len(self._workers))):
            if duration_s >= BATCH_S:
                break
            run = self._backlog.take()
            if run.task.run_id in self._deaths:
                self._backlog.put_back([run])
                break
            runs.append(run)
            duration_s += self._expected_s(run)
        return runs, duration_s

    def _expected_s(self, run: Run) -> float:
        forecast = self._backlog.forecast
        return forecast.expected_s(run) if forecast.is_measured(run) else inf

    def _give_back(self) -> None:
        """Let all runs that were given out wait again."""
        for worker in self._workers.values():
            held = self._taken_from(worker)
            self._drop(held)
            self._return(held)

    def _return(self, attempts: Iterable[_Attempt]) -> None:
        """Let the runs of these wait again, because the scheduler has lost them."""
        for attempt in attempts:
            self._backlog.put_back(attempt.runs)
            self._returned_count += len(attempt.runs)

    @staticmethod
    def _taken_from(worker: _Worker) -> list[_Attempt]:
        """What a worker held; it holds nothing now, so that no news of it counts."""
        held, worker.held = worker.held, []
        return held

    @staticmethod
    def _drop(attempts: Iterable[_Attempt]) -> None:
        """Let the scheduler forget these. Who waits for one is told that it is cancelled.

        The waiting is not to be stopped: Dask's client fetches for all who wait by the task of one of them. If that is
        stopped, no other's row is ever fetched.
        """
        for attempt in attempts:
            attempt.future.release()

    def _send(self, errand: Coroutine[Any, Any, None]) -> None:
        """Start what will bring news."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _wait(self, worker: _Worker, attempt: _Attempt) -> None:
        found: _Outcomes | Exception | None
        try:
            found = pickle.loads(await attempt.future)  # noqa: S301 - our workers are ourselves
        except Exception as error:  # the connection's, unless it is the task's own
            found = error if attempt.future.status == "error" else None
        self._news.put_nowait(_Ended(worker, attempt, found))

    async def _watch(self) -> None:
        """Look again and again who is there."""
        try:
            while True:
                threads = await asyncio.wait_for(self._client.nthreads(), SILENCE_S)
                if self._client.status != "running":
                    raise ConnectionError(self._client.status)
                self._news.put_nowait(_Seen(threads))
                await asyncio.sleep(LOOK_S)
        except Exception as error:
            self._news.put_nowait(error)

    async def _meet(self, addresses: Sequence[str]) -> None:
        """Compare versions with workers that have come, and make them ready."""
        try:
            welcomes = await welcomed(self._client, addresses)
            ready = await make_ready(self._client, welcomes, self._engine, self._tell)
            self._news.put_nowait(_Welcomed(addresses, ready))
        except Exception as error:
            self._news.put_nowait(error)
