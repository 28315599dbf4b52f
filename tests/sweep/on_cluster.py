"""Runs carried out on a real cluster, and what comes of them held against the rows of this process."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from perfsim.sweep.backlog import Backlog
from perfsim.sweep.cluster import Cluster, cluster_outcomes
from perfsim.sweep.plan import Run, placed
from perfsim.sweep.worker import Failure, work
from scripts.local_cluster import LocalCluster

Row = dict[str, Any]
Meanwhile = Callable[[int], None]

HERE: dict[str, str] = {}
"""Rows of runs as this process has them, each made once."""


async def carried_out(
    runs: tuple[Run, ...], address: str, meanwhile: Meanwhile, told: list[str]
) -> list[tuple[Run, Row | Failure]]:
    """What comes of runs on a cluster. meanwhile: called after each outcome with how many there are.

    The forecast is told of each, as by a sweep: only runs of a known length are given out in batches, or behind others.
    """
    found, backlog = [], Backlog(runs)
    async with aclosing(cluster_outcomes(backlog, Cluster(address, told.append), "compiled")) as finished:
        async for run, outcome in finished:
            found.append((run, outcome))
            backlog.forecast.end(run, None if isinstance(outcome, Failure) else outcome)
            meanwhile(len(found))
    return found


def on_cluster(
    runs: tuple[Run, ...], cluster: LocalCluster, meanwhile: Meanwhile = lambda _: None
) -> tuple[list[tuple[Run, Row | Failure]], list[str]]:
    told: list[str] = []
    return asyncio.run(carried_out(runs, cluster.address, meanwhile, told)), told


def once(at_count: int, act: Callable[[], object]) -> Meanwhile:
    """Do this when there are so many outcomes."""

    def meanwhile(count: int) -> None:
        if count == at_count:
            act()

    return meanwhile


def figures(run: Run, outcome: Row | Failure) -> str:
    """A row, byte for byte, but for the time it took."""
    assert not isinstance(outcome, Failure), outcome.reason
    return repr(sorted((placed(run, outcome) | {"wall_s": None}).items()))


def check_same_as_here(runs: tuple[Run, ...], found: list[tuple[Run, Row | Failure]]) -> None:
    """Every run once, with the row it has in this process."""
    there = sorted((run.task.run_id, figures(run, outcome)) for run, outcome in found)
    for run in runs:
        if run.task.run_id not in HERE:
            HERE[run.task.run_id] = figures(run, work(run.task))
    assert there == sorted((run.task.run_id, HERE[run.task.run_id]) for run in runs)
