"""What is said of results: compare's own words, and whatever is wrong with the runs."""

from pathlib import Path

from perfsim.report.comparison import Asked, compare
from perfsim.report.pictures.how import how_html
from perfsim.report.pictures.material import gather
from perfsim.report.pictures.provenance import changes, sentences, sources_of, warnings
from perfsim.report.verdicts import overall_line, summary
from tests.report.pictures.made import NO_AXIS, figures, material_of, results, scenario_of
from tests.sweep.stored import rows_of


def test_the_verdict_is_two_sentences_with_the_words_of_compare(tmp_path: Path) -> None:
    name = results(tmp_path / "a")
    told = sentences(gather(Asked(name)))
    assert len(told) == 2
    comparison = compare(Asked(name))
    for sentence, family in zip(told, comparison.families, strict=True):
        assert summary(family, comparison.margin) in sentence
        assert overall_line(family)[0] in sentence
        assert family.metric in sentence


def test_one_design_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    assert sentences(material_of(tmp_path / "a", designs=("redo",))) == [
        "One design, redo: nothing to compare it with."
    ]


def test_everything_wrong_with_the_runs_is_told(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS, "sweep.replications=1")
    wrong = {
        "unsteady": "drift",
        "unsteady_rate": "faults_per_s",
        "unsteady_rate_change": -0.5,
        "unsteady_list": None,
        "invariant_violations": 2,
        "violated_checks": [{"check": "page_lru", "count": 2, "first_ns": 1.0}],
        "stranded_pages": 3,
    }
    rows = [row | wrong for row in rows_of(scenario, figures)]
    material = gather(Asked(results(tmp_path / "a", scenario, rows)))
    (tmp_path / "a" / "runs.parquet.old-0123abcd").touch()
    told = "\n".join(warnings(material, sources_of(material)))
    assert "redo: 2 violated invariants" in told
    assert "violated page_lru 2" in told
    assert "stranded pages 3" in told
    assert "in 2 of 2 runs the measured window is no steady state" in told
    assert "one replication" in told
    assert "set aside, and not in the pictures: runs.parquet.old-0123abcd" in told


def test_an_unfinished_sweep_says_so(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS)
    rows = rows_of(scenario, figures)
    material = gather(Asked(results(tmp_path / "a", scenario, rows[:4])))
    assert any("unfinished, 4 of 6 runs are there" in line for line in warnings(material, sources_of(material)))


def test_how_it_was_run_has_workload_versions_and_the_machine_with_its_sources(tmp_path: Path) -> None:
    material = material_of(tmp_path / "a")
    html = how_html(sources_of(material))
    for part in ("name: quickstart", "workload, SHA-256", "rows, SHA-256", "Python 3.11.7", "lock_page, redo"):
        assert part in html
    assert "Profile ia64: figures and sources" in html
    assert "Schermerhorn 2006" in html


def test_a_profile_that_is_not_here_is_no_reason_to_fail(tmp_path: Path) -> None:
    scenario = scenario_of(NO_AXIS)
    rows = [row | {"profile": "my<box>"} for row in rows_of(scenario, figures)]
    html = how_html(sources_of(gather(Asked(results(tmp_path / "a", scenario, rows)))))
    assert "Profile my&lt;box&gt; is not installed here" in html


def test_two_results_tell_what_differs_in_their_workloads(tmp_path: Path) -> None:
    names = [results(tmp_path / name, scenario_of(NO_AXIS)) for name in ("after", "before")]
    for name, duration in zip(names, ("2ms", "1ms"), strict=True):
        manifest = Path(name) / "sweep.json"
        text = manifest.read_text().replace('"settings": {}', f'"settings": {{"measure.duration": "{duration}"}}')
        manifest.write_text(text)
    found = changes(sources_of(gather(Asked(names[0], names[1]))))
    assert found == [("measure.duration", "measure.duration was 1ms, is 2ms")]
