"""How many pairs a ratio takes: by hand, at the edges, and how often its interval then covers the truth."""

import math
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from perfsim.stats.paired import Ratio, paired_ratio
from perfsim.stats.sequential import PAIRS_LIMIT, half_width, is_reached, pairs_needed

SEED = 20080618
PROCEDURES = 2000
RELATIVE = 0.02
PAIRS_MAX = 400

Draw = Callable[[np.random.Generator, int], np.ndarray]


def ratio_of(logs: list[float], scale_pairs: int | None = None) -> Ratio:
    """The ratio of pairs whose logarithms these are."""
    ratio = paired_ratio([math.exp(log) for log in logs], [1.0] * len(logs), scale_pairs=scale_pairs)
    assert ratio is not None
    return ratio


def test_the_number_of_pairs_is_steins() -> None:
    logs = [0.05, -0.02, 0.01, 0.03, -0.07]
    deviation = np.std(logs, ddof=1)
    expected = math.ceil((stdtrit(4, 0.975) * deviation / math.log(1.02)) ** 2)
    assert expected > 5
    assert pairs_needed(ratio_of(logs), 0.02) == expected


def test_the_interval_has_the_deviation_of_the_first_and_the_mean_of_all() -> None:
    logs = [0.05, -0.02, 0.01, 0.03, -0.07, 0.5, 0.6, 0.4]
    ratio = ratio_of(logs, 5)
    margin = stdtrit(4, 0.975) * np.std(logs[:5], ddof=1) / math.sqrt(8)
    assert ratio.n == 8
    assert math.log(ratio.estimate) == pytest.approx(np.mean(logs))
    assert [math.log(ratio.low or 0), math.log(ratio.high or 0)] == pytest.approx(
        [np.mean(logs) - margin, np.mean(logs) + margin]
    )
    assert half_width(ratio) == pytest.approx(math.exp(margin) - 1)
    assert ratio_of(logs, 8) == ratio_of(logs)


def test_equal_ratios_are_known_at_once_and_one_pair_never_is() -> None:
    assert (half_width(ratio_of([0.1] * 5)), pairs_needed(ratio_of([0.1] * 5), 0.01)) == (0.0, 5)
    assert is_reached(ratio_of([0.1] * 5), 1e-6)
    assert not is_reached(ratio_of([0.1]), 1.0)


@pytest.mark.parametrize("logs", [[700.0, -700.0], [-700.0, 700.0, -700.0, 700.0], [0.0, 700.0]])
def test_pairs_that_contradict_each_other_beyond_all_figures_take_as_many_as_can_be_said(logs: list[float]) -> None:
    assert pairs_needed(ratio_of(logs), 0.01) == PAIRS_LIMIT
    assert not is_reached(ratio_of(logs), 0.01)


@given(
    st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=12),
    st.floats(0.001, 1.0),
    st.lists(st.floats(-0.5, 0.5), max_size=30),
)
def test_as_many_pairs_as_are_needed_are_enough_and_one_fewer_is_not(
    first: list[float], relative: float, more: list[float]
) -> None:
    needed = pairs_needed(ratio_of(first), relative)
    logs = (first + more)[: max(needed, len(first))]
    if len(logs) >= needed:
        assert is_reached(ratio_of(logs, len(first)), relative)
        assert len(logs) == len(first) or not is_reached(ratio_of(logs[:-1], len(first)), relative)
    elif half_width(ratio_of(logs, len(first))) != 0:
        assert pairs_needed(ratio_of(logs, len(first)), relative) in (needed, needed + 1)


class Outcome(NamedTuple):
    """What repeated procedures gave: how many covered the truth, and how many pairs they took."""

    coverage: float
    pairs: float


def two_stages(logs: Iterator[float], first: int) -> tuple[bool, int]:
    """Whether one procedure as sweeps do it covers a mean log ratio of 0, and its pairs."""
    taken = [next(logs) for _ in range(first)]
    needed = min(PAIRS_MAX, pairs_needed(ratio_of(taken), RELATIVE))
    taken += [next(logs) for _ in range(first, needed)]
    ratio = ratio_of(taken, first)
    return (ratio.low or 0) <= 1 <= (ratio.high or 0), needed


def two_stages_ordinary(logs: Iterator[float], first: int) -> tuple[bool, int]:
    """The same with the deviation of all pairs."""
    taken = [next(logs) for _ in range(first)]
    needed = min(PAIRS_MAX, pairs_needed(ratio_of(taken), RELATIVE))
    taken += [next(logs) for _ in range(first, needed)]
    ratio = ratio_of(taken)
    return (ratio.low or 0) <= 1 <= (ratio.high or 0), needed


def until_narrow(logs: Iterator[float], first: int) -> tuple[bool, int]:
    """The same for a procedure that goes on until the ordinary interval is narrow."""
    taken = [next(logs) for _ in range(first)]
    while not is_reached(ratio_of(taken), RELATIVE) and len(taken) < PAIRS_MAX:
        taken.append(next(logs))
    ratio = ratio_of(taken)
    return (ratio.low or 0) <= 1 <= (ratio.high or 0), len(taken)


def repeated(procedure: Callable[[Iterator[float], int], tuple[bool, int]], first: int, draw: Draw) -> Outcome:
    generator = np.random.default_rng(SEED)
    # With a known deviation 8 pairs would do.
    scale = math.log1p(RELATIVE) / 1.96 * math.sqrt(8)
    logs = (float(value) * scale for _ in count() for value in draw(generator, 10_000))
    covered, counts = zip(*(procedure(logs, first) for _ in range(PROCEDURES)), strict=True)
    return Outcome(sum(covered) / PROCEDURES, sum(counts) / PROCEDURES)


def normal(generator: np.random.Generator, size: int) -> np.ndarray:
    return generator.standard_normal(size)


def skewed(generator: np.random.Generator, size: int) -> np.ndarray:
    """Skewness 1.41: gamma of shape 2, moved to mean 0 and deviation 1."""
    return (generator.gamma(2, 1, size) - 2) / math.sqrt(2)


@pytest.mark.parametrize("first", [5, 10])
def test_intervals_of_log_normal_pairs_cover_the_truth_as_often_as_they_say(first: int) -> None:
    found = repeated(two_stages, first, normal)
    assert 0.935 <= found.coverage <= 0.965
    assert first < found.pairs < 20


def test_going_on_until_the_interval_is_narrow_would_not() -> None:
    assert repeated(until_narrow, 2, normal).coverage < 0.90
    assert repeated(until_narrow, 5, normal).coverage < 0.945


def test_the_deviation_of_all_pairs_would_not_do_either() -> None:
    assert 0.91 <= repeated(two_stages_ordinary, 5, normal).coverage < 0.94


def test_intervals_of_skewed_pairs_cover_a_little_less_as_those_of_a_fixed_number_do() -> None:
    assert 0.91 <= repeated(two_stages, 10, skewed).coverage <= 0.95
