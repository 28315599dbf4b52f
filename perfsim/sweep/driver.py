"""Runs over a bounded set of worker processes: outcomes as they come, deaths survived, all stopped when nobody listens.

Each slot has an executor with one worker of its own. In a shared pool the death of one worker fails every run that
waits and ends the pool; here it names exactly the run that was in it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from perfsim.engine import ENGINES, check_engine
from perfsim.engine.cache import engine_code
from perfsim.errors import PerfsimError
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.failures import ATTEMPTS_MAX, DIED, overdue, patience_s, set_aside
from perfsim.sweep.plan import placed, plan, workers_for
from perfsim.sweep.precision import Growth
from perfsim.sweep.worker import Failure, begin, take_code, work

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence

    from perfsim.scenario.schema import Scenario
    from perfsim.sweep.plan import Run
    from perfsim.sweep.worker import Task

Row = dict[str, Any]

FAILURES_SHOWN_MAX = 5
CANNOT_START = (
    'worker processes end before they begin; if a script of yours called this, it may lack: if __name__ == "__main__":'
)


@dataclass(slots=True)
class _Slot:
    """Room for one worker process at a time. code: what it is given first; process_id: None until it has told it."""

    code: bytes
    executor: ProcessPoolExecutor | None = None
    process_id: int | None = None


_Attempt: TypeAlias = "asyncio.Task[Row | Failure]"


async def sweep(scenario: Scenario, *, jobs: int | None = None, engine: str = ENGINES[0]) -> AsyncGenerator[Row, None]:
    """Run a whole sweep and yield the rows as they come, the longest runs first; nothing is written to disk.

    The runs that a precision adds are among them. jobs: worker processes; as many as there are CPUs if None. Leaving
    the loop early stops the workers. Raises InputError before the first run if any point is wrong, PerfsimError after
    the last one if runs failed.
    """
    workers_count = workers_for(jobs)
    failures: list[tuple[Run, str]] = []
    growth = Growth(scenario, plan(scenario, workers_count, engine))
    backlog = Backlog(growth.runs)
    make_ready(engine)
    backlog.try_some_first()
    async with aclosing(outcomes(backlog, workers_count, engine)) as finished:
        async for run, outcome in finished:
            row = None if isinstance(outcome, Failure) else outcome
            backlog.forecast.end(run, row)
            backlog.add(growth.take(run, row))
            if isinstance(outcome, Failure):
                failures.append((run, outcome.reason))
            else:
                yield placed(run, outcome)
    if failures:
        raise PerfsimError(failures_text(failures))


def make_ready(engine: str) -> None:
    """Have the engine's machine code at hand, so that no worker makes it. Raises InputError for an unknown engine."""
    check_engine(engine)
    if engine == ENGINES[0]:
        engine_code()


async def outcomes(
    backlog: Backlog, workers_count: int, engine: str, function: Callable[[Task], Row | Failure] = work
) -> AsyncGenerator[tuple[Run, Row | Failure], None]:
    """Each run with its row, or with why there is none, in the order in which they finish.

    Runs that are added to the backlog meanwhile are given out too. engine: what all runs are simulated with. function:
    what a worker process does with a run's task. A run whose worker dies is tried once more in a new one; if that dies
    too, the runs of its point that still wait are set aside, for they need as much memory, and fail without a trial.
    Closing the iterator kills the workers that are in the midst of a run.
    """
    code = engine_code() if engine == ENGINES[0] else b""
    idle = [_Slot(code) for _ in range(workers_count)]
    busy: dict[_Attempt, tuple[_Slot, Run]] = {}

    def give_out() -> None:
        while backlog and idle:
            slot, run = idle.pop(), backlog.take()
            busy[asyncio.create_task(_outcome(slot, run.task, function))] = (slot, run)

    try:
        give_out()
        while busy:
            done, _ = await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
            finished = [(task.result(), *busy.pop(task)) for task in done]
            idle += [slot for _, slot, _ in finished]
            found = [(run, outcome) for outcome, _, run in finished]
            found += set_aside(backlog, found)
            give_out()  # first, so that no worker waits for whoever takes the outcomes
            for run, outcome in found:
                yield run, outcome
            give_out()  # what was added meanwhile
    finally:
        await _stop(busy, idle)


def failures_text(failures: Sequence[tuple[Run, str]]) -> str:
    """What went wrong in which run, for people: a line a run, with more lines under it if its reason has them."""
    lines = [f"{_called(run)}: {reason}" for run, reason in failures[:FAILURES_SHOWN_MAX]]
    if len(failures) > FAILURES_SHOWN_MAX:
        lines.append(f"{len(failures) - FAILURES_SHOWN_MAX} more runs failed")
    return "\n".join(lines)


def _called(run: Run) -> str:
    """A run as people know it: its point with the axes' values, design, replication."""
    named = [f"{name}={value}" for name, value in run.labels.items() if "." in name]
    parts = [f"point {run.labels['point']}", *named, run.labels["design"], f"replication {run.task.seed.replication}"]
    return ", ".join(parts)


async def _outcome(slot: _Slot, task: Task, function: Callable[[Task], Row | Failure]) -> Row | Failure:
    """The outcome of one task in this slot, after a second attempt if the worker died in the first.

    Raises PerfsimError if no worker process could be started at all: no other run would fare better.
    """
    loop = asyncio.get_running_loop()
    has_started = False
    for _ in range(ATTEMPTS_MAX):
        try:
            executor = slot.executor or await _start(slot)
            has_started = True
            with _interrupt_blocked():
                future = loop.run_in_executor(executor, function, task)
            return await asyncio.wait_for(future, patience_s(task))
        except BrokenProcessPool:
            _close(slot)
        except TimeoutError:
            _kill(slot)
            return overdue(task)
    if not has_started:
        raise PerfsimError(CANNOT_START)
    return DIED


async def _start(slot: _Slot) -> ProcessPoolExecutor:
    """Give the slot a new worker process, which takes the engine's code and tells its number first.

    A worker may die at any instant, while it comes up or hands over a row too. What it is begun with must fit into a
    pipe, for the driver itself writes that, and would wait for ever for the dead to read it. And the worker alone may
    have the end of the pipe that its rows come from: only then has a row that was cut off an end.
    """
    spawn = multiprocessing.get_context("spawn")
    slot.executor = ProcessPoolExecutor(1, mp_context=spawn, initializer=begin)
    with _interrupt_blocked():
        future = asyncio.get_running_loop().run_in_executor(slot.executor, take_code, slot.code)
    slot.process_id = await future
    slot.executor._result_queue._writer.close()  # type: ignore[attr-defined]
    return slot.executor


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Block SIGINT while a worker may be started: it inherits that, so that Ctrl-C reaches the driver alone."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def _stop(busy: Mapping[_Attempt, tuple[_Slot, Run]], idle: Sequence[_Slot]) -> None:
    """Kill the workers that are in the midst of a run, and let the idle ones end."""
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    for slot, _ in busy.values():
        _kill(slot)
    for slot in idle:
        _close(slot)


def _kill(slot: _Slot) -> None:
    """End the slot's worker in the midst of whatever it does."""
    if slot.process_id is not None:
        with suppress(ProcessLookupError):
            os.kill(slot.process_id, signal.SIGKILL)
    _close(slot)


def _close(slot: _Slot) -> None:
    if slot.executor is not None:
        slot.executor.shutdown(cancel_futures=True)
    slot.executor = slot.process_id = None
