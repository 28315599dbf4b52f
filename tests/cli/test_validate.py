"""`perfsim validate`: truths of the shipped files and of the user's own, in every format, and what the status says."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Perfsim = Callable[..., tuple[int, str, str]]

KEYS = [
    *("chapter", "case", "quantity", "expected", "expected_low", "expected_high"),
    *("simulated", "low", "high", "error", "verdict"),
]
PROFILE = "{name: mine, extends: ideal, spinlock: {algorithm: ideal, order: fifo, handoff_per_waiter: 20ns}}\n"
HANDED_ON = """\
cases:
  - name: handed-on
    profile: mine.yaml
    set: {machine.cpus: 12, tasks.cpus.think: {exponential: 2us}, tasks.cpus.hold: {exponential: 100ns}}
    expect: {X: 5.1579788, W: 226.49268}
"""
FINDING = """\
cases:
  - name: found
    about: eight CPUs against one
    source: nobody
    why: it was made up
    exact: false
    set: {measure.duration: 100us}
    runs: {one: {set: {machine.cpus: 1}}, eight: {set: {machine.cpus: 8}}}
    expect: {eight.X / one.X: {is: 9, within: 5%}, eight.X / eight.U: [9, 11]}
  - {name: later, not_run: nobody has measured it}
"""


def results_of(text: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(text)["results"]
    return results


def written(text: str) -> str:
    Path("cases.yaml").write_text(text, encoding="utf-8")
    return "cases.yaml"


def test_fixed_rounds_hold_on_both_engines_and_the_table_says_so(perfsim: Perfsim) -> None:
    status, out, _ = perfsim("validate", "--only", "A7-16", "--jobs", "1")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "A. Exact queueing theory"
    assert lines[1].split() == ["case", "quantity", "expected", "simulated", "99", "%", "interval", "error", "verdict"]
    assert [line.split()[:3] for line in lines if line.startswith("A7")] == [["A7-16", "X", "10"]]
    assert sum("row by simpy" in line for line in lines) == 1
    assert lines[-1] == "exact: 0 miss, 6 hold; 2 runs, 1 begun by both engines"
    assert max(map(len, lines)) <= 100


def test_a_truth_of_ones_own_with_a_profile_of_ones_own_is_held_exactly(perfsim: Perfsim) -> None:
    Path("mine.yaml").write_text(PROFILE, encoding="utf-8")
    status, out, _ = perfsim("validate", "--file", written(HANDED_ON), "--format", "json", "--jobs", "1")
    assert status == 0
    found = results_of(out)
    assert [list(one) for one in found] == [KEYS] * 4
    assert [one["quantity"] for one in found] == ["X", "W", "row by simpy", "broken laws"]
    assert {one["verdict"] for one in found} == {"holds"}
    assert found[0]["expected"] == 5.1579788
    assert (found[0]["high"] - found[0]["low"]) / 2 <= 0.005 * found[0]["simulated"]
    assert (found[1]["high"] - found[1]["low"]) / 2 <= 0.01 * found[1]["simulated"]


def test_a_hand_off_of_twice_the_cost_is_a_miss(perfsim: Perfsim) -> None:
    Path("mine.yaml").write_text(PROFILE.replace("20ns", "40ns"), encoding="utf-8")
    of_throughput = written(HANDED_ON.replace(", W: 226.49268", ""))
    status, out, _ = perfsim("validate", "--file", of_throughput, "--jobs", "1")
    assert status == 1
    assert out.splitlines()[-1].startswith("exact: 1 miss, 2 hold; ")
    assert out.splitlines()[3].split()[-1] == "MISSES"


def test_a_finding_that_is_not_reproduced_is_told_with_its_reason_and_is_no_failure(perfsim: Perfsim) -> None:
    status, out, _ = perfsim("validate", "--file", written(FINDING), "--jobs", "1")
    assert status == 0
    assert "not reproduced" in out
    assert "found: eight CPUs against one. Source: nobody. Why: it was made up." in out
    assert "later: Not run: nobody has measured it." in out
    assert (
        out.splitlines()[-1] == "exact: 0 miss, 1 hold; published: 1 reproduced, 1 not reproduced, 1 not run; 10 runs"
    )
    strict = FINDING.replace("    exact: false\n", "").replace("    why: it was made up\n", "")
    status, out, _ = perfsim("validate", "--file", written(strict), "--jobs", "1")
    assert status == 1
    assert out.splitlines()[-1].startswith("exact: 1 miss, 2 hold; published: 1 not run; ")


def test_csv_and_markdown_have_the_same_figures(perfsim: Perfsim) -> None:
    command = ("validate", "--file", written(FINDING), "--jobs", "1", "--format")
    head, *rows = csv.reader(io.StringIO(perfsim(*command, "csv")[1]))
    assert head == KEYS
    assert [row[1] for row in rows] == ["found", "found", "later", "every run"]
    markdown = perfsim(*command, "markdown")[1]
    assert "| found     | eight.X / one.X" in markdown
    assert f"{float(rows[0][head.index('simulated')]):.4g}" in markdown


def test_one_engine_can_be_asked_for_alone(perfsim: Perfsim) -> None:
    found = {
        engine: results_of(
            perfsim("validate", "--only", "A7-4", "--engine", engine, "--format", "json", "--jobs", "1")[1]
        )
        for engine in ("compiled", "simpy")
    }
    assert found["compiled"] == found["simpy"]
    assert [one["quantity"] for one in found["simpy"]] == ["X", "U", "W", "P(wait)", "broken laws"]


@pytest.mark.parametrize(
    "words, told",
    [
        (("--only", "A55"), '--only: no case is called "A55" or begins so; expected one such as A1, A2'),
        (("--only", "A7-16", "--only", "A7-1"), '--only: no case is called "A7-1" or begins so; expected one such as'),
        (("--only", ""), "--only: no case is called"),
        (("--file", "none.yaml"), "none.yaml: cannot read it: no such file"),
        (("--file", ""), "--file: is empty; expected a YAML file of your own truths"),
        (("--file", "."), ".: it is a directory; expected a YAML file"),
        (("--engine", "fast"), "--engine: "),
        (("--jobs", "0"), "--jobs: 0 worker processes"),
        (("--format", "xml"), "Invalid value for '--format'"),
        (("A1",), "unexpected extra argument"),
    ],
)
def test_bad_input_is_told_in_one_line(perfsim: Perfsim, words: tuple[str, ...], told: str) -> None:
    status, out, err = perfsim("validate", *words)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_bad_case_is_told_with_its_place_before_anything_runs(perfsim: Perfsim) -> None:
    bad = "cases:\n  - {name: a, set: {machine.cpus: 0}, expect: theory}\n"
    status, out, err = perfsim("validate", "--file", written(bad))
    assert (status, out) == (2, "")
    assert err == "cases.yaml:2:35: machine.cpus: 0 is out of range; expected a whole number from 1 to 1,024\n"
