"""Closed forms of queueing theory for CPUs that think, ask for a lock, hold it and give it back.

This is `lock_loop` on the profile `ideal`, one task a CPU: a queue with a finite source (machine repairman). Each
function is exact for the distributions it names and asserts that it was given those. Results are long-run means, in ns.
Notation of the comments: N CPUs, Z mean think, S mean hold, X acquisitions per ns, W mean wait.
"""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp, xlog1py, xlogy

from perfsim.numeric.random import EXPONENTIAL, FIXED, UNIFORM
from perfsim.scenario.schema import Duration
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats: TypeAlias = NDArray[np.float64]

QUADRATURE_POINTS = 48
"""Beyond the degree of the polynomial: exp(-time/Z) is none, and holds may be many times the think."""


class Steady(NamedTuple):
    """Locks in the long run.

    acquisitions_per_ns: of all equal locks together.
    utilization: fraction of the time that one lock is held; its hand-off is not hold.
    wait_ns: mean from asking to owning, over all acquisitions, zeros included; a hand-off is part of it.
    contended_fraction: acquisitions that did not get the lock at once.
    handoff_fraction: fraction of the time that one lock is on its way from a CPU to the next.
    """

    acquisitions_per_ns: float
    utilization: float
    wait_ns: float
    contended_fraction: float
    handoff_fraction: float = 0.0


class Locks(NamedTuple):
    """Equal locks, of which a CPU takes one, drawn uniformly, for `hold`."""

    hold: Duration
    copies: int = 1


class Group(NamedTuple):
    """CPUs with a think of their own at a lock that they share with other groups."""

    cpus: int
    think: Duration


class Handoff(NamedTuple):
    """A release that finds j >= 1 CPUs waiting lets the next one own the lock after fixed + j * per_waiter."""

    fixed_ns: float = 0.0
    per_waiter_ns: float = 0.0

    def after_ns(self, waiters_count: int) -> float:
        """Time from a release that leaves this many CPUs waiting, the next owner included, to the next hold."""
        return self.fixed_ns + waiters_count * self.per_waiter_ns if waiters_count else 0.0


FREE = Handoff()


def mean_ns(duration: Duration) -> float:
    """Mean of a fixed, exponential or uniform duration."""
    mean_ps = (duration.a_ps + duration.b_ps) / 2 if duration.kind == UNIFORM else duration.a_ps
    return mean_ps / PS_PER_NS


def means_ns(think: Duration, hold: Duration) -> tuple[float, float]:
    """Both means; a lock that is never held has no closed form."""
    think_ns, hold_ns = mean_ns(think), mean_ns(hold)
    assert hold_ns > 0, f"no hold: {hold}"
    return think_ns, hold_ns


def throughput_bounds_per_ns(
    cpus: int, think: Duration, hold: Duration, handoff: Handoff = FREE
) -> tuple[float, float]:
    """Lowest and highest X of one lock, whatever the distributions and the order of service.

    Low: a hold, with its hand-off, delays each other CPU at most once, by at most itself (Amdahl's law if the hand-off
    is free). High: nobody ever waits, or the lock is never free. Source: Denning and Buzen 1978, asymptotic bounds.
    """
    think_ns, hold_ns = mean_ns(think), mean_ns(hold)
    low = cpus / (think_ns + cpus * (hold_ns + handoff.after_ns(cpus - 1)))
    return low, min(cpus / (think_ns + hold_ns), 1 / hold_ns if hold_ns else math.inf)


def exponential_hold(cpus: int, think: Duration, hold: Duration) -> Steady:
    """One lock, exponential hold, any think: only its mean counts (product form, Baskett et al. 1975). M/M/1//N."""
    return locks_in_turn(cpus, think, (Locks(hold),))[0]


def locks_in_turn(cpus: int, think: Duration, stages: Sequence[Locks]) -> tuple[Steady, ...]:
    """Each round takes one lock of every stage, one after the other, never two at once: one result a stage.

    Exponential holds, any think. Exact mean value analysis: who asks for a lock meets the queues of the same system
    with one CPU fewer (Reiser and Lavenberg 1980).
    """
    assert cpus >= 1, f"{cpus} CPUs"
    assert stages, "no stage"
    assert all(stage.hold.kind == EXPONENTIAL for stage in stages), f"not all exponential: {stages}"
    think_ns = mean_ns(think)
    holds_ns = [mean_ns(stage.hold) for stage in stages]
    at_lock = seen_at_lock = [0.0] * len(stages)
    busy = seen_busy = [0.0] * len(stages)
    per_ns = 0.0
    for population in range(1, cpus + 1):
        seen_at_lock, seen_busy = at_lock, busy
        stays_ns = [hold_ns * (1 + seen) for hold_ns, seen in zip(holds_ns, seen_at_lock, strict=True)]
        per_ns = population / (think_ns + sum(stays_ns))
        at_lock = [per_ns * stay_ns / stage.copies for stay_ns, stage in zip(stays_ns, stages, strict=True)]
        busy = [per_ns * hold_ns / stage.copies for hold_ns, stage in zip(holds_ns, stages, strict=True)]
    return tuple(
        Steady(per_ns, busy[stage], holds_ns[stage] * seen_at_lock[stage], seen_busy[stage])
        for stage in range(len(stages))
    )


def groups_at_one_lock(groups: Sequence[Group], hold: Duration) -> tuple[Steady, ...]:
    """Groups that differ in their think share one lock with one exponential hold: one result a group.

    A group's utilization is its own part of the lock's. Exact mean value analysis with classes (Reiser and
    Lavenberg 1980); time and memory grow with the product of the groups' sizes.
    """
    assert hold.kind == EXPONENTIAL, f"not exponential: {hold}"
    hold_ns = mean_ns(hold)
    thinks_ns = [mean_ns(group.think) for group in groups]
    steady: dict[tuple[int, ...], tuple[Steady, ...]] = {}
    for population in itertools.product(*(range(group.cpus + 1) for group in groups)):
        steady[population] = tuple(
            _group_among(steady.get(_one_fewer(population, index), ()), count, thinks_ns[index], hold_ns)
            for index, count in enumerate(population)
        )
    return steady[tuple(group.cpus for group in groups)]


def _one_fewer(population: tuple[int, ...], index: int) -> tuple[int, ...]:
    return (*population[:index], population[index] - 1, *population[index + 1 :])


def _group_among(seen: tuple[Steady, ...], count: int, think_ns: float, hold_ns: float) -> Steady:
    """A group of `count` CPUs, each of which sees on its arrival what the system does with one of them fewer."""
    at_lock = sum(group.acquisitions_per_ns * (group.wait_ns + hold_ns) for group in seen)
    wait_ns = hold_ns * at_lock
    per_ns = count / (think_ns + wait_ns + hold_ns)
    return Steady(per_ns, per_ns * hold_ns, wait_ns, sum(group.utilization for group in seen))


def exponential_think(cpus: int, think: Duration, hold: Duration) -> Steady:
    """One lock, exponential think, any hold (M/G/1//N). Source: Takacs 1962, Introduction to the Theory of Queues."""
    assert cpus >= 1, f"{cpus} CPUs"
    assert think.kind == EXPONENTIAL, f"not exponential: {think}"
    think_ns, hold_ns = means_ns(think, hold)
    log_products = [0.0]
    for index in range(1, cpus):
        log_transform = _log_transform(hold, index / think.a_ps)
        log_products.append(log_products[-1] + log_transform - math.log(-math.expm1(log_transform)))
    nobody_left = math.exp(-float(logsumexp(_log_binomials(cpus - 1) - np.array(log_products))))
    per_ns = 1 / (hold_ns + nobody_left * think_ns / cpus)
    return Steady(per_ns, per_ns * hold_ns, cpus / per_ns - think_ns - hold_ns, 1 - nobody_left)


def _log_transform(duration: Duration, rate_per_ps: float) -> float:
    """Logarithm of the Laplace transform, the mean of exp(-rate * duration)."""
    if duration.kind == FIXED or duration.a_ps == duration.b_ps:
        return -rate_per_ps * duration.a_ps
    if duration.kind == EXPONENTIAL:
        return -math.log1p(rate_per_ps * duration.a_ps)
    width = rate_per_ps * (duration.b_ps - duration.a_ps)
    return -rate_per_ps * duration.a_ps + math.log(-math.expm1(-width) / width)


def _log_binomials(count: int) -> Floats:
    chosen = np.arange(count + 1)
    logs: Floats = gammaln(count + 1) - gammaln(chosen + 1) - gammaln(count - chosen + 1)
    return logs


def handed_off(cpus: int, think: Duration, hold: Duration, handoff: Handoff) -> Steady:
    """One lock whose hand-off takes time, in any order that does not look at holds; exponential think, any hold.

    The number of CPUs left waiting at a release is a Markov chain; X is one acquisition per mean time between
    releases. Source: the method of the embedded chain, Kendall 1953.
    """
    assert think.kind == EXPONENTIAL, f"not exponential: {think}"
    think_ns, hold_ns = means_ns(think, hold)
    left = _stationary(_left_at_release(cpus, think_ns, hold, handoff))
    passing_ns = float(sum(left[waiters] * handoff.after_ns(waiters) for waiters in range(cpus)))
    per_ns = 1 / (passing_ns + hold_ns + float(left[0]) * think_ns / cpus)
    wait_ns = cpus / per_ns - think_ns - hold_ns
    return Steady(per_ns, per_ns * hold_ns, wait_ns, 1 - float(left[0]), per_ns * passing_ns)


def _left_at_release(cpus: int, think_ns: float, hold: Duration, handoff: Handoff) -> Floats:
    """Transition probabilities [left now, left at the next release] of the number of CPUs that a release leaves."""
    in_hold = [_arrivals_in_hold(thinkers, think_ns, hold) for thinkers in range(cpus)]
    chain = np.zeros((cpus, cpus))
    chain[0] = in_hold[cpus - 1]
    for waiters in range(1, cpus):
        arrived = _arrivals(cpus - waiters, think_ns, handoff.after_ns(waiters))
        for count, probability in enumerate(arrived):
            first = waiters - 1 + count
            chain[waiters, first:] += probability * in_hold[cpus - waiters - count]
    return chain


def _arrivals_in_hold(thinkers: int, think_ns: float, hold: Duration) -> Floats:
    """Distribution of how many of these thinkers ask for the lock during one hold."""
    hold_ns = mean_ns(hold)
    if hold.kind == FIXED:
        return _arrivals(thinkers, think_ns, hold_ns)
    if hold.kind == UNIFORM:
        return _arrivals_in_uniform(thinkers, think_ns, hold)
    thinking = thinkers - np.arange(thinkers + 1)
    # The next event is an arrival, in a race of `thinking` rates 1/Z against the rate 1/S of the hold's end.
    arrival_first = thinking * hold_ns / (thinking * hold_ns + think_ns)
    reached = np.concatenate(([1.0], np.cumprod(arrival_first[:-1])))
    arrivals: Floats = reached * (1 - arrival_first)
    return arrivals


def _arrivals_in_uniform(thinkers: int, think_ns: float, hold: Duration) -> Floats:
    """The same for a uniform hold: the mean over its times, by Gauss and Legendre's quadrature.

    A probability is a polynomial of degree `thinkers` in exp(-time/Z), so that so many points and some are exact.
    """
    points, weights = _gauss_legendre(thinkers + QUADRATURE_POINTS)
    holds_ns = (hold.a_ps + (points + 1) / 2 * (hold.b_ps - hold.a_ps)) / PS_PER_NS
    asks = np.array([_ask_probability(think_ns, float(hold_ns)) for hold_ns in holds_ns])
    arrivals: Floats = weights @ _binomial(thinkers, asks[:, np.newaxis]) / 2
    return arrivals


@cache
def _gauss_legendre(count: int) -> tuple[Floats, Floats]:
    """Points from -1 to 1 and their weights: milliseconds to find, and a chain asks for them once for each thinker."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return points, weights


def _arrivals(thinkers: int, think_ns: float, passed_ns: float) -> Floats:
    """Distribution of how many of these thinkers ask for the lock within a fixed time."""
    return _binomial(thinkers, _ask_probability(think_ns, passed_ns))


def _ask_probability(think_ns: float, passed_ns: float) -> float:
    """That one thinker asks for the lock within a fixed time."""
    return -math.expm1(-passed_ns / think_ns)


def _binomial(count: int, probability: float | Floats) -> Floats:
    """Distribution of how many of so many do what each does with this probability; of each of several in a column."""
    doing = np.arange(count + 1)
    logs = _log_binomials(count) + xlogy(doing, probability) + xlog1py(count - doing, -probability)
    distribution: Floats = np.exp(logs)
    return distribution


def _stationary(chain: Floats) -> Floats:
    """The distribution that a Markov chain keeps: balance equations, one of them replaced by "they sum to 1"."""
    size = len(chain)
    equations = chain.T - np.eye(size)
    equations[-1] = 1.0
    right_side = np.zeros(size)
    right_side[-1] = 1.0
    return np.asarray(np.linalg.solve(equations, right_side), dtype=np.float64)


def fixed_rounds(cpus: int, think: Duration, hold: Duration, handoff: Handoff = FREE) -> Steady:
    """One FIFO lock, fixed think and hold, all CPUs starting together (D/D/1//N): every round is like the last.

    Together, N - 1 CPUs wait at the first release; fewer are left while their rounds settle, down to the largest
    number that reproduces itself. If that is none, nobody waits any more. Another start may settle elsewhere.
    """
    assert think.kind == hold.kind == FIXED, f"not fixed: {think}, {hold}"
    think_ns, hold_ns = means_ns(think, hold)
    left, before = cpus - 1, cpus
    while 0 < left < before:
        before = left
        between_ps = hold.a_ps + round(handoff.after_ns(left) * PS_PER_NS)
        left = cpus - 1 - think.a_ps // between_ps
    if left <= 0:
        return unmet_rounds(cpus, think, hold)
    passing_ns = handoff.after_ns(left)
    between_ns = passing_ns + hold_ns
    wait_ns = cpus * between_ns - think_ns - hold_ns
    return Steady(1 / between_ns, hold_ns / between_ns, wait_ns, 1.0, passing_ns / between_ns)


def unmet_rounds(cpus: int, think: Duration, hold: Duration) -> Steady:
    """Fixed think and hold, the CPUs started so far apart that they never meet, though a hand-off would be slow."""
    assert think.kind == hold.kind == FIXED, f"not fixed: {think}, {hold}"
    assert cpus * hold.a_ps <= think.a_ps + hold.a_ps, f"{cpus} CPUs must meet"
    think_ns, hold_ns = means_ns(think, hold)
    round_ns = think_ns + hold_ns
    return Steady(cpus / round_ns, cpus * hold_ns / round_ns, 0.0, 0.0)
