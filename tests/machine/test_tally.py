"""What a run counts, to the picosecond, and what the end of the warm-up forgets."""

from __future__ import annotations

from perfsim.machine.tally import (
    CATEGORIES,
    IDLE,
    KERNEL,
    LEAST_OF_NONE,
    SPIN,
    USER,
    Tally,
    acquired,
    contended,
    held,
    held_so_far,
    latency,
    new_tally,
    spend,
    start_window,
)
from perfsim.numeric.buckets import CELLS, bucket


def small_tally() -> Tally:
    """Two CPUs, two lock classes, three histograms, two kinds of time."""
    return new_tally(2, 2, 3, 2)


def cpu_times(tally: Tally, cpu: int) -> list[int]:
    """Time of one CPU by category."""
    return tally.cpu_ps[cpu * CATEGORIES : (cpu + 1) * CATEGORIES]


def cells_of(tally: Tally, histogram: int) -> dict[int, int]:
    """Counts of the cells of a histogram that are not empty."""
    cells = tally.cells[histogram * CELLS : (histogram + 1) * CELLS]
    return {cell: count for cell, count in enumerate(cells) if count}


def test_time_is_booked_to_the_category_that_ends() -> None:
    tally = small_tally()
    spend(tally, 1, 100, KERNEL)
    spend(tally, 1, 130, SPIN)
    spend(tally, 1, 137, KERNEL)
    spend(tally, 1, 140, USER)
    assert cpu_times(tally, 1) == [0, 30 + 3, 7, 0, 100]
    assert tally.cpu_category == [IDLE, USER]


def test_one_cpus_time_is_not_anothers() -> None:
    tally = small_tally()
    spend(tally, 1, 100, KERNEL)
    assert cpu_times(tally, 0) == [0] * CATEGORIES
    assert tally.cpu_since == [0, 100]


def test_no_time_passes_between_two_changes_at_one_instant() -> None:
    tally = small_tally()
    spend(tally, 0, 50, SPIN)
    spend(tally, 0, 50, KERNEL)
    assert cpu_times(tally, 0) == [0, 0, 0, 0, 50]


def test_a_latency_is_counted_added_up_and_put_in_its_cell() -> None:
    tally = small_tally()
    for value_ps in (0, 5_000, 300, 5_000):
        latency(tally, 2, value_ps)
    assert (tally.latency_count[2], tally.latency_total_ps[2], tally.latency_max_ps[2]) == (4, 10_300, 5_000)
    assert cells_of(tally, 2) == {0: 1, bucket(300): 1, bucket(5_000): 2}
    assert cells_of(tally, 1) == {}


def test_an_acquisition_without_a_wait_is_a_wait_of_zero() -> None:
    tally = small_tally()
    acquired(tally, 1, 0, 0, 0)
    assert (tally.acquisitions, tally.contentions) == ([0, 1], [0, 0])
    assert tally.wait_min_ps == [LEAST_OF_NONE, LEAST_OF_NONE]
    assert cells_of(tally, 1) == {0: 1}
    assert tally.latency_count[1] == 1


def test_a_contended_acquisition_counts_its_wait() -> None:
    tally = small_tally()
    acquired(tally, 1, 0, 1, 700)
    acquired(tally, 1, 0, 0, 0)
    acquired(tally, 1, 0, 1, 300)
    acquired(tally, 1, 0, 1, 400)
    assert (tally.acquisitions[1], tally.contentions[1]) == (4, 3)
    assert (tally.wait_total_ps[1], tally.wait_min_ps[1], tally.wait_max_ps[1]) == (1_400, 300, 700)
    assert (tally.latency_total_ps[1], tally.latency_max_ps[1]) == (1_400, 700)


def test_bounces_are_counted_apart_for_acquisitions_and_for_contentions() -> None:
    tally = small_tally()
    for bounced in (1, 0, 1):
        acquired(tally, 1, bounced, 0, 0)
    contended(tally, 0, 1)
    contended(tally, 0, 0)
    assert (tally.acq_bounces, tally.con_bounces) == ([0, 2], [1, 0])
    assert tally.contentions == [0, 0]


def test_a_hold_lasts_from_the_acquisition_to_now() -> None:
    tally = small_tally()
    held(tally, 0, 100, 350)
    held(tally, 0, 400, 450)
    assert (tally.hold_total_ps[0], tally.hold_min_ps[0], tally.hold_max_ps[0]) == (300, 50, 250)


def test_a_hold_from_before_the_window_counts_from_its_start() -> None:
    tally = small_tally()
    start_window(tally, 1_000)
    held(tally, 0, 400, 1_300)
    assert (tally.hold_total_ps[0], tally.hold_max_ps[0]) == (300, 300)


def test_a_hold_that_the_window_cuts_is_not_the_shortest() -> None:
    tally = small_tally()
    start_window(tally, 1_000)
    held(tally, 0, 999, 1_010)
    held(tally, 0, 1_000, 1_200)
    held_so_far(tally, 0, 1_900, 1_950)
    assert (tally.hold_total_ps[0], tally.hold_min_ps[0], tally.hold_max_ps[0]) == (260, 200, 200)


def test_a_hold_that_begins_after_the_window_has_ended_counts_nothing() -> None:
    tally = small_tally()
    held_so_far(tally, 0, 2_000, 1_500)
    assert (tally.hold_total_ps[0], tally.hold_max_ps[0]) == (0, 0)


def test_the_end_of_the_warm_up_forgets_every_count() -> None:
    tally = small_tally()
    spend(tally, 0, 100, KERNEL)
    contended(tally, 1, 1)
    acquired(tally, 1, 1, 1, 700)
    held(tally, 0, 0, 90)
    latency(tally, 2, 4_000)
    tally.latency_spent_ps[5] = 3_000
    start_window(tally, 250)
    fresh = small_tally()
    kept = {"window_start", "cpu_category", "cpu_since"}
    assert {name for name in Tally._fields if getattr(tally, name) != getattr(fresh, name)} == kept
    assert tally.window_start == [250]


def test_what_is_under_way_at_the_end_of_the_warm_up_goes_on_from_there() -> None:
    tally = small_tally()
    spend(tally, 0, 100, KERNEL)
    start_window(tally, 250)
    spend(tally, 0, 300, USER)
    assert cpu_times(tally, 0) == [0, 50, 0, 0, 0]
