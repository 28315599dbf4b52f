"""The benchmark's figures have the names that another run is compared by, and its tables say which target is missed."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import bench, bench_engines
from scripts.bench_table import Case, Cases, Column, Effort, Section, compared, table, target

SECTION = Section("speed", (Column("per_s", "/s", is_compared=True), Column("window_us", "us")), lambda _: {})
LOCK_FIGURES = {"naive_per_s", "reference_per_s", "compiled_per_s", "cpp_per_s", "compiled_to_cpp", "compiled_to_naive"}
QUICK = ("--repeats", "1", "--seconds", "0.01")


@pytest.fixture
def without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has none: nothing is built."""
    monkeypatch.setenv("CXX", "no-such-compiler")


def test_cheap_sections_write_all_their_figures_and_are_compared(
    without_a_compiler: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "figures.json"
    monkeypatch.setattr(bench_engines, "CPUS_OF_LOCKS", (2, 4))
    monkeypatch.setattr(bench_engines, "START_PS", 20 * bench_engines.PS_PER_US)
    only = ("--only", "locks", "--only", "startup", *QUICK)
    bench.main([*only, "--json", str(file)])
    figures = json.loads(file.read_text())
    assert set(figures["machine"]) == {"cpu", "cores", "python", "numba", "perfsim", "load"}
    assert list(figures["sections"]) == ["locks", "startup"]
    locks = figures["sections"]["locks"]["2 CPUs"]
    assert set(locks) > LOCK_FIGURES
    assert locks["compiled_to_naive"] > 0
    assert figures["sections"]["startup"]["perfsim --version"]["seconds"] > 0
    capsys.readouterr()
    bench.main(["--only", "locks", *QUICK, "--against", str(file)])
    answer = capsys.readouterr()
    assert "this / other" in answer.out
    assert "locks: 4 CPUs" in answer.out
    assert "startup:" not in answer.out
    assert "no-such-compiler" in answer.err


def test_both_engines_start_from_one_instant_and_the_windows_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One small workload stands for all. That both count the same events in one window is asserted as they run."""
    monkeypatch.setattr(bench_engines, "CPUS_OF_MLOCK_HEAVY", ())
    monkeypatch.setattr(bench_engines, "shipped_workloads", lambda: {"quickstart": Path()})
    cases = bench_engines.workloads(Effort(repeats=1, seconds=0.01))
    case = cases["quickstart, 4 CPUs"]
    assert 0 < case["reference_window_us"] <= case["compiled_window_us"]
    assert case["ratio_min"] <= case["ratio"] <= case["ratio_max"]
    assert {column.key for column in bench.SECTIONS["workloads"].columns} <= set(case)


@pytest.mark.parametrize(
    "wanted, words",
    [
        (target(2, 3, at_least=True), "at least 3, below target"),
        (target(3, 3, at_least=True), "at least 3"),
        (target(4, 3, at_least=False), "at most 3, above target"),
        (target(None, 3, at_least=True), "at least 3"),
    ],
)
def test_a_target_stands_at_the_end_of_the_line_with_a_word_where_it_is_missed(
    wanted: dict[str, Any], words: str
) -> None:
    lines = table(SECTION, {"mlock_heavy": {"per_s": 1234567, "target": wanted}}).splitlines()
    assert lines[0] == "speed"
    assert lines[2].split() == ["mlock_heavy", "1,234,567", "-", *words.split()]


def test_two_runs_are_compared_by_the_figures_that_both_have() -> None:
    now: dict[str, Cases] = {"speed": {"a": {"per_s": 30, "window_us": 7}, "b": {"per_s": 1}, "c": {"per_s": None}}}
    then: dict[str, Cases] = {"speed": {"a": {"per_s": 20, "window_us": 5}, "c": {"per_s": 1}}, "gone": {}}
    lines = compared({"speed": SECTION}, now, then).splitlines()
    assert [line.split() for line in lines[2:]] == [["speed:", "a", "per_s", "20", "30", "1.500"]]
    nothing: Case = {}
    assert compared({"speed": SECTION}, now, {"speed": {"a": nothing}}) == "the two runs have no figure in common\n"


@pytest.mark.parametrize("content", ["not JSON", "[]", "{}"])
def test_a_file_that_is_no_result_is_refused_before_anything_is_measured(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    with pytest.raises(SystemExit):
        bench.main(["--against", str(file)])
    assert f"--against {file}" in capsys.readouterr().err


@pytest.mark.parametrize("window_ps, expected", [(1.04e9, 1e9), (1.3e9, 1.5e9), (8.9e9, 1e10), (1, 2e7)])
def test_a_window_is_the_nearest_round_number_of_picoseconds(window_ps: float, expected: float) -> None:
    assert bench_engines.rounded(window_ps) == expected
