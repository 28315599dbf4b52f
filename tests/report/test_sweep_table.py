"""What `sweep` answers: the right figures in the right places, and a verdict that they bear out."""

import json
from typing import Any

import pytest

from perfsim.report.render import render
from perfsim.report.sweep_table import ALONE_METRICS, sweep_table
from perfsim.scenario.points import jobs
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.stats.paired import paired_ratio
from tests.measure.rows import made_row

Row = dict[str, Any]

SCANNED = "reclaim_scanned_per_s"
P99 = "putback_latency_p99_ns"
# Validation D2: the ratio is 1.08501033 [1.06216202, 1.10835014].
D2 = {"lock_page": (101.0, 97.0, 104.0, 99.0, 102.0), "redo": (110.0, 104.0, 115.0, 105.0, 112.0)}


@pytest.fixture
def scenario() -> Scenario:
    axes = "sweep.axes={machine.profile: [ia64, x86_64], machine.cpus: [1, 4]}"
    return load_scenario("quickstart", [axes, "sweep.replications=5"])


def measured(scenario: Scenario, point_factors: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> list[Row]:
    """Rows of D2's figures as throughput; at each point `redo` is so many times as fast besides. p99 is constant."""
    rows = []
    for job in jobs(scenario):
        if job.replication == len(D2[job.design]):
            continue
        factor = point_factors[job.point.index] if job.design == "redo" else 1.0
        scanned = D2[job.design][job.replication] * factor
        rows.append(made_row(scenario, job, **{SCANNED: scanned, P99: 250.0}))
    return rows


def as_json(rows: list[Row], scenario: Scenario) -> dict[str, Any]:
    content = json.loads(render(sweep_table(rows, scenario), "json"))
    assert isinstance(content, dict)
    return content


def test_a_point_has_old_new_and_the_paired_ratio_with_its_interval(scenario: Scenario) -> None:
    first = as_json(measured(scenario), scenario)["points"][0]
    assert (first["machine.profile"], first["machine.cpus"]) == ("ia64", 1)
    assert first[f"{SCANNED}.lock_page"] == pytest.approx(100.6)
    assert first[f"{SCANNED}.redo"] == pytest.approx(109.2)
    assert first[f"{SCANNED}.redo/lock_page"] == pytest.approx(1.08501033)
    assert first[f"{SCANNED}.redo/lock_page_low"] == pytest.approx(1.06216202)
    assert first[f"{SCANNED}.redo/lock_page_high"] == pytest.approx(1.10835014)
    assert first[f"{P99}.redo/lock_page"] == 1.0


def test_every_point_has_its_line_in_order_whatever_the_order_of_the_rows(scenario: Scenario) -> None:
    points = as_json(measured(scenario)[::-1], scenario)["points"]
    assert [(point["machine.profile"], point["machine.cpus"]) for point in points] == [
        ("ia64", 1),
        ("ia64", 4),
        ("x86_64", 1),
        ("x86_64", 4),
    ]
    assert points == as_json(measured(scenario), scenario)["points"]


def test_the_verdict_counts_the_points_and_gives_the_mean_ratio(scenario: Scenario) -> None:
    notes = as_json(measured(scenario, (1.0, 0.8, 0.92, 1.2)), scenario)["notes"]
    assert notes[1] == (
        f"{SCANNED}: redo is better at 2, worse at 1, not told apart at 1 of 4 points; "
        "geometric mean of its ratios 1.052"
    )
    assert notes[2] == f"{P99}: redo is not told apart at 4 of 4 points; geometric mean of its ratios 1.000"


def test_a_longer_latency_is_worse(scenario: Scenario) -> None:
    rows = measured(scenario)
    for row in rows:
        row[P99] = D2[row["design"]][row["replication"]]
    assert f"{P99}: redo is worse at 4 of 4 points" in as_json(rows, scenario)["notes"][2]


@pytest.mark.parametrize("p99_ns, verdict", [(253.0, "not told apart"), (247.0, "not told apart"), (255.0, "worse")])
def test_latencies_are_told_apart_only_beyond_a_cell_of_the_histogram(
    scenario: Scenario, p99_ns: float, verdict: str
) -> None:
    rows = measured(scenario)
    for row in rows:
        row[P99] = p99_ns if row["design"] == "redo" else 250.0
    assert f"{P99}: redo is {verdict} at 4 of 4 points" in as_json(rows, scenario)["notes"][2]


def test_one_replication_gives_ratios_and_no_verdict() -> None:
    scenario = load_scenario("quickstart", ["sweep.replications=1"])
    rows = [made_row(scenario, job, **{SCANNED: D2[job.design][0], P99: 250.0}) for job in jobs(scenario)]
    content = as_json(rows, scenario)
    assert content["points"][0][f"{SCANNED}.redo/lock_page"] == pytest.approx(110 / 101)
    assert content["points"][0][f"{SCANNED}.redo/lock_page_low"] is None
    assert "redo is without an interval (it takes 2 replications) at 3 of 3 points" in content["notes"][1]


def test_a_missing_value_is_left_out_of_the_mean_and_leaves_no_ratio(scenario: Scenario) -> None:
    rows = measured(scenario)
    rows[0][P99] = None
    first = as_json(rows, scenario)["points"][0]
    assert (first[f"{P99}.lock_page"], first[f"{P99}.redo/lock_page"]) == (250.0, None)


def test_an_interrupted_sweep_pairs_what_both_designs_have(scenario: Scenario) -> None:
    kept = [row for row in measured(scenario) if row["point"] == 0 and row["run_id"] != "0000redo0002"]
    content = as_json(kept, scenario)
    expected = paired_ratio([110, 104, 105, 112], [101, 97, 99, 102])
    assert expected is not None
    assert [point[f"{SCANNED}.redo/lock_page"] for point in content["points"]] == [pytest.approx(expected.estimate)]
    assert content["caption"] == "quickstart: 4 points, 5 replications, seed 1; incomplete: 9 of 40 runs"


def test_a_design_without_a_run_at_a_point_has_no_value_there(scenario: Scenario) -> None:
    content = as_json([row for row in measured(scenario) if row["design"] == "redo"], scenario)
    assert content["points"][0][f"{SCANNED}.lock_page"] is None
    assert content["points"][0][f"{SCANNED}.redo"] == pytest.approx(109.2)
    assert f"{SCANNED}: redo is without a ratio at 4 of 4 points" in content["notes"]


def test_the_first_design_of_the_workload_is_the_old_one() -> None:
    scenario = load_scenario("quickstart", ["kernel.designs=[redo, lock_page]", "sweep.replications=5"])
    rows = [made_row(scenario, job, **{SCANNED: D2[job.design][job.replication]}) for job in jobs(scenario)]
    point = as_json(rows, scenario)["points"][0]
    assert point[f"{SCANNED}.lock_page/redo"] == pytest.approx(1 / 1.08501033)


def precise(metric: str = SCANNED, relative: str = "4%") -> Scenario:
    """A sweep with a precision over 2 points, from 5 replications on."""
    precision = f"sweep.precision={{metric: {metric}, relative: {relative}, max_replications: 6}}"
    return load_scenario("quickstart", ["sweep.axes={machine.cpus: [1, 4]}", "sweep.replications=5", precision])


def test_a_sweep_with_a_precision_says_where_it_fell_short_and_by_how_much() -> None:
    scenario = precise(relative="2%")
    rows = measured(scenario)
    content = as_json([row for row in rows if row["point"] == 1 or row["replication"] < 4], scenario)
    key = f"{SCANNED}.redo/lock_page_half_width"
    assert [(point["replications"], point[key]) for point in content["points"]] == [
        (4, None),
        (5, pytest.approx(1.10835014 / 1.08501033 - 1)),
    ]
    assert content["caption"] == f"quickstart: 2 points, {SCANNED} to 2% in 5 to 6 replications, seed 1"
    assert "with the deviation of the first 5" in content["notes"][0]
    assert content["notes"][3:] == [
        f"precision: 0 of 2 ratios of {SCANNED} known to 2% "
        "(+-: half the interval, relative to the ratio; *: wider than that)",
        "short of 2%: point 0, machine.cpus=1, redo: without all of its first runs",
        "short of 2%: point 1, machine.cpus=4, redo: 2.15% after 5 replications, about 6 would do",
    ]
    assert " 2.15%*  " in render(sweep_table(rows, scenario), "table")


def test_a_precision_that_is_reached_is_said_in_one_line() -> None:
    scenario = precise()
    notes = as_json(measured(scenario), scenario)["notes"]
    assert [note.split(" (")[0] for note in notes[3:]] == [f"precision: 2 of 2 ratios of {SCANNED} known to 4%"]


def test_another_metric_that_is_to_be_known_closely_is_compared_too() -> None:
    scenario = precise("faults_per_s")
    rows = measured(scenario)
    for row in rows:
        row["faults_per_s"] = 0.0 if row["point"] == 0 else D2[row["design"]][row["replication"]]
    content = as_json(rows, scenario)
    assert content["points"][1]["faults_per_s.redo/lock_page"] == pytest.approx(1.08501033)
    assert "faults_per_s: redo is better at 1, without a ratio at 1 of 2 points" in content["notes"][3]
    assert content["notes"][-1] == (
        "short of 4%: point 0, machine.cpus=1, redo: without a ratio, for faults_per_s is zero or missing"
    )


def test_of_many_points_that_fell_short_the_first_are_listed() -> None:
    axes = f"sweep.axes={{machine.cpus: {list(range(1, 15))}}}"
    precision = f"sweep.precision={{metric: {SCANNED}, relative: 2%, max_replications: 5}}"
    scenario = load_scenario("quickstart", [axes, "sweep.replications=5", precision])
    rows = [made_row(scenario, job, **{SCANNED: D2[job.design][job.replication], P99: 250.0}) for job in jobs(scenario)]
    notes = as_json(rows, scenario)["notes"]
    assert sum(note.startswith("short of 2%: point") for note in notes) == 10
    assert notes[-1] == "short of 2%: 4 more, marked * in the column +-"


def test_a_sweep_of_one_design_shows_throughput_and_locks_without_ratios() -> None:
    scenario = load_scenario("lock_contention", ["sweep.axes={machine.cpus: [2, 4]}", "sweep.replications=2"])
    zeros = dict.fromkeys(ALONE_METRICS, 0) | {P99: None}
    taken = [100, 101, 200, 201]
    rows = [
        made_row(scenario, job, **zeros | {"lru_lock_acquisitions": taken[i]}) for i, job in enumerate(jobs(scenario))
    ]
    assert as_json(rows, scenario)["points"] == [
        {"machine.cpus": 2, "lru_lock_acquisitions": 100.5},
        {"machine.cpus": 4, "lru_lock_acquisitions": 200.5},
    ]


def test_people_read_the_last_part_of_an_axis_unless_two_share_it() -> None:
    axes = "sweep.axes={tasks.reclaimers.share: [25%], tasks.lockers.share: [50%], machine.cpus: [2]}"
    scenario = load_scenario("quickstart", [axes])
    rows = [made_row(scenario, job) for job in jobs(scenario)]
    heads = [head.text for head in sweep_table(rows, scenario).heads]
    assert heads[:4] == ["tasks.reclaimers.share", "tasks.lockers.share", "cpus", "lock_page"]
