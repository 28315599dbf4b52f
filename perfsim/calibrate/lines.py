"""What it costs to have a line that another CPU has written."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from perfsim.calibrate import kernels as k
from perfsim.calibrate.bench import repeated
from perfsim.calibrate.findings import Finding, found, not_measured
from perfsim.calibrate.here import ACROSS, SAME_CORE, SAME_SOCKET, cores_of_largest_socket, nearness
from perfsim.calibrate.samples import SAMPLES, Sample, figure_of, sampled
from perfsim.calibrate.threads import Job, address, aligned, run_together
from perfsim.units import counted

if TYPE_CHECKING:
    from perfsim.calibrate.bench import Bench
    from perfsim.calibrate.here import Cpu
    from perfsim.calibrate.samples import Figure

TURNS = 10**4
PAIRS_MAX = 150
"""Of one class of nearness: more are thinned out evenly, for the time they take."""

SAMPLES_OF_PAIR_MIN = 3
THREADS_MIN = 3
"""A slope over the number of threads needs two of them, of which the first is 2."""

KEYS = {SAME_CORE: "smt_transfer", SAME_SOCKET: "llc_transfer", ACROSS: "socket_transfer"}
"""What a class of pairs is called; no profile has the first."""


def measure_transfers(bench: Bench, atomic: Figure | None) -> list[Finding]:
    """The transfer between every two CPUs, by class. atomic: what an atomic on a line of one's own takes, if known."""
    findings = []
    for near, key in KEYS.items():
        pairs = [pair for pair in combinations(bench.here.cpus, 2) if nearness(*pair) == near]
        if pairs and atomic is not None:
            findings.append(_transfer(bench, key, pairs, atomic))
        elif pairs:
            findings.append(not_measured(key, "its part atomic_local is not known"))
        elif near != SAME_CORE:
            findings.append(not_measured(key, f"no two CPUs that may be used are {_where(near)}"))
    far = findings[-1]
    return [
        *findings,
        far._replace(key="socket_transfer_far", how=f"as socket_transfer{': ' if far.how else ''}{far.how}"),
    ]


def transfer_now(bench: Bench) -> float:
    """The transfer between two cores of one socket at this moment, in ns: machines drift, guests most of all."""
    one, other, *_ = cores_of_largest_socket(bench.here.cpus)
    atomic = repeated(bench, k.ATOMIC, TURNS).less(bench.nothing)
    return figure_of(sampled(partial(_turns, bench, one, other))).less(atomic).best


def _where(near: str) -> str:
    return "on two cores of one socket" if near == SAME_SOCKET else "on two sockets"


def _transfer(bench: Bench, key: str, pairs: list[tuple[Cpu, Cpu]], atomic: Figure) -> Finding:
    """By compare-and-swap in turns: whose turn it is takes the line once, and does one atomic on it.

    If both polled by loads the line would go back and forth twice a turn (cost-profiles §0, two-transfer rule).
    """
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, PAIRS_MAX).astype(int))]
    each = max(SAMPLES_OF_PAIR_MIN, SAMPLES // len(chosen))
    samples = [sample for pair in chosen for sample in sampled(partial(_turns, bench, *pair), each)]
    how = f"ping-pong of one line by compare-and-swap, {counted(len(chosen), 'pair')} of CPUs, less atomic_local"
    return found(key, figure_of(samples).less(atomic), how)


def _turns(bench: Bench, one: Cpu, other: Cpu) -> Sample:
    line = aligned(1)
    words = {"line": address(line), "rounds": TURNS}
    jobs = [Job(cpu.number, k.PING_PONG, words | {"side": side}) for side, cpu in enumerate((one, other))]
    return _mean(bench, jobs, 2 * TURNS)


def measure_contended_atomic(bench: Bench) -> Finding:
    """All CPUs add to one line, time of one addition. In no profile: an owner does several before it loses the line."""
    cpus = cores_of_largest_socket(bench.here.cpus)
    if len(cpus) == 1:
        return not_measured("atomic_contended", "one core")
    figure = figure_of(sampled(lambda: _all_at(bench, k.HAMMER, [cpu.number for cpu in cpus])))
    return found("atomic_contended", figure, f"{len(cpus)} CPUs add to one line; for comparison, no profile has it")


def measure_line_service(bench: Bench) -> Finding:
    """Twice the slope, over the number of threads, of the time of an operation at a ticket lock that guards nothing."""
    cpus = [cpu.number for cpu in cores_of_largest_socket(bench.here.cpus)]
    if len(cpus) < THREADS_MIN:
        return not_measured("line_service", f"a slope over threads needs {THREADS_MIN} cores of one socket")
    counts = sorted({count for count in (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64) if count < len(cpus)} | {len(cpus)})
    series = [[_all_at(bench, k.PAIRS, cpus[:count]) for count in counts] for _ in range(SAMPLES)]
    services = [_service(counts, run) for run in series]
    how = f"ticket lock without a section on {counts[0]} to {counts[-1]} cores: slope of an operation's time, times 2"
    return found("line_service", figure_of(services), how)


def _service(counts: list[int], run: list[Sample]) -> Sample:
    slope = float(np.polyfit(counts, [one.ns for one in run], 1)[0])
    return Sample(2 * slope, any(one.was_disturbed for one in run))


def _all_at(bench: Bench, kernel: int, cpus: list[int]) -> Sample:
    line = aligned(1)
    rounds = 8 * TURNS // len(cpus)
    jobs = [Job(cpu, kernel, {"line": address(line), "rounds": rounds}) for cpu in cpus]
    return _mean(bench, jobs, rounds * len(cpus))


def _mean(bench: Bench, jobs: list[Job], operations: int) -> Sample:
    """Time of one operation, all threads' together."""
    runs = run_together(jobs)
    ticks = sum(ran.ticks for ran in runs) / len(runs)
    return Sample(ticks / bench.ticks_per_ns / operations, any(ran.was_disturbed for ran in runs))
