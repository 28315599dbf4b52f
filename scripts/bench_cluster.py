"""What a cluster adds to the runs themselves, measured on two workers here: `python -m scripts.bench_cluster`.

Efficiency is the runs' own time, which their rows say, by the time that the two workers had for them. What an attempt,
a run or a batch of them, costs the sweep's own process and the scheduler says how many workers they can keep at work.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

from perfsim.scenario.validate import load_scenario
from perfsim.sweep import dispatch
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.cluster import Cluster, cluster_outcomes
from perfsim.sweep.plan import Run, plan
from perfsim.sweep.worker import Failure
from scripts.local_cluster import WORKERS_COUNT, LocalCluster

RUNS = 400
DURATION = "16ms"
WARM_UP = 8
"""Runs before those that count: a worker's first one imports what it needs."""
EFFICIENCY_MIN = 0.95
MISSED_STATUS = 1


class Instants(NamedTuple):
    """Seconds of three clocks: the wall's, and the CPU time of this process and of the scheduler's."""

    wall_s: float
    ours_s: float
    scheduler_s: float


class Cost(NamedTuple):
    """What some runs took. own_s: of themselves. had_s: of the workers. ours_s, scheduler_s: of CPU time."""

    runs: int
    own_s: float
    had_s: float
    ours_s: float
    scheduler_s: float

    @property
    def efficiency(self) -> float:
        """How much of the workers' time were runs."""
        return self.own_s / self.had_s


def main(arguments: Sequence[str]) -> int:
    """Measure and print. Returns the exit status: whether the efficiency is as promised."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how many ({RUNS})")
    parser.add_argument("--duration", default=DURATION, help=f"simulated, of each ({DURATION})")
    options = parser.parse_args(arguments)
    sets = (f"measure.duration={options.duration}", f"sweep.replications={options.runs // 2}")
    runs = plan(load_scenario("quickstart", (*sets, "sweep.axes.machine.cpus=[2]")), WORKERS_COUNT)
    with tempfile.TemporaryDirectory() as folder, LocalCluster(Path(folder)) as cluster:
        cluster.start()
        asyncio.run(measured(cluster, runs[:WARM_UP]))
        batched = asyncio.run(measured(cluster, runs))
        dispatch.BATCH_S = 0.0
        alone = asyncio.run(measured(cluster, runs))
    say("given out in batches", batched)
    say("each alone", alone)
    return 0 if batched.efficiency >= EFFICIENCY_MIN else MISSED_STATUS


class Begun(Backlog):
    """Runs that wait, and when the first of them was given out: what came before is the cluster's start."""

    def __init__(self, runs: Sequence[Run], scheduler_id: int) -> None:
        super().__init__(runs)
        self.scheduler_id = scheduler_id
        self.instants: Instants | None = None

    def take(self) -> Run:
        """As of any backlog."""
        self.instants = self.instants or now(self.scheduler_id)
        return super().take()


async def measured(cluster: LocalCluster, runs: Sequence[Run]) -> Cost:
    """The cost of these runs, from when the first is given out until the last has come back."""
    backlog = Begun(runs, cluster.scheduler_id)
    own_s = 0.0
    async with aclosing(cluster_outcomes(backlog, Cluster(cluster.address, tell), "compiled")) as finished:
        async for run, row in finished:
            assert not isinstance(row, Failure), row.reason
            backlog.forecast.end(run, row)
            own_s += row["wall_s"]
    begun, ended = backlog.instants, now(cluster.scheduler_id)
    assert begun is not None, "there are runs"
    took = Instants(*(late - early for late, early in zip(ended, begun, strict=True)))
    return Cost(len(runs), own_s, WORKERS_COUNT * took.wall_s, took.ours_s, took.scheduler_s)


def now(scheduler_id: int) -> Instants:
    """What all clocks say."""
    return Instants(time.monotonic(), time.process_time(), cpu_s(scheduler_id))


def cpu_s(process_id: int) -> float:
    """The CPU time that a process has had."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(what: str, cost: Cost) -> None:
    """Tell people one measurement."""
    each_ms = 1000 / cost.runs
    sys.stdout.write(
        f"{what}: {cost.runs} runs of {cost.own_s * each_ms:.0f} ms, efficiency {cost.efficiency:.3f}; a run costs us "
        f"{cost.ours_s * each_ms:.2f} ms and the scheduler {cost.scheduler_s * each_ms:.2f} ms of CPU time\n"
    )


def tell(line: str) -> None:
    """Tell people a line that is no figure."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
