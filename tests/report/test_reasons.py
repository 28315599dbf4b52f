"""Why one design is faster, told from results on disk."""

import json
from pathlib import Path

import pytest

from perfsim.measure.columns import SPENT_BY, SPENT_ON
from perfsim.report.comparison import Asked, compare
from perfsim.scenario.points import Job
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.sweep.stored import rows_of, store

MEAN = "putback_latency_mean_ns"
PUTBACKS = 1000


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("quickstart", ["sweep.axes={machine.cpus: [1, 4]}", "sweep.replications=5"])


def figures(job: Job) -> dict[str, object]:
    """A putback spins less in redo and does a little over, at the second point alone; its work scatters."""
    nanoseconds = dict.fromkeys(SPENT_ON, 0)
    is_faster = job.design == "redo" and job.point.index == 1
    nanoseconds["work"] = 100 + (7 * job.replication + 3 * len(job.design)) % 5
    nanoseconds["lru_lock"] = 60 - 40 * is_faster + job.replication
    nanoseconds["redo"] = 20 * is_faster
    spent = {f"{path}_spent_{part}_ps": 0 for path in SPENT_BY for part in ("total", *SPENT_ON)}
    spent |= {f"putback_spent_{kind}_ps": 1000 * PUTBACKS * ns for kind, ns in nanoseconds.items()}
    spent["putback_spent_total_ps"] = 1000 * PUTBACKS * sum(nanoseconds.values())
    return {**spent, MEAN: float(sum(nanoseconds.values())), "putback_latency_count": PUTBACKS}


@pytest.fixture
def directory(tmp_path: Path, scenario: Scenario) -> str:
    return str(store(tmp_path / "out", scenario, rows_of(scenario, figures)))


def test_each_point_names_what_its_pairs_show_to_differ(directory: str) -> None:
    lines = compare(Asked(directory, metrics=(MEAN,))).text("table").splitlines()
    assert lines[1].endswith("why, ns per putback")
    assert [lines[3].split()[-1], lines[4].split("  ")[-1].strip()] == ["-", "lru_lock spin -40, redo +20"]
    assert lines[-1].startswith("why: the kinds of time that make up most of what the pairs of a point show to differ")


def test_a_metric_that_no_measured_path_makes_has_no_why(directory: str) -> None:
    text = compare(Asked(directory, metrics=("pgscan", MEAN))).text("table")
    assert "why" not in text.partition("\n\n")[0]
    assert "why" in text.partition("\n\n")[2]


def test_scripts_get_the_mean_of_each_kind_that_sum_to_the_metrics_own(directory: str) -> None:
    content = compare(Asked(directory, metrics=(MEAN,))).records()
    assert [(one["machine.cpus"], one["per"]) for one in content["spent"]] == [(1, "putback"), (4, "putback")]
    at_four = content["spent"][1]
    assert [(at_four["new_ns"][kind], at_four["old_ns"][kind]) for kind in ("lru_lock", "redo")] == [(22, 62), (20, 0)]
    for side in ("new", "old"):
        means = at_four[f"{side}_ns"]
        assert list(means) == ["work", "lru_lock", "redo", "total"]
        assert sum(means.values()) == pytest.approx(2 * means["total"])
        assert means["total"] == pytest.approx(content["points"][1][f"{side}_mean"])


def test_a_point_without_a_putback_has_no_mean_for_scripts(tmp_path: Path, scenario: Scenario) -> None:
    rows = [row | {"putback_latency_count": 0} if row["point"] == 0 else row for row in rows_of(scenario, figures)]
    asked = Asked(str(store(tmp_path / "out", scenario, rows)), metrics=(MEAN,))
    first, second = compare(asked).records()["spent"]
    assert (first["new_ns"], first["old_ns"]) == (None, None)
    assert second["new_ns"]["lru_lock"] == 22
    assert json.loads(compare(asked).text("json"))["spent"] == [first, second]


def test_results_of_a_perfsim_that_did_not_tell_are_compared_without(
    tmp_path: Path, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfsim.report.comparison.share_of", lambda _: None)
    directory = str(store(tmp_path / "old", scenario, rows_of(scenario, figures)))
    comparison = compare(Asked(directory, metrics=(MEAN,)))
    assert "why" not in comparison.text("table")
    assert comparison.records()["spent"] == []
