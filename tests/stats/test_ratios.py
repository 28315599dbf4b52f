"""Ratios of many points: exact examples, and that intervals and claims are right as often as they promise."""

import math

import numpy as np
import pytest
from scipy import stats

from perfsim.stats.metrics import CELL
from perfsim.stats.paired import paired_ratio
from perfsim.stats.ratios import (
    PAIRS_LIMIT,
    Floats,
    holm,
    intervals,
    log_ratios,
    margins,
    p_above,
    p_below,
    p_different,
    p_same,
    pairs_needed,
    summed_up,
)
from tests.stats.closed_queue import reported, simulated, true_p99_ns, true_throughput

OLD = np.array([101.0, 97.0, 104.0, 99.0, 102.0])
NEW = np.array([110.0, 104.0, 115.0, 105.0, 112.0])

MARGIN = math.log(1.01)
EXPERIMENTS = 4000


def normal_logs(mean: float, deviation: float, pairs: int, points: int = EXPERIMENTS) -> Floats:
    return np.random.default_rng(20080618).normal(mean, deviation, (points, pairs))


def coverage(logs: Floats, truth: float, at_least: float = 0.0) -> float:
    """How many of the intervals hold the truth, a log ratio."""
    of = summed_up(logs)
    low, high = intervals(of, margins(of, at_least=at_least))
    return float(((low <= math.exp(truth)) & (math.exp(truth) <= high)).mean())


def test_the_example_of_validation_d2_is_met_to_all_its_digits() -> None:
    of = summed_up(log_ratios(NEW, OLD)[None, :])
    low, high = intervals(of, margins(of))
    assert np.exp(of.mean) == pytest.approx(1.08501033, abs=5e-9)
    assert (low[0], high[0]) == pytest.approx((1.06216202, 1.10835014), abs=5e-9)
    assert p_different(of) == pytest.approx(0.00044122, abs=5e-9)


def test_each_point_is_what_one_ratio_alone_would_be_whatever_pairs_it_lacks() -> None:
    draw = np.random.default_rng(1)
    new, old = draw.lognormal(size=(2, 40, 7))
    new[draw.random(new.shape) < 0.4] = np.nan
    of = summed_up(log_ratios(new, old))
    low, high = intervals(of, margins(of))
    assert set(of.pairs.tolist()) > {1, 2, 5}
    for point in range(len(new)):
        known = np.isfinite(new[point])
        alone = paired_ratio(new[point][known].tolist(), old[point][known].tolist())
        figures = (math.exp(of.mean[point]), low[point], high[point], p_different(of)[point])
        assert alone is not None
        expected = [np.nan if figure is None else figure for figure in (alone.estimate, alone.low, alone.high, alone.p)]
        assert figures == pytest.approx(expected, nan_ok=True)


def test_where_first_pairs_have_decided_how_many_there_are_the_scatter_is_theirs_alone() -> None:
    logs = normal_logs(0.0, 0.1, 9, points=20)
    of = summed_up(logs, scale_pairs=4)
    low, high = intervals(of, margins(of))
    for point, pairs in enumerate(np.exp(logs).tolist()):
        alone = paired_ratio(pairs, [1.0] * 9, scale_pairs=4)
        assert alone is not None
        assert (low[point], high[point], p_different(of)[point]) == pytest.approx((alone.low, alone.high, alone.p))


def test_intervals_keep_their_promise_where_first_pairs_have_decided_how_many_there_are() -> None:
    """5 pairs first, then as many as Stein asks for to know the ratio to 1 %."""
    logs = normal_logs(0.05, 0.02, 200)
    needed = np.ceil((margins(summed_up(logs[:, :5])) / MARGIN) ** 2 * 5).clip(5, 200)
    logs[np.arange(200) >= needed[:, None]] = np.nan
    of = summed_up(logs, scale_pairs=5)
    low, high = intervals(of, margins(of))
    assert 0.94 <= ((low <= math.exp(0.05)) & (math.exp(0.05) <= high)).mean() <= 0.96


def test_one_sided_tests_and_the_two_of_sameness_are_those_of_scipy() -> None:
    logs = normal_logs(0.002, 0.01, 6, points=50)
    of = summed_up(logs)
    above = stats.ttest_1samp(logs, -MARGIN, axis=1, alternative="greater").pvalue
    below = stats.ttest_1samp(logs, MARGIN, axis=1, alternative="less").pvalue
    assert p_above(of, -MARGIN) == pytest.approx(above)
    assert p_below(of, MARGIN) == pytest.approx(below)
    assert p_same(of, MARGIN) == pytest.approx(np.maximum(above, below))


def test_a_difference_beyond_a_resolution_is_tested_against_its_edge() -> None:
    of = summed_up(normal_logs(-0.05, 0.01, 5, points=20))
    assert p_different(of, CELL) == pytest.approx(2 * p_below(of, -CELL))
    assert (p_different(of, CELL) > p_different(of)).all()


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_what_has_no_logarithm_gives_no_pair(value: float) -> None:
    logs = log_ratios(np.array([2.0, value, 2.0]), np.array([1.0, 1.0, value]))
    assert logs.tolist() == pytest.approx([math.log(2), np.nan, np.nan], nan_ok=True)


def test_no_pair_and_one_pair_have_neither_interval_nor_p() -> None:
    of = summed_up(np.array([[np.nan, np.nan], [0.5, np.nan]]))
    assert of.mean.tolist() == pytest.approx([np.nan, 0.5], nan_ok=True)
    for figures in (margins(of), margins(of, at_least=CELL), p_different(of), p_same(of, MARGIN)):
        assert np.isnan(figures).all()


def test_equal_pairs_have_no_scatter_and_are_certain() -> None:
    of = summed_up(np.array([[0.0] * 5, [math.log(1.1)] * 5]))
    assert margins(of).tolist() == [0.0, 0.0]
    assert p_different(of).tolist() == [1.0, 0.0]
    assert p_same(of, MARGIN).tolist() == [0.0, 1.0]


def test_two_pairs_that_contradict_each_other_have_an_interval_without_limits() -> None:
    of = summed_up(np.array([[300.0, -300.0]]))
    low, high = intervals(of, margins(of))
    assert (low[0], high[0]) == (0.0, math.inf)


def test_holm_gives_the_example_of_validation_d2_in_any_order_and_leaves_out_what_is_no_test() -> None:
    p = np.array([0.041, 0.001, np.nan, 0.042, 0.008, 0.039])
    assert holm(p).tolist() == pytest.approx([0.117, 0.005, np.nan, 0.117, 0.032, 0.117], nan_ok=True)


@pytest.mark.parametrize("pairs", [2, 3, 5, 10, 20])
@pytest.mark.parametrize("deviation", [0.003, 0.3])
def test_intervals_of_log_normal_pairs_cover_the_truth_as_often_as_they_say(pairs: int, deviation: float) -> None:
    assert 0.94 <= coverage(normal_logs(0.05, deviation, pairs), 0.05) <= 0.96


def test_intervals_of_the_closed_queue_cover_what_theory_knows() -> None:
    """1,000 comparisons of 5 pairs: a lock that is held for 90 ns against one that is held for 100."""
    new, old = (simulated(hold_ns, 5000, 1000, seed=7) for hold_ns in (90, 100))
    throughputs = log_ratios(new.per_us, old.per_us).reshape(1000, 5)
    percentiles = log_ratios(new.p99_ns, old.p99_ns).reshape(1000, 5)
    assert 0.93 <= coverage(throughputs, math.log(true_throughput(90) / true_throughput(100))) <= 0.97
    assert 0.93 <= coverage(percentiles, math.log(true_p99_ns(90) / true_p99_ns(100)), at_least=CELL) <= 0.97


@pytest.mark.parametrize("scatter, least, most", [(3 * CELL, 0.93, 0.97), (CELL, 0.93, 0.99), (0.01 * CELL, 0.95, 1)])
def test_intervals_of_percentiles_that_scatter_less_than_a_cell_cover_more_never_less(
    scatter: float, least: float, most: float
) -> None:
    """Both designs have a median of somewhere, 1.03 apart, and are known to their cells."""
    draw = np.random.default_rng(3)
    places = draw.uniform(6, 12, (EXPERIMENTS, 1))
    new, old = (np.exp(places + shift + draw.normal(0, scatter, (EXPERIMENTS, 5))) for shift in (math.log(1.03), 0))
    logs = log_ratios(*(reported(times.ravel()).reshape(times.shape) for times in (new, old)))
    assert least <= coverage(logs, math.log(1.03), at_least=CELL) <= most


def test_of_a_family_that_shares_its_noise_claims_of_difference_are_false_no_more_often_than_said() -> None:
    draw = np.random.default_rng(11)
    shared = draw.normal(0, 0.02, (2000, 1, 5))
    logs = shared + draw.normal(0, 0.01, (2000, 42, 5))
    of = summed_up(logs)
    adjusted = np.array([holm(p) for p in p_different(of)])
    assert 0.005 < (adjusted <= 0.05).any(axis=1).mean() <= 0.055
    assert (p_different(of) <= 0.05).any(axis=1).mean() > 0.2


def test_of_a_family_at_the_margin_claims_of_sameness_are_false_no_more_often_than_said() -> None:
    of = summed_up(normal_logs(MARGIN, 0.002, 42 * 5, points=2000).reshape(2000, 42, 5))
    adjusted = np.array([holm(p) for p in p_same(of, MARGIN)])
    assert 0.03 <= (adjusted <= 0.05).any(axis=1).mean() <= 0.06


@pytest.mark.parametrize("mean, deviation", [(0.02, 0.02), (0.1, 0.02), (0.005, 0.05)])
def test_so_many_pairs_show_a_difference_with_the_power_they_promise(mean: float, deviation: float) -> None:
    measured = summed_up(np.array([[mean - deviation, mean, mean + deviation]]))
    pairs = int(pairs_needed(measured, measured.mean, 0.025)[0])
    found = p_different(summed_up(normal_logs(mean, deviation, pairs, points=2000))) <= 0.05
    fewer = p_different(summed_up(normal_logs(mean, deviation, max(2, pairs * 3 // 4), points=2000))) <= 0.05
    assert 0.88 <= found.mean() <= 0.98  # few pairs come in large steps
    assert fewer.mean() < 0.88


def test_so_many_pairs_show_sameness_with_the_power_they_promise() -> None:
    measured = summed_up(np.array([[-0.02, 0.0, 0.02]]))
    pairs = int(pairs_needed(measured, MARGIN - measured.mean, 0.05, power=0.95)[0])
    found = p_same(summed_up(normal_logs(0.0, 0.02, pairs, points=2000)), MARGIN) <= 0.05
    assert 0.88 <= found.mean() <= 0.93


def test_no_number_of_pairs_reaches_a_limit_that_is_where_the_ratio_is() -> None:
    of = summed_up(np.array([[-0.02, 0.0, 0.02]] * 3))
    assert pairs_needed(of, np.array([0.0, -0.01, 1e-9]), 0.05).tolist() == [PAIRS_LIMIT] * 3


def test_holm_with_weights_gives_more_of_the_level_to_what_weighs_more() -> None:
    p = np.array([0.02, 0.012, np.nan, 0.5])
    assert holm(p, np.ones(4)).tolist() == pytest.approx(holm(p).tolist(), nan_ok=True)
    weighted = holm(p, np.array([6.0, 1.0, 9.0, 1.0]))
    assert weighted.tolist() == pytest.approx([8 / 6 * 0.02, 8 / 6 * 0.02, np.nan, 0.5], nan_ok=True), "by p/weight"
