"""From repeated measurements to a figure, or to the answer that there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

SPREAD_MAX = 0.5
"""(p90 - min) / median above which samples are called noise. Hardware keys are good to 30 % (cost-profiles §8)."""

NOISE = "noise"

SAMPLES = 11
ATTEMPTS_TIMES = 3
QUIET_MIN = 5
"""Batches in which nobody else had the CPU, without which all of them are taken and their spread decides."""


class Sample(NamedTuple):
    """Time of one operation in ns, mean over a batch. was_disturbed: others had the CPU meanwhile."""

    ns: float
    was_disturbed: bool = False


class Figure(NamedTuple):
    """Minimum, median and 90th percentile of samples in ns. spread: (high - low) / best. note: who disturbed them."""

    low: float
    best: float
    high: float
    spread: float
    note: str = ""

    def less(self, *parts: Figure) -> Figure:
        """What is left when the best figures of parts are taken away; the spread in ns stays."""
        part = math.fsum(one.best for one in parts)
        low, best, high = (max(0.0, value - part) for value in (self.low, self.best, self.high))
        return Figure(low, best, high, _relative(high - low, best), self.note)

    def times(self, factor: float) -> Figure:
        """The figure by a factor."""
        return self._replace(low=self.low * factor, best=self.best * factor, high=self.high * factor)


class Refused(NamedTuple):
    """No figure. kind: NOISE, "virtual" or "not measured". figure: what came out all the same, if anything."""

    kind: str
    why: str
    figure: Figure | None = None


Judged = Figure | Refused


class Batch(Protocol):
    """Whatever one batch gives."""

    @property
    def was_disturbed(self) -> bool:
        """Whether others had the CPU meanwhile."""


AnyBatch = TypeVar("AnyBatch", bound=Batch)


def sampled(batch: Callable[[], AnyBatch], count: int = SAMPLES) -> list[AnyBatch]:
    """Samples of quiet batches, `count` if there are so many among three times as many; all, if too few are quiet."""
    every: list[AnyBatch] = []
    quiet: list[AnyBatch] = []
    while len(quiet) < count and len(every) < ATTEMPTS_TIMES * count:
        one = batch()
        every.append(one)
        if not one.was_disturbed:
            quiet.append(one)
    return quiet if len(quiet) >= min(QUIET_MIN, count) else every


def figure_of(samples: Sequence[Sample]) -> Figure:
    """Minimum, median, 90th percentile and spread of samples, one at least."""
    values = sorted(sample.ns for sample in samples)
    low, best, high = values[0], quantile(values, 0.5), quantile(values, 0.9)
    disturbed = sum(sample.was_disturbed for sample in samples)
    note = f"others had the CPU in {disturbed} of {len(samples)} batches" if disturbed else ""
    return Figure(low, best, high, _relative(high - low, best), note)


def together(figures: Sequence[Figure]) -> Figure:
    """Figures of one thing, taken at different times: the middle of each value, and as wide as the medians are apart.

    So one disturbed time is outvoted, and a machine that drifts has a wide range.
    """
    low, best, high = (quantile(sorted(values), 0.5) for values in zip(*(one[:3] for one in figures), strict=True))
    low, high = min(low, *(one.best for one in figures)), max(high, *(one.best for one in figures))
    notes = dict.fromkeys(one.note for one in figures if one.note)
    return Figure(low, best, high, _relative(high - low, best), ", ".join(notes))


def judged(figure: Figure) -> Judged:
    """The figure, unless its spread is too wide, or nothing is left of it: then it is noise."""
    if figure.best <= 0:
        return Refused(NOISE, "nothing is left when the parts are taken away", figure)
    if figure.spread > SPREAD_MAX:
        told = f"spread {100 * figure.spread:.0f} %, at most {100 * SPREAD_MAX:.0f} %"
        return Refused(NOISE, f"{told}{'; ' if figure.note else ''}{figure.note}", figure)
    return figure


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value with at least this share of all at or below it."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _relative(width: float, middle: float) -> float:
    return width / middle if middle > 0 else math.inf
