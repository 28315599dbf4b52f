"""Renew the tables of README's findings: sweep what they need, and put each table where README has it.

A table stands behind the comment that names it. Sweeps that are there already, under results/findings, are taken over.
The same version gives the same figures on any machine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from scipy.special import stdtrit

import perfsim
from perfsim.report.render import Head, Kind, Table, render
from perfsim.store.parquet import read_runs
from perfsim.units import counted

Row = Mapping[str, Any]

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RESULTS = Path("results") / "findings"
COMMAND = (sys.executable, "-m", "perfsim")

PROFILES = ("ia64", "x86_64", "x86_64_modern")
DESIGNS = ("lock_page", "redo", "redo_merged", "redo_barrier")
CPUS = (1, 4, 16, 64)
REPLICATIONS = 10
CONFIDENCE = 0.95

WORK = (
    *(("mlock_heavy", "reclaim_scanned_per_s"), ("shm_lock", "reclaim_scanned_per_s")),
    *(("truncate_mix", "reclaim_scanned_per_s"), ("munlock_storm", "reclaim_scanned_per_s")),
    *(("munlock_storm", "munlock_pages_per_s"), ("migration", "migrated_per_s")),
)
"""Workloads, each with a rate of what it does; without an unevictable page designs do not differ (reclaim_only)."""

WITHOUT_ONE_CPU = ("migration", "truncate_mix")
"""Workloads whose groups of tasks do not fit on one CPU."""

THINKS = ("1us", "10us", "100us", "1ms")
SIGNS = {"faster": "+", "slower": "-", "same": "=", "cannot tell": "?"}
LEGEND = "+ faster, - slower, = the same within 1 %, each of them shown; ? cannot tell"


def main() -> None:
    """Make every table and put it into README; say which have changed."""
    os.chdir(ROOT)
    text = README.read_text(encoding="utf-8")
    for finding in FINDINGS:
        table = finding()
        renewed = with_table(text, table.name, render(table, "table"))
        sys.stdout.write(f"{table.name}: {'as it was' if renewed == text else 'renewed'}\n")
        text = renewed
    README.write_text(text, encoding="utf-8")


def with_table(text: str, name: str, table: str) -> str:
    """README's text with a table in its place. Raises LookupError if it has no such place."""
    place = re.compile(rf"(<!-- scripts/findings: {re.escape(name)} -->\n```text\n).*?(```\n)", re.DOTALL)
    if len(place.findall(text)) != 1:
        raise LookupError(f"README has no place, or several, for the table {name}")
    return place.sub(lambda found: found[1] + table + found[2], text)


def swept(workload: str, name: str = "", axes: str = "", sets: Sequence[str] = ()) -> str:
    """The directory of a sweep, which is finished then. name: that of its results, if it is not the workload's."""
    out = str(RESULTS / (name or workload))
    cpus = CPUS[1:] if workload in WITHOUT_ONE_CPU else CPUS
    axes = axes or f"{{machine.profile: [{', '.join(PROFILES)}], machine.cpus: [{', '.join(map(str, cpus))}]}}"
    options = [f"sweep.replications={REPLICATIONS}", f"sweep.axes={axes}", *sets]
    command = [*COMMAND, "sweep", workload, "--out", out]
    command += [word for design in DESIGNS for word in ("--design", design)]
    subprocess.run([*command, *(word for one in options for word in ("--set", one))], check=True, stdout=sys.stderr)
    return out


def throughput() -> Table:
    """The rate of work of the two designs, at every machine."""
    rows = []
    for workload, metric in WORK:
        points = compared(swept(workload), metric, "redo", "lock_page")
        rate = metric.removesuffix("_per_s")
        rows += [(workload, rate, profile, *along_cpus(points, profile)) for profile in PROFILES]
    columns = heads("workload", "rate of", "profile")
    return Table("throughput", f"rates of work, redo / lock_page: {LEGEND}", columns, tuple(rows))


def calls() -> Table:
    """What mlock() and the putback of a page cost, of the rework as posted and as merged with its barrier."""
    rows = []
    for metric in ("mlock_call_latency_mean_ns", "munlock_call_latency_mean_ns", "putback_latency_mean_ns"):
        for design in ("redo", "redo_merged", "redo_barrier"):
            points = compared(swept("mlock_heavy"), metric, design, "lock_page")
            name = metric.removesuffix("_latency_mean_ns")
            rows += [(name, design, profile, *along_cpus(points, profile)) for profile in PROFILES]
    caption = f"mlock_heavy, mean latencies, new / lock_page: {LEGEND}"
    return Table("calls", caption, heads("latency of", "design", "profile"), tuple(rows))


def retries() -> Table:
    """How often a putback of `redo` starts over, and how often one of `lock_page` sleeps, by load."""
    rows = []
    for workload in ("mlock_heavy", "munlock_storm", "shm_lock"):
        runs = read_runs(Path(swept(workload)) / "runs.parquet")
        for what, design, column in (("retries", "redo", "redo_retries"), ("sleeps", "lock_page", "page_lock_sleeps")):
            for profile in PROFILES:
                cells = [per_million([one for one in runs if at(one, design, profile, cpus)], column) for cpus in CPUS]
                rows.append((workload, what, design, profile, *cells))
    caption = "in a million putbacks: retries of redo, sleeps on page locks of lock_page"
    return Table("retries", caption, heads("workload", "what", "design", "profile"), tuple(rows))


def load() -> Table:
    """Retries over the pause between two mlocks, 16 CPUs."""
    axes = f"{{tasks.lockers.think: [{', '.join(f'{{exponential: {think}}}' for think in THINKS)}]}}"
    rows = []
    for profile in PROFILES:
        sets = (f"machine.profile={profile}", "machine.cpus=16")
        runs = read_runs(Path(swept("munlock_storm", f"load_{profile}", axes, sets)) / "runs.parquet")
        points = sorted({one["point"] for one in runs})
        for number, think in zip(points, THINKS, strict=True):
            there = [one for one in runs if one["point"] == number and one["design"] == "redo"]
            used = mean(one["lru_lock_utilization"] for one in there)
            rows.append((profile, think, f"{used:.2f}", per_million(there, "redo_retries")))
    columns = ("profile", "pause of lockers", "lru_lock utilization", "retries in a million putbacks")
    return Table("load", "munlock_storm, redo, 16 CPUs", tuple(Head(one, one) for one in columns), tuple(rows))


def barrier() -> Table:
    """What the barrier of 2009 costs: a putback, and the work that it is part of."""
    rows = []
    for workload in ("mlock_heavy", "shm_lock"):
        results = swept(workload)
        for profile in PROFILES:
            cells = [difference_ns(results, profile, cpus) for cpus in CPUS[:2]]
            points = compared(results, "reclaim_scanned_per_s", "redo_barrier", "redo_merged")
            rows.append((workload, profile, *cells, *along_cpus(points, profile)[1:]))
    columns = [Head("workload", "workload"), Head("profile", "profile")]
    columns += [Head(f"ns_{cpus}", counted(cpus, "CPU"), "ns a putback") for cpus in CPUS[:2]]
    columns += [Head(f"ratio_{cpus}", counted(cpus, "CPU"), "reclaim, with / without") for cpus in CPUS[1:]]
    caption = f"redo_barrier against redo_merged: {LEGEND}"
    return Table("barrier", caption, tuple(columns), tuple(rows))


def decides() -> Table:
    """The costs that move the ratio of mlock() calls over the whole range of what is known of a machine."""
    rows: list[tuple[str, ...]] = []
    for profile in PROFILES:
        told = sensitivity(profile)
        ratio = told["ratio"]
        holds = f"{ratio['verdict']} in {ratio['verdict_holds_in']:.0%} of the ranges"
        deciding = [one for one in told["figures"] if one["matters"]]
        for one in deciding:
            share = f"{one['first']:.2f} [{one['first_low']:.2f}, {one['first_high']:.2f}]"
            span = f"{one['low']:g} .. {one['high']:g} {one['unit']}"
            rows.append((profile, holds, one["figure"], span, f"{one['high_over_low']:.3f}", share))
        if not deciding:
            rows.append((profile, holds, "none can be told", "-", "-", "-"))
    columns = ("profile", "redo's mlock() is", "cost", "known to be", "high/low", "share of the variance")
    caption = "mlock_heavy, 4 CPUs, mean latency of mlock(), redo / lock_page, on 256 machines of each profile"
    return Table("decides", caption, tuple(Head(one, one) for one in columns), tuple(rows))


def compared(results: str, metric: str, new: str, old: str) -> list[Row]:
    """The points of a comparison of two designs."""
    points: list[Row] = perfsim.compare(results, metrics=[metric], base=old, designs=[new])["points"]
    return points


def along_cpus(points: Sequence[Row], profile: str) -> list[str | None]:
    """A profile's ratios: half the 95 % interval behind each, and a sign for its verdict."""
    found = {one["machine.cpus"]: one for one in points if one["machine.profile"] == profile}
    return [ratio_of(found[cpus]) if cpus in found else None for cpus in CPUS]


def ratio_of(point: Row) -> str:
    """As in the tables."""
    if point["ratio"] is None:
        return "-"
    return f"{point['ratio']:.3f} ±{(point['high'] - point['low']) / 2:.3f} {SIGNS[point['verdict']]}"


def at(row: Row, design: str, profile: str, cpus: int) -> bool:
    """Whether a run is of a design on a machine."""
    return (row["design"], row["profile"], row["cpus"]) == (design, profile, cpus)


def per_million(runs: Iterable[Row], column: str) -> str:
    """How often something happens in a million putbacks, with half its 95 % interval over replications."""
    return interval([1e6 * one[column] / one["putback_latency_count"] for one in runs], ",.0f")


def difference_ns(results: str, profile: str, cpus: int) -> str:
    """How much longer the mean putback takes with the barrier, over pairs of runs."""
    runs = [
        one for one in read_runs(Path(results) / "runs.parquet") if (one["profile"], one["cpus"]) == (profile, cpus)
    ]
    means = {(one["design"], one["replication"]): one["putback_latency_mean_ns"] for one in runs}
    pairs = range(REPLICATIONS)
    return interval([means["redo_barrier", pair] - means["redo_merged", pair] for pair in pairs], ".1f")


def interval(values: Sequence[float], form: str) -> str:
    """A mean, with half its interval by Student's t."""
    if not any(values):
        return "0"
    half = stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * stdev(values) / sqrt(len(values))
    return f"{mean(values):{form}} ±{half:{form}}"


def sensitivity(profile: str) -> dict[str, Any]:
    """What `perfsim sensitivity` tells of mlock() calls on a profile."""
    options = ("--set", "machine.cpus=4", "--metric", "mlock_call_latency_mean_ns", "--format", "json")
    command = [*COMMAND, "sensitivity", "mlock_heavy", "--profile", profile, *options]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return told


def heads(*names: str) -> tuple[Head, ...]:
    """Of text columns, and of one for each number of CPUs."""
    return (
        *(Head(name, name, kind=Kind.EXACT) for name in names),
        *(Head(f"cpus_{one}", counted(one, "CPU")) for one in CPUS),
    )


FINDINGS = (throughput, calls, retries, load, barrier, decides)
"""Each makes a table of README's, which has a comment with its name before it."""

if __name__ == "__main__":
    main()
