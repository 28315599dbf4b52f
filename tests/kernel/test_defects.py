"""Known defects of the shipped designs show by name in runs that provoke them, and in no design without them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from perfsim.kernel.boot import Seed
from perfsim.kernel.defects import DEFECTS
from perfsim.kernel.designs import SHIPPED
from perfsim.measure.row import Row, simulate
from tests.kernel.conftest import ScenarioMaker

HISTORIC = Path(__file__).parents[1] / "engine" / "historic"
SEEDS = [Seed(number, 0) for number in range(1, 6)]

# Threads give pages back while movers have them isolated; every addition to the LRU drains the pagevec, so that the
# last reference is dropped at once and not at a later drain.
MOVED = """\
name: moved
machine: {profile: x86_64, cpus: 8, nodes: 2}
memory: {pages_per_node: 1024, file_fraction: 0, mlocked_fraction: 0, referenced_fraction: 0.2}
kernel: {designs: [lock_page, redo], drain_all: never, pagevec_size: 1}
tasks:
  - {name: processes, kind: fault, count: 1, range_pages: 4, hold: {exponential: 5us}, think: {exponential: 1us}}
  - {name: threads, kind: fault, count: 3, shares: processes, think: {exponential: 200ns}}
  - {name: movers, kind: migrate, count: 2, shares: processes, think: {exponential: 500ns}}
measure: {warmup: 0us, duration: 1ms}
"""

# Files are truncated while other threads mlock them.
TRUNCATED = """\
name: truncated
machine: {profile: x86_64, cpus: 8, nodes: 1}
memory: {pages_per_node: 512, file_fraction: 0.5, mlocked_fraction: 0, referenced_fraction: 0.2}
kernel: {designs: [lock_page, redo], drain_all: never}
tasks:
  - {name: writers, kind: truncate, count: 4, range_pages: 1, hold: {exponential: 1us}, think: {exponential: 500ns}}
  - {name: lockers, kind: mlock, count: 4, shares: writers, hold: {exponential: 500ns}, think: {exponential: 500ns}}
measure: {warmup: 0us, duration: 2ms}
"""


def rows_of(make_scenario: ScenarioMaker, workload: str, design: str) -> list[Row]:
    """The rows of a workload under a design at every seed. Nothing but known defects is found in any."""
    rows = [simulate(make_scenario(workload=workload), design, seed) for seed in SEEDS]
    assert [row["violated_checks"] for row in rows if row["invariant_violations"]] == []
    return rows


def hits_in(rows: list[Row]) -> Counter[str]:
    """How often each known defect showed."""
    hits: Counter[str] = Counter()
    for row in rows:
        hits.update({hit["defect"]: hit["count"] for hit in row["defect_hits"]})
    return hits


@pytest.mark.parametrize(
    "design, defects",
    [
        ("lock_page", {"B4", "R1"}),
        ("redo", {"R1", "R2"}),
        ("redo_merged", set()),
        ("redo_barrier", set()),
        ("no_unevictable_lru", {"R1", "R2"}),
    ],
)
def test_pages_given_back_while_they_move_show_who_looks_at_them_too_late(
    design: str, defects: set[str], make_scenario: ScenarioMaker
) -> None:
    rows = rows_of(make_scenario, MOVED, design)
    assert set(hits_in(rows)) == defects
    assert all(row["migrated_per_s"] for row in rows)


@pytest.mark.parametrize("design, defects", [("interrupted_mlock", {"R3"}), ("interrupted_mlock_merged", set())])
def test_a_page_truncated_while_an_interrupt_holds_up_its_mlock_is_freed_mlocked_without_the_page_lock(
    design: str, defects: set[str], make_scenario: ScenarioMaker
) -> None:
    rows = rows_of(make_scenario, TRUNCATED, str(HISTORIC / f"{design}.py"))
    assert set(hits_in(rows)) == defects
    assert all(row["unevictable_pgs_mlocked"] for row in rows)


@pytest.mark.parametrize("design", SHIPPED)
def test_without_interrupts_mlock_is_faster_than_truncation_can_be(design: str, make_scenario: ScenarioMaker) -> None:
    rows = rows_of(make_scenario, TRUNCATED, design)
    assert set(hits_in(rows)) == set()


def test_a_known_defect_is_the_same_one_in_both_engines(make_scenario: ScenarioMaker) -> None:
    scenario = make_scenario("measure.duration=300us", workload=MOVED)
    for design in ("lock_page", "redo"):
        rows = [simulate(scenario, design, SEEDS[0], name) for name in ("compiled", "simpy")]
        assert hits_in(rows[:1]) == hits_in(rows[1:]) != Counter()


def test_no_two_defects_of_a_design_show_as_the_same_violation() -> None:
    for defects in DEFECTS.values():
        violations = [defect.violation for defect in defects]
        assert len(set(violations)) == len(violations)
