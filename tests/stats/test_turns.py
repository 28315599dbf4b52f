"""Break-even on an axis: exact places, open ends, and intervals that hold the truth as often as they say."""

import math

import numpy as np
import pytest

from perfsim.stats.ratios import Floats
from perfsim.stats.turns import Crossing, Span, crossing

CPUS = np.array([1.0, 2, 4, 8, 16, 32, 64])
WHOLE = Span(0, 6)


def lines_through(place: float, slope: float) -> Floats:
    """A log ratio that is straight in the logarithm of CPUs, and 0 at a place."""
    return slope * np.log(CPUS / place)[:, None]


def test_without_scatter_the_place_is_exact_and_so_is_its_interval() -> None:
    found = crossing(CPUS, lines_through(11, 0.1) + np.zeros(3), WHOLE)
    assert found is not None
    assert found == pytest.approx(Crossing(11, 11, 11))


def test_an_axis_that_begins_at_zero_is_straight_itself() -> None:
    logs = np.array([[-0.1, -0.1], [0.3, 0.3]])
    assert crossing(np.array([0.0, 1.0]), logs, Span(0, 1)) == pytest.approx(Crossing(0.25, 0.25, 0.25))


def test_the_interval_ends_where_a_t_test_of_the_line_begins_to_reject() -> None:
    """Two points, three replications: at the limits of [9.13, 14.1] the mean is t = 4.3 standard errors from 0."""
    scatter = np.array([[-0.01, 0.0, 0.01], [0.02, -0.02, 0.0]])
    found = crossing(np.array([8.0, 16.0]), np.array([[-0.1], [0.1]]) + scatter, Span(0, 1))
    assert found is not None
    for limit in (found.low, found.high):
        share = math.log2((limit or 0) / 8)
        there = (1 - share) * (scatter[0] - 0.1) + share * (scatter[1] + 0.1)
        assert abs(there.mean()) / (there.std(ddof=1) / math.sqrt(3)) == pytest.approx(4.302653)
    assert found.low is not None
    assert found.low < found.at == pytest.approx(8 * math.sqrt(2))


def test_an_interval_is_open_where_nothing_is_rejected_up_to_the_axis_end() -> None:
    scatter = np.array([-0.03, 0.0, 0.03])
    logs = np.array([[-0.5], [-0.3], [0.02]]) + scatter
    found = crossing(np.array([1.0, 2, 4]), logs, Span(0, 2))
    assert found is not None
    assert found.high is None
    assert found.low is not None
    assert 2 < found.low < found.at < 4


def test_there_is_no_place_without_a_crossing_in_the_span_or_without_two_whole_replications() -> None:
    logs = lines_through(11, 0.1) + np.array([-0.01, 0, 0.01])
    assert crossing(CPUS, logs + 1, WHOLE) is None
    assert crossing(CPUS, logs, Span(0, 3)) is None
    assert crossing(CPUS, logs, Span(3, 4)) is not None
    torn = logs.copy()
    torn[0, 0] = torn[5, 1] = np.nan
    assert crossing(CPUS, torn, WHOLE) is None


def test_a_replication_that_is_not_everywhere_is_left_out() -> None:
    logs = lines_through(11, 0.1) + np.array([-0.01, 0.005, 0.01, 0.0])
    torn = logs.copy()
    torn[2, 3] = np.nan
    assert crossing(CPUS, torn, WHOLE) == crossing(CPUS, logs[:, :3], WHOLE)


@pytest.mark.parametrize("replications, scatter", [(3, 0.01), (5, 0.03), (5, 0.1), (20, 0.1)])
@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_the_interval_holds_the_place_as_often_as_it_says(replications: int, scatter: float, shared: float) -> None:
    """2,000 axes; the noise of a replication is partly the same at all points, as random numbers are."""
    draw = np.random.default_rng(1954)
    truth = lines_through(11, 0.1)
    offered, held = 0, 0
    for _ in range(2000):
        own = draw.normal(0, scatter, (len(CPUS), replications))
        common = draw.normal(0, scatter, replications)
        found = crossing(CPUS, truth + math.sqrt(shared) * common + math.sqrt(1 - shared) * own, WHOLE)
        if found is not None:
            offered += 1
            held += (found.low or 0) <= 11 <= (found.high or math.inf)
    assert offered >= 1990
    assert 0.93 <= held / offered <= 0.97
