"""Whatever is told apart has a look of its own."""

from perfsim.report.pictures.look import DASHES, OKABE_ITO, ON_DARK, PARTS, SHAPES
from perfsim.report.pictures.view import SERIES_MAX
from perfsim.report.spent import WORDS
from perfsim.stats.spent import TOTAL


def test_every_kind_of_time_has_a_colour_of_its_own() -> None:
    assert list(PARTS) == [words for kind, words in WORDS.items() if kind != TOTAL]
    assert len(set(PARTS.values())) == len(PARTS)


def test_no_two_series_of_a_picture_look_alike() -> None:
    for marks in (OKABE_ITO, ON_DARK, SHAPES, tuple(map(tuple, DASHES))):
        assert len(set(marks)) == len(marks) == SERIES_MAX
