"""How long a wait for one lock lasts: its distribution, in every order of service, for exponential holds.

A wait is followed through the states of a Markov chain until its CPU owns the lock: a distribution of phase type.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp, xlogy

from perfsim.numeric.random import EXPONENTIAL
from perfsim.truth.queueing import means_ns

if TYPE_CHECKING:
    from perfsim.scenario.schema import Duration
    from perfsim.truth.queueing import Floats

LEFT_OUT = 1e-15
"""The probability of waits that a percentile does not look at."""


class Phases(NamedTuple):
    """How long a wait lasts: the time that a Markov chain takes to leave its phases (Neuts 1981, phase type).

    start: [phase] probability to begin there; what is missing to 1 is the probability of no wait at all.
    rates_per_ns: [phase, phase] rates of change, negative on the diagonal; what is missing in a row is the end's rate.
    """

    start: Floats
    rates_per_ns: Floats


def wait_phases(cpus: int, think: Duration, hold: Duration, order: str = "fifo") -> Phases:
    """How long a CPU waits for one lock: exponential think and hold, free hand-off; order "fifo", "random" or "lifo".

    The CPU meets the others as they are in the long run without it (arrival theorem, Sevcik and Mitrani 1981), and
    is followed through them until it owns the lock. With "fifo", any think of the same mean gives the same waits.
    """
    assert hold.kind == EXPONENTIAL, f"not exponential: {hold}"
    assert order == "fifo" or think.kind == EXPONENTIAL, f"not exponential: {think}"
    think_ns, hold_ns = means_ns(think, hold)
    met = _others_at_lock(cpus - 1, hold_ns / think_ns)[1:]
    if order == "fifo":
        return Phases(met, (np.eye(cpus - 1, k=-1) - np.eye(cpus - 1)) / hold_ns)
    if order == "random":
        return Phases(met, _random_rates_per_ns(cpus, think_ns, hold_ns))
    assert order == "lifo", order
    return _lifo_phases(met, think_ns, hold_ns)


def _others_at_lock(others: int, ratio: float) -> Floats:
    """Distribution of how many of these CPUs are at the lock, its owner included: n!/(n-k)! (S/Z)^k, normalised."""
    at_lock = np.arange(others + 1)
    logs = at_lock * math.log(ratio) - gammaln(others - at_lock + 1)
    probabilities: Floats = np.exp(logs - logsumexp(logs))
    return probabilities


def _random_rates_per_ns(cpus: int, think_ns: float, hold_ns: float) -> Floats:
    """Phase k - 1: k others at the lock, so that a release finds k CPUs waiting, each as likely to be the next."""
    others = np.arange(1, cpus)
    arrivals = (cpus - 1 - others) / think_ns
    losses = (1 - 1 / others) / hold_ns
    rates: Floats = np.diag(arrivals[:-1], 1) + np.diag(losses[1:], -1) - np.diag(arrivals + 1 / hold_ns)
    return rates


def _lifo_phases(met: Floats, think_ns: float, hold_ns: float) -> Phases:
    """Phase (below, above): waiting CPUs that came before and after; only those above must be served first."""
    pairs = [(below, above) for below in range(len(met)) for above in range(len(met) - below)]
    number = {pair: index for index, pair in enumerate(pairs)}
    start = np.zeros(len(pairs))
    rates = np.zeros((len(pairs), len(pairs)))
    for (below, above), index in number.items():
        arrivals = (len(met) - 1 - below - above) / think_ns
        rates[index, index] = -arrivals - 1 / hold_ns
        if arrivals:
            rates[index, number[below, above + 1]] = arrivals
        if above:
            rates[index, number[below, above - 1]] = 1 / hold_ns
        else:
            start[index] = met[below]
    return Phases(start, rates)


def given_wait(waits: Phases) -> Phases:
    """The waits of contended acquisitions alone, as /proc/lock_stat counts them."""
    return waits._replace(start=waits.start / waits.start.sum())


def wait_mean_and_sd_ns(waits: Phases) -> tuple[float, float]:
    """Mean and standard deviation of the wait."""
    first = np.linalg.solve(-waits.rates_per_ns, np.ones(len(waits.start)))
    second = 2 * np.linalg.solve(-waits.rates_per_ns, first)
    mean = float(waits.start @ first)
    return mean, math.sqrt(float(waits.start @ second) - mean**2)


def wait_percentile_ns(waits: Phases, fraction: float) -> float:
    """The wait that this fraction of acquisitions does not exceed; 0 if so many do not wait at all."""
    assert 0 < fraction < 1, fraction
    if waits.start.sum() <= 1 - fraction:
        return 0.0
    rate_per_ns, lasting = _lasting(waits)
    steps = np.arange(len(lasting))

    def too_many(wait_ns: float) -> float:
        """How many more than the rest wait for longer."""
        jumps = rate_per_ns * wait_ns
        return float(np.exp(xlogy(steps, jumps) - jumps - gammaln(steps + 1)) @ lasting) - (1 - fraction)

    high_ns = 1 / rate_per_ns
    while too_many(high_ns) > 0:
        high_ns *= 2
    return float(brentq(too_many, 0.0, high_ns, rtol=1e-12))


def _lasting(waits: Phases) -> tuple[float, Floats]:
    """The chain looked at by the jumps of a Poisson process (uniformization, Jensen 1953): the rate of that, and the
    probability that a wait outlasts so many jumps. All terms are positive: nothing cancels, unlike in exp(matrix).
    """
    rate_per_ns = float(np.abs(waits.rates_per_ns).max())
    stays = waits.rates_per_ns.T / rate_per_ns + np.eye(len(waits.start))
    phases = waits.start
    lasting = [float(phases.sum())]
    while lasting[-1] > LEFT_OUT:
        phases = stays @ phases
        lasting.append(float(phases.sum()))
    return rate_per_ns, np.array(lasting)
