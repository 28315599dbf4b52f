"""Results compared: per point and metric a ratio with its interval, a verdict, and where along an axis it turns.

How the figures come about, and by which methods: `ratios` and `turns`.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perfsim.stats import ratios
from perfsim.stats.lines import Line, lines
from perfsim.stats.matching import Matched, Side
from perfsim.stats.metrics import resolution, values_needed
from perfsim.stats.paired import PAIRS_MIN
from perfsim.stats.turns import Crossing, Span, crossing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from perfsim.stats.ratios import Floats, Ints, LogRatios

LEVEL = 0.05
"""With 95 % all claims of difference in a family are true, and so are all claims of sameness."""


class Verdict(Enum):
    """What the pairs of a point show of new/old: one of the first three, or nothing, and why not."""

    HIGHER = "higher"
    LOWER = "lower"
    SAME = "same"
    OPEN = "open"
    ONE_PAIR = "one pair"
    NO_PAIR = "no pair"
    NO_VALUE = "no value"
    FEW_VALUES = "few values"
    ZERO = "zero"
    BOTH_ZERO = "both zero"


SHOWN = (Verdict.HIGHER, Verdict.LOWER, Verdict.SAME)


class Turn(NamedTuple):
    """Where a verdict turns along an axis.

    point: index of the first one of its line; all have the same values on the other axes. before, after: the verdicts
    that are shown on either side. place: in units of the axis, picoseconds if its values are durations.
    """

    axis: str
    point: int
    before: Verdict
    after: Verdict
    place: Crossing


class Overall(NamedTuple):
    """All whole points together: the geometric mean of their ratios, with its 95 % interval and verdict.

    Whole are those with a ratio, and with as many pairs as any.
    """

    points_count: int
    ratio: float
    low: float
    high: float
    verdict: Verdict


class Family(NamedTuple):
    """One metric, new against old, at every point: what is corrected together.

    new_mean, old_mean: over the paired runs. ratio, low, high: of each point for itself, at 95 %. p_different, p_same:
    adjusted by Holm. needed: pairs in all that would decide an OPEN point, ratios.PAIRS_LIMIT if none would; else 0.
    turns: where verdicts turn. lines: by numeric axis, along how many lines of points that was looked for. overall:
    None if no replication is at all whole points.
    """

    metric: str
    new: str
    old: str
    new_mean: Floats
    old_mean: Floats
    ratio: Floats
    low: Floats
    high: Floats
    pairs: Ints
    p_different: Floats
    p_same: Floats
    verdicts: tuple[Verdict, ...]
    needed: Ints
    turns: tuple[Turn, ...]
    lines: dict[str, int]
    overall: Overall | None


def columns_for(metrics: Sequence[str]) -> tuple[str, ...]:
    """The columns of results that these metrics take."""
    counts = [values_needed(metric)[0] for metric in metrics]
    return tuple(dict.fromkeys([*metrics, *filter(None, counts)]))


def families(matched: Matched, metrics: Sequence[str], margin: float) -> tuple[Family, ...]:
    """Every metric of every pair of sides. margin: the largest log ratio that counts as the same, above 0."""
    return tuple(_family(matched, metric, pair, margin) for metric in metrics for pair in matched.pairs)


def _family(matched: Matched, metric: str, sides: tuple[Side, Side], margin: float) -> Family:
    paired = sides[0].has_run & sides[1].has_run
    new, old = (np.where(paired, side.values[metric], np.nan) for side in sides)
    hindered = hindrances(metric, sides)
    has_ratio = np.array([why in (None, Verdict.ONE_PAIR) for why in hindered])
    logs = np.where(has_ratio[:, None], ratios.log_ratios(new, old), np.nan)
    of = ratios.summed_up(logs, matched.first_draws)
    low, high = ratios.intervals(of, ratios.margins(of, at_least=resolution(metric)))
    p_different = ratios.holm(ratios.p_different(of, resolution(metric)))
    p_same = ratios.holm(ratios.p_same(of, margin))
    verdicts = tuple(
        why or shown_by(*figures) for why, *figures in zip(hindered, of.mean, p_different, p_same, strict=True)
    )
    is_open = np.array([verdict is Verdict.OPEN for verdict in verdicts])
    fixed = logs[:, : matched.first_draws]  # how many all points share must not depend on how they scatter
    found = [(line, _turns(line, verdicts, fixed, margin)) for line in lines(matched.axes, matched.points)]
    return Family(
        metric=metric,
        new=sides[0].label,
        old=sides[1].label,
        new_mean=means(new),
        old_mean=means(old),
        ratio=np.exp(of.mean),
        low=low,
        high=high,
        pairs=paired.sum(axis=-1),
        p_different=p_different,
        p_same=p_same,
        verdicts=verdicts,
        needed=np.where(is_open, _needed(of, p_different, p_same, resolution(metric), margin), 0),
        turns=tuple(turn for _, turns in found for turn in turns),
        lines=dict(Counter(line.axis for line, _ in found)),
        overall=_overall(fixed[has_ratio], resolution(metric), margin),
    )


def hindrances(metric: str, sides: tuple[Side, Side]) -> list[Verdict | None]:
    """Why nothing can be shown at a point, whatever its ratio; None if something may be.

    One pair without a ratio leaves none to its point: to leave out such pairs alone would bias what is left.
    """
    paired = sides[0].has_run & sides[1].has_run
    values = np.stack([np.where(paired, side.values[metric], 1.0) for side in sides])
    is_zero = values <= 0
    reasons = [
        (Verdict.NO_PAIR, ~paired.any(axis=-1)),
        (Verdict.FEW_VALUES, _has_few_values(metric, sides)),
        (Verdict.NO_VALUE, np.isnan(values).any(axis=(0, -1))),
        (Verdict.BOTH_ZERO, (is_zero.all(axis=0) | ~paired).all(axis=-1)),
        (Verdict.ZERO, is_zero.any(axis=(0, -1))),
        (Verdict.ONE_PAIR, paired.sum(axis=-1) < PAIRS_MIN),
    ]
    hindered: list[Verdict | None] = [None] * len(paired)
    for verdict, is_so in reversed(reasons):
        for point in np.flatnonzero(is_so):
            hindered[point] = verdict
    return hindered


def _has_few_values(metric: str, sides: tuple[Side, Side]) -> NDArray[np.bool_]:
    """Where a percentile of some run is no more than the maximum of its few values."""
    counts, least = values_needed(metric)
    paired = sides[0].has_run & sides[1].has_run
    if not counts:
        return np.zeros(len(paired), dtype=np.bool_)
    are_few = (sides[0].values[counts] < least) | (sides[1].values[counts] < least)
    return np.asarray((paired & are_few).any(axis=-1))


def shown_by(mean: float, p_different: float, p_same: float) -> Verdict:
    """What a mean log ratio with these p, adjusted if it is of a family, shows.

    Sameness first: a difference that is shown, and shown to be within the margin, is none that counts.
    """
    if p_same <= LEVEL:
        return Verdict.SAME
    if p_different <= LEVEL:
        return Verdict.HIGHER if mean > 0 else Verdict.LOWER
    return Verdict.OPEN


def _needed(of: LogRatios, p_different: Floats, p_same: Floats, finest: float, margin: float) -> Ints:
    """Pairs in all that would show a difference or sameness, whichever takes fewer, at what Holm asks of the next."""
    off = np.abs(of.mean)
    two_sided = _next_level(p_different) / 2
    power_of_each_side = (1 + ratios.POWER) / 2
    different = ratios.pairs_needed(of, off - finest, two_sided)
    same = ratios.pairs_needed(of, margin - off, _next_level(p_same), power_of_each_side)
    return np.minimum(ratios.PAIRS_LIMIT, np.maximum(np.minimum(different, same), of.pairs + 1))


def _overall(logs: Floats, finest: float, margin: float) -> Overall | None:
    """Each replication's mean over the points is one log ratio: that holds however points depend on each other.

    A point that lacks pairs which another has is left out.
    """
    counts = np.isfinite(logs).sum(axis=-1)
    logs = logs[counts == counts.max(initial=0)]
    if not len(logs) or not np.isfinite(logs).all(axis=0).any():
        return None
    of = ratios.summed_up(logs.mean(axis=0, keepdims=True))
    low, high = ratios.intervals(of, ratios.margins(of, at_least=finest))
    verdict = Verdict.ONE_PAIR
    if of.pairs[0] >= PAIRS_MIN:
        verdict = shown_by(of.mean[0], ratios.p_different(of, finest)[0], ratios.p_same(of, margin)[0])
    return Overall(len(logs), float(np.exp(of.mean[0])), float(low[0]), float(high[0]), verdict)


def _next_level(p: Floats) -> float:
    """The level at which Holm's method tests the next point of a family, the smallest p of those not yet rejected."""
    return LEVEL / max(1, int((p > LEVEL).sum()))


def means(values: Floats) -> Floats:
    """Mean of each point over the runs that have a value; NaN without one."""
    known = ~np.isnan(values)
    counts = known.sum(axis=-1)
    means: Floats = np.where(known, values, 0.0).sum(axis=-1) / np.maximum(counts, 1)
    return np.where(counts > 0, means, np.nan)


def _turns(line: Line, verdicts: Sequence[Verdict], logs: Floats, margin: float) -> Iterator[Turn]:
    """Where one shown verdict follows another one along a line; what shows nothing is passed over."""
    shown = [(at, verdicts[point]) for at, point in enumerate(line.points.tolist()) if verdicts[point] in SHOWN]
    for (first, before), (last, after) in pairwise(shown):
        if before is after:
            continue
        level = margin * (_SIGNS[before] + _SIGNS[after])
        place = crossing(line.values, logs[line.points] - level, Span(first, last))
        if place is not None:
            yield Turn(line.axis, int(line.points[0]), before, after, place)


_SIGNS = {Verdict.HIGHER: 1, Verdict.SAME: 0, Verdict.LOWER: -1}
"""The level between two verdicts is the sum of theirs: from lower to higher 0, from the same to higher the margin."""
