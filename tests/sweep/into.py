"""Sweeps into a directory, in this process: what the tests of results and of their directory share."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from perfsim.scenario.schema import Scenario
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.plan import Run
from perfsim.sweep.results import Finished, Order, sweep_into
from perfsim.sweep.worker import Failure, Task, work

Row = dict[str, Any]
Tiny = Callable[..., Scenario]

COMMAND = "perfsim sweep tiny"


async def outcomes_here(
    backlog: Backlog, workers_count: int, engine: str, function: Callable[[Task], Row | Failure] = work
) -> AsyncIterator[tuple[Run, Row | Failure]]:
    """As the driver's, last run first."""
    for run in reversed(waiting(backlog)):
        await asyncio.sleep(0)
        yield run, function(run.task)


def waiting(backlog: Backlog) -> list[Run]:
    """All runs that wait, taken, in the order of the jobs."""
    taken = [backlog.take() for _ in range(len(backlog))]
    return sorted(taken, key=lambda run: (run.labels["point"], run.labels["design"], run.task.seed.replication))


def sweep_there(scenario: Scenario, directory: Path, *, fresh: bool = False) -> tuple[Finished, str]:
    """Sweep into a directory; the end, and what people were told."""
    told = io.StringIO()
    finished = sweep_into(Order(scenario, ("a=1",), directory, "compiled", 1, fresh, COMMAND), told)
    return finished, told.getvalue()


def without_time(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "wall_s"} for row in rows]


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}
