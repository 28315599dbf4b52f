"""The gallery: every picture is there, with rows, unless there is nothing to show."""

from pathlib import Path

import pytest

from perfsim.report.pictures.facts import facts_of
from perfsim.report.pictures.gallery import GALLERY, shown
from perfsim.report.pictures.view import Facts, first_view
from tests.report.pictures.made import NO_AXIS, ONE_AXIS, material_of


def names(facts: Facts) -> list[str]:
    return [picture.entry.name for picture in shown(facts, first_view(facts), 900)]


EVERY = [entry.name for entry in GALLERY if entry.name != "influence"]


@pytest.mark.parametrize("sets", [(), (ONE_AXIS,), (NO_AXIS,), (NO_AXIS, "sweep.replications=1")])
def test_every_picture_has_rows_in_every_shape_of_sweep(sets: tuple[str, ...], tmp_path: Path) -> None:
    facts = facts_of(material_of(tmp_path / "a", *sets))
    assert names(facts) == EVERY


def test_one_design_has_no_ratios(tmp_path: Path) -> None:
    facts = facts_of(material_of(tmp_path / "a", designs=("redo",)))
    assert names(facts) == [name for name in EVERY if name not in ("map", "ratios")]


def test_pictures_of_single_runs_have_no_intervals(tmp_path: Path) -> None:
    facts = facts_of(material_of(tmp_path / "a", "sweep.replications=1"))
    first = next(shown(facts, first_view(facts), 900))
    assert {row["low"] for row in first.filled.rows} == {None}
    assert all(row["drawn_low"] == row["y"] == row["drawn_high"] for row in first.filled.rows)
