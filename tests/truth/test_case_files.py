"""Case files: what users may write, and one line at the right place for what is wrong."""

from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.truth.case_files import CaseFile, load_cases, shipped_files
from perfsim.truth.expectations import Form

GOOD = """\
title: mine
cases:
  - name: M1-8
    about: eight CPUs at one lock
    set: {machine.cpus: 8, tasks.cpus.hold: {exponential: 100ns}}
    expect: theory
  - name: M2
    profile: slow.yaml
    replications: 3
    runs:
      few: {set: {machine.cpus: 2}}
      many: {set: {machine.cpus: 8}, workload: mine.yaml}
    expect:
      many.X / few.X: {above: 1}
      many.W: [1, 2]
      few.U: {is: 0.2, within: 1%}
      few.lru_lock_utilization: 0.198
"""
SLOW = "{name: slow, extends: ideal, spinlock: {algorithm: ideal, order: fifo, handoff_fixed: 20ns}}\n"
MINE = """\
name: mine
machine: {profile: ideal, cpus: 2, nodes: 1}
memory: {pages_per_node: 64}
tasks:
  - {name: loops, kind: lock_loop, think: 1us, hold: {exponential: 50ns}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a profile and a workload beside the case file."""
    (tmp_path / "slow.yaml").write_text(SLOW, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(MINE, encoding="utf-8")
    return tmp_path


def loaded(folder: Path, text: str) -> CaseFile:
    path = folder / "cases.yaml"
    path.write_text(text, encoding="utf-8")
    return load_cases(path)


def test_a_case_file_says_what_runs_and_what_must_come_out(folder: Path) -> None:
    one, two = loaded(folder, GOOD).cases
    assert (one.name, one.is_exact, one.is_sized, one.locks) == ("M1-8", True, True, {"": "lru_lock"})
    assert [expected.expression.text for expected in one.expected][:4] == ["X", "U", "W", "P(wait)"]
    assert [run.name for run in two.runs] == ["few", "many"]
    assert [run.scenario.name for run in two.runs] == ["lock_contention", "mine"]
    assert {run.scenario.machine.profile for run in two.runs} == {str(folder / "slow.yaml")}
    assert [expected.form for expected in two.expected] == [Form.ABOVE, Form.BAND, Form.BAND, Form.EXACT]
    assert (two.expected[2].low, two.expected[2].high) == pytest.approx((0.198, 0.202))
    assert not two.is_sized


def test_a_case_that_says_how_long_it_runs_is_not_made_longer(folder: Path) -> None:
    (case,) = loaded(folder, "cases: [{name: a, set: {measure.duration: 1ms}, expect: theory}]").cases
    assert not case.is_sized
    assert case.runs[0].scenario.measure.duration_ps == 10**9


@pytest.fixture(scope="module")
def shipped() -> tuple[CaseFile, ...]:
    return shipped_files()


def test_every_shipped_case_can_be_read_and_has_a_name_of_its_own(shipped: tuple[CaseFile, ...]) -> None:
    names = [case.name for file in shipped for case in file.cases]
    assert len(names) == len(set(names)) > 90
    families = {name.partition("-")[0] for name in names}
    assert families >= {f"A{number}" for number in range(1, 10)}
    assert families >= {f"B{number}" for number in (*range(1, 11), 12, 13)}


def test_every_published_figure_that_may_be_missed_names_its_source(shipped: tuple[CaseFile, ...]) -> None:
    cases = [case for file in shipped for case in file.cases if not case.is_exact and case.runs]
    assert [case.name for case in cases if not (case.source and case.inputs)] == []


BAD = {
    # what is wrong: (text to replace, its replacement, line and column, words of the message)
    "no mapping": ("title: mine\n", "- 1\n", None, "not YAML"),
    "unknown key at the top": ("title: mine", "titel: mine", "1:1", 'unknown key "titel".*did you mean "title"'),
    "no cases": (GOOD[GOOD.index("cases:") :], "", "1:1", "the key cases is missing"),
    "cases empty": (GOOD[GOOD.index("cases:") :], "cases: []", "2:8", "an empty list"),
    "case is a word": ("  - name: M1-8", "  - theory\n  - name: M1-8", "3:5", "where a mapping belongs"),
    "case without a name": ("  - name: M1-8\n", "  - exact: true\n", "3:5", "the key name is missing"),
    "two of one name": ("name: M2", "name: M1-8", "7:11", "a second case.*first is at line 3"),
    "name with spaces": ("name: M2", "name: M 2", "7:11", "letters, digits"),
    "unknown key of a case": ("profile: slow", "profil: slow", "8:5", 'did you mean "profile"'),
    "profile that is nowhere": ("slow.yaml", "slwo.yaml", "8:14", "no such file"),
    "profile of no name": ("slow.yaml", "ideel", "8:14", 'did you mean "ideal"'),
    "workload that is nowhere": ("mine.yaml", "nowhere.yaml", "12:48", "nowhere.yaml.* is no file"),
    "workload of no name": ("mine.yaml", "quikstart", "12:48", 'did you mean "quickstart"'),
    "workload absurdly long": ("mine.yaml", "x" * 300 + ".yaml", "12:48", "is no file beside the cases"),
    "design that is nowhere": ("profile: slow.yaml", "design: none.py", "8:13", "is no file"),
    "setting of no key": ("machine.cpus: 8, tasks", "machine.cpu: 8, tasks", "5:24", 'did you mean "cpus"'),
    "setting of no task": ("tasks.cpus.hold", "tasks.cpu.hold", "5:44", 'no task is named "cpu".*did you mean "cpus"'),
    "setting without a unit": ("{exponential: 100ns}", "100", "5:45", "has no unit"),
    "settings in a list": ("{machine.cpus: 8, tasks.cpus.hold: {exponential: 100ns}}", "[a=1]", "5:10", "a list where"),
    "too many CPUs": ("machine.cpus: 8, tasks", "machine.cpus: 9999, tasks", "5:25", "from 1 to 1,024"),
    "nothing expected": ("    expect: theory\n", "", "3:5", "the key expect is missing"),
    "a word that is not theory": ("expect: theory", "expect: theroy", "6:13", 'did you mean "theory"'),
    "expectation empty": ("expect: theory", "expect: {}", "6:13", "nothing; expected theory, or figures"),
    "quantity of no name": ("expect: theory", "expect: {Y: 1}", "6:14", '"Y" is no quantity'),
    "column misspelt": ("expect: theory", "expect: {pgscam: 1}", "6:14", 'did you mean "pgscan"'),
    "quantity that theory does not tell": ("expect: theory", "expect: {theory: [V]}", "6:23", "does not tell"),
    "run of no name": ("many.W:", "lots.W:", "15:7", "names no run.*few, many"),
    "quantity without a run": ("many.W:", "W:", "15:7", "names no run.*few.X"),
    "ratio of three": ("many.X / few.X", "many.X / few.X / few.U", "14:7", "is no quantity"),
    "limits in the wrong order": ("[1, 2]", "[2, 1]", "15:15", "the lower limit first"),
    "three limits": ("[1, 2]", "[1, 2, 3]", "15:15", "3 numbers; expected two"),
    "value with a unit": ("[1, 2]", "125ns", "15:15", "without a unit: X is per microsecond"),
    "value that is no number": ("[1, 2]", ".nan", "15:15", "nan is no number"),
    "tolerance without a value": ("{is: 0.2, within: 1%}", "{within: 1%}", "16:14", "expected is and within"),
    "tolerance without a unit": ("within: 1%", "within: 0.01", "16:32", "has no unit"),
    "above and below": ("{above: 1}", "{above: 1, below: 2}", "14:23", "above, below; expected"),
    "theory of two runs": ("many.X / few.X: {above: 1}", "theory: [X]", "14:7", "theory is of one workload"),
    "a single run by name": ("      few: {set: {machine.cpus: 2}}\n", "", "11:7", "1 runs; expected 2 to 16"),
    "one replication": ("replications: 3", "replications: 1", "9:19", "from 2 to 1,000"),
    "a reason beside a fault": ("replications: 3", "why: nobody knows", "9:10", "expected exact: false beside it"),
    "exact is a word": ("replications: 3", "exact: maybe", "9:12", "no truth value"),
    "an alias": ("expect: theory", "expect: *one", "6:13", "alias"),
    "a tag": ("expect: theory", "expect: !!python/name:os.system x", "6:13", "tag"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_case_file_is_refused_where_it_is_wrong(name: str, folder: Path) -> None:
    old, new, place, told = BAD[name]
    assert old in GOOD
    with pytest.raises(InputError, match=told) as refused:
        loaded(folder, GOOD.replace(old, new, 1))
    assert "\n" not in str(refused.value)
    if place is not None:
        assert refused.value.place == f"{folder / 'cases.yaml'}:{place}"


@pytest.mark.parametrize(
    "settings, told",
    [
        ("set: {tasks.cpus.think: 900ns, tasks.cpus.hold: {uniform: [1ns, 9ns]}}", "neither think nor hold"),
        ("profile: x86_64", "the steps of profile x86_64 cost time"),
        ("workload: quickstart", "theory knows lock_loop tasks alone"),
        ("profile: slow.yaml, set: {tasks.cpus.think: 900ns}", "a hand-off that takes time, without exponential"),
        ("set: {tasks.cpus.lock: page_lock, tasks.cpus.pages: 4, tasks.cpus.hold: 9ns}", "4 page locks with a hold"),
        ("set: {tasks.cpus.hold: 0ns}", "the hold of task cpus is 0"),
    ],
)
def test_a_workload_without_a_closed_form_is_told_so_in_one_line(settings: str, told: str, folder: Path) -> None:
    with pytest.raises(InputError, match=rf"cases.yaml:1:\d+: a.expect: no theory: .*{told}") as refused:
        loaded(folder, f"cases: [{{name: a, expect: theory, {settings}}}]")
    assert "\n" not in str(refused.value)
