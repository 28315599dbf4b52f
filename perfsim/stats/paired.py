"""New against old in pairs that met the same random numbers: Student's t on the logarithms of the ratios.

With five pairs a percentile bootstrap covers 0.83 instead of 0.95, this 0.951: `perfsim validate`, D2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
"""How often every interval holds the truth."""

PAIRS_MIN = 2
"""One pair has a ratio but neither an interval nor a p."""


class Ratio(NamedTuple):
    """How many times as large the new is as the old.

    estimate: geometric mean of the pairs' ratios. low, high: confidence interval. p: two-sided, of the ratio being 1.
    n: pairs. With one pair low, high and p are None; with equal ratios low and high are the estimate.
    """

    estimate: float
    low: float | None
    high: float | None
    n: int
    p: float | None


def paired_ratio(
    new: Sequence[float | None],
    old: Sequence[float | None],
    confidence: float = CONFIDENCE,
    scale_pairs: int | None = None,
) -> Ratio | None:
    """The ratio new/old of values that belong together by their index.

    None if there is no pair, or if any value is missing, zero, negative or not finite: leaving out such pairs alone
    would bias what is left. Assumes log ratios that are about normal; exact for log-normal pairs.

    scale_pairs: the deviation, with its degrees of freedom, is that of so many pairs, the first ones, which have
    decided how many there are in all (Stein, see `sequential`); of all pairs if None.
    """
    assert 0 < confidence < 1, f"confidence {confidence}"
    assert scale_pairs is None or PAIRS_MIN <= scale_pairs <= len(new), f"{scale_pairs} of {len(new)} pairs"
    pairs = list(zip(new, old, strict=True))
    logs = [_log_ratio(*pair) for pair in pairs]
    known = [log for log in logs if log is not None]
    if not known or len(known) < len(logs):
        return None
    n = len(known)
    mean = math.fsum(known) / n
    if n < PAIRS_MIN:
        return Ratio(_exp(mean), None, None, n, None)
    scale = known[:scale_pairs]
    error = _deviation(scale) / math.sqrt(n)
    margin, p = _student(mean, error, len(scale) - 1, confidence)
    return Ratio(_exp(mean), _exp(mean - margin), _exp(mean + margin), n, p)


def _log_ratio(new: float | None, old: float | None) -> float | None:
    if new is None or old is None or not (0 < new < math.inf and 0 < old < math.inf):
        return None
    ratio = new / old  # equal ratios must give equal logarithms, which differences of logarithms do not
    return math.log(ratio) if 0 < ratio < math.inf else math.log(new) - math.log(old)


def _deviation(logs: Sequence[float]) -> float:
    mean = math.fsum(logs) / len(logs)
    return math.sqrt(math.fsum((log - mean) ** 2 for log in logs) / (len(logs) - 1))


def _student(mean: float, error: float, freedom: int, confidence: float) -> tuple[float, float]:
    """Half the width of the interval of a mean with this standard error, and p of the mean being 0."""
    if error == 0:
        return 0.0, 1.0 if mean == 0 else 0.0
    from scipy.special import stdtr, stdtrit  # a quarter of a second; scipy.stats takes more than twice as long

    return error * float(stdtrit(freedom, (1 + confidence) / 2)), 2 * float(stdtr(freedom, -abs(mean) / error))


def _exp(log: float) -> float:
    """e**log, infinite where a float ends: two pairs that contradict each other make an interval without limits."""
    try:
        return math.exp(log)
    except OverflowError:
        return math.inf
