"""Slices nest, stay in their window, and follow one another on their lane; counters say what is news."""

import pytest

from perfsim.measure.timeline import Counter, Lane, Slice, Timeline
from tests.measure.shown import shown

LANE = Lane(("CPU 0",), (0,))
COUNTER = Counter(("pages",), (1,), "pages")


def test_what_reaches_beyond_the_window_is_cut_at_its_ends() -> None:
    timeline = Timeline(100, 200)
    timeline.begin(LANE, 50, Slice("before"))
    timeline.end(LANE, 120)
    timeline.begin(LANE, 190, Slice("behind"))
    timeline.end(LANE, 250)
    assert [(one.name, one.begin_ps, one.end_ps) for one in shown(timeline)] == [
        ("before", 100, 120),
        ("behind", 190, 200),
    ]


def test_slices_that_are_open_at_the_end_of_the_window_end_with_it() -> None:
    timeline = Timeline(0, 100)
    timeline.begin(LANE, 10, Slice("outer"))
    timeline.begin(LANE, 20, Slice("inner"))
    timeline.close()
    assert [(one.name, one.end_ps, one.outer) for one in shown(timeline)] == [
        ("inner", 100, ("outer",)),
        ("outer", 100, ()),
    ]
    assert timeline.slices() == 2


def test_time_does_not_go_back_on_a_lane() -> None:
    timeline = Timeline(0, 100)
    timeline.begin(LANE, 10, Slice("paid for until 40"))
    timeline.end(LANE, 40)
    timeline.begin(LANE, 30, Slice("next"))
    timeline.end(LANE, 50)
    assert [mark.at_ps for mark in timeline.marks] == [10, 40, 40, 50]


def test_a_slice_that_never_began_does_not_end() -> None:
    with pytest.raises(AssertionError, match="never began"):
        Timeline(0, 100).end(LANE, 10)


def test_a_counter_that_stays_as_it_is_is_no_news() -> None:
    timeline = Timeline(0, 100)
    for at_ps, value in ((0, 3), (10, 3), (20, 4), (30, 3)):
        timeline.count(COUNTER, at_ps, value)
    assert [(one.at_ps, one.value) for one in timeline.values] == [(0, 3), (20, 4), (30, 3)]


def test_an_arrow_has_both_ends() -> None:
    timeline = Timeline(0, 100)
    source = timeline.begin(LANE, 10, Slice("source"))
    target = timeline.begin(LANE, 20, Slice("target"))
    timeline.arrow(source, target)
    timeline.arrow(source, target)
    assert (source.leaves, target.enters) == ((1, 2), (1, 2))
    assert (source.enters, target.leaves) == ((), ())
