"""Mean time by kind over pairs of runs, and the kinds in which these show a difference."""

import math
from collections.abc import Sequence

import numpy as np

from perfsim.measure.columns import SPENT_ON
from perfsim.stats.matching import Side
from perfsim.stats.spent import PUTBACK
from perfsim.stats.spent_pairs import compared


def side(count: Sequence[Sequence[float]], work_ns: Sequence[Sequence[float]], redo_ns: float = 0.0) -> Side:
    """Runs by point and draw, of so many putbacks of such work and redo; NaN where there is no run."""
    counts = np.array(count, dtype=float)
    values = {name: np.where(np.isnan(counts), np.nan, 0.0) for name in PUTBACK.columns()}
    values[PUTBACK.among] = counts
    values["putback_spent_work_ps"] = 1000 * counts * work_ns
    values["putback_spent_redo_ps"] = 1000 * counts * redo_ns
    values["putback_spent_total_ps"] = values["putback_spent_work_ps"] + values["putback_spent_redo_ps"]
    return Side("redo", ~np.isnan(counts), values)


def test_means_are_over_the_runs_of_a_point_that_have_a_partner_and_a_putback() -> None:
    new = side([[1, 300, 5, 0]], [[10, 20, 1e9, 0]], redo_ns=3)
    old = side([[2, 2, math.nan, 7]], [[8, 8, 8, 8]])
    found = compared(PUTBACK, (new, old), None)
    assert found is not None
    assert [found.new_ns[part].tolist() for part in ("work", "redo", "total")] == [[15], [3], [18]]
    assert [found.old_ns[part].tolist() for part in ("work", "redo", "total")] == [[8], [0], [8]]


def test_a_point_without_a_putback_has_no_mean_and_shows_nothing() -> None:
    found = compared(PUTBACK, (side([[0, 0], [2, 2]], [[0, 0], [8, 9]]), side([[1, 1]] * 2, [[1, 1], [1, 1]])), None)
    assert found is not None
    assert np.isnan(found.new_ns["work"]).tolist() == [True, False]
    assert not found.is_shown["work"][0]


def test_a_kind_is_shown_to_differ_only_where_the_pairs_agree_on_it() -> None:
    new = side([[9] * 5] * 3, [[10, 11, 12, 13, 14], [10, 60, 20, 90, 40], [10, 11, 12, 13, 14]])
    old = side([[9] * 5] * 3, [[5, 6.1, 7, 7.9, 9], [20, 50, 40, 30, 80], [10, 11, 12, 13, 14]])
    found = compared(PUTBACK, (new, old), None)
    assert found is not None
    assert found.is_shown["work"].tolist() == [True, False, False]
    assert not any(is_shown.any() for kind, is_shown in found.is_shown.items() if kind != "work")


def test_one_pair_shows_nothing() -> None:
    found = compared(PUTBACK, (side([[9]], [[10]]), side([[9]], [[5]])), None)
    assert found is not None
    assert (found.new_ns["work"].tolist(), found.is_shown["work"].tolist()) == ([10], [False])


def test_what_is_alike_is_shown_to_differ_in_five_points_of_a_hundred_at_most() -> None:
    """Ten kinds a point, all drawn alike on both sides: with 95 % none of a point's is named."""
    draws = np.random.default_rng(7)
    sides = []
    for _ in range(2):
        one = side([[1] * 5] * 4000, [[0] * 5] * 4000)
        for kind in SPENT_ON:
            one.values[f"putback_spent_{kind}_ps"] = draws.normal(1000, 100, (4000, 5))
        sides.append(one)
    found = compared(PUTBACK, (sides[0], sides[1]), None)
    assert found is not None
    share = float(np.any(list(found.is_shown.values()), axis=0).mean())
    assert 0.03 < share < 0.06


def test_results_that_do_not_tell_the_kinds_have_none() -> None:
    new = side([[1]], [[1]])
    del new.values["putback_spent_redo_ps"]
    assert compared(PUTBACK, (new, side([[1]], [[1]])), None) is None
