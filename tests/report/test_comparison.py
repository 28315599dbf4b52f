"""What `compare` answers, from results on disk to text: the right figures in the right places, and in words."""

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfsim.errors import InputError
from perfsim.report.comparison import Asked, compare
from perfsim.scenario.points import Job
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.sweep.stored import rows_of, store

SCANNED = "reclaim_scanned_per_s"
P99 = "putback_latency_p99_ns"
AXES = "sweep.axes={machine.profile: [ia64, x86_64], machine.cpus: [1, 4, 16]}"
FASTER = (0.9, 1.0, 1.1, 1.0, 1.0, 1.0)
"""Redo's throughput over the old design's, by point."""


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("quickstart", [AXES, "sweep.replications=5"])


def figures(job: Job) -> dict[str, object]:
    """Throughput with a scatter of its own in each run, exact at the last point; p99 all alike."""
    factor = FASTER[job.point.index] if job.design == "redo" else 1.0
    phase = job.point.index + 2 * job.replication + 3 * (job.design == "redo")
    scatter = 0.0 if job.point.index == 5 else 0.001 * math.sin(7 * phase)
    return {SCANNED: 1000 * factor * (1 + scatter), P99: 250.0, "putback_latency_count": 5000}


@pytest.fixture
def directory(tmp_path: Path, scenario: Scenario) -> str:
    return str(store(tmp_path / "out", scenario, rows_of(scenario, figures)))


def records(directory: str, **asked: Any) -> dict[str, Any]:
    content = json.loads(compare(Asked(directory, **asked)).text("json"))
    assert isinstance(content, dict)
    return content


def test_every_metric_and_pair_has_a_table_of_all_points_with_its_answer_in_words(directory: str) -> None:
    throughput, latency = compare(Asked(directory)).text("table").split("\n\n")
    caption, heads, _, first, *rest = throughput.splitlines()
    assert caption == "quickstart: reclaim_scanned_per_s, redo against lock_page"
    assert heads.split() == ["profile", "cpus", "lock_page", "redo", "ratio", "95", "%", "interval", "pairs", "verdict"]
    assert first.split()[:2] == ["ia64", "1"]
    assert first.split()[-2:] == ["5", "slower"]
    assert first.split()[4] == "0.900"
    assert rest[5:7] == [
        "redo against lock_page: faster at 1, slower at 1, same (within 1 %) at 4 of 6 points",
        "6 points together: ratio 0.998 [0.997, 0.999], same",
    ]
    assert latency.splitlines()[0] == "quickstart: putback_latency_p99_ns, redo against lock_page"
    assert "same (within 2.6 %) at 6 of 6 points" in latency
    assert "(Holm 1979)" in latency
    assert "known to 1/64" in latency


def test_turns_are_told_with_their_intervals_and_axes_without_one_too(directory: str) -> None:
    text = compare(Asked(directory)).text("table")
    assert "\nredo turns the same at 3." in text
    assert "] cpus, slower below (profile ia64)\n" in text
    assert "\nredo turns faster at 4." in text
    assert "] cpus, the same below (profile ia64)\n" in text
    assert "(Fieller 1954)" in text
    assert "\nno turn of a verdict is shown along cpus (2 lines of points)\n" in text.split("\n\n")[1]


def test_json_has_points_all_together_and_turns_with_every_digit(directory: str) -> None:
    content = records(directory)
    assert [len(content[part]) for part in ("points", "overall", "turns")] == [12, 2, 2]
    first, last = content["points"][0], content["points"][5]
    assert (first["metric"], first["new"], first["old"]) == (SCANNED, "redo", "lock_page")
    assert (first["machine.profile"], first["machine.cpus"], first["pairs"]) == ("ia64", 1, 5)
    assert first["ratio"] == pytest.approx(0.9, rel=1e-3)
    assert first["low"] < first["ratio"] < first["high"] < 1
    assert (first["verdict"], last["verdict"]) == ("slower", "same")
    assert (last["ratio"], last["low"], last["high"], last["more_replications"]) == (1, 1, 1, None)
    turn = content["turns"][1]
    assert (turn["axis"], turn["machine.profile"], turn["machine.cpus"]) == ("machine.cpus", "ia64", None)
    assert (turn["before"], turn["after"]) == ("same", "faster")
    assert 4 < turn["low"] < turn["at"] < turn["high"] < 16


def test_csv_has_a_line_a_point_and_markdown_the_tables(directory: str) -> None:
    lines = list(csv.DictReader(io.StringIO(compare(Asked(directory)).text("csv"))))
    assert [line["verdict"] for line in lines[:6]] == ["slower", "same", "faster", "same", "same", "same"]
    assert [line["machine.cpus"] for line in lines[:3]] == ["1", "4", "16"]
    assert compare(Asked(directory)).text("markdown").count("\n| ------- | ---: |") == 2
    with pytest.raises(InputError, match="--format"):
        compare(Asked(directory)).text("xml")


def test_of_many_designs_each_is_compared_with_the_base(tmp_path: Path) -> None:
    scenario = load_scenario("quickstart", [AXES], designs=("lock_page", "redo", "redo_merged"))
    directory = str(store(tmp_path / "out", scenario, rows_of(scenario, figures)))
    pairs = {(point["new"], point["old"]) for point in records(directory)["points"]}
    assert pairs == {("redo", "lock_page"), ("redo_merged", "lock_page")}
    pairs = {(point["new"], point["old"]) for point in records(directory, base="redo")["points"]}
    assert pairs == {("lock_page", "redo"), ("redo_merged", "redo")}


def test_two_directories_are_compared_design_by_design(tmp_path: Path, scenario: Scenario, directory: str) -> None:
    slower = [row | {SCANNED: row[SCANNED] * 0.97} for row in rows_of(scenario, figures)]
    after = str(store(tmp_path / "after", scenario, slower))
    content = records(after, other=directory, metrics=(SCANNED,))
    assert {point["verdict"] for point in content["points"]} == {"slower"}
    assert [round(point["ratio"], 6) for point in content["points"]] == [0.97] * 12
    assert {point["new"] for point in content["points"]} == {f"lock_page in {after}", f"redo in {after}"}
    with pytest.raises(InputError, match="--base: two results are compared"):
        compare(Asked(after, directory, base="redo"))


def test_one_replication_has_ratios_no_interval_and_says_so(tmp_path: Path) -> None:
    scenario = load_scenario("quickstart", [AXES, "sweep.replications=1"])
    content = records(str(store(tmp_path / "out", scenario, rows_of(scenario, figures))))
    point = content["points"][0]
    assert point["ratio"] == pytest.approx(0.9, rel=0.01)
    assert (point["low"], point["high"], point["p_same"], point["verdict"]) == (None, None, None, "no interval: 1 pair")
    assert content["overall"][0]["low"] is None


def test_an_unfinished_sweep_is_compared_as_far_as_it_is_and_told(tmp_path: Path, scenario: Scenario) -> None:
    directory = str(store(tmp_path / "out", scenario, rows_of(scenario, figures)[:-7]))
    notes = records(directory)["notes"]
    assert f"{directory}: unfinished, 53 of 60 runs are there; perfsim sweep goes on" in notes
    assert "redo against lock_page: 3 runs without a partner, left out" in notes
    assert [point["pairs"] for point in records(directory)["points"][:6]] == [5, 5, 5, 5, 5, 0]


def test_a_design_that_violates_what_it_does_not_declare_is_told(tmp_path: Path, scenario: Scenario) -> None:
    rows = [row | {"invariant_violations": int(row["design"] == "redo")} for row in rows_of(scenario, figures)]
    notes = records(str(store(tmp_path / "out", scenario, rows)))["notes"]
    assert notes[-1] == "redo: 30 violated invariants that the design does not declare"


@pytest.mark.parametrize(
    "asked, told",
    [
        ({"metrics": ("putback_latency_p98_ns",)}, '--metric: "putback_latency_p98_ns" is no figure'),
        ({"metrics": (SCANNED, SCANNED)}, "--metric: .* is given twice"),
        ({"margin": "0%"}, "--margin: 0: nothing can be shown to be exactly the same"),
        ({"margin": "-1%"}, '--margin: "-1%" is out of range'),
        ({"margin": math.nan}, "--margin: nan is not finite"),
        ({"designs": ("lock_page",)}, "--design: "),
    ],
)
def test_what_cannot_be_asked_is_refused(directory: str, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        compare(Asked(directory, **asked))


def test_a_hundred_thousand_rows_take_no_longer_than_a_breath(tmp_path: Path, scenario: Scenario) -> None:
    """Two seconds of CPU time, the start of the program included."""
    path = store(tmp_path / "out", scenario, rows_of(scenario, figures)) / "runs.parquet"
    rows = pq.read_table(path)
    copies = 1667
    many = pa.concat_tables([rows] * copies).combine_chunks()
    replications = np.asarray(many["replication"]) + 5 * np.repeat(np.arange(copies), len(rows))
    at = many.schema.get_field_index("replication")
    many = many.set_column(at, many.schema.field(at), pa.array(replications))
    pq.write_table(many, path, compression="zstd", write_page_checksum=True)
    words = [sys.executable, "-m", "perfsim", "compare", str(path.parent), "--format", "csv"]
    script = f"import os, subprocess; subprocess.run({words!r}, check=True); print(sum(os.times()[2:4]))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    *lines, cpu_s = ended.stdout.splitlines()
    assert {line["pairs"] for line in csv.DictReader(lines)} == {str(5 * copies)}
    assert float(cpu_s) <= 2
