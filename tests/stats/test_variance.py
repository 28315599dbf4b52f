"""Parts and shares of a variance: right on average, and in their intervals as often as these say."""

import numpy as np
import pytest

from perfsim.stats.sensitivity import has, is_of
from perfsim.stats.surrogate import Surrogate, fit, latin_hypercube
from perfsim.stats.variance import p_none, part, quantiles, share
from tests.stats.known import ISHIGAMI_FIRST, ISHIGAMI_TOTAL, WEIGHTS, ishigami, noise, noisy_lines
from tests.tier import SLOW

REPETITIONS = 1000 if SLOW else 250
AS_OFTEN = (0.93, 0.97) if SLOW else (0.91, 0.985)
"""How often 95 % may cover: three standard deviations of so many repetitions, and less above, where there are fewer."""
REFUTED = (0.03, 0.07) if SLOW else (0.01, 0.09)
FIRST_SHARES = WEIGHTS**2 / np.square(WEIGHTS).sum()


def lines(samples: int, seed: int, deviation: float = 1.0) -> Surrogate:
    return fit(*noisy_lines(samples, seed, deviation))


def test_shares_of_straight_lines_are_in_their_intervals_as_often_as_said() -> None:
    fits = [lines(96, seed) for seed in range(REPETITIONS)]
    for figure in (0, 3):
        found = [share(one, is_of(figure)) for one in fits]
        covered = np.mean([one.low <= FIRST_SHARES[figure] <= one.high for one in found])
        assert AS_OFTEN[0] <= covered <= AS_OFTEN[1], figure
        assert np.mean([one.value for one in found]) == pytest.approx(FIRST_SHARES[figure], abs=0.015)


def test_the_variance_is_in_its_interval_as_often_as_said() -> None:
    fits = [lines(96, seed, deviation=4.0) for seed in range(REPETITIONS)]
    whole = [part(one, lambda _: True) for one in fits]
    assert AS_OFTEN[0] <= np.mean([one.low <= np.square(WEIGHTS).sum() <= one.high for one in whole]) <= AS_OFTEN[1]
    small = [part(one, is_of(3)) for one in fits]
    assert AS_OFTEN[0] <= np.mean([one.low <= WEIGHTS[3] ** 2 <= one.high for one in small]) <= AS_OFTEN[1]


def test_indices_of_ishigami_are_found_through_noise_and_covered() -> None:
    covered = []
    for seed in range(150 if SLOW else 60):
        places = latin_hypercube(256, 3, seed)
        found = fit(places, ishigami(places) + noise(256, seed, 2.0))
        first = [share(found, is_of(figure)) for figure in (0, 1)]
        total = [share(found, has(figure)) for figure in range(3)]
        truths = (*ISHIGAMI_FIRST[:2], *ISHIGAMI_TOTAL)
        covered.append([one.low <= truth <= one.high for one, truth in zip([*first, *total], truths, strict=True)])
        assert np.abs(np.array([one.value for one in (*first, *total)]) - truths).max() < 0.2
    assert AS_OFTEN[0] <= np.mean(covered) <= AS_OFTEN[1]


def test_a_figure_that_acts_in_products_alone_has_a_total_share_and_no_first() -> None:
    places = latin_hypercube(1024, 3, seed=2)
    found = fit(places, ishigami(places))
    assert share(found, is_of(2)).high < 0.01
    assert share(found, has(2)).value == pytest.approx(ISHIGAMI_TOTAL[2], abs=0.01)


def test_a_figure_without_any_effect_is_refuted_as_seldom_as_said() -> None:
    places = latin_hypercube(64, 2, seed=0)
    refuted = 0
    for seed in range(REPETITIONS):
        found = fit(places, 3 * places[:, 0] + noise(64, seed, 1.0))
        refuted += p_none(found, is_of(1)) <= 0.05
    assert REFUTED[0] <= refuted / REPETITIONS <= REFUTED[1]


def test_the_share_of_nothing_is_unknown_and_may_be_any() -> None:
    found = share(fit(latin_hypercube(64, 3, seed=1), np.full(64, 0.25)), is_of(0))
    assert np.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)


def test_quantiles_rise_and_meet_the_limits_of_the_interval() -> None:
    found = lines(64, seed=1)
    low, middle, high = quantiles(found, np.array([0.025, 0.5, 0.975])).tolist()
    whole = part(found, lambda _: True)
    assert (low, high) == (whole.low, whole.high)
    assert low < middle < high


def test_a_variance_far_above_the_noise_is_known_as_closely_as_the_noise_lets_it() -> None:
    few, many = (part(lines(64, 1, deviation), lambda _: True) for deviation in (1e-2, 1e-4))
    assert (many.high - many.low) / (few.high - few.low) == pytest.approx(0.01, rel=0.05)
