"""Histogram cells: none too wide, none out of order, none missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsim.numeric.buckets import CELLS, bucket, upper

VALUES = st.integers(0, 2**63 - 1)


@given(VALUES)
def test_a_cell_reports_no_less_than_any_value_in_it(value: int) -> None:
    assert upper(bucket(value)) >= value


@given(VALUES)
def test_a_cell_reports_at_most_a_64th_more_than_any_value_in_it(value: int) -> None:
    assert 64 * (upper(bucket(value)) - value) <= value


@pytest.mark.parametrize("value", range(128))
def test_a_small_value_has_a_cell_of_its_own(value: int) -> None:
    assert (bucket(value), upper(value)) == (value, value)


def test_cells_follow_one_another_without_gap_or_overlap() -> None:
    ends = [upper(cell) for cell in range(CELLS)]
    assert [bucket(end) for end in ends] == list(range(CELLS))
    assert [bucket(end + 1) for end in ends[:-1]] == list(range(1, CELLS))


@given(VALUES, VALUES)
def test_a_larger_value_is_never_in_an_earlier_cell(first: int, second: int) -> None:
    small, large = sorted((first, second))
    assert bucket(small) <= bucket(large)


def test_the_last_cell_ends_with_the_last_value_of_63_bits() -> None:
    assert (bucket(2**63 - 1), upper(CELLS - 1)) == (CELLS - 1, 2**63 - 1)


@pytest.mark.parametrize("value, cell, end", [(128, 128, 129), (129, 128, 129), (130, 129, 131), (256, 192, 259)])
def test_cells_of_larger_values_hold_a_doubling_number_of_values(value: int, cell: int, end: int) -> None:
    assert (bucket(value), upper(cell)) == (cell, end)
