"""Parts of a variance, and their intervals, from noisy coefficients of a surrogate.

A part is the sum of the squares of some coefficients. What their noise adds is taken off. Its interval inverts the
noncentral chi-square distribution that the sum has: exact if the coefficients are independent and equally well known,
as they nearly are, and the noise is known; that it is not quite makes the interval wider as Student's t is wider than
the normal distribution. A share, part against rest, is inside of its interval while (1 - share) x part - share x rest
may be 0; the interval of that comes from those of part and rest (G. Y. Zou and A. Donner, Statistics in Medicine 27,
2008, 1693-1702: MOVER). A bootstrap's intervals would miss small squares: it adds the noise a second time.

An interval cannot miss a share of 0 on the low side, so that it covers that with 97.5 %, others with 95.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import chndtr, fdtrc, ndtri, stdtrit

from perfsim.stats.comparison import LEVEL
from perfsim.stats.paired import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfsim.stats.ratios import Floats
    from perfsim.stats.surrogate import Surrogate, Term

HALVINGS = 40
LARGE = 1e6
"""A sum of squares so many times its noise is as good as normal, on the scale of its root."""


class Estimate(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def part(of: Surrogate, belongs: Callable[[Term], bool]) -> Estimate:
    """The variance of the terms that belong, all but the constant."""
    return _part(of, _chosen(of, belongs))


def share(of: Surrogate, belongs: Callable[[Term], bool]) -> Estimate:
    """The variance of the terms that belong over that of all; the value is NaN if all terms may be noise."""
    inside = _chosen(of, belongs)
    outside = [column for column in range(1, len(of.terms)) if column not in set(inside)]
    own, rest = _part(of, inside), _part(of, outside)
    is_known = p_none(of, lambda _: True) <= LEVEL and own.value + rest.value > 0
    value = own.value / (own.value + rest.value) if is_known else math.nan

    def is_above_low(at: float) -> bool:
        apart = (1 - at) * own.value - at * rest.value
        return apart <= math.hypot((1 - at) * (own.value - own.low), at * (rest.high - rest.value))

    def is_above_high(at: float) -> bool:
        apart = at * rest.value - (1 - at) * own.value
        return apart > math.hypot((1 - at) * (own.high - own.value), at * (rest.value - rest.low))

    return Estimate(value, _first_share(is_above_low), _first_share(is_above_high))


def _first_share(is_so: Callable[[float], bool]) -> float:
    """The smallest share of which something is so, as it is of all above; 1 if of none."""
    low, high = 0.0, 1.0
    if is_so(low):
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_so(middle) else (middle, high)
    return high


def p_none(of: Surrogate, belongs: Callable[[Term], bool]) -> float:
    """p of these terms all being 0."""
    chosen = _chosen(of, belongs)
    own = of.coefficients[chosen]
    squares = float(own @ np.linalg.solve(of.spread[np.ix_(chosen, chosen)], own)) / len(chosen)
    return float(fdtrc(len(chosen), of.freedom, squares / of.noise**2)) if of.noise else float(squares == 0)


def quantiles(of: Surrogate, chances: Floats) -> Floats:
    """The variances of all terms together that are refuted on the low side by these chances: its fiducial quantiles."""
    columns = list(range(1, len(of.terms)))
    return _quantiles(of, columns, chances)


def _chosen(of: Surrogate, belongs: Callable[[Term], bool]) -> list[int]:
    return [column for column, term in enumerate(of.terms) if term and belongs(term)]


def _part(of: Surrogate, columns: Sequence[int]) -> Estimate:
    if not columns:
        return Estimate(0.0, 0.0, 0.0)
    chance = (1 - CONFIDENCE) / 2
    low, high = _quantiles(of, columns, np.array([chance, 1 - chance])).tolist()
    spread = of.spread[np.ix_(columns, columns)]
    value = float(np.square(of.coefficients[columns]).sum() - of.noise**2 * np.trace(spread))
    return Estimate(min(max(value, low), high), low, high)


def _widening(freedom: int) -> float:
    """How much larger the noise's variance is to be taken since it is not known better than by so many degrees."""
    return float((stdtrit(freedom, 0.975) / ndtri(0.975)) ** 2)


def _quantiles(of: Surrogate, columns: Sequence[int], chances: Floats) -> Floats:
    """By halving: the chance of less than what was found falls with the noncentrality."""
    squares = float(np.square(of.coefficients[columns]).sum())
    if not of.noise:
        return np.full(len(chances), squares)
    spread = of.spread[np.ix_(columns, columns)] * of.noise**2 * _widening(of.freedom)
    own = of.coefficients[columns]
    trace = float(np.trace(spread))
    scale = float(own @ spread @ own) / squares  # of the coefficients that matter, where they are not equally known
    if squares > LARGE * scale:
        variances: Floats = (np.sqrt(squares / scale) + ndtri(chances)) ** 2 * scale
        return variances
    count = trace / scale
    low, high = np.zeros(len(chances)), np.full(len(chances), 4 * squares / scale + 50.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_refuted = chndtr(squares / scale, count, middle) < 1 - chances
        low, high = np.where(is_refuted, low, middle), np.where(is_refuted, middle, high)
    return np.where(high < 1e-9, 0.0, low) * scale
