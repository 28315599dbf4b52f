"""A view: what is shown first, where each figure goes, and how large the panels are."""

from pathlib import Path
from typing import Any

import pytest

from perfsim.report.pictures.facts import facts_of
from perfsim.report.pictures.view import PANELS_MAX, Facts, Filled, Size, cells, fill, first_view, round_values, sized
from tests.report.pictures.made import NO_AXIS, material_of


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return facts_of(material_of(tmp_path_factory.mktemp("view") / "a"))


def test_cpus_go_along_and_the_other_axes_make_panels(facts: Facts) -> None:
    view = first_view(facts)
    assert facts["axes"][view["x"]]["text"] == "cpus"
    assert facts["axes"][view["second"]]["text"] == "dirty_fraction"
    found = list(cells(facts, [0], view, [view["x"]]))
    assert len(found) == len(facts["points"])
    assert list(dict.fromkeys(cell.panel for cell in found))[:2] == [
        "profile ia64, dirty_fraction 0.1",
        "profile ia64, dirty_fraction 0.5",
    ]


def test_a_fixed_axis_leaves_its_one_value(facts: Facts) -> None:
    view = first_view(facts)
    view["fixed"][0] = 1
    found = list(cells(facts, [1], view, [view["x"]]))
    assert {facts["points"][cell.point][0] for cell in found} == {1}
    assert {cell.panel for cell in found} == {"dirty_fraction 0.1", "dirty_fraction 0.5"}
    assert found[0].at == len(facts["points"]) + found[0].point


def test_more_panels_than_can_be_read_are_fewer_at_first(facts: Facts) -> None:
    many: dict[str, Any] = facts | {
        "axes": [
            {"text": "cpus", "values": [1, 2], "scale": "linear"},
            {"text": "a", "values": list(range(10)), "scale": "linear"},
            {"text": "b", "values": list(range(9)), "scale": "linear"},
        ],
        "points": [[x, a, b] for x in range(2) for a in range(10) for b in range(9)],
    }
    view = first_view(many)
    assert view["fixed"] == [None, None, 4]
    view["fixed"] = [None, None, None]
    assert len({cell.panel for cell in cells(many, [0], view, [0])}) == PANELS_MAX


def test_a_sweep_without_axes_has_one_panel(tmp_path: Path) -> None:
    facts = facts_of(material_of(tmp_path / "a", NO_AXIS))
    view = first_view(facts)
    assert (view["x"], view["second"]) == (None, None)
    assert [cell.panel for cell in cells(facts, [0, 1], view, [None])] == ["", ""]


@pytest.mark.parametrize("count, width, columns", [(6, 960, 3), (4, 960, 2), (7, 960, 3), (6, 400, 1), (1, 960, 1)])
def test_panels_fill_whole_rows_if_they_can(count: int, width: int, columns: int) -> None:
    filled = Filled([{"order": order, "x": 1} for order in range(count)], {})
    words = sized(filled, Size(width, 76, 200, has_rows=False)).words
    assert words["columns"] == columns
    assert columns * words["width"] <= width


def test_axes_of_logarithms_are_marked_at_round_values() -> None:
    assert round_values([130, 500_000], is_nice=False) == [1e3, 1e4, 1e5]
    assert round_values([130, 500_000], is_nice=True) == [1e2, 1e3, 1e4, 1e5, 1e6]
    assert round_values([130, 900], is_nice=False) == [200, 500]


def test_every_slot_is_filled_and_nothing_else_is_touched() -> None:
    assert fill({"a": {"$": "x"}, "b": [1, {"c": {"$": "y"}}]}, {"x": [2], "y": None}) == {
        "a": [2],
        "b": [1, {"c": None}],
    }
