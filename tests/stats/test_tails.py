"""Values at tails: what a share of the values exceed, of many histograms at once."""

import numpy as np

from perfsim.stats.tails import Cells, tail_values

TAILS = (1.0, 0.5, 0.1, 0.01)


def cells(*of: tuple[int, float, int]) -> Cells:
    owner, upper, counts = zip(*of, strict=True)
    return Cells(np.array(owner), np.array(upper, dtype=float), np.array(counts))


def test_a_value_is_the_smallest_that_no_more_than_the_share_exceed() -> None:
    found = tail_values(cells((0, 10.0, 50), (0, 20.0, 40), (0, 30.0, 9), (0, 40.0, 1)), 1, TAILS)
    assert found.tolist() == [[10.0, 10.0, 20.0, 30.0]]


def test_a_share_of_less_than_one_value_has_none() -> None:
    found = tail_values(cells((0, 10.0, 1), (0, 20.0, 1)), 1, TAILS)
    np.testing.assert_array_equal(found, [[10.0, 10.0, np.nan, np.nan]])


def test_each_owner_has_its_own_and_one_without_values_none() -> None:
    found = tail_values(cells((0, 1.0, 10), (2, 5.0, 5), (2, 7.0, 5)), 3, TAILS[:3])
    np.testing.assert_array_equal(found, [[1.0, 1.0, 1.0], [np.nan] * 3, [5.0, 5.0, 7.0]])


def test_it_agrees_with_sorting_all_values() -> None:
    values = np.random.default_rng(1).integers(1, 60, 997)
    upper, counts = np.unique(values, return_counts=True)
    found = tail_values(Cells(np.zeros(len(upper), dtype=np.int64), upper.astype(float), counts), 1, TAILS)[0]
    for tail, value in zip(TAILS, found, strict=True):
        assert (values > value).mean() <= tail
        assert value == values.min() or (values >= value).mean() > tail
