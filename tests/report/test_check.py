"""What `check` answers, from results on disk to text: verdicts with their evidence, and what is unlike the baseline."""

import csv
import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from perfsim.errors import InputError
from perfsim.report.check import NAMED_MAX, check
from perfsim.report.limits import Allowed
from perfsim.scenario.validate import load_scenario
from perfsim.stats.comparison import columns_for
from perfsim.stats.regression import Answer
from perfsim.sweep.baseline import update_baseline
from tests.report.checking import ALIKE, P99, SCANNED, by_hand, checked, figures, scenario, stored
from tests.sweep.stored import rows_of, store

SLOWER = (0.9, 1.0, 1.1, 1.0)


def test_each_point_design_and_metric_has_a_verdict_with_its_evidence_the_worst_first(tmp_path: Path) -> None:
    throughput, latency = checked(tmp_path, SLOWER).text("table").split("\n\n")
    caption, heads, _, first, second, *rest = throughput.splitlines()
    assert caption == "mlock_heavy: reclaim_scanned_per_s"
    assert heads.split() == [
        *(
            "profile",
            "cpus",
            "design",
            "baseline",
            "now",
            "ratio",
            "95",
            "%",
            "interval",
            "allowed",
            "pairs",
            "verdict",
        ),
    ]
    cells = re.match(r"ia64 +1 +redo +1,000 +900 +0\.900 +\[(0\.\d+), (0\.\d+)\] +0\.970 +3 +regressed$", first)
    assert cells is not None
    assert float(cells[1]) < 0.9 < float(cells[2]) < 0.97
    assert re.search(r"x86_64 +4 +lock_page .* 3  cannot tell: \d+ more would do$", second)
    assert [line.split()[-1] for line in rest[1:6]] == ["fine"] * 5
    assert rest[6].startswith("lock_page, all points together: ratio to the baseline 0.999 [")
    assert "; allowed is at least 0.97: " in rest[6]
    assert latency.startswith("mlock_heavy: putback_latency_p99_ns\n")
    assert "1.000  [0.985, 1.016]    1.050" in latency
    assert "\nmlock_heavy: regressed: regressed 1, cannot tell " in latency
    assert "Holm" in latency
    assert "1/64" in latency


def test_scripts_get_every_figure(tmp_path: Path) -> None:
    found = checked(tmp_path, SLOWER)
    content = json.loads(found.text("json"))
    assert (content["verdict"], found.answer, found.is_regressed) == ("regressed", Answer.REGRESSED, True)
    assert len(content["points"]) == 4 * 2 * 2
    assert len(content["together"]) == 2 * 2
    (worst,) = [one for one in content["points"] if one["verdict"] == "regressed"]
    assert (worst["metric"], worst["design"], worst["machine.profile"]) == (SCANNED, "redo", "ia64")
    assert (worst["old_mean"], worst["ratio"]) == pytest.approx((1000, 0.9), rel=1e-4)
    assert (worst["allowed"], worst["pairs"], worst["reason"]) == (pytest.approx(0.97), 3, "")
    assert worst["p"] <= 0.05
    lines = list(csv.DictReader(io.StringIO(found.text("csv"))))
    assert [float(line["ratio"]) for line in lines] == [one["ratio"] for one in content["points"]]
    assert len(re.findall(r"\n\| x86_64 +\| +4 \| ", found.text("markdown"))) == 4


def test_equal_results_are_fine_and_said_to_be_equal(tmp_path: Path) -> None:
    found = by_hand(tmp_path, "0%")
    assert {one.judged.answer for one in found.points if one.judged.metric == SCANNED} == {Answer.FINE}
    assert found.summary()[1] == "nothing that is checked has changed in 24 runs, to the last digit"
    assert len(check(stored(tmp_path / "other", SLOWER), str(tmp_path / "now"), []).summary()) == 1


def test_a_baseline_file_stands_for_the_results_it_was_made_of(tmp_path: Path) -> None:
    before, now = stored(tmp_path / "before"), stored(tmp_path / "now", SLOWER)
    file = str(tmp_path / "baseline.json")
    update_baseline(file, before, columns_for([SCANNED, P99]))
    by_file, by_directory = (json.loads(check(now, name, []).text("json")) for name in (file, before))
    assert by_file["points"] == by_directory["points"]
    assert by_file["verdict"] == "regressed"
    with pytest.raises(
        InputError, match=r'baseline\.json: there is no "putback_per_s" in the baseline, only reclaim_sc'
    ):
        check(now, file, [Allowed("putback_per_s", "3%")])


def test_points_designs_and_replications_without_a_partner_are_named(tmp_path: Path) -> None:
    before = stored(tmp_path / "before", ALIKE, "sweep.axes={machine.cpus: [1, 4, 8], machine.profile: [ia64]}")
    now = stored(tmp_path / "now", ALIKE, "sweep.replications=4", "kernel.designs=[redo, redo_merged]")
    found = check(now, before, [])
    assert {one.judged.design for one in found.points} == {"redo"}
    content = found.records()
    assert content["unmatched"][0] == {"results": before, "machine.cpus": 8, "machine.profile": "ia64"}
    assert {one["machine.profile"] for one in content["unmatched"] if one["results"] == now} == {"x86_64"}
    notes = "\n".join(content["notes"])
    assert f"only in {before}: cpus 8, profile ia64" in notes
    assert f"only in {now}: profile x86_64, cpus 1" in notes
    assert f"{now}: only there, and left out: 1 of its replications" in notes
    assert f"{before}: only there, and left out: 1 point, lock_page" in notes


def test_of_many_points_without_a_partner_people_are_told_some(tmp_path: Path) -> None:
    cpus = ", ".join(map(str, range(1, 21)))
    now = stored(tmp_path / "now", ALIKE, f"sweep.axes={{machine.profile: [ia64], machine.cpus: [{cpus}]}}")
    found = check(now, stored(tmp_path / "before"), [])
    assert len(found.unmatched) == 18 + 2
    assert sum(note.startswith("only in ") for note in found.notes) == NAMED_MAX


def test_what_has_changed_beside_the_figures_is_explained(tmp_path: Path) -> None:
    before, now = Path(stored(tmp_path / "before")), stored(tmp_path / "now")
    manifest = json.loads((before / "sweep.json").read_text(encoding="utf-8"))
    changed = {"perfsim_version": "0.0.9", "workload": "slowstart", "settings": {"measure.duration": "1ms"}}
    (before / "sweep.json").write_text(json.dumps(manifest | changed), encoding="utf-8")
    manifest = json.loads((Path(now) / "sweep.json").read_text(encoding="utf-8"))
    (Path(now) / "sweep.json").write_text(json.dumps(manifest | {"settings": {"sweep.seed": "1"}}), encoding="utf-8")
    notes = check(now, str(before), []).notes
    assert re.fullmatch(r"perfsim was 0\.0\.9, is \d.*", notes[0])
    assert notes[1:] == (
        "the workload was slowstart, is mlock_heavy",
        "the workload was changed: measure.duration was 1ms, is not set",
        "the workload was changed: sweep.seed was not set, is 1",
    )


def test_an_unfinished_sweep_is_checked_as_far_as_it_is_and_said_to_be_so(tmp_path: Path) -> None:
    made = scenario()
    now = str(store(tmp_path / "now", made, rows_of(made, figures(ALIKE))[:-1]))
    notes = check(now, stored(tmp_path / "before"), []).notes
    assert f"{now}: unfinished, 23 of 24 runs are there; perfsim sweep goes on" in notes


def test_one_replication_has_no_interval_and_is_told_so(tmp_path: Path) -> None:
    now = stored(tmp_path / "now", SLOWER, "sweep.replications=1")
    found = check(now, stored(tmp_path / "before"), [])
    assert found.answer is Answer.CANNOT_TELL
    row = next(line for line in found.text("table").splitlines() if " redo " in line).split()
    assert row == [
        "ia64",
        "1",
        "redo",
        "999",
        "899.1",
        "0.900",
        "-",
        "0.970",
        "1",
        *["cannot", "tell:", "no", "interval:", "1", "pair"],
    ]
    assert {one["low"] for one in found.records()["points"]} == {None}


def test_one_design_alone_is_checked_like_many(tmp_path: Path) -> None:
    now = stored(tmp_path / "now", SLOWER, "kernel.designs=[redo]")
    assert check(now, now, []).answer is not Answer.REGRESSED
    assert check(now, stored(tmp_path / "before"), []).is_regressed


def refusal(results: str, baseline: str) -> str:
    with pytest.raises(InputError) as refused:
        check(results, baseline, [])
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_is_missing_foreign_or_has_nothing_in_common_is_refused(tmp_path: Path) -> None:
    now = stored(tmp_path / "now")
    nowhere = str(tmp_path / "nowhere")
    assert refusal(nowhere, now) == f"{nowhere}: no such file; expected results that perfsim sweep wrote"
    assert refusal(now, nowhere) == f"{nowhere}: no such file; expected a baseline: --update-baseline writes one"
    assert refusal(now, "").startswith("--baseline: is empty; expected")
    (tmp_path / "foreign.json").write_text('{"runs": []}', encoding="utf-8")
    assert "foreign.json: no baseline of perfsim; expected" in refusal(now, str(tmp_path / "foreign.json"))
    (tmp_path / "text").write_text("text", encoding="utf-8")
    assert "text: damaged, or no Parquet file at all" in refusal(now, str(tmp_path / "text"))
    other = stored(tmp_path / "other", ALIKE, "sweep.seed=9")
    assert f"no run of it has the point, design, seed and replication of one in {other}" in refusal(now, other)
    other = stored(tmp_path / "axes", ALIKE, "sweep.axes={machine.nodes: [1, 2]}")
    assert "now: other axes: " in refusal(now, other)
    table = pq.read_table(Path(now) / "runs.parquet")
    pq.write_table(table.drop_columns([P99]), tmp_path / "older")
    assert f'older: there is no column "{P99}"' in refusal(now, str(tmp_path / "older"))


def test_results_without_rules_take_them_from_the_command(tmp_path: Path) -> None:
    made = load_scenario("quickstart", ["sweep.replications=2"])
    now = str(store(tmp_path / "now", made, rows_of(made, figures(ALIKE))))
    assert refusal(now, now).startswith(f"{now}: the workload has no section check; expected --max-regression")
    assert check(now, now, [Allowed("", "3%")]).answer is Answer.FINE
