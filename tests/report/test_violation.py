"""A violation as people read it: what, when, where, and the lines of the path from inside out."""

from __future__ import annotations

from pathlib import Path

import perfsim
from perfsim.engine.trap import Line, Violation
from perfsim.kernel.constants import NONE, PG_LOCKED, PG_LRU
from perfsim.report.violation import under_way_text, violation_text

SHIPPED = str(Path(perfsim.__file__).parent / "kernel" / "paths" / "redo" / "vmscan.py")
LINES = (
    Line("put_page", "mine.py", 7, "await twice(cpu)"),
    Line("shrink_page_list", SHIPPED, 100, "await put_page(cpu)"),
)
CAUGHT = Violation("bad_page (freed locked)", 1_234_567, 3, "lockers[1]", 9, PG_LOCKED | PG_LRU, 0, 0, LINES)


def test_the_first_violation_is_told_with_its_page_and_its_lines() -> None:
    assert violation_text("redo", CAUGHT).splitlines() == [
        "redo: the first violation is bad_page (freed locked)",
        "  at 1,234.567 ns on CPU 3, in lockers[1], page 9 (flags locked|lru, _count 0, _mapcount -1)",
        "    put_page()          mine.py:7           await twice(cpu)",
        "    shrink_page_list()  redo/vmscan.py:100  await put_page(cpu)",
    ]


def test_a_violation_of_no_page_names_none() -> None:
    text = violation_text("redo", CAUGHT._replace(page=NONE, lines=()))
    assert text.splitlines()[1:] == ["  at 1,234.567 ns on CPU 3, in lockers[1]"]


def test_only_invariants_under_way_are_told_with_their_first_instant() -> None:
    checks = [
        {"check": "bad_page (freed locked)", "count": 1, "first_ns": 5.0},
        {"check": "every_page_has_a_place", "count": 1200, "first_ns": 1500.25},
        {"check": "no_page_is_lost", "count": 3, "first_ns": None},
    ]
    told = "mine: every_page_has_a_place is violated first at 1,500.250 ns, at most 1,200 at once\n"
    assert under_way_text({"design": "mine", "violated_checks": checks}) == told
    assert under_way_text({"design": "mine", "violated_checks": []}) == ""
