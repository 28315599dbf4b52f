"""Steady runs are left alone, transients and drifts are found and told apart; MSER-5 gives its known answers."""

from itertools import accumulate
from math import factorial

import numpy as np
import pytest
from scipy.stats import binom, t

from perfsim.kernel.constants import LRU_LISTS
from perfsim.measure.record import ACQUISITIONS, RATES, SLICES, Integers, Record
from perfsim.measure.steady import (
    BATCHES,
    DRIFT,
    OF_LISTS,
    OF_RATES,
    ORDINARY,
    WARM_UP,
    Threshold,
    batched,
    may_begin,
    mser,
    settled_ps,
    steadiness,
)
from tests.measure.series import MEAN, noise

US = 10**6
PAGES = 4096
BEFORE = 20
"""Slices of warm-up."""


def record_of(rates: Integers, lengths: Integers | None = None) -> Record:
    """A run whose rates, all or each, are so much in each slice, and one node's lists so long; slices of 1 us."""
    slices = rates.shape[-1]
    every = np.broadcast_to(rates, (len(RATES) + 1, slices)).T
    lists = np.full((LRU_LISTS, slices), PAGES // LRU_LISTS) if lengths is None else lengths
    return Record([US * number for number in range(slices + 1)], every, lists.T, PAGES, SLICES)


def steady_lists() -> Integers:
    return np.full((LRU_LISTS, BEFORE + SLICES), PAGES // LRU_LISTS)


@pytest.mark.parametrize(
    "start, ratio, step, modulus, observations, expected",
    [(100, 0.8, 7919, 97, 500, 30), (40, 0.95, 5009, 101, 1000, 120)],
)
def test_mser_5_leaves_out_what_it_is_known_to(
    start: int, ratio: float, step: int, modulus: int, observations: int, expected: int
) -> None:
    """Validation D3: x_i = A r^i + ((i p) mod m)/m, here in billionths."""
    values = [start * ratio**i + ((i * step) % modulus) / modulus for i in range(observations)]
    batches = batched(np.rint(1e9 * np.array(values)).astype(np.int64), observations // 5, 5)
    cut = mser(batches)
    assert cut is not None
    assert 5 * cut == expected


def test_mser_5_takes_the_bias_out_of_a_transient_and_leaves_a_steady_series_nearly_whole() -> None:
    """Validation D3: from 20 deviations out, phi 0.9, the median cut is 20, the 95th percentile 105, the bias gone."""
    decay = 20 * 0.9 ** np.arange(1, 1001)
    one = noise(0.9, 1000, 1000)
    deviation = 0.1 * MEAN / (1 - 0.9**2) ** -0.5  # that of the draws of validation's series is 1
    far = one + np.rint(deviation * decay).astype(np.int64)
    cuts = [mser(batched(values, 200, 5)) for values in far]
    assert None not in cuts
    kept = [values[5 * cut :].mean() for values, cut in zip(far, cuts, strict=True) if cut is not None]
    assert np.median([5 * (cut or 0) for cut in cuts]) == 20
    assert np.percentile([5 * (cut or 0) for cut in cuts], 95) <= 120
    assert far.mean() - MEAN == pytest.approx(0.18 * deviation, rel=0.1)
    assert abs(np.mean(kept) - MEAN) < 0.02 * deviation
    undisturbed = [mser(batched(values, 200, 5)) for values in one]
    assert np.median([5 * (cut or 0) for cut in undisturbed]) == 0
    assert np.percentile([5 * (cut or 0) for cut in undisturbed], 95) <= 90


def test_what_never_settles_has_no_answer_of_mser_5() -> None:
    assert mser(list(range(40))) is None
    assert mser([7] * 40) == 0


def trend_probability(concordant: int) -> float:
    """Of a Mann statistic as far out as this, two-sided: permutations of the batches by their inversions, exactly."""
    counts = [1]
    for size in range(2, BATCHES + 1):
        wide = [*counts, *[0] * (size - 1)]
        sums = list(accumulate(wide))
        counts = [total - (sums[i - size] if i >= size else 0) for i, total in enumerate(sums)]
    pairs = BATCHES * (BATCHES - 1) // 2
    return 2 * sum(counts[: (pairs - concordant) // 2 + 1]) / factorial(BATCHES)


@pytest.mark.parametrize("threshold, series", [(OF_RATES, len(RATES) + 1), (OF_LISTS, 64 * LRU_LISTS)])
def test_all_tests_of_a_kind_together_have_half_a_percent(threshold: Threshold, series: int) -> None:
    by_t = 2 * float(t.sf(threshold.level.t_min, BATCHES // 2 - 1))
    by_trend = trend_probability(threshold.level.concordant_min)
    assert 0.002 < series * (by_t + by_trend) <= 0.0051


def test_the_ordinary_level_is_five_percent_for_each_test() -> None:
    assert 2 * float(t.sf(ORDINARY.t_min, BATCHES // 2 - 1)) == pytest.approx(0.05, abs=0.001)
    assert trend_probability(ORDINARY.concordant_min) == pytest.approx(0.05, abs=0.004)


@pytest.mark.parametrize("correlation, part", [(0.0, 0.01), (0.5, 0.01), (0.8, 0.04)])
def test_steady_runs_are_hardly_ever_flagged(correlation: float, part: float) -> None:
    """Of 1000 runs with eight rates each no more than such a part may be, up to chance. 1 % is what was promised."""
    runs = noise(correlation, 1000 * (len(RATES) + 1)).reshape(1000, len(RATES) + 1, -1)
    flagged = sum(steadiness(record_of(rates)).fault is not None for rates in runs)
    assert flagged <= binom.ppf(0.999, len(runs), part)


def test_a_transient_is_a_warm_up_that_is_too_short_and_is_found_where_it_ends() -> None:
    level = 1 - 0.5 * (np.arange(BEFORE + SLICES) < BEFORE + 30)
    runs = [steadiness(record_of(np.rint(one * level).astype(np.int64))) for one in noise(0.3, 200, part=0.05)]
    assert all(one.fault is not None and one.lru is None for one in runs)
    assert sum(one.fault == WARM_UP for one in runs) >= 0.9 * len(runs)  # what is left is tested at 5 % twice
    assert np.mean([one.rate.change for one in runs if one.rate]) == pytest.approx(0.163, abs=0.01)
    ends = [one.warmup_ps / US - BEFORE for one in runs if one.warmup_ps is not None]
    assert np.median(ends) == 30
    assert min(ends) == 30
    assert np.percentile(ends, 90) <= 50


def test_a_transient_that_dies_away_slowly_is_a_fault_until_the_warm_up_outlasts_it() -> None:
    """Half of the rate is missing at first, and e times less every 25 slices."""
    missing = 1 - 0.5 * np.exp(-np.arange(600) / 25)
    series = noise(0.3, 100, 600, part=0.02)
    faults = {}
    for warmup in (0, 25, 100, 200):
        runs = [np.rint(one * missing).astype(np.int64)[max(0, warmup - SLICES) : warmup + SLICES] for one in series]
        faults[warmup] = sum(steadiness(record_of(run)).fault is not None for run in runs)
    assert faults[0] >= 98
    assert faults[25] >= 90
    assert faults[100] <= 10
    assert faults[200] <= 3


def test_a_transient_that_is_over_before_the_window_is_told_and_is_no_fault() -> None:
    level = 1 - 0.8 * (np.arange(BEFORE + SLICES) < BEFORE)
    found = steadiness(record_of(np.rint(noise(0.3, 1)[0] * level).astype(np.int64)))
    assert found.fault is None
    assert found.warmup_ps is not None
    assert BEFORE * US <= found.warmup_ps <= 2 * BEFORE * US


def test_a_rate_that_rises_to_the_end_drifts_and_its_warm_up_is_not_known() -> None:
    slope = 1 + 0.4 * np.linspace(0, 1, BEFORE + SLICES)
    runs = [steadiness(record_of(np.rint(one * slope).astype(np.int64))) for one in noise(0.3, 200, part=0.05)]
    assert sum(one.fault == DRIFT for one in runs) >= 0.95 * len(runs)
    assert all((one.fault == DRIFT) == (one.warmup_ps is None) for one in runs)
    assert all(one.fault is not None for one in runs)


@pytest.mark.parametrize("is_smooth", [True, False])
def test_a_list_that_only_fills_drifts(is_smooth: bool) -> None:
    lists = steady_lists()
    added = np.full(BEFORE + SLICES, 2) if is_smooth else np.random.default_rng(1).poisson(2, BEFORE + SLICES)
    lists[4] = 100 + np.cumsum(added)
    found = steadiness(record_of(noise(0.3, 1)[0], lists))
    assert (found.fault, found.rate) == (DRIFT, None)
    assert found.lru is not None
    assert found.lru.name == "unevictable of node 0"
    assert found.lru.change == pytest.approx(200 / 340, abs=0.08)


def test_a_small_trend_is_no_fault_however_sure_it_is() -> None:
    lists = steady_lists()
    lists[1] += np.arange(BEFORE + SLICES) // 4  # by 7 % of its mean, half to half 3 %
    lists[4] = np.arange(BEFORE + SLICES) // 10  # from nothing to 22, half a percent of the node
    rates = np.rint(10_000 * (1 + 0.018 * np.linspace(0, 1, BEFORE + SLICES))).astype(np.int64)
    found = steadiness(record_of(rates, lists))
    assert found == (0, None, None, None)


def test_what_happens_now_and_then_is_no_fault() -> None:
    rare = np.zeros(BEFORE + SLICES, np.int64)
    rare[BEFORE + 3] = 64
    assert steadiness(record_of(rare)).fault is None


def test_work_that_stops_in_the_window_is_a_fault() -> None:
    stopped = np.where(np.arange(BEFORE + SLICES) < BEFORE + 60, MEAN, 0)
    found = steadiness(record_of(stopped))
    assert found.fault == WARM_UP
    assert found.warmup_ps == (BEFORE + 60) * US
    assert found.rate is not None
    assert found.rate.name == next(iter(RATES))
    assert ACQUISITIONS not in RATES


def test_a_window_may_begin_when_the_second_half_would_not_move_by_a_threshold_within_a_window() -> None:
    rates = noise(0.3, 1, SLICES)[0]
    lists = np.full((LRU_LISTS, SLICES), PAGES // LRU_LISTS)
    assert may_begin(record_of(rates, lists))
    lists[0] = 1000 + 2 * np.maximum(0, np.arange(SLICES) - SLICES // 2)
    assert settled_ps(record_of(rates, lists)) is not None
    assert not may_begin(record_of(rates, lists))
