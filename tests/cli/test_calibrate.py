"""`perfsim calibrate`, on whatever machine and with whatever noise: what must hold all the same."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfsim.calibrate import agreement, bench, calibration, contention, core, pages
from perfsim.calibrate.here import cores_of_largest_socket, look_around
from perfsim.calibrate.locks import LOCKS
from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import load_profile

Perfsim = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time for the clock to settle, and less memory to fill: nothing here depends on how fast the machine is."""
    monkeypatch.setattr(bench, "SETTLING_NS_MAX", 0)
    monkeypatch.setattr(calibration, "PASSES", 1)
    monkeypatch.setattr(pages, "REGION_BYTES_MAX", 2**25)
    monkeypatch.setattr(core, "CHASE_BYTES_MAX", 2**25)


def test_the_profile_written_is_one_that_is_shown_and_run_with(perfsim: Perfsim, tiny: tuple[str, ...]) -> None:
    status, out, err = perfsim("calibrate", "--out", "my machine.yaml", "--format", "csv")
    assert (status, err.splitlines()[-1][:20]) == (0, "my machine.yaml: the")
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(out))}
    profile = load_profile("my machine.yaml")
    assert profile.name == "my_machine"
    for index, name in enumerate(COST_NAMES):
        source = profile.sources[name]
        if name != "prefetch_hidden":
            assert round(float(rows[name]["best_ns"]) * 1000) == profile.best_ps[index]
            assert rows[name]["from"] in ("measured", "x86_64_modern")
            assert ("measured 2" in source) == (rows[name]["from"] == "measured"), (name, source)
    assert perfsim("profiles", "show", "my machine.yaml")[0] == 0
    assert perfsim("run", "quickstart", "--profile", "my machine.yaml", *tiny)[0] == 0


def test_a_place_that_can_hold_no_profile_is_refused_before_anything_is_measured(perfsim: Perfsim) -> None:
    Path("there.yaml").mkdir()
    for out, problem in (
        ("mine.txt", '--out: "mine.txt" is no name of a profile; expected a .yaml file'),
        ("", '--out: "" is no name of a profile; expected a .yaml file'),
        ("there.yaml", "there.yaml: is there and is no file; expected a file to be written"),
        ("nowhere/mine.yaml", "nowhere/mine.yaml: cannot be written: No such file or directory; expected a place"),
        ("/proc/mine.yaml", "/proc/mine.yaml: cannot be written: "),
    ):
        status, told, err = perfsim("calibrate", "--out", out)
        assert (status, told, err.count("\n")) == (2, "", 1)
        assert err.startswith(problem)


@pytest.fixture
def one_cpu() -> Iterator[None]:
    """May run on one CPU alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("one_cpu")
def test_one_cpu_has_nothing_between_cpus_and_no_check(perfsim: Perfsim) -> None:
    status, out, _ = perfsim("calibrate", "--format", "json")
    answer = json.loads(out)
    rows = {row["key"]: row for row in answer["costs"]}
    assert status == 0
    assert "one CPU: nothing between CPUs can be measured" in answer["notes"]
    for key in ("llc_transfer", "socket_transfer", "ipi", "tlb_shootdown_base", "line_service"):
        assert (rows[key]["from"], rows[key]["spread"]) == ("x86_64_modern", None)
    assert perfsim("calibrate", "--check", "--profile", "x86_64_modern") == (
        2,
        "",
        "--check: there is one core to run on, where no two CPUs meet at a lock; expected two or more\n",
    )


def test_the_check_answers_by_its_table_and_its_status_whatever_the_machine_does(
    perfsim: Perfsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "SETTINGS", agreement.SETTINGS[:1])
    monkeypatch.setattr(agreement, "DURATION", "2ms")
    monkeypatch.setattr(contention, "RUNS", 10)
    words = ("--profile", "x86_64_modern", "--png", "pictures", "--format", "json")
    status, out, err = perfsim("calibrate", "--check", *words)
    if len(cores_of_largest_socket(look_around().cpus)) == 1:
        assert status == 2
        return
    answer = json.loads(out)
    verdict = answer["notes"][-1]
    assert verdict.startswith("accepted" if status == 0 else ("not accepted", "cannot tell"))
    assert {case["lock"] for case in answer["cases"]} == set(LOCKS)
    assert err.splitlines()[-1] == "pictures: 2 files, such as locks.svg"
    assert Path("pictures/locks.png").is_file()


def test_options_that_contradict_each_other_are_refused_in_a_line(perfsim: Perfsim) -> None:
    for words, problem in (
        (("--profile", "ia64"), "--profile: says how to check; expected --check beside it"),
        (("--png", "pictures"), "--png: says how to check; expected --check beside it"),
        (("--check", "--profile", "ia64", "--out", "a.yaml"), "--out: does not go with --profile, which is measured"),
        (("--check", "--profile", "ia65"), '--profile: no profile is called "ia65"'),
    ):
        status, out, err = perfsim("calibrate", *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(problem)
