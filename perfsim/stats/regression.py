"""Whether figures have become worse than a baseline's: regressed, fine, or cannot tell, of each point and of all.

Every log ratio is turned so that above 0 is worse. A limit says how much worse is allowed.

- Fine: the whole 95 % interval is within the limit, so that of regressions as large as the limit at most 2.5 % are
  called fine. Not corrected for the number of points: that all of a check is fine is said only when each is (an
  intersection-union test: R. L. Berger, Technometrics 24, 1982, 295-300).
- Regressed: it is not fine, and being worse at all is shown, by a one-sided t test, corrected by Holm's method over
  every point, design and metric of the check: of checks of two that are alike, at most 5 % have any false alarm. To ask
  for "worse than the limit, shown" instead would let pass 95 % of what lies on it, and much of what lies beyond.
- Cannot tell: neither.

All points together are judged too: each replication's mean over the points is one log ratio, which five replications
know better than they know any point, and in Holm's method it has the weight of all of them. A change that slows
everything a little shows there.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perfsim.stats import ratios
from perfsim.stats.comparison import LEVEL, Verdict, hindrances, means
from perfsim.stats.metrics import is_higher_faster, resolution
from perfsim.stats.paired import PAIRS_MIN
from perfsim.units import PPM_PER_WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.stats.matching import Matched, Side
    from perfsim.stats.ratios import Floats, Ints, LogRatios

TOGETHER = -1
"""The "point" of all points together."""

ROUNDING = 1e-9
"""What floating point may add to a log ratio: nobody has regressed by that."""

_MAY_BE_EQUAL = (Verdict.ZERO, Verdict.BOTH_ZERO, Verdict.NO_VALUE)
"""Without a ratio, but figures may still be equal, or all be gone."""


class Limit(NamedTuple):
    """How much worse a metric may become: parts per million of the baseline's figure."""

    metric: str
    max_regression_ppm: int


class Answer(Enum):
    """What a check says of a point, the worst first."""

    REGRESSED = "regressed"
    CANNOT_TELL = "cannot tell"
    FINE = "fine"


class Judged(NamedTuple):
    """One design at one point, or at all TOGETHER, by one metric.

    new, old: means over the paired runs, NaN without one, or of all points. ratio: new/old; low, high: its 95 %
    interval, of this point for itself. limit: the ratio that is just allowed. p: of being no worse, adjusted by Holm
    over the whole check. pairs: of runs. hindered: why there is no ratio, or no interval; None if there are both.
    needed: pairs in all that would decide what cannot be told, ratios.PAIRS_LIMIT if none would; else 0.
    """

    metric: str
    design: str
    point: int
    new: float
    old: float
    ratio: float
    low: float
    high: float
    limit: float
    p: float
    pairs: int
    hindered: Verdict | None
    answer: Answer
    needed: int


class _Group(NamedTuple):
    """One metric of one design before its answers: every point and, if there are several, all together as the last.

    worse: log ratios, above 0 for worse. sign: 1 where a higher figure is worse, else -1. limit: as a log ratio. known:
    answers that take no ratio.
    """

    metric: str
    design: str
    points_count: int
    sign: int
    limit: float
    new: Floats
    old: Floats
    worse: LogRatios
    pairs: Ints
    hindered: list[Verdict | None]
    known: list[Answer | None]


def allowed(limit: Limit) -> float:
    """The ratio to the baseline that is just allowed. The metric is one with a better direction."""
    share = limit.max_regression_ppm / PPM_PER_WHOLE
    return 1 - share if is_higher_faster(limit.metric) else 1 + share


def judged(matched: Matched, designs: Sequence[str], limits: Sequence[Limit]) -> tuple[Judged, ...]:
    """Every point, and all together, of every design and metric, in that order of nesting, the metrics outermost.

    designs: those of matched.pairs. limits: of metrics with a better direction, and not so large that 0 is allowed.
    """
    groups = [
        _group(matched, design, sides, limit)
        for limit in limits
        for design, sides in zip(designs, matched.pairs, strict=True)
    ]
    p = np.concatenate([ratios.p_above(one.worse, resolution(one.metric) + ROUNDING) for one in groups])
    weights = np.concatenate([_weights(one) for one in groups])
    p = ratios.holm(p, weights)
    levels = LEVEL * weights / max(1.0, weights[p > LEVEL].sum())
    ends = np.cumsum([len(one.hindered) for one in groups])[:-1]
    parts = zip(groups, np.split(p, ends), np.split(levels, ends), strict=True)
    return tuple(found for part in parts for found in _answers(*part))


def _weights(group: _Group) -> Floats:
    """All points together weigh as much as these points, so that they share the level of a check in halves."""
    weights = np.ones(len(group.hindered))
    weights[group.points_count :] = group.points_count
    return weights


def _group(matched: Matched, design: str, sides: tuple[Side, Side], limit: Limit) -> _Group:
    metric = limit.metric
    sign = -1 if is_higher_faster(metric) else 1
    paired = sides[0].has_run & sides[1].has_run
    new, old = (np.where(paired, side.values[metric], np.nan) for side in sides)
    hindered = hindrances(metric, sides)
    has_ratio = np.array([why in (None, Verdict.ONE_PAIR) for why in hindered])
    logs = np.where(has_ratio[:, None], ratios.log_ratios(new, old), np.nan)
    new_means, old_means = means(new), means(old)
    known = [
        _without_ratio(sign, new[at, paired[at]], old[at, paired[at]]) if why in _MAY_BE_EQUAL else None
        for at, why in enumerate(hindered)
    ]
    if len(logs) > 1 and has_ratio.any():
        together = _together(logs, matched.first_draws)
        logs = np.vstack([logs, together])
        new_means, old_means = (np.append(values, math.nan) for values in (new_means, old_means))
        hindered.append(None if np.isfinite(together).sum() >= PAIRS_MIN else Verdict.ONE_PAIR)
        known.append(None)
    worse = ratios.summed_up(sign * logs, matched.first_draws)
    pairs = np.append(paired.sum(axis=-1), worse.pairs[len(paired) :])
    level = sign * math.log(allowed(limit))
    return _Group(metric, design, len(paired), sign, level, new_means, old_means, worse, pairs, hindered, known)


def _together(logs: Floats, first_draws: int | None) -> Floats:
    """Mean log ratio of each replication over the points that have one in as many as any; NaN where one lacks it.

    first_draws: how many replications a point has beyond those may depend on how they scatter, so they do not count.
    """
    is_fixed = np.arange(logs.shape[1]) < (logs.shape[1] if first_draws is None else first_draws)
    fixed = np.where(is_fixed, logs, np.nan)
    counts = np.isfinite(fixed).sum(axis=-1)
    whole = fixed[counts == counts.max()]
    together: Floats = whole.mean(axis=0)
    return together


def _without_ratio(sign: int, new: Floats, old: Floats) -> Answer | None:
    """What can be said of pairs that have no ratio, for one is 0 or has no value; None if nothing can.

    Runs that are all equal have not changed. Where every run of one side is 0 and none of the other, a figure has come
    or gone; two that are alike do that in at most 1 of 4**pairs cases.
    """
    if len(new) < PAIRS_MIN:
        return None
    if np.array_equal(new, old, equal_nan=True):
        return Answer.FINE
    if np.isnan(new).any() or np.isnan(old).any():
        return None
    if not new.any() and old.all():
        return Answer.REGRESSED if sign < 0 else Answer.FINE
    if not old.any() and new.all():
        return Answer.FINE if sign < 0 else Answer.REGRESSED
    return None


def _answers(group: _Group, p: Floats, levels: Floats) -> list[Judged]:
    """The answers of one group. p: adjusted. levels: at which Holm tests each, if it is the next to be rejected."""
    finest = resolution(group.metric)
    half = ratios.margins(group.worse, at_least=finest)
    is_fine = group.worse.mean + half <= group.limit + ROUNDING
    signed = group.worse._replace(mean=group.sign * group.worse.mean)
    low, high = ratios.intervals(signed, half)
    needed = _needed(group, finest, levels)
    found = []
    for at, why in enumerate(group.hindered):
        answer = group.known[at] or _answer(bool(is_fine[at]), float(p[at]))
        found.append(
            Judged(
                metric=group.metric,
                design=group.design,
                point=at if at < group.points_count else TOGETHER,
                new=float(group.new[at]),
                old=float(group.old[at]),
                ratio=float(np.exp(signed.mean[at])),
                low=float(low[at]),
                high=float(high[at]),
                limit=math.exp(group.sign * group.limit),
                p=float(p[at]),
                pairs=int(group.pairs[at]),
                hindered=why,
                answer=answer,
                needed=int(needed[at]) if answer is Answer.CANNOT_TELL and why is None else 0,
            )
        )
    return found


def _answer(is_fine: bool, p: float) -> Answer:
    """Without an interval or a p (NaN) nothing can be told."""
    if is_fine:
        return Answer.FINE
    return Answer.REGRESSED if p <= LEVEL else Answer.CANNOT_TELL


def _needed(group: _Group, finest: float, levels: Floats) -> Ints:
    """Pairs in all that would show that a point is fine, or is not, whichever takes fewer."""
    of, off = group.worse, group.worse.mean
    reach = np.where(off + finest <= group.limit, group.limit - off, math.nan)
    fine = ratios.pairs_needed(of, reach, LEVEL / 2)
    alone, together = (ratios.pairs_needed(of, off - finest, float(level)) for level in levels[[0, -1]])
    regressed = np.where(levels == levels[0], alone, together)
    return np.minimum(ratios.PAIRS_LIMIT, np.maximum(np.minimum(fine, regressed), of.pairs + 1))
