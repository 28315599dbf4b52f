"""Sweeps on a cluster whose workers and scheduler are killed: the rows must be those of an undisturbed sweep.

Starts a scheduler and two workers on this machine by the commands of README.md, kills a worker at random instants while
one sweep after the other runs, and in the first ones the scheduler once each, which is then started anew. Ends with
status 1 if a row is lost, doubled or differs, if a sweep ends badly, or if one that lost its scheduler does not say so.
A run that happens to be hit twice is set aside, as one that kills; then the same command is to complete the sweep.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from perfsim.sweep.failures import DIED
from scripts.local_cluster import ROOT, LocalCluster
from scripts.torture import Rows, stored, whole_toll

KILLS = 50
RESTARTS = 2
SWEEP_S = 600.0
PAUSE_S = (0.2, 3.0)
WORKLOAD = ("quickstart", "--format", "csv", "--set", "measure.duration=3ms", "--set", "sweep.replications=30")
UNEQUAL_STATUS = 1


class Sweep(NamedTuple):
    """A disturbed sweep: what it told, its exit status, how often workers and scheduler were killed, and how often it
    was begun again because runs had been set aside.
    """

    told: str
    status: int
    kills: int
    restarts: int
    resumed: int = 0


def main(arguments: Sequence[str]) -> int:
    """Torture until there have been as many kills as asked for, and print what it cost. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/torture_cluster", description=str(__doc__).split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--kills", type=int, default=KILLS, help=f"workers to kill, in all sweeps together ({KILLS})")
    parser.add_argument("--restarts", type=int, default=RESTARTS, help=f"schedulers to kill, one a sweep ({RESTARTS})")
    parser.add_argument("--seed", type=int, default=1, help="of the random instants (1)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with begin(folder / "peace", folder / "peace.err") as sweeping:
            if sweeping.wait():
                raise SystemExit((folder / "peace.err").read_text(encoding="utf-8"))
        with LocalCluster(folder) as cluster:
            cluster.start()
            return torture(cluster, stored(folder / "peace"), random.Random(options.seed), options)


def torture(cluster: LocalCluster, peace: Rows, chance: random.Random, options: argparse.Namespace) -> int:
    """One sweep after the other until all kills are done; ends with the first one that is not as it is to be."""
    sums = Counter[str]()
    while sums["kills"] < options.kills or sums["restarts"] < options.restarts:
        sums["sweeps"] += 1
        out = cluster.folder / f"sweep{sums['sweeps']}"
        kills, restarts = options.kills - sums["kills"], min(1, options.restarts - sums["restarts"])
        sweep = completed(cluster, out, chance, kills, restarts)
        sums.update(kills=sweep.kills, restarts=sweep.restarts, resumed=sweep.resumed)
        complaint = complaint_of(sweep, peace, out)
        say(f"sweep {sums['sweeps']}: {complaint or 'rows equal'}; {sums['kills']} workers killed so far")
        if complaint:
            say(sweep.told)
            return UNEQUAL_STATUS
    say(
        f"{sums['kills']} workers and {sums['restarts']} schedulers killed in {sums['sweeps']} sweeps of {len(peace)} "
        f"runs, {sums['resumed']} times gone on with after runs were set aside: 0 lost, 0 doubled, 0 changed"
    )
    return 0


def completed(cluster: LocalCluster, out: Path, chance: random.Random, kills: int, restarts: int) -> Sweep:
    """A disturbed sweep, gone on with as long as runs are set aside."""
    whole = latest = disturbed(cluster, out, chance, kills, restarts)
    while latest.status and DIED.reason in latest.told:
        latest = disturbed(cluster, out, chance, kills - whole.kills, restarts - whole.restarts)
        whole = Sweep(
            told=whole.told + latest.told,
            status=latest.status,
            kills=whole.kills + latest.kills,
            restarts=whole.restarts + latest.restarts,
            resumed=whole.resumed + 1,
        )
    return whole


def disturbed(cluster: LocalCluster, out: Path, chance: random.Random, kills: int, restarts: int) -> Sweep:
    """Run a sweep on the cluster to its end. kills: of workers, at most. restarts: of the scheduler, after two."""
    done = restarted = 0
    told = out.with_suffix(".err")
    deadline_s = time.monotonic() + SWEEP_S
    sweeping = begin(out, told, "--scheduler", cluster.address)
    try:
        while sweeping.poll() is None and time.monotonic() < deadline_s:
            time.sleep(chance.uniform(*PAUSE_S))
            cluster.keep()
            if restarted < restarts and done >= min(2, kills):
                cluster.kill_scheduler()
                cluster.start()
                restarted += 1
            elif done < kills:
                done += kill_one(cluster.worker_ids(), chance)
    finally:
        sweeping.kill()
    return Sweep(told.read_text(encoding="utf-8"), sweeping.wait(), done, restarted)


def kill_one(process_ids: Sequence[int], chance: random.Random) -> int:
    """Kill one of these processes; how many that were."""
    if process_ids:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(process_ids), signal.SIGKILL)
            return 1
    return 0


def complaint_of(sweep: Sweep, peace: Rows, out: Path) -> str:
    """What is wrong with a sweep that has ended; empty if nothing is."""
    if sweep.status:
        return f"ended with status {sweep.status}"
    if sweep.restarts and "is gone or has forgotten our runs" in sweep.told and "is back" not in sweep.told:
        return "the scheduler's return is not told"
    cost = whole_toll(peace, out)
    if any(cost):
        return f"{len(cost.lost)} rows lost, {len(cost.changed)} changed, {len(cost.doubled)} doubled"
    return ""


def begin(out: Path, told: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a sweep into a directory. told: where its words for people go."""
    command = [sys.executable, "-m", "perfsim", "sweep", *WORKLOAD, "--out", str(out), *words]
    with told.open("wb") as file:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=file)


def say(text: str) -> None:
    """Tell people a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
