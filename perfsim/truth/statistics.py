"""The statistics that the commands rest on, held against what they must give: examples, coverage, power.

Expected are exact examples, what theory says (a t interval covers as often as it promises), and powers by the
non-central t distribution. Draws have a fixed seed; a share of them may be as far off as it is in 998 of 1000 cases.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import nctdtr, ndtri, stdtrit

from perfsim.engine.engines import CompiledEngine, begin
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import load_design
from perfsim.measure.steady import MSER_BATCH, mser
from perfsim.numeric.random import EXPONENTIAL
from perfsim.scenario.schema import Duration
from perfsim.scenario.validate import load_scenario
from perfsim.stats.paired import paired_ratio
from perfsim.stats.ratios import holm, margins, p_above, p_different, summed_up
from perfsim.truth.answer import Line, line_of
from perfsim.truth.queueing import exponential_hold
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from perfsim.stats.ratios import Floats

SEED = 1
DRAWS = 20_000
LEVEL = 0.05
SURE = 0.999

EXPERIMENTS = 1000
WINDOWS = 10
GAP_NS, WINDOW_NS = 20_000, 200_000
CPUS, THINK_NS, HOLD_NS = 8, 900, 100
COVERAGE = (0.93, 0.97)
"""A right interval is outside of this band in 0.3 % of 1000 experiments, one that covers 0.91 inside in 1.3 %."""

OLD, NEW = (101, 97, 104, 99, 102), (110, 104, 115, 105, 112)
SLOWDOWN = -math.log(0.97)
"""Log ratio of a throughput that has fallen by 3 %."""

TRANSIENTS = {"x0 100": (100, 0.8, 7919, 97, 500, 30), "x0 40": (40, 0.95, 5009, 101, 1000, 120)}
"""A, r, p, m, n of the series A r^i + ((i p) mod m)/m, i < n, and how many observations MSER-5 leaves out."""

WHOLE = 10**9
"""MSER-5 reckons with whole numbers: parts of a series' unit."""


def coverage() -> Iterator[Line]:
    """D1: 95 % intervals of 10 runs each of a lock whose throughput and wait theory knows, 1000 times."""
    truth = exponential_hold(CPUS, *_exponential(THINK_NS, HOLD_NS))
    taken, waited_ns = (values.reshape(EXPERIMENTS, WINDOWS) for values in _windows(EXPERIMENTS * WINDOWS))
    figures = {"X": taken / WINDOW_NS / truth.acquisitions_per_ns, "W": waited_ns / taken / truth.wait_ns}
    for name, ratios in figures.items():
        found = [paired_ratio(one.tolist(), [1.0] * WINDOWS) for one in ratios]
        covered = sum(one is not None and (one.low or 0) <= 1 <= (one.high or 0) for one in found) / EXPERIMENTS
        yield line_of("D1", f"coverage of {name}", COVERAGE, covered)


def paired() -> Iterator[Line]:
    """D2: the paired ratio of designs, Holm's correction, and how often intervals of few pairs cover the ratio."""
    ratio = paired_ratio(NEW, OLD)
    assert ratio is not None, "pairs of whole numbers have a ratio"
    expected = (1.08501033, 1.06216202, 1.10835014, 0.00044122)
    found = (ratio.estimate, ratio.low or 0.0, ratio.high or 0.0, ratio.p or 0.0)
    for name, right, value in zip(("ratio", "low", "high", "p"), expected, found, strict=True):
        yield line_of("D2", f"example: {name}", _printed(right), value)
    for right, value in zip((0.005, 0.032, 0.117), holm(np.array([0.001, 0.008, 0.039, 0.041, 0.042])), strict=False):
        yield line_of("D2", "example: Holm", _printed(right), float(value))
    for pairs in (5, 10, 20):
        of = summed_up(_draws(pairs, 0.1))
        yield line_of("D2", f"coverage, {pairs} pairs", _share(0.95), float(np.mean(np.abs(of.mean) <= margins(of))))


def warm_up() -> Iterator[Line]:
    """D3: how many observations MSER-5 leaves out of series whose transient is known."""
    for name, (start, decay, step, modulus, count, expected) in TRANSIENTS.items():
        at = np.arange(count)
        found = _left_out(start * decay**at + at * step % modulus / modulus)
        yield line_of("D3", f"MSER-5, {name}", (expected, expected), found)
    draws = np.random.default_rng(SEED).normal(size=(500, 1000))
    medians = {start: np.median([_left_out(_autoregressive(start, one)) for one in draws]) for start in (20.0, 0.0)}
    yield line_of("D3", "median, AR(1) from 20", (15, 25), float(medians[20.0]))
    yield line_of("D3", "median, AR(1) from 0", (0, 0), float(medians[0.0]))


def regression() -> Iterator[Line]:
    """D4: how often a slowdown of 3 % is seen, and how often an alarm is false."""
    for pairs, deviation in ((3, 0.01), (5, 0.02), (8, 0.03), (10, 0.02), (20, 0.03)):
        of = summed_up(_draws(pairs, deviation, SLOWDOWN))
        quantile, away = float(stdtrit(pairs - 1, 1 - LEVEL / 2)), SLOWDOWN / deviation * math.sqrt(pairs)
        power = float(nctdtr(pairs - 1, away, -quantile) + 1 - nctdtr(pairs - 1, away, quantile))
        shown = float(np.mean(p_different(of) < LEVEL))
        yield line_of("D4", f"power, {pairs} pairs, sd {deviation}", _share(power), shown)
    same = summed_up(_draws(5, 0.03)[:500])
    yield line_of("D4", "alarms in 500 of 5 %", (0, 41), float(np.sum(p_different(same) < LEVEL)))
    yield line_of("D4", "alarms in 500 beyond 3 %", (0, 0), float(np.sum(p_above(same, SLOWDOWN) < LEVEL)))


STATISTICS: Mapping[str, Callable[[], Iterator[Line]]] = {
    "D1": coverage,
    "D2": paired,
    "D3": warm_up,
    "D4": regression,
}


def _exponential(*means_ns: int) -> list[Duration]:
    return [Duration(EXPONENTIAL, mean_ns * PS_PER_NS, 0) for mean_ns in means_ns]


def _windows(count: int) -> tuple[Floats, Floats]:
    """Acquisitions, and waits in ns, in so many windows of a long run. The queue forgets in the gaps between them, so
    that they are as independent as runs are.
    """
    sets = (f"machine.cpus={CPUS}", "memory.pages_per_node=64")
    run = begin("compiled", load_scenario("lock_contention", sets), load_design("lock_page"), Seed(SEED, 0))
    assert isinstance(run, CompiledEngine), run
    tally = run.running.run.s.m.tally
    found = np.zeros((2, count))
    now_ps = 0
    for window in range(count):
        for part_ns, sign in ((GAP_NS, -1), (WINDOW_NS, 1)):
            now_ps += part_ns * PS_PER_NS
            run.advance(now_ps)
            found[:, window] += sign * np.array((tally.acquisitions[0], tally.wait_total_ps[0] / PS_PER_NS))
    return found[0], found[1]


def _draws(pairs: int, deviation: float, mean: float = 0.0) -> Floats:
    """Log ratios of normal pairs: [draw, pair]."""
    draws: Floats = np.random.default_rng(SEED).normal(mean, deviation, size=(DRAWS, pairs))
    return draws


def _share(expected: float) -> tuple[float, float]:
    """Where a share of the draws is, if it is right."""
    margin = float(ndtri(SURE)) * math.sqrt(expected * (1 - expected) / DRAWS) + 1 / DRAWS
    return expected - margin, expected + margin


def _printed(expected: float) -> tuple[float, float]:
    """Up to the digits that are printed."""
    return expected - 5e-9, expected + 5e-9


def _left_out(series: Floats) -> int:
    """Observations that MSER-5 leaves out; half of them stand for no answer."""
    batches = (series.reshape(-1, MSER_BATCH).sum(axis=1) * WHOLE).round()
    cut = mser([int(batch) for batch in batches])
    return len(series) // 2 if cut is None else cut * MSER_BATCH


def _autoregressive(start: float, noise: Sequence[float] | Floats) -> Floats:
    """x of i is 0.9 times the one before it and the noise."""
    series = np.empty(len(noise))
    value = start
    for at, one in enumerate(noise):
        value = 0.9 * value + one
        series[at] = value
    return series
