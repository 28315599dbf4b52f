"""Break-even: where along an axis a verdict turns over, with its interval.

Between two neighbouring values of the axis the log ratio is taken as straight in the axis's logarithm (in the axis
itself if it has a value that is not positive). The turn is where that line of mean log ratios crosses a level: 0, where
neither is faster, or the margin of what counts as the same. Its interval holds every place at which the t test over the
replications, of the line's log ratio being that level, does not reject. That is Fieller's way (E. C. Fieller, Some
problems in interval estimation, Journal of the Royal Statistical Society B 16, 1954, 175-185), and exact for normal log
ratios with any dependence between the points; a bootstrap over 5 replications covers 0.83. Where the test rejects
nowhere up to the axis's end, the interval is open there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from perfsim.stats.paired import CONFIDENCE, PAIRS_MIN
from perfsim.stats.ratios import Floats


class Crossing(NamedTuple):
    """A place on an axis, in the axis's own units. low, high: its interval, None where it is open."""

    at: float
    low: float | None
    high: float | None


class Span(NamedTuple):
    """A part of an axis's line: positions first to last, between which the mean is to cross a level."""

    first: int
    last: int


def crossing(axis: Floats, logs: Floats, span: Span) -> Crossing | None:
    """The first place within a span where the mean log ratio crosses 0, with its 95 % interval.

    axis: values in rising order. logs: [value of the axis, replication], less the level; a replication that is not at
    every value (NaN) is left out. None if there is no crossing, or there are not two replications.
    """
    whole = logs[:, np.isfinite(logs).all(axis=0)]
    if whole.shape[1] < PAIRS_MIN:
        return None
    means = whole.mean(axis=1)
    changes = np.flatnonzero(np.sign(means[:-1]) * np.sign(means[1:]) < 0)
    inside = [int(segment) for segment in changes if span.first <= segment < span.last]
    if not inside:
        return None
    segment = inside[0]
    share = float(means[segment] / (means[segment] - means[segment + 1]))
    critical = float(stdtrit(whole.shape[1] - 1, (1 + CONFIDENCE) / 2))
    last = len(whole) - 1
    high = _limit(whole, segment, share, critical)
    low = _limit(whole[::-1], last - 1 - segment, 1 - share, critical)
    return Crossing(
        _place(axis, segment + share),
        None if low is None else _place(axis, last - low),
        None if high is None else _place(axis, high),
    )


def _limit(logs: Floats, segment: int, share: float, critical: float) -> float | None:
    """Where the test first rejects, going up from a share of a segment: segments and a share; None if nowhere."""
    for number in range(segment, len(logs) - 1):
        found = _rejected_from(logs[number], logs[number + 1], share if number == segment else 0.0, critical)
        if found is not None:
            return number + found
    return None


def _rejected_from(left: Floats, right: Floats, start: float, critical: float) -> float | None:
    """The least share u >= start of a segment at which mean(u)**2 > critical**2 * error(u)**2; None if there is none.

    Both sides are squares of what is straight in u, so that it is a root of a quadratic, a u**2 + 2 b u + c.
    """
    slope = right - left
    scale = critical**2 / (len(left) * (len(left) - 1))
    apart, apart_slope = left - left.mean(), slope - slope.mean()
    if not (apart.any() or apart_slope.any()):
        return start
    a = slope.mean() ** 2 - scale * (apart_slope @ apart_slope)
    b = left.mean() * slope.mean() - scale * (apart @ apart_slope)
    c = left.mean() ** 2 - scale * (apart @ apart)
    return min((root for root in _roots(float(a), float(b), float(c)) if start < root <= 1), default=None)


def _roots(a: float, b: float, c: float) -> tuple[float, ...]:
    """Real roots of a u**2 + 2 b u + c."""
    if a == 0:
        return (-c / (2 * b),) if b else ()
    square = b * b - a * c
    if square < 0:
        return ()
    root = math.sqrt(square)
    return (-b - root) / a, (-b + root) / a


def _place(axis: Floats, position: float) -> float:
    """The value of the axis at so many segments from its beginning."""
    steps = np.arange(len(axis))
    if axis[0] > 0:
        return float(np.exp(np.interp(position, steps, np.log(axis))))
    return float(np.interp(position, steps, axis))
