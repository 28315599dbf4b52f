"""Ratios of many points at once: what they are, how surely, and what they show. All of it on the scale of logarithms.

A point has one log ratio a pair, whose runs met the same random numbers. For log-normal pairs each interval and each p
here is exact (Student's t). Of 5 pairs a bootstrap covers 0.83 instead of 0.95, and no rank test reaches 5 %.

- A difference is shown by the two-sided t test of the ratio being 1.
- Sameness is shown by two one-sided t tests, of the ratio being beyond a margin on either side (TOST: D. J. Schuirmann,
  Journal of Pharmacokinetics and Biopharmaceutics 15, 1987, 657-680). That neither is shown is no answer.
- A family of points is corrected by Holm's method (S. Holm, A simple sequentially rejective multiple test procedure,
  Scandinavian Journal of Statistics 6, 1979, 65-70): with 95 % none of its claims is false, so each may be quoted
  alone. It holds however points depend on each other, and those that share their random numbers do. Of the methods that
  bound the share of false claims instead, Benjamini and Hochberg's (1995) assumes something of that dependence, and
  Benjamini and Yekutieli's (2001) pays for not assuming it by a factor of log(points), so that few claims cost more.
- Percentiles are the upper ends of cells, so that two may be a cell apart by that alone. The logarithm of a run's
  percentile is about normal once some values lie above it (R. R. Bahadur, A note on quantiles in large samples, Annals
  of Mathematical Statistics 37, 1966, 577-580), and the difference of two that are alike is symmetric even before; so
  they are treated as other figures are. But their interval is never narrower than the cell, a difference is shown only
  beyond it (`resolution`), and sameness is within the margin and the cell together.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from perfsim.stats.paired import CONFIDENCE, PAIRS_MIN

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

PAIRS_LIMIT = 10**4
"""Whoever needs so many pairs is told that they would not do."""

POWER = 0.9
"""How likely the pairs that "would do" do, if ratio and scatter are what they were measured to be."""


class LogRatios(NamedTuple):
    """One log ratio a point. mean: NaN without a pair. error: its standard error, NaN if no scatter is known.

    pairs: how many. freedom: degrees of freedom of the scatter.
    """

    mean: Floats
    error: Floats
    pairs: Ints
    freedom: Ints


def log_ratios(new: Floats, old: Floats) -> Floats:
    """log(new/old), NaN where either is missing (NaN), zero or negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs: Floats = np.log(np.where((new > 0) & (old > 0), new / old, np.nan))
    return logs


def summed_up(logs: Floats, scale_pairs: int | None = None) -> LogRatios:
    """What the pairs of each point say together. logs: [..., pair], NaN where there is no such pair.

    scale_pairs: the scatter, with its degrees of freedom, is that of so many pairs, the first ones, which have decided
    how many there are in all (Stein, see `sequential`); of all pairs if None.
    """
    is_known = np.isfinite(logs)
    pairs = is_known.sum(axis=-1)
    of_scale = logs[..., :scale_pairs]
    freedom = np.isfinite(of_scale).sum(axis=-1) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(is_known, logs, 0.0).sum(axis=-1) / pairs
        error = _deviations(of_scale) / np.sqrt(pairs)
    # Rounding must not make scatter of equal logarithms.
    rounding = np.abs(mean) * np.finfo(np.float64).eps * 4
    return LogRatios(mean, np.where(error <= rounding, 0.0, error), pairs, freedom)


def _deviations(logs: Floats) -> Floats:
    """Standard deviation of each point's pairs; NaN of fewer than PAIRS_MIN."""
    is_known = np.isfinite(logs)
    counts = is_known.sum(axis=-1)
    enough = np.where(counts < PAIRS_MIN, np.nan, counts)
    means = np.where(is_known, logs, 0.0).sum(axis=-1) / enough
    apart = np.where(is_known, logs - means[..., None], 0.0)
    deviations: Floats = np.sqrt((apart**2).sum(axis=-1) / (enough - 1))
    return deviations


def margins(of: LogRatios, at_least: float = 0.0) -> Floats:
    """Half the width of each 95 % interval, in logarithms; NaN without an interval.

    at_least: no interval is narrower. Figures that are known to a cell may lie in one cell in every run, without any
    scatter, and be anywhere in it.
    """
    half: Floats = of.error * _quantile(of.freedom, (1 + CONFIDENCE) / 2)
    return np.where(np.isnan(half), np.nan, np.maximum(half, at_least))


def intervals(of: LogRatios, half: Floats) -> tuple[Floats, Floats]:
    """The limits of the ratios, `half` being that of the log ratios; infinite where a float ends."""
    with np.errstate(over="ignore"):
        low: Floats = np.exp(of.mean - half)
        high: Floats = np.exp(of.mean + half)
    return low, high


def p_above(of: LogRatios, limit: float) -> Floats:
    """One-sided p of the log ratio being `limit` or less: small where it is shown to be greater."""
    return _tail(limit - of.mean, of)


def p_below(of: LogRatios, limit: float) -> Floats:
    """One-sided p of the log ratio being `limit` or more: small where it is shown to be smaller."""
    return _tail(of.mean - limit, of)


def p_different(of: LogRatios, resolution: float = 0.0) -> Floats:
    """Two-sided p of the ratio being 1, or within a resolution (a log ratio) that the way of measuring can make up."""
    one_sided: Floats = np.minimum(p_above(of, resolution), p_below(of, -resolution))
    return np.minimum(1.0, 2 * one_sided)


def p_same(of: LogRatios, margin: float) -> Floats:
    """p of the log ratio being `margin` or more away from 0, on either side: small where sameness is shown."""
    return np.maximum(p_above(of, -margin), p_below(of, margin))


def holm(p: Floats, weights: Floats | None = None) -> Floats:
    """Holm's adjusted p of a family, or of many along the last axis: reject where it is at most the level.

    NaN, no test, is not in the family. weights: positive, of p's shape; of two tests the one with twice the weight has
    twice the level. Equal if None. See Holm, part 4.
    """
    given = np.ones(p.shape) if weights is None else weights
    order = np.argsort(p / given, axis=-1, kind="stable")  # NaN comes last
    sorted_p, share = (np.take_along_axis(values, order, -1) for values in (p, given))
    family = np.where(np.isnan(sorted_p), 0.0, share)
    remaining = np.cumsum(family[..., ::-1], axis=-1)[..., ::-1]
    adjusted = np.empty_like(p)
    ordered = np.maximum.accumulate(remaining * (sorted_p / share), axis=-1)
    np.put_along_axis(adjusted, order, np.minimum(1.0, ordered), -1)
    return adjusted


def pairs_needed(of: LogRatios, distance: Floats, level: float, power: float = POWER) -> Ints:
    """Pairs in all with which a one-sided t test at `level` rejects a limit so far away, with this power.

    distance: from the measured log ratio to the limit; PAIRS_LIMIT if it is not positive, or NaN. Taken as true are the
    measured ratio and scatter, so it is an estimate as good as these are.
    """
    pairs, reach = _reaches(level, power)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance_in_deviations = distance / (of.error * np.sqrt(of.pairs))
    found = np.searchsorted(-reach, -distance_in_deviations)
    can_do = (distance > 0) & (found < len(pairs))
    needed: Ints = np.where(can_do, pairs[np.minimum(found, len(pairs) - 1)], PAIRS_LIMIT)
    return needed


@lru_cache(maxsize=64)
def _reaches(level: float, power: float) -> tuple[Ints, Floats]:
    """Numbers of pairs, and how far away a limit must be for each, in deviations of one pair."""
    pairs = np.arange(PAIRS_MIN, PAIRS_LIMIT)
    return pairs, (_quantile(pairs - 1, 1 - level) + _quantile(pairs - 1, power)) / np.sqrt(pairs)


def _tail(below: Floats, of: LogRatios) -> Floats:
    """Probability that Student's t is so far `below` 0, counted in standard errors. Without scatter it is certain."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p: Floats = stdtr(np.maximum(of.freedom, 1), below / of.error)
    certain = np.where(below < 0, 0.0, 1.0)
    return np.where(np.isnan(of.error), np.nan, np.where(of.error == 0, certain, p))


def _quantile(freedom: Ints, probability: float) -> Floats:
    """Of Student's t; of 1 degree of freedom where there is none."""
    quantile: Floats = stdtrit(np.maximum(freedom, 1), probability)
    return quantile
