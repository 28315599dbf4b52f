"""Where results come from: the workload beside the rows, its rules, and what differs between two."""

from pathlib import Path

import pytest

from perfsim import __version__
from perfsim.scenario.schema import CheckRule
from perfsim.scenario.validate import load_scenario
from perfsim.sweep.origin import Origin, differences, read_origin
from tests.sweep.stored import rows_of, store


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    scenario = load_scenario("mlock_heavy", ["sweep.axes={machine.cpus: [1, 2]}", "sweep.replications=1"])
    return store(tmp_path / "out", scenario, rows_of(scenario, lambda _: {}))


def test_rules_are_those_of_the_workload_with_the_options_of_the_sweep(directory: Path) -> None:
    found = read_origin(str(directory))
    assert found.rules == (CheckRule("reclaim_scanned_per_s", 30_000), CheckRule("putback_latency_p99_ns", 50_000))
    assert (found.perfsim_version, found.workload) == (__version__, "mlock_heavy")
    manifest = (directory / "sweep.json").read_text(encoding="utf-8")
    option = '"sets": ["check.reclaim_scanned_per_s.max_regression=1%"]'
    (directory / "sweep.json").write_text(manifest.replace('"sets": []', option), encoding="utf-8")
    assert read_origin(str(directory)).rules[0] == CheckRule("reclaim_scanned_per_s", 10_000)


def test_runs_alone_know_their_workload_but_not_the_options(directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes((directory / "runs.parquet").read_bytes())
    assert read_origin(str(copy)) == read_origin(str(directory))._replace(settings={})


def test_results_without_rows_in_a_file_have_no_rules_yet(directory: Path) -> None:
    (directory / "runs.parquet").unlink()
    assert read_origin(str(directory)) == Origin(__version__, "mlock_heavy", {}, ())


def test_what_is_not_known_of_both_does_not_differ() -> None:
    old, new = Origin("1", "a", {"x": "1", "y": "2"}, ()), Origin("1", "a", {"x": "3", "z": "2"}, ())
    assert differences(old, new) == [
        "the workload was changed: x was 1, is 3",
        "the workload was changed: y was 2, is not set",
        "the workload was changed: z was not set, is 2",
    ]
    assert differences(old, new._replace(settings={}, perfsim_version="")) == ["perfsim was 1, is unknown"]
