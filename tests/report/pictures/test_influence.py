"""A sensitivity that lies beside the results is shown; what is none is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from perfsim.errors import InputError
from perfsim.report.pictures.influence import DRAWN_MAX, FILE, influence, read_influence


def answer(figures_count: int) -> dict[str, Any]:
    effect = {"high_over_low": 1.1, "high_over_low_low": 1.05, "high_over_low_high": 1.15}
    figure = {"low": 1.0, "best": 2.0, "high": 4.0, "unit": "ns", "total": 0.5, "matters": True, **effect}
    whole = {"metric": "putback_per_s", "new": "redo", "old": "lock_page", "profile": "ia64"}
    figures = [figure | {"figure": f"cost_{number}"} for number in range(figures_count)]
    return {"ratio": whole, "figures": figures, "notes": ["what decides: cost_0"]}


def test_nothing_is_shown_of_what_is_not_there(tmp_path: Path) -> None:
    assert read_influence(tmp_path)["choices"] == []


def test_figures_are_told_with_their_ranges_and_notes(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps(answer(2)))
    table = read_influence(tmp_path)
    row = influence({"tables": {"influence": table}}, {}, "influence").rows[0]
    assert (row["figure"], row["range"], row["matters"]) == ("cost_0", "1 to 4 ns", "is shown to matter")
    assert (row["y"], row["low"], row["high"]) == (1.1, 1.05, 1.15)
    assert table["notes"] == ["what decides: cost_0"]


def test_of_many_figures_the_first_are_drawn_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps(answer(40)))
    table = read_influence(tmp_path)
    assert len(influence({"tables": {"influence": table}}, {}, "influence").rows) == DRAWN_MAX
    assert "of 40 figures are drawn" in table["notes"][0]


@pytest.mark.parametrize("total", ["null", "NaN", "1e999"])
def test_a_share_of_the_variance_that_is_no_figure_is_no_value(total: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps(answer(1)).replace('"total": 0.5', f'"total": {total}'))
    (row,) = read_influence(tmp_path)["values"]["influence"]["rows"]
    assert row["total"] is None


HUGE = json.dumps(answer(1)).replace('"low": 1.0', f'"low": {10**400}')


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ratio": 1, "notes": [], "figures": []}', "\x00", HUGE])
def test_what_is_no_answer_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError, match=r"sensitivity\.json: no answer of perfsim sensitivity"):
        read_influence(tmp_path)
