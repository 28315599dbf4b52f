"""How many replications a ratio takes to be known as closely as asked, decided so that its interval keeps its promise.

Stein's two stages. The deviation s of the log ratios of the first m pairs decides how many pairs there are in all,

    n = max(m, ceil((t s / log(1 + relative))**2)),    t = the quantile of Student's t with m - 1 degrees of freedom,

and the interval is exp(mean of all n -+ t s / sqrt(n)), with the same t and the same s. For normal log ratios the mean
of the first m, and so of all n, is independent of s: (mean - truth) sqrt(n) / s has Student's distribution with m - 1
degrees of freedom, whatever n. The interval therefore covers the truth with exactly its confidence, for every m and
however narrow it is to be, and also where a maximum cuts n short, which only leaves it wider. Another metric of
the same pairs, or another design of the same replications, has its interval in the same way, though its s did not
decide n alone or at all: the means of jointly normal log ratios are independent of all their deviations.

Why not simply go on until the interval is narrow (Chow, Robbins 1965)? That is right in the limit of many pairs. With
few it stops where the deviation happens to be small, and its intervals at 95 % cover 0.88 from 2 first pairs on, 0.93
from 5. The ordinary interval over Stein's n has the same fault, 0.92 from 5. What Stein takes for being exact is more
pairs, (t / 1.96)**2 times: 2.0 with m = 5, 1.33 with m = 10, 1.14 with m = 20.

Its assumption is that of every t interval of m pairs. Log ratios with a skewness of 1.4, an exponential's are 2, have
intervals that cover 0.92 to 0.93 (m = 10). tests/stats/test_sequential.py has all these figures,
tests/truth/test_precision.py those of a queue.

C. Stein, A two-sample test for a linear hypothesis whose power is independent of the variance, Annals of Mathematical
Statistics 16 (1945) 243-258. Y. S. Chow, H. Robbins, On the asymptotic theory of fixed-width sequential confidence
intervals for the mean, Annals of Mathematical Statistics 36 (1965) 457-462. On relative precision, and how stopping as
soon as the interval is narrow fails: A. M. Law, Simulation Modeling and Analysis, chapter 9.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfsim.stats.paired import Ratio

ROUNDING = 1e-9
"""Relative error of a margin by floating point: no pair is asked for because of that."""

PAIRS_LIMIT = 10**12
"""Whoever needs more pairs is told this number."""


def half_width(ratio: Ratio) -> float | None:
    """How far the interval reaches above the estimate, relative to it: exp(margin) - 1. None without an interval."""
    if ratio.high is None:
        return None
    if not 0 < ratio.estimate < math.inf:
        return math.inf
    return max(0.0, ratio.high / ratio.estimate - 1)


def is_reached(ratio: Ratio, relative: float) -> bool:
    """Whether a ratio is known as closely as asked: its half width is at most `relative`."""
    width = half_width(ratio)
    return width is not None and math.log1p(width) <= math.log1p(relative) * (1 + ROUNDING)


def pairs_needed(ratio: Ratio, relative: float) -> int:
    """Pairs in all for a half width of at most `relative`, as an interval over n pairs says: n or more.

    ratio: of the first pairs, at least 2; or by Stein over all there are, which says the same of those still missing.
    """
    width = half_width(ratio)
    assert width is not None, "one pair says nothing about its deviation"
    assert relative > 0, f"relative {relative}"
    if width == math.inf:
        return PAIRS_LIMIT
    too_wide = math.log1p(width) / math.log1p(relative)
    return min(PAIRS_LIMIT, max(ratio.n, math.ceil(ratio.n * too_wide**2 * (1 - ROUNDING))))
