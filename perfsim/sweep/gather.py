"""Runs over worker processes from beginning to end, for who wants all rows and writes none to disk."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from perfsim.errors import PerfsimError
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.driver import failures_text, outcomes
from perfsim.sweep.progress import Pace, shown
from perfsim.sweep.worker import Failure, work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfsim.sweep.plan import Run
    from perfsim.sweep.worker import Task

    Row = dict[str, Any]


class Crew(NamedTuple):
    """Who runs. workers_count: processes. engine: what they are given the code of. people: where progress is shown."""

    workers_count: int
    engine: str
    people: TextIO


def gathered(
    runs: Sequence[Run],
    crew: Crew,
    take: Callable[[Run, Row], None],
    function: Callable[[Task], Row | Failure] = work,
) -> None:
    """Hand each run with its row to `take`, in the order in which they end; what it raises ends it all.

    function: what a worker process does with a run's task. Raises PerfsimError for the first run that fails.
    """
    asyncio.run(_gathered(runs, crew, take, function))


async def _gathered(
    runs: Sequence[Run], crew: Crew, take: Callable[[Run, Row], None], function: Callable[[Task], Row | Failure]
) -> None:
    backlog = Backlog(runs)
    pace = Pace(len(runs), 0, backlog.forecast)
    async with (
        shown(pace, crew.people),
        aclosing(outcomes(backlog, crew.workers_count, crew.engine, function)) as finished,
    ):
        async for run, outcome in finished:
            if isinstance(outcome, Failure):
                raise PerfsimError(failures_text([(run, outcome.reason)]))
            pace.finished_count += 1
            backlog.forecast.end(run, outcome)
            take(run, outcome)
