"""Kill a sweep at random instants, let it go on each time, and compare its rows with those of one left in peace.

The whole process group is killed, driver and workers, as a batch system or the end of memory does it. After every kill
all rows that could be read before must still be there, unchanged. A sweep that comes to its end is compared, and the
next one begins, until there have been as many kills as asked for.
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
from pathlib import Path
from typing import Any, NamedTuple

from perfsim.store.parquet import read_runs
from perfsim.store.parts import read_parts

Row = dict[str, Any]
Rows = dict[str, Row]

ROOT = Path(__file__).resolve().parents[1]
WORKLOAD = (
    *("quickstart", "--jobs", "2", "--format", "csv", "--set", "memory.pages_per_node=1024"),
    *(
        "--set",
        "measure.duration=1ms",
        "--set",
        "sweep.replications=4",
        "--set",
        "sweep.axes.machine.cpus=[1, 2, 4, 8]",
    ),
)
KILLS = 50
UNEQUAL_STATUS = 1


class Peace(NamedTuple):
    """The sweep that nobody disturbs: its rows by run_id, how long until the first, and until the end."""

    rows: Rows
    first_s: float
    whole_s: float


class Toll(NamedTuple):
    """What the kills have cost. Each is a list of run_ids: to be empty."""

    lost: list[str]
    doubled: list[str]
    changed: list[str]


class Disturbed:
    """Sweeps that are killed. chance: where the instants come from."""

    def __init__(self, peace: Peace, directory: Path, chance: random.Random) -> None:
        self.peace = peace
        self.directory = directory
        self.chance = chance
        self.ended_count = 0
        self.places: Counter[str] = Counter()

    def kill(self) -> Toll:
        """Let a sweep begin or go on, and kill it at an instant; a sweep that ends first is compared instead."""
        out = self.directory / f"killed-{self.ended_count}"
        before = stored(out)
        with begin(out) as sweeping:
            until_s = self.chance.uniform(0, 1.5 * self.peace.first_s + self.peace.whole_s / 4)
            try:
                status = sweeping.wait(until_s)
            except subprocess.TimeoutExpired:
                os.killpg(sweeping.pid, signal.SIGKILL)
                sweeping.wait()
                self.places[place(out)] += 1
                return toll(self.peace.rows, stored(out), before)
        if status:
            raise SystemExit(f"a sweep that was resumed ended with status {status}: see {out}")
        return self.compare(out)

    def finish(self) -> Toll:
        """Let the last sweep come to its end, and compare it."""
        out = self.directory / f"killed-{self.ended_count}"
        with begin(out) as sweeping:
            if sweeping.wait():
                raise SystemExit(f"a sweep that was resumed ended with status {sweeping.returncode}: see {out}")
        return self.compare(out)

    def compare(self, out: Path) -> Toll:
        """A sweep that has ended, against the one in peace."""
        self.ended_count += 1
        return whole_toll(self.peace.rows, out)


def begin(out: Path) -> subprocess.Popen[bytes]:
    """Start or go on with the sweep in a directory, as the leader of a process group of its own."""
    words = [sys.executable, "-m", "perfsim", "sweep", *WORKLOAD, "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(words, env=environment, stdout=nowhere, stderr=nowhere, start_new_session=True)


def in_peace(out: Path) -> Peace:
    """Run the sweep undisturbed."""
    begun_s = time.monotonic()
    with begin(out) as sweeping:
        while sweeping.poll() is None and not stored(out):
            time.sleep(0.01)
        first_s = time.monotonic() - begun_s
        if sweeping.wait():
            raise SystemExit(f"the undisturbed sweep ended with status {sweeping.returncode}: see {out}")
    return Peace(stored(out), first_s, time.monotonic() - begun_s)


def stored(out: Path) -> Rows:
    """The rows that can be read from a directory now, by run_id."""
    results = out / "runs.parquet"
    rows = [*(read_runs(results) if results.exists() else []), *read_parts(out / "runs.parts").rows]
    return {row["run_id"]: row for row in rows}


def place(out: Path) -> str:
    """How far a sweep was when it was killed, by the files that it left."""
    if (out / "runs.parquet").exists():
        return "after its rows were put together"
    if any(out.glob("*.tmp-*")):
        return "while a file was being replaced"
    return "among its runs" if stored(out) else "before its first row"


def toll(peace: Rows, rows: Rows, before: Rows) -> Toll:
    """Of the rows that were there before, which are lost; of those there now, which differ from the undisturbed."""
    lost = sorted(set(before) - set(rows))
    changed = [run_id for run_id, row in rows.items() if figures(peace.get(run_id, {})) != figures(row)]
    return Toll(lost, [], changed)


def whole_toll(peace: Rows, out: Path) -> Toll:
    """What a sweep that has ended has cost: every run is to be there once, every figure to be the same."""
    rows = read_runs(out / "runs.parquet")
    doubled = [run_id for run_id, times in Counter(row["run_id"] for row in rows).items() if times > 1]
    return toll(peace, {row["run_id"]: row for row in rows}, peace)._replace(doubled=doubled)


def figures(row: Row) -> Row:
    """A row without what depends on the day: how long the run took."""
    return {name: value for name, value in row.items() if name != "wall_s"}


def main(arguments: Sequence[str]) -> int:
    """Kill, compare, and print what it cost. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/torture", description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how often to kill ({KILLS})")
    parser.add_argument("--seed", type=int, default=1, help="of the random instants (1)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        peace = in_peace(Path(directory) / "peace")
        disturbed = Disturbed(peace, Path(directory), random.Random(options.seed))
        tolls = []
        while disturbed.places.total() < options.kills:
            tolls.append(disturbed.kill())
        tolls.append(disturbed.finish())
    for where, times in disturbed.places.most_common():
        sys.stdout.write(f"killed {where}: {times}\n")
    sums = {name: sum(len(getattr(one, name)) for one in tolls) for name in Toll._fields}
    told = ", ".join(f"{count} {name}" for name, count in sums.items())
    sys.stdout.write(
        f"{disturbed.places.total()} kills, {disturbed.ended_count} sweeps of {len(peace.rows)} runs: {told}\n"
    )
    return UNEQUAL_STATUS if any(sums.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
