"""Series of slices whose truth is known, made without a simulation."""

import numpy as np

from perfsim.measure.record import Integers

MEAN = 2000


def noise(correlation: float, series: int, slices: int = 220, part: float = 0.1, seed: int = 1) -> Integers:
    """Rows of a steady process of MEAN, each slice correlated with the one before: AR(1). part: its deviation."""
    draw = np.random.default_rng(seed).standard_normal((series, slices))
    values = np.empty_like(draw)
    values[:, 0] = draw[:, 0]
    for number in range(1, slices):
        values[:, number] = correlation * values[:, number - 1] + (1 - correlation**2) ** 0.5 * draw[:, number]
    return np.rint(MEAN * (1 + part * values)).astype(np.int64)


def queue_counts(series: int, slices: int = 200, seed: int = 1) -> tuple[Integers, float]:
    """Departures of a steady M/M/1 queue, four fifths busy, in slices of 25 mean services; and their true mean.

    By Lindley's recursion, all series at once; the first 2000 customers warm it up.
    """
    draw = np.random.default_rng(seed)
    slice_length, busy, warm = 25.0, 0.8, 2000
    customers = warm + round(1.3 * slices * slice_length * busy)
    arrived, left, begun = np.zeros(series), np.zeros(series), np.zeros(series)
    counts = np.zeros((series, slices), np.int64)
    for number in range(customers):
        arrived += draw.exponential(1 / busy, series)
        left = np.maximum(arrived, left) + draw.exponential(1.0, series)
        if number == warm:
            begun = left.copy()
        if number > warm:
            place = ((left - begun) / slice_length).astype(int)
            within = np.flatnonzero(place < slices)
            counts[within, place[within]] += 1
    assert (left - begun > slices * slice_length).all(), "a series ends before its last slice does"
    return counts, busy * slice_length
