"""README has a place for each table of the findings, and a table says of its figures how sure they are."""

from pathlib import Path

import pytest
from scipy.stats import t

from scripts.findings import FINDINGS, README, along_cpus, interval, ratio_of, with_table

POINT = {"ratio": 1.25, "low": 1.2, "high": 1.3, "verdict": "faster"}
TEXT = "before\n<!-- scripts/findings: one -->\n```text\nold \\1 table\n```\nafter\n"


def test_readme_has_every_table_once_and_no_other() -> None:
    text = README.read_text(encoding="utf-8")
    named = [line.split()[2] for line in text.splitlines() if line.startswith("<!-- scripts/findings:")]
    assert sorted(named) == sorted(one.__name__ for one in FINDINGS)
    for finding in FINDINGS:
        assert with_table(text, finding.__name__, "new\n") != text


def test_a_table_takes_the_place_of_the_one_that_was_there_and_of_nothing_else() -> None:
    assert with_table(TEXT, "one", "a \\g<0>\n") == TEXT.replace("old \\1 table", "a \\g<0>")
    assert with_table(with_table(TEXT, "one", "x\n"), "one", "old \\1 table\n") == TEXT


@pytest.mark.parametrize("text", ["", TEXT + TEXT])
def test_no_place_or_two_places_for_a_table_are_an_error(text: str) -> None:
    with pytest.raises(LookupError, match="no place, or several, for the table one"):
        with_table(text, "one", "new\n")


def test_a_ratio_comes_with_half_its_interval_and_its_verdict() -> None:
    assert ratio_of(POINT) == "1.250 ±0.050 +"
    assert ratio_of(POINT | {"verdict": "cannot tell"}) == "1.250 ±0.050 ?"
    assert ratio_of(POINT | {"ratio": None}) == "-"
    points = [POINT | {"machine.profile": profile, "machine.cpus": 4} for profile in ("ia64", "x86_64")]
    assert along_cpus(points, "ia64") == [None, "1.250 ±0.050 +", None, None]


def test_a_mean_comes_with_half_its_interval_by_students_t() -> None:
    values = [101.0, 97.0, 104.0, 99.0, 102.0]
    low, high = t.interval(0.95, 4, sum(values) / 5, 2.701851217 / 5**0.5)
    assert interval(values, ".1f") == f"100.6 ±{(high - low) / 2:.1f}"
    assert interval([0, 0, 0], ",.0f") == "0"


def test_the_script_is_the_one_that_readme_names() -> None:
    assert "`scripts/findings`" in README.read_text(encoding="utf-8")
    assert (Path(README).parent / "scripts" / "findings").stat().st_mode & 0o111
