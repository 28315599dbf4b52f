"""/proc/vmstat: the kernel's names in the kernel's order, and the relations that its counters keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfsim.engine.engines import begin
from perfsim.kernel import constants as k
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import load_design
from perfsim.measure.counts import Counts, counts_of
from perfsim.measure.row import simulate_counted
from perfsim.report.vmstat import THEN, TODAY, Event, vmstat
from perfsim.scenario.validate import load_scenario

US = 1_000_000

BALANCED = """\
name: balanced
machine: {profile: x86_64, cpus: 4, nodes: 2}
memory: {pages_per_node: 1024, mlocked_fraction: 0}
tasks:
  - {name: lockers, kind: mlock, per: cpu, range_pages: 16, hold: 10us, think: {exponential: 5us}}
measure: {warmup: 0us, duration: 200us}
"""
"""Whoever locks a range unlocks that same one: no other is locked. Nobody reclaims."""

UNEVICTABLE = ("culled", "scanned", "rescued", "mlocked", "munlocked", "cleared", "stranded")


def parsed(text: str) -> dict[str, int]:
    """As a script reads the file."""
    return {name: int(value) for name, value in map(str.split, text.splitlines())}


def made(**events: int) -> Counts:
    by_number = {getattr(k, name): count for name, count in events.items()}
    return Counts(97, 1_040, (184, 263, 254, 161, 1_041), tuple(by_number.get(i, 0) for i in range(k.VM_EVENTS)), ())


def test_pages_come_first_then_events_each_a_name_and_a_number() -> None:
    text = vmstat(made(PGACTIVATE=72, PGSTEAL=514, KSWAPD_STEAL=14, UNEVICTABLE_PGRESCUED=160))
    assert text.startswith(
        "nr_free_pages 97\nnr_inactive_anon 184\nnr_active_anon 263\nnr_inactive_file 254\nnr_active_file 161\n"
        "nr_unevictable 1041\nnr_mlock 1040\nallocstall_normal 0\npgactivate 72\n"
    )
    assert "\npgsteal_kswapd 14\npgsteal_direct 500\n" in text
    assert text.endswith("\nunevictable_pgs_cleared 0\nunevictable_pgs_stranded 0\n")
    assert parsed(text)["unevictable_pgs_rescued"] == 160


def test_the_names_of_2008_are_others_for_the_same_counters() -> None:
    then = vmstat(made(PGSTEAL=514, KSWAPD_STEAL=14, UNEVICTABLE_PGCULLED=150), THEN)
    assert "\npgsteal_normal 514\n" in then
    assert "\nkswapd_steal 14\n" in then
    names = [line.split()[0] for line in then.splitlines()]
    assert names[7:] == [name for name, _, _ in THEN]
    assert names[-7:] == [f"noreclaim_pgs_{what}" for what in UNEVICTABLE]
    assert [name for name, _, _ in TODAY][-7:] == [f"unevictable_pgs_{what}" for what in UNEVICTABLE]


@pytest.mark.parametrize("events", [THEN, TODAY])
def test_no_name_stands_twice_and_none_is_missing(events: tuple[Event, ...]) -> None:
    names = list(parsed(vmstat(made(), events)))
    assert len(names) == 7 + len(events)


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_a_balanced_mlock_and_munlock_leave_four_equal_counters(design: str, engine: str, tmp_path: Path) -> None:
    """As in a file seen in life: culled = rescued = mlocked = munlocked."""
    file = tmp_path / "w.yaml"
    file.write_text(BALANCED, encoding="utf-8")
    run = begin(engine, load_scenario(str(file)), load_design(design), Seed(1, 0))
    run.advance(200 * US)
    run.finish(200 * US)
    found = parsed(vmstat(counts_of(run.counts())))
    assert found["unevictable_pgs_mlocked"] > 100
    assert len({found[f"unevictable_pgs_{what}"] for what in ("culled", "rescued", "mlocked", "munlocked")}) == 1
    assert (found["nr_mlock"], found["nr_unevictable"], found["unevictable_pgs_stranded"]) == (0, 0, 0)


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_what_a_run_prints_is_what_its_row_says(design: str, engine: str) -> None:
    scenario = load_scenario("quickstart", ["measure.duration=300us"])
    row, counts, _ = simulate_counted(scenario, design, Seed(1, 0), engine)
    found = parsed(vmstat(counts))
    shared = row.keys() & found.keys()
    assert {f"unevictable_pgs_{what}" for what in UNEVICTABLE} | {"pgactivate", "nr_mlock"} <= shared
    assert {name: row[name] for name in shared} == {name: found[name] for name in shared}
    assert found["pgsteal_kswapd"] + found["pgsteal_direct"] == row["pgsteal"] > 0
    lists = ("inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable")
    pages = found["nr_free_pages"] + sum(found[f"nr_{name}"] for name in lists)
    assert 0.8 * 2048 < pages <= 2048


def test_engines_print_the_same_text() -> None:
    scenario = load_scenario("quickstart", ["measure.duration=300us"])
    one, other = (simulate_counted(scenario, "redo", Seed(2, 0), engine).counts for engine in ("simpy", "compiled"))
    assert one == other
