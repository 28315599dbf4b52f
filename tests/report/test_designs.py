"""The text of two designs side by side, from a comparison made by hand."""

import json

import pytest

from perfsim.errors import InputError
from perfsim.kernel.static.compare import Comparison, PathDifference, WayPair
from perfsim.kernel.static.way import Counts
from perfsim.machine.costs import ATOMIC_LOCAL, COST_NAMES
from perfsim.machine.profile import load_profile
from perfsim.report.designs import DesignsDiff

X86_64 = load_profile("x86_64")
ONE_ATOMIC = Counts(atomics=1, transfers=1, local=tuple(int(cost == ATOMIC_LOCAL) for cost in range(len(COST_NAMES))))
FOUND = Comparison(
    (PathDifference("put_page", "old/swap.py:3", "", ("--- old/swap.py:3", "+++ /dev/null", "@@ -3,1 +0,0 @@", "-x")),),
    (WayPair("put_page", "fast", ONE_ATOMIC, None), WayPair("get_page", "fast", ONE_ATOMIC, ONE_ATOMIC)),
)
DIFF = DesignsDiff(("old", "new"), FOUND, [X86_64])


def test_people_see_the_source_then_the_counts_then_the_prices() -> None:
    text = DIFF.text("table")
    order = ["old -> new: 1 path differs", "put_page(): only in old/swap.py:3", "static costs: ", "x86_64: price"]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "\n-x\n" in text


def test_a_way_that_a_design_does_not_have_is_no_figure() -> None:
    line = next(line for line in DIFF.text("table").splitlines() if line.startswith("put_page  fast"))
    assert line.split()[2:] == ["1", "0", "0", "0", "0", "0", *["-"] * 6]


def test_a_price_is_told_for_one_cpu_and_for_many_with_its_ratio() -> None:
    line = next(line for line in reversed(DIFF.text("table").splitlines()) if line.startswith("get_page"))
    assert line.split()[2:] == ["10.4", "10.4", "1.000", "130.4", "130.4", "1.000"]


def test_lines_of_a_diff_are_coloured_when_asked_for() -> None:
    text = DIFF.text("table", colour=True)
    assert "\x1b[31m-x\x1b[0m\n" in text
    assert "\x1b[36m@@ -3,1 +0,0 @@\x1b[0m\n" in text
    assert "\x1b" not in DIFF.text("table")


def test_markdown_has_the_source_in_a_fence_and_no_colour() -> None:
    text = DIFF.text("markdown", colour=True)
    assert "```diff\n--- old/swap.py:3\n+++ /dev/null\n@@ -3,1 +0,0 @@\n-x\n```\n" in text
    assert "\x1b" not in text


def test_scripts_get_a_row_for_each_way_of_each_design() -> None:
    found = json.loads(DIFF.text("json"))
    assert [(row["side"], row["design"], row["path"]) for row in found["costs"]] == [
        ("a", "old", "put_page"),
        ("a", "old", "get_page"),
        ("b", "new", "get_page"),
    ]
    assert found["costs"][0]["x86_64_many_cpus_ns"] == 130.4
    assert found["paths"][0] == {"path": "put_page", "a": "old/swap.py:3", "b": "", "diff": "\n".join(FOUND[0][0].diff)}
    assert DIFF.text("csv").count("\n") == 4


def test_designs_that_do_not_differ_have_nothing_below_the_line_that_says_so() -> None:
    same = DesignsDiff(("old", "new"), Comparison((), ()), [X86_64])
    assert same.text("table") == "old -> new: 0 paths differ\n"
    assert json.loads(same.text("json"))["costs"] == []


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(InputError, match="unknown format"):
        DIFF.text("xml")
