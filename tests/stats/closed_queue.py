"""Many runs of the closed queue at once: CPUs that think and take one FIFO lock; its long run theory knows exactly."""

from typing import NamedTuple

import numpy as np

from perfsim.numeric.buckets import bucket, upper
from perfsim.stats.ratios import Floats
from perfsim.truth.queueing import exponential_hold
from perfsim.truth.waits import wait_percentile_ns, wait_phases
from perfsim.units import PS_PER_NS
from tests.truth.durations import exponential

CPUS = 8
THINK_NS = 900
WARM_UP = 100


class Runs(NamedTuple):
    """A figure a run. per_us: acquisitions. p99_ns: of the waits, zeros among them, as a histogram reports it."""

    per_us: Floats
    p99_ns: Floats


def simulated(hold_ns: int, runs_count: int, acquisitions: int, seed: int) -> Runs:
    """Runs that meet equal draws at equal seeds, whatever their hold."""
    draw = np.random.default_rng(seed)
    asked_ns = THINK_NS * draw.exponential(size=(runs_count, CPUS))
    every = np.arange(runs_count)
    free_ns = np.zeros(runs_count)
    begun_ns = np.zeros(runs_count)
    waits_ns = np.zeros((acquisitions, runs_count))
    for number in range(-WARM_UP, acquisitions):
        cpu = asked_ns.argmin(axis=1)
        at_ns = asked_ns[every, cpu]
        taken_ns = np.maximum(at_ns, free_ns)
        free_ns = taken_ns + hold_ns * draw.exponential(size=runs_count)
        asked_ns[every, cpu] = free_ns + THINK_NS * draw.exponential(size=runs_count)
        if number >= 0:
            waits_ns[number] = taken_ns - at_ns
        else:
            begun_ns = free_ns
    rank = -(-acquisitions * 99 // 100) - 1
    exact_ns = np.partition(waits_ns, rank, axis=0)[rank]
    return Runs(1000 * acquisitions / (free_ns - begun_ns), reported(exact_ns))


def reported(exact_ns: Floats) -> Floats:
    """What a histogram makes of times: the upper ends of their cells."""
    return np.array([upper(bucket(round(one * PS_PER_NS))) / PS_PER_NS for one in exact_ns.tolist()])


def true_throughput(hold_ns: int) -> float:
    """Acquisitions per us in the long run."""
    return 1000 * exponential_hold(CPUS, exponential(THINK_NS), exponential(hold_ns)).acquisitions_per_ns


def true_p99_ns(hold_ns: int) -> float:
    """The wait that 99 % of acquisitions do not exceed."""
    return wait_percentile_ns(wait_phases(CPUS, exponential(THINK_NS), exponential(hold_ns)), 0.99)
