"""Is what was measured a steady state? Warm-up found by MSER-5, and what still moves in the measured window.

Looked at are the rates of the run and the length of every LRU list of every node, in slices of equal time.

- Something *moves* over a stretch of time if its mean differs between the two halves by more than its threshold, and
  one of two tests on 20 batch means says that this is no noise. The threshold of a rate is 2 %, so that the figure is
  off by 1 % if the second half alone is right; of a list 10 %, and 1 % of its node's pages. Student's t compares the
  halves by the scatter of the second one, and so sees a transient however short; Mann's test of trend (H. B. Mann,
  Nonparametric tests against trend, Econometrica 13, 1945, 245-259), which knows no distribution, sees what only rises
  or only falls. Without the threshold every small trend of a long run would count, without the tests every noise of a
  short one.
- Where a transient ends is told by MSER-5 (K. P. White Jr., An effective truncation heuristic for bias reduction in
  simulation output, Simulation 69, 1997, 323-334; W. W. Franklin, K. P. White Jr., Stationarity tests and MSER-5,
  Winter Simulation Conference 2008, 541-546): of batches of 5 slices it leaves out as many as make the standard error
  of the mean of the others least. Of a series that never settles it leaves out half, or it leaves in what still moves:
  that is no answer, and is told as none. It answers for noise too, so it is only asked of what moves.

A run is *short of warm-up* if MSER-5 finds, for all that moves in its window, an end within it after which it moves no
more; otherwise it *drifts*. The levels of both tests are so strict that all rates and lists of a run together are
flagged in 1 % of steady runs at most, if batch means are independent. Of runs whose slices have a correlation of 0.7
with the one before it is 1.2 %, at 0.8 it is 3 %.

All of it is reckoned with whole numbers, and in floating point only where a threshold is compared: the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from perfsim.kernel.constants import LRU_LISTS, LRU_NAMES
from perfsim.measure.record import ACQUISITIONS, RATES, SLICES, Integers, Record

BATCHES = 20
MSER_BATCH = 5
WARM_UP, DRIFT = "warm-up", "drift"


class Level(NamedTuple):
    """How sure it has to be. t_min: of Student's t with 9 degrees of freedom. concordant_min: pairs of the 20 batches
    that rise, less those that fall, or the other way round, of 190.
    """

    t_min: float
    concordant_min: int


class Threshold(NamedTuple):
    """What counts as moving. part: of the mean, over a window."""

    part: float
    level: Level


OF_RATES = Threshold(0.02, Level(5.65, 108))
OF_LISTS = Threshold(0.10, Level(9.10, 128))
"""Both tests of 8 rates, and those of 5 lists of 64 nodes, find something in 0.5 % of steady runs each at most."""

ORDINARY = Level(2.26, 62)
"""Each test at 5 %, of what is left when the transient of something that moves is cut off."""

LIST_PART_OF_NODE = 0.01


class Series(NamedTuple):
    """One thing that is watched. values: of each slice. least: a smaller difference of means never counts."""

    name: str
    values: Integers
    threshold: Threshold
    least: float


class Moving(NamedTuple):
    """Something that moves in a window. change: by what part of its mean, from the first half to the second."""

    name: str
    change: float


class Steadiness(NamedTuple):
    """What is to be said of a run.

    warmup_ps: when all was steady, None if MSER-5 cannot tell. fault: WARM_UP, DRIFT, or None for a steady window.
    rate, lru: the one that moves most in the window, None if none does.
    """

    warmup_ps: int | None
    fault: str | None
    rate: Moving | None
    lru: Moving | None


def steadiness(record: Record) -> Steadiness:
    """The judgement of a run that has come to the end of its window."""
    moving = [one for one in watched(record) if moves(one, one.values[-record.window :])]
    fault = None
    if moving:
        fault = WARM_UP if all(_comes_to_rest(one, record.window) for one in moving) else DRIFT
    rate, lru = (_most(moving, threshold, record.window) for threshold in (OF_RATES, OF_LISTS))
    return Steadiness(settled_ps(record), fault, rate, lru)


def settled_ps(record: Record) -> int | None:
    """The instant from which on all that is watched is steady, by MSER-5; None if there is none in the first half."""
    cuts = [_cut(one) for one in watched(record) if moves(one, one.values)]
    known = [cut for cut in cuts if cut is not None]
    return record.ends_ps[max(known, default=0)] if len(known) == len(cuts) else None


def may_begin(record: Record) -> bool:
    """May the measured window begin where a record ends? If all has settled in its first half, and nothing moves in the
    second.
    """
    half = len(record.rates) // 2
    return settled_ps(record) is not None and not any(moves(one, one.values[half:]) for one in watched(record))


def watched(record: Record) -> Iterator[Series]:
    """Every rate and every list."""
    for name, values in zip((*RATES, ACQUISITIONS), record.rates.T, strict=True):
        yield Series(name, values, OF_RATES, 0.0)
    for number, values in enumerate(record.lengths.T):
        node, lru = divmod(number, LRU_LISTS)
        name = f"{LRU_NAMES[lru]} of node {node}"
        yield Series(name, values, OF_LISTS, LIST_PART_OF_NODE * record.pages_per_node)


def moves(series: Series, values: Integers, level: Level | None = None) -> bool:
    """Does a series move over these slices of it? The threshold is for a whole window, and for fewer slices less.

    level: that of the series's own kind if None.
    """
    share = min(1.0, len(values) / SLICES)
    batch = len(values) // BATCHES
    batches = batched(values, BATCHES, batch)
    first, second = batches[: BATCHES // 2], batches[BATCHES // 2 :]
    difference = abs(sum(second) - sum(first))
    if difference <= share * max(series.threshold.part * sum(batches) / 2, series.least * batch * len(second)):
        return False
    if max(map(_active, (first, second))) < len(second) // 2:
        return False  # now and then something happens: no mean has a normal distribution
    t_min, concordant_min = level or series.threshold.level
    return difference > t_min * _error(second) or abs(_concordance(batches)) >= concordant_min


def batched(values: Integers, batches: int, length: int) -> list[int]:
    """Sums of so many batches of so many slices, the last ones."""
    tail = values[len(values) - batches * length :]
    sums: list[int] = tail.reshape(batches, length).sum(axis=1).tolist()
    return sums


def mser(batches: Sequence[int]) -> int | None:
    """How many of the first batches to leave out; None if that is half of them or more, and so no answer."""
    total = squares = 0
    best = len(batches) // 2
    best_scatter, best_size = 0, 0
    for cut in range(len(batches) - 1, -1, -1):
        total += batches[cut]
        squares += batches[cut] ** 2
        size = len(batches) - cut
        scatter = size * squares - total**2  # over size**3: the variance of the mean, up to a constant
        if cut <= len(batches) // 2 and (not best_size or scatter * best_size**3 <= best_scatter * size**3):
            best, best_scatter, best_size = cut, scatter, size
    return None if best == len(batches) // 2 else best


def _comes_to_rest(series: Series, window: int) -> bool:
    """Is what moves in the window a transient that ends in it?"""
    cut = _cut(series)
    return cut is not None and cut > len(series.values) - window


def _most(moving: Sequence[Series], threshold: Threshold, window: int) -> Moving | None:
    """The one of a kind that moves most in the window."""
    changes = [Moving(one.name, _change(one, window)) for one in moving if one.threshold is threshold]
    return max(changes, key=lambda one: abs(one.change), default=None)


def _change(series: Series, window: int) -> float:
    batches = batched(series.values, BATCHES, window // BATCHES)
    first, second = sum(batches[: BATCHES // 2]), sum(batches[BATCHES // 2 :])
    return 2 * (second - first) / (second + first)


def _cut(series: Series) -> int | None:
    """How many slices MSER-5 leaves out; None if it has no answer, or if what it leaves in still moves."""
    slices = len(series.values)
    count = slices // MSER_BATCH
    batches = mser(batched(series.values, count, MSER_BATCH))
    if batches is None:
        return None
    cut = slices - (count - batches) * MSER_BATCH if batches else 0
    return None if moves(series, series.values[cut:], ORDINARY) else cut


def _active(batches: Sequence[int]) -> int:
    """How many are not zero."""
    return sum(map(bool, batches))


def _error(half: Sequence[int]) -> float:
    """Standard error of the difference of the sums of two halves with the scatter of this one."""
    size = len(half)
    scatter = size * sum(one**2 for one in half) - sum(half) ** 2  # size * (size - 1) times the variance
    return math.sqrt(2 * scatter / (size - 1))


def _concordance(batches: Sequence[int]) -> int:
    """Mann's statistic: pairs of which the later is greater, less those of which it is smaller."""
    pairs = ((one, other) for number, one in enumerate(batches) for other in batches[number + 1 :])
    return sum((other > one) - (other < one) for one, other in pairs)
