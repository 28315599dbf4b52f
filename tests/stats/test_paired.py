"""Ratios in pairs: exact examples, coverage, and when there is no answer."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perfsim.stats.paired import Ratio, paired_ratio

OLD = [101.0, 97.0, 104.0, 99.0, 102.0]
NEW = [110.0, 104.0, 115.0, 105.0, 112.0]

values = st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False)


def test_the_example_of_validation_d2_is_met_to_all_its_digits() -> None:
    ratio = paired_ratio(NEW, OLD)
    assert ratio is not None
    assert ratio.estimate == pytest.approx(1.08501033, abs=5e-9)
    assert ratio.low == pytest.approx(1.06216202, abs=5e-9)
    assert ratio.high == pytest.approx(1.10835014, abs=5e-9)
    assert ratio.p == pytest.approx(0.00044122, abs=5e-9)
    assert ratio.n == 5


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_it_is_the_t_test_of_the_log_ratios_at_any_confidence(confidence: float) -> None:
    expected = stats.ttest_1samp([math.log(new / old) for new, old in zip(NEW, OLD, strict=True)], 0)
    limits = [math.exp(limit) for limit in expected.confidence_interval(confidence)]
    ratio = paired_ratio(NEW, OLD, confidence)
    assert ratio is not None
    assert [ratio.low, ratio.high, ratio.p] == pytest.approx([*limits, expected.pvalue])


def test_old_over_new_is_the_inverse_of_new_over_old() -> None:
    ratio, inverse = paired_ratio(NEW, OLD), paired_ratio(OLD, NEW)
    assert ratio is not None
    assert inverse is not None
    assert inverse.low is not None
    assert inverse.estimate * ratio.estimate == pytest.approx(1)
    assert inverse.low * (ratio.high or 0) == pytest.approx(1)
    assert inverse.p == pytest.approx(ratio.p)


def test_one_pair_has_a_ratio_without_an_interval() -> None:
    assert paired_ratio([5], [4]) == Ratio(1.25, None, None, 1, None)


def test_equal_pairs_have_an_interval_of_no_width_and_certainty() -> None:
    assert paired_ratio(OLD, OLD) == Ratio(1.0, 1.0, 1.0, 5, 1.0)
    assert paired_ratio([2, 4, 8], [1, 2, 4]) == Ratio(2.0, 2.0, 2.0, 3, 0.0)


@pytest.mark.parametrize("bad", [None, 0, 0.0, -1.0, math.nan, math.inf])
def test_a_value_that_has_no_logarithm_leaves_no_ratio(bad: float | None) -> None:
    assert paired_ratio([*NEW[1:], bad], OLD) is None
    assert paired_ratio(NEW, [bad, *OLD[1:]]) is None


def test_no_pairs_leave_no_ratio() -> None:
    assert paired_ratio([], []) is None


def test_values_without_a_partner_are_our_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired_ratio([1, 2], [1])


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Log-normal pairs, cv about 10 %, correlation 0.8, truth 1.05; 0.951 of them, by `perfsim validate`, D2."""
    draw = random.Random(20080618)
    covered = 0
    for _ in range(2000):
        shared = [draw.gauss(0, 0.0894) for _ in range(5)]
        old = [math.exp(common + draw.gauss(0, 0.0447)) for common in shared]
        new = [1.05 * math.exp(common + draw.gauss(0, 0.0447)) for common in shared]
        ratio = paired_ratio(new, old)
        assert ratio is not None
        covered += (ratio.low or 0) <= 1.05 <= (ratio.high or 0)
    assert 0.935 <= covered / 2000 <= 0.965


@given(st.lists(st.tuples(values, values), min_size=1, max_size=8))
def test_any_positive_values_have_a_ratio_within_its_interval(pairs: list[tuple[float, float]]) -> None:
    ratio = paired_ratio([new for new, _ in pairs], [old for _, old in pairs])
    assert ratio is not None
    assert ratio.estimate >= 0
    if ratio.low is not None and ratio.high is not None and ratio.p is not None:
        assert ratio.low <= ratio.estimate <= ratio.high
        assert 0 <= ratio.p <= 1
