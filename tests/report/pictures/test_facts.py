"""Facts: every figure of the pictures is that of the results, and of compare."""

import json
import re
from pathlib import Path

import pytest

from perfsim.report.comparison import Asked, compare
from perfsim.report.pictures.facts import Facts, facts_of
from perfsim.report.pictures.material import gather
from tests.report.pictures.made import NO_AXIS, figures, material_of, results, scenario_of
from tests.sweep.stored import rows_of

METRIC = "reclaim_scanned_per_s"


@pytest.fixture(scope="module")
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    return results(tmp_path_factory.mktemp("facts") / "made")


@pytest.fixture(scope="module")
def facts(name: str) -> Facts:
    return facts_of(gather(Asked(name)))


def test_facts_are_plain_json(facts: Facts) -> None:
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_whole_values_of_an_axis_are_written_alike_in_both_languages(tmp_path: Path) -> None:
    (axis,) = facts_of(material_of(tmp_path / "a", "sweep.axes={memory.dirty_fraction: [0, 0.5]}"))["axes"]
    assert list(map(str, axis["values"])) == ["0", "0.5"]


def test_ratios_and_verdicts_are_those_of_compare(name: str, facts: Facts) -> None:
    points = [point for point in compare(Asked(name)).records()["points"] if point["metric"] == METRIC]
    found = facts["tables"]["ratios"]["values"][METRIC]
    assert found["y"] == [pytest.approx(point["ratio"], rel=1e-3) for point in points]
    assert found["low"] == [pytest.approx(point["low"], rel=1e-3) for point in points]
    words = [facts["tables"]["ratios"]["words"][number] for number in found["verdict"]]
    assert [word.partition(":")[0] for word in words] == [point["verdict"] for point in points]
    assert {"faster", "slower"} <= set(words)


def test_means_have_intervals_over_replications(facts: Facts) -> None:
    found = facts["tables"]["figures"]["values"][METRIC]
    assert len(found["y"]) == 2 * 20
    assert found["y"][0] == pytest.approx(1e5, rel=5e-3)
    assert all(low < y < high for y, low, high in zip(found["y"], found["low"], found["high"], strict=True))


def test_where_the_time_goes_sums_to_the_whole(facts: Facts) -> None:
    parts = dict(facts["tables"]["spent"]["values"]["putback"])
    total = parts.pop("total")
    assert list(parts) == ["work", "lru_lock spin"]
    for at, whole in enumerate(total):
        assert sum(values[at] for values in parts.values()) == pytest.approx(whole, rel=1e-3)
    assert total[0] == 100.0


def test_turns_are_told_with_the_lines_of_compare(name: str, facts: Facts) -> None:
    turns = facts["turns"][METRIC]["turns"]
    assert all(re.fullmatch(r"redo: slower below [5-7][.\d]*, \w+ above", turn["verdict"]) for turn in turns)
    assert len(turns) == 4
    assert all(4 < turn["place"][0] < 8 for turn in turns)
    assert facts["turns"][METRIC]["lines"][0] in compare(Asked(name)).text("table")


def test_columns_without_a_value_are_not_offered(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS)
    gone: dict[str, object] = {
        "faults_per_s": None,
        "migrated_per_s": 0.0,
        "putback_latency_p99_ns": None,
        "putback_latency_hist": [],
    }
    rows = [row | gone for row in rows_of(scenario, figures)]
    facts = facts_of(gather(Asked(results(tmp_path / "a", scenario, rows))))
    offered = {choice["key"] for choice in facts["tables"]["figures"]["choices"]}
    assert METRIC in offered
    assert offered.isdisjoint(gone)
    assert "putback" not in facts["tables"]["curves"]["values"]


def test_a_lock_s_wait_is_shared_by_all_who_took_it(facts: Facts) -> None:
    assert facts["tables"]["waits"]["values"]["lru_lock"]["y"][:4] == [100, 100, 200, 200]
    assert facts["tables"]["utilization"]["values"]["lru_lock"]["y"][0] == 0.02


def test_of_several_pairs_each_line_about_turns_says_whose_it_is(tmp_path: Path) -> None:
    material = material_of(tmp_path / "a", designs=("lock_page", "redo", "redo_merged"))
    lines = facts_of(material)["turns"][METRIC]["lines"]
    assert all(line.startswith(("redo turns", "redo: ", "redo_merged: ")) for line in lines)
    assert any(line.startswith("redo_merged: no turn") for line in lines)


@pytest.mark.parametrize(
    "value, shown",
    [
        (1234567.0, 1235000),
        (0.98296, 0.983),
        (0.00012344, 0.0001234),
        (-12.3456, -12.35),
        (999_960.0, 1_000_000),
        (0.3, 0.3),
        (0.0, 0),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_figures_are_told_to_four_digits(value: float, shown: float | None, tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS, "sweep.replications=1")
    rows = [row | {"lru_lock_utilization": value, METRIC: 1.0} for row in rows_of(scenario, figures)]
    rows[0]["lru_lock_utilization"] = 0.5
    found = facts_of(gather(Asked(results(tmp_path / "a", scenario, rows))))["tables"]["utilization"]["values"]
    assert found["lru_lock"]["y"] == [0.5, shown]
    assert type(found["lru_lock"]["y"][1]) is type(shown)
