"""How surely a rate is known from one run alone: the interval by batch means, where there are no replications.

The window is cut into 10 batches of equal time. If they are long beside the time over which the run remembers, their
means are about independent and normal, and Student's t with 9 degrees of freedom gives the interval (L. Schmeiser,
Batch size effects in the analysis of simulation output, Operations Research 30, 1982, 556-568: 10 to 30 batches). What
batches still share is made up for: if each slice depends on the one before with a correlation r, the variance of a
batch of m slices falls short by the part 2 r / (m (1 - r^2)).

The interval says how much the rate of a steady run of this length varies. It knows nothing of what all of a run shares,
such as how memory was filled at its start; replications do, and they pair designs besides. So it is for a single run,
and there is none, rather than one that is wrong, where

- the window is not steady: a mean of what moves is the mean of no state;
- a batch has too little in it: something has to be counted in half of its slices;
- the run remembers for long: slices with a correlation of 0.7 or more. Up to there the intervals cover the truth in 93
  to 95 % of runs; at 0.8, which looks like less than 0.7 in 6 % of runs, these would cover it in 82 %.

A slow and faint dependence, over more than a batch, cannot be seen in one run. Replications see it.
"""

from __future__ import annotations

import math
from itertools import pairwise

from perfsim.measure.record import RATES, Integers, Record
from perfsim.measure.steady import batched

BATCHES = 10
T_95 = 2.262157
"""The quantile of Student's t with BATCHES - 1 degrees of freedom for an interval of 95 %."""

CORRELATION_MAX = 0.7


def half_widths(record: Record) -> dict[str, float]:
    """For each rate that a steady run tells by itself, by its column: half its 95 % interval, relative to the rate."""
    windows = record.rates[-record.window :, : len(RATES)].T
    found = zip(RATES, map(half_width, windows), strict=True)
    return {name: half for name, half in found if half is not None}


def half_width(slices: Integers) -> float | None:
    """Half the 95 % interval of the mean of equal slices, relative to it; None where batch means are not fit for it."""
    length = len(slices) // BATCHES
    busy = batched((slices != 0).astype(int), BATCHES, length)
    shared = max(0.0, correlation(slices))
    if 2 * min(busy) < length or shared >= CORRELATION_MAX:
        return None
    sums = batched(slices, BATCHES, length)
    total = sum(sums)
    scatter = BATCHES * sum(one**2 for one in sums) - total**2  # BATCHES * (BATCHES - 1) times the variance
    missing = 2 * shared / (length * (1 - shared**2))
    return T_95 * math.sqrt(scatter / (BATCHES - 1) / (1 - missing)) / total


def correlation(slices: Integers) -> float:
    """Of each slice with the next; 0 if all are equal."""
    values: list[int] = slices.tolist()
    total = sum(values)
    apart = [len(values) * one - total for one in values]
    squares = sum(one**2 for one in apart)
    together = sum(one * other for one, other in pairwise(apart))
    return together / squares if squares else 0.0
