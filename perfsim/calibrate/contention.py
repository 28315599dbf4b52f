"""Real locks in the loop that the simulator has as `lock_loop`: think, take, hold, release, on threads of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perfsim.calibrate import kernels as k
from perfsim.calibrate.bench import repeated
from perfsim.calibrate.locks import BIT
from perfsim.calibrate.samples import ATTEMPTS_TIMES, sampled
from perfsim.calibrate.threads import Job, address, aligned, queue_nodes, run_together

if TYPE_CHECKING:
    from perfsim.calibrate.bench import Bench
    from perfsim.calibrate.threads import Words

RUNS_TOGETHER = 5
RUNS = 5 * RUNS_TOGETHER
RUN_NS = 2 * 10**6
"""Shorter than the time after which a scheduler lets others have their turn. Some runs together make one repetition."""

NS_PER_S = 10**9
PERCENTS = (50, 90, 99)

SPIN_NS = range(300, 330, 2)
"""Lengths at which it is measured how much longer than asked spinning lasts: the last look at the clock falls anywhere
behind the end, by how far depends on the length, and so they differ by less than one look takes.
"""


class Setting(NamedTuple):
    """How long CPUs think and hold: means in ns, exponential or fixed."""

    think_ns: int
    hold_ns: int
    is_exponential: bool


class Loop(NamedTuple):
    """One case: the number of a lock of locks.LOCKS, the CPUs, and how long they think and hold."""

    kind: int
    cpus: tuple[int, ...]
    setting: Setting


class Instruments(NamedTuple):
    """What measuring itself takes, in ticks. spin: how much longer than asked a spin lasts, with the look at the clock
    from which it is counted. look: one look at the clock.
    """

    spin: float
    look: float


class Repetition(NamedTuple):
    """Some runs together. per_s: acquisitions of all threads. waited: share of those that had to wait. waits_ns: by
    PERCENTS, over all acquisitions, those at once included with 0. was_disturbed: others had a CPU in one of the runs.
    """

    per_s: float
    waited: float
    waits_ns: tuple[float, ...]
    was_disturbed: bool


class Run(NamedTuple):
    """One run: acquisitions, their rate, and every wait."""

    per_s: float
    waits_ns: Words
    was_disturbed: bool


def measure_instruments(bench: Bench) -> Instruments:
    """What is to be subtracted from every think and hold, and from every wait."""
    excesses = []
    for spin_ns in SPIN_NS:
        ticks = round(spin_ns * bench.ticks_per_ns)
        rounds = RUN_NS // spin_ns
        figure = repeated(bench, k.SPINS, rounds, {"duration": ticks})
        excesses.append(figure.best * bench.ticks_per_ns - ticks)
    look = repeated(bench, k.CLOCKS, 10**5).less(bench.nothing)
    return Instruments(float(np.mean(excesses)), look.best * bench.ticks_per_ns)


def run_loop(bench: Bench, instruments: Instruments, loop: Loop) -> list[Repetition]:
    """The repetitions of a case: of a spinning lock those in which nobody else had a CPU, as far as there are such."""
    seeds = iter(range(RUNS * ATTEMPTS_TIMES))
    runs = sampled(lambda: _run(bench, instruments, loop, next(seeds)), RUNS)
    return [_together(runs[first : first + RUNS_TOGETHER]) for first in range(0, len(runs), RUNS_TOGETHER)]


def _together(runs: list[Run]) -> Repetition:
    waits_ns = np.concatenate([run.waits_ns for run in runs])
    return Repetition(
        per_s=float(np.mean([run.per_s for run in runs])),
        waited=float(np.mean(waits_ns > 0)),
        waits_ns=percentiles(waits_ns),
        was_disturbed=any(run.was_disturbed for run in runs),
    )


def percentiles(waits: Words) -> tuple[float, ...]:
    """The smallest wait with at least p % of all at or below it, for each of PERCENTS."""
    ordered = np.sort(waits)
    return tuple(float(ordered[max(0, -(-percent * len(ordered) // 100) - 1)]) for percent in PERCENTS)


def _run(bench: Bench, instruments: Instruments, loop: Loop, seed: int) -> Run:
    ticks_per_ns = bench.ticks_per_ns
    lock = aligned(2)
    shared = {"line": address(lock), "kind": loop.kind, "system": address(bench.system)}
    shared["duration"] = round(RUN_NS * ticks_per_ns)
    generator = np.random.default_rng(seed)
    nodes = queue_nodes(len(loop.cpus))
    buffers = [_buffers(loop.setting, instruments, ticks_per_ns, generator) for _ in loop.cpus]
    jobs = [
        Job(cpu, k.LOCK_LOOP, shared | one.words | {"node": address(node)})
        for cpu, one, node in zip(loop.cpus, buffers, nodes, strict=True)
    ]
    runs = run_together(jobs)
    waits = np.concatenate([one.waits[: ran.done] for one, ran in zip(buffers, runs, strict=True)])
    waits_ns = np.where(waits > 0, np.maximum(waits - instruments.look, 1) / ticks_per_ns, 0)
    return Run(
        per_s=sum(ran.done * ticks_per_ns * NS_PER_S / ran.ticks for ran in runs),
        waits_ns=waits_ns,
        was_disturbed=loop.kind != BIT and any(ran.was_disturbed for ran in runs),
    )


class _Buffers(NamedTuple):
    """One thread's: ticks of its thinks and holds, and where it notes its waits."""

    thinks: Words
    holds: Words
    waits: Words

    @property
    def words(self) -> dict[str, int]:
        places = {"thinks": self.thinks, "holds": self.holds, "waits": self.waits}
        return {name: address(words) for name, words in places.items()} | {"rounds": len(self.thinks)}


def _buffers(
    setting: Setting, instruments: Instruments, ticks_per_ns: float, generator: np.random.Generator
) -> _Buffers:
    """Drawn before the run, so that a round has nothing to do but to read them."""
    count = 2 * RUN_NS // (setting.think_ns + setting.hold_ns)

    def drawn(mean_ns: int) -> Words:
        values = generator.exponential(mean_ns, count) if setting.is_exponential else np.full(count, float(mean_ns))
        kept = aligned(count)[:count]
        kept[:] = np.rint(np.maximum(values * ticks_per_ns - instruments.spin, 0))
        return kept

    return _Buffers(drawn(setting.think_ns), drawn(setting.hold_ns), aligned(count))
