"""Sensitivities of known responses: the shares where a verdict holds, where it turns, who is told to matter."""

import numpy as np
import pytest

from perfsim.stats.comparison import Verdict
from perfsim.stats.metrics import CELL
from perfsim.stats.sensitivity import Sample, Sensitivity, sensitivity
from perfsim.stats.surrogate import latin_hypercube
from tests.stats.known import noise, straight
from tests.tier import SLOW

MARGIN = 0.01
MANY = latin_hypercube(100_000, 2, seed=99)


def found(weights: list[float], mean: float, deviation: float, seed: int = 1, samples: int = 96) -> Sensitivity:
    """Of a straight response with noise, in per cent."""
    places = latin_hypercube(samples, len(weights), seed)
    of = np.array(weights) / 100
    logs = straight(places, of, mean / 100) + noise(samples, seed, deviation / 100)
    best = mean / 100 + noise(samples // 4, seed + 10_000, deviation / 100)
    return sensitivity(Sample(places, logs, best), MARGIN)


def test_the_share_above_1_and_effects_are_in_their_intervals_as_often_as_said() -> None:
    weights, mean = [3.0, 1.0], 2.0
    truth = np.mean(straight(MANY, np.array(weights), mean) > 0)
    several = [found(weights, mean, deviation=3.0, seed=seed) for seed in range(1000 if SLOW else 250)]
    grain = 1 / 1024
    shares = np.mean([one.above.low - grain <= truth <= one.above.high + grain for one in several])
    second = [one.influences[1].effect for one in several]
    effects = np.mean([one.low <= 0.01 * np.sqrt(12) <= one.high for one in second])
    best = np.mean([one.best.low <= mean / 100 <= one.best.high for one in several])
    low, high = (0.93, 0.97) if SLOW else (0.91, 0.985)  # three standard deviations
    assert low <= shares <= high
    assert low <= effects <= high
    assert low <= best <= high


def test_a_verdict_that_nothing_turns_holds_everywhere() -> None:
    of = found([0.3, 0.1, 0.0], mean=5.0, deviation=0.2)
    assert of.verdict is Verdict.HIGHER
    assert of.holds == pytest.approx((1.0, 1.0, 1.0))
    assert of.above == pytest.approx((1.0, 1.0, 1.0))
    assert [one.turns for one in of.influences] == [()] * 3


def test_a_figure_that_turns_the_verdict_is_found_with_the_place() -> None:
    # 2 + 3.46 * 3 * (place - 0.5) passes 0 at 0.5 - 2 / 10.39
    of = found([3.0, 0.0, 0.0], mean=2.0, deviation=0.5, samples=128)
    (turn,) = of.influences[0].turns
    assert turn.at.low <= 0.3075 <= turn.at.high
    assert turn.at.high - turn.at.low < 0.1
    assert not turn.is_above
    assert of.holds is not None
    assert of.holds.low <= 0.6925 <= of.holds.high
    assert [one.is_shown for one in of.influences] == [True, False, False]


@pytest.mark.parametrize("slope", [1.0, -1.0])
def test_sameness_turns_where_the_margin_is_passed_on_either_side(slope: float) -> None:
    # 3.46 * (place - 0.5) is within -1 and 1 from 0.5 - 1 / 3.46 to 0.5 + 1 / 3.46
    of = found([slope, 0.0], mean=0.0, deviation=0.2, samples=256)
    assert of.verdict is Verdict.SAME
    below, above = of.influences[0].turns
    assert below.at.low <= 0.2113 <= below.at.high < above.at.low <= 0.7887 <= above.at.high
    assert (below.is_above, above.is_above) == (False, True)
    assert of.holds is not None
    assert of.holds.value == pytest.approx(2 * 1 / np.sqrt(12), abs=0.05)


def test_a_percentile_is_told_apart_only_beyond_a_cell_as_compare_does() -> None:
    sample = Sample(latin_hypercube(64, 2, 1), noise(64, 1, 0.02), np.full(8, 0.9 * CELL))
    exact, percentile = sensitivity(sample, MARGIN), sensitivity(sample, MARGIN, finest=CELL)
    assert (exact.verdict, exact.best.high) == (Verdict.HIGHER, exact.best.value)
    assert (percentile.verdict, percentile.best.high) == (Verdict.OPEN, percentile.best.value + CELL)


def test_noise_alone_gives_no_verdict_and_tells_of_no_figure() -> None:
    of = found([0.0] * 6, mean=0.0, deviation=9.0, samples=96)
    assert of.verdict is Verdict.OPEN
    assert of.holds is None
    assert not any(one.is_shown for one in of.influences)
    assert of.above.high - of.above.low > 0.5
    assert of.noise == pytest.approx(0.09, rel=0.2)


def test_figures_are_told_to_matter_by_chance_in_one_sample_of_twenty_at_most() -> None:
    told = [any(one.is_shown for one in found([0.0] * 6, 0.0, 1.0, seed).influences) for seed in range(100)]
    assert sum(told) <= 10


def test_a_ratio_that_never_changes_is_told_without_intervals() -> None:
    of = sensitivity(Sample(latin_hypercube(64, 2, 1), np.full(64, 0.25), np.full(8, 0.25)), MARGIN)
    assert of.verdict is Verdict.HIGHER
    assert of.best == pytest.approx((0.25, 0.25, 0.25))
    assert of.holds == pytest.approx((1.0, 1.0, 1.0))
    assert not any(one.is_shown for one in of.influences)
