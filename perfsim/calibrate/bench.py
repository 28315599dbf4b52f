"""What every measurement needs: the machine, how long a tick is, what the instruments themselves take."""

from __future__ import annotations

import ctypes
import os
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perfsim.calibrate import kernels as k
from perfsim.calibrate.samples import Figure, Sample, figure_of, sampled
from perfsim.calibrate.threads import Job, address, aligned, run_together
from perfsim.errors import PerfsimError
from perfsim.machine.costs import COST_NAMES
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from perfsim.calibrate.here import Here
    from perfsim.calibrate.threads import Words
    from perfsim.machine.profile import CostProfile

SETTLING_NS_MAX = 2 * 10**9
"""A processor takes up to 1.6 s to reach its clock (cost-profiles §9)."""

SETTLED = 0.01
"""Batches are as fast as one another if their times differ by no more than this part."""

CHAIN_ROUNDS = 2 * 10**6
CLOCK_ROUNDS = 10**6
EMPTY_ROUNDS = 10**6

FUTEX_NUMBERS = {"x86_64": 202, "aarch64": 98}
"""Of the system call, by architecture; libc has no function for it."""


class Bench(NamedTuple):
    """The machine, made ready. clock_hz: the processor's, measured. nothing: a loop's round that does nothing.

    libc: addresses of C functions. system: the block of locks.futex(), kept alive here.
    """

    here: Here
    ticks_per_ns: float
    clock_hz: float
    nothing: Figure
    libc: dict[str, int]
    system: Words

    @property
    def cpu(self) -> int:
        """The CPU for what takes one."""
        return self.here.cpus[0].number

    @property
    def affordable_bytes(self) -> int:
        """Memory that one measurement may take: a quarter of what is free."""
        return self.here.memory_bytes // 4


class Table(NamedTuple):
    """Arguments of calls, row by row, kept while an address of theirs is used."""

    rows: Words

    @property
    def words(self) -> dict[str, int]:
        """What the kernel `calls` is told of them."""
        return {"table": address(self.rows), "rounds": len(self.rows) // 3}


def prepare(here: Here) -> Bench:
    """Let the clock settle, and measure what others need. Raises PerfsimError where threads cannot be pinned."""
    _check_pinning(here)
    libc = functions("getppid", "syscall", "memcpy", "memset", "madvise", "mlock", "munlock")
    system = aligned(2)
    system[:2] = libc["syscall"], FUTEX_NUMBERS[here.architecture]
    ticks_per_ns = _ticks_per_ns(here.cpus[0].number)
    bench = Bench(here, ticks_per_ns, 0.0, Figure(0.0, 0.0, 0.0, 0.0), libc, system)
    bench = bench._replace(clock_hz=_settled_hz(bench))
    return bench._replace(nothing=repeated(bench, k.NOTHING, EMPTY_ROUNDS))


def _check_pinning(here: Here) -> None:
    """A thread that could not be pinned would leave those waiting with whom it is to start."""
    own = os.sched_getaffinity(0)
    try:
        for cpu in here.cpus:
            os.sched_setaffinity(0, {cpu.number})
    except OSError as error:
        raise PerfsimError(f"threads cannot be pinned to CPUs here: {error.strerror}") from error
    finally:
        os.sched_setaffinity(0, own)


def per_round(bench: Bench, kernel: int, rounds: int, words: dict[str, int] | None = None) -> Sample:
    """One batch of a kernel on the first CPU: time of a round."""
    line = aligned(1)
    asked = {"line": address(line), "rounds": rounds} | (words or {})
    [ran] = run_together([Job(bench.cpu, kernel, asked)])
    return Sample(ran.ticks / bench.ticks_per_ns / rounds, ran.was_disturbed)


def repeated(bench: Bench, kernel: int, rounds: int, words: dict[str, int] | None = None) -> Figure:
    """Batches of a kernel on the first CPU."""
    return figure_of(sampled(lambda: per_round(bench, kernel, rounds, words)))


def table(rows: np.ndarray) -> Table:
    """Rows of three words, [rows, 3], where a kernel can read them."""
    kept = aligned(rows.size)[: rows.size]
    kept[:] = rows.reshape(-1)
    return Table(kept)


def of_profile(base: CostProfile, name: str) -> Figure:
    """A cost of a profile, in ns."""
    index = COST_NAMES.index(name)
    low, best, high = (ps[index] / PS_PER_NS for ps in (base.low_ps, base.best_ps, base.high_ps))
    return Figure(low, best, high, (high - low) / best if best else 0.0)


def _settled_hz(bench: Bench) -> float:
    """Work until two batches in a row are as fast; the clock then: a link of the chain takes one cycle."""
    deadline_ns = time.monotonic_ns() + SETTLING_NS_MAX
    last = 0.0
    while True:
        link_ns = min(per_round(bench, k.CHAIN, CHAIN_ROUNDS).ns for _ in range(3)) / k.CHAIN_LINKS
        if abs(link_ns - last) <= SETTLED * link_ns or time.monotonic_ns() > deadline_ns:
            return 1e9 / link_ns
        last = link_ns


def _ticks_per_ns(cpu: int) -> float:
    """Ticks of the processor's clock for each ns of the system's: the median of some looks."""
    looks = [run_together([Job(cpu, k.CLOCKS, {"line": 0, "rounds": CLOCK_ROUNDS})])[0] for _ in range(5)]
    return float(np.median([ran.ticks / ran.lasted_ns for ran in looks]))


def functions(*names: str) -> dict[str, int]:
    """Where libc's functions are."""
    libc = ctypes.CDLL(None)
    found = {name: ctypes.cast(getattr(libc, name), ctypes.c_void_p).value for name in names}
    return {name: place or 0 for name, place in found.items()}
