"""Rows and words of the pictures."""

import math

import pytest

from perfsim.report.pictures.facts import facts_of
from perfsim.report.pictures.fillers import curves, over_x, ratio_map, ratios, spent
from perfsim.report.pictures.view import Facts, first_view
from tests.report.pictures.made import material_of

RATE, LATENCY = "reclaim_scanned_per_s", "putback_latency_p99_ns"


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return facts_of(material_of(tmp_path_factory.mktemp("fillers") / "a"))


def test_series_stand_beside_each_other_and_tell_their_true_place(facts: Facts) -> None:
    rows = over_x(facts, first_view(facts), "figures", RATE).rows
    first, second = rows[0], rows[1]
    assert (first["series"], second["series"]) == ("lock_page", "redo")
    assert first["x"] == second["x"] == 1
    assert first["shifted"] < 1 < second["shifted"]
    assert first["where"] == "profile ia64, cpus 1, dirty_fraction 0.1"


def test_times_are_drawn_on_logarithms_and_rates_from_zero(facts: Facts) -> None:
    view = first_view(facts)
    assert over_x(facts, view, "figures", LATENCY).words["y_scale"]["type"] == "log"
    assert over_x(facts, view, "figures", RATE).words["y_scale"] == {"zero": True}


def test_blue_is_faster_whatever_the_metric(facts: Facts) -> None:
    view = first_view(facts)
    by_rate = {row["where"]: row["gain"] for row in ratio_map(facts, view, RATE).rows}
    by_latency = {row["where"]: row["gain"] for row in ratio_map(facts, view, LATENCY).rows}
    at = "profile ia64, cpus 16, dirty_fraction 0.1"
    assert by_rate[at] > 0.05
    assert by_latency[at] > 0.05
    assert ratio_map(facts, view, LATENCY).words["gain_label"] == "format(exp(-1*datum.value),'.2f')"


def test_turns_lie_at_ratio_one_between_their_neighbours(facts: Facts) -> None:
    rows = [row for row in ratios(facts, first_view(facts), RATE).rows if row["kind"] == "turn"]
    assert len(rows) == 4
    for row in rows:
        assert 4 <= row["low_x"] <= row["x"] <= row["high_x"] <= 8
        assert row["y"] == 1


def test_curves_are_of_one_value_of_the_axis(facts: Facts) -> None:
    view = first_view(facts)
    rows = curves(facts, view, "putback").rows
    assert {row["where"].split(", ")[1] for row in rows} == {"cpus 16"}
    named = [row for row in rows if row["is_named"]]
    assert {row["tail"] for row in named} == {0.5, 0.1, 0.01, 0.001}
    view["at"] = 0
    assert max(row["ns"] for row in curves(facts, view, "putback").rows) == 1900


def test_parts_of_a_time_are_shares_of_its_whole(facts: Facts) -> None:
    rows = spent(facts, first_view(facts), "putback").rows
    first = [row for row in rows if row["order"] == 0 and row["series"] == "redo"]
    assert [row["part"] for row in first] == ["work", "lru_lock spin"]
    assert math.isclose(sum(row["of_total"] for row in first), 1, rel_tol=1e-3)


def test_an_interval_of_what_cannot_be_negative_is_drawn_from_zero(facts: Facts) -> None:
    below = facts["tables"]["figures"]["values"][RATE] | {"low": [-1.0] * 40}
    table = facts["tables"]["figures"] | {"values": {RATE: below}}
    rows = over_x(facts | {"tables": {"figures": table}}, first_view(facts), "figures", RATE).rows
    assert {row["drawn_low"] for row in rows} == {0}
    assert {row["low"] for row in rows} == {-1.0}


def test_the_map_keeps_the_order_of_its_axis_where_points_are_missing(facts: Facts) -> None:
    assert ratio_map(facts, first_view(facts), RATE).words["x_values"] == [1, 2, 4, 8, 16]
