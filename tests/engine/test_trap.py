"""Historic bugs, each switched on by a design that has it, are caught in the act by both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.engine.prepare import profile_of, task_names
from perfsim.engine.trace import Watch
from perfsim.engine.trap import Violation, first_violation
from perfsim.errors import InputError, StuckError
from perfsim.kernel import designs
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import (
    BAD_PAGE,
    BUG_ATOMIC,
    BUG_GET_PAGE,
    BUG_PAGE_COUNT,
    BUG_RECURSION,
    BUG_UNLOCKED_PAGE,
    BUG_VM,
    NONE,
    PG_LOCKED,
    PG_UNEVICTABLE,
)
from perfsim.kernel.designs import load_design
from perfsim.kernel.violations import VIOLATION_NAMES
from perfsim.measure.row import Row, simulate
from perfsim.scenario.schema import Scenario
from tests.engine.conftest import ScenarioMaker

HISTORIC = Path(__file__).parent / "historic"
EXPLORED = Path(designs.__file__).parents[1] / "explore" / "scenarios" / "designs"
"""Those that scenarios of the explorer are shipped with."""
ENGINES = ("compiled", "simpy")
SEEDS = [Seed(number, 0) for number in range(1, 31)]

# Short ranges, locked for a moment, in a memory so small that reclaim meets them all the time.
STORM = """\
name: storm
machine: {profile: x86_64, cpus: 12, nodes: 1}
memory: {pages_per_node: 256, file_fraction: 0.5, mlocked_fraction: 0.25, referenced_fraction: 0.2}
kernel: {designs: [lock_page, redo], memcg: false, drain_all: never}
tasks:
  - {name: lockers, kind: mlock, count: 4, range_pages: 4, hold: {exponential: 1us}, think: {exponential: 1us}}
  - {name: reclaimers, kind: direct_reclaim, count: 8, think: {exponential: 500ns}}
measure: {warmup: 0us, duration: 3ms}
"""

# Files that are read by threads of another process, mlocked, migrated and truncated all at once.
FILES = """\
name: files
machine: {profile: x86_64, cpus: 12, nodes: 2}
memory: {pages_per_node: 512, file_fraction: 0.5, mlocked_fraction: 0, referenced_fraction: 0.2}
kernel: {designs: [lock_page, redo], memcg: false, drain_all: never}
tasks:
  - {name: writers, kind: truncate, count: 1, range_pages: 4, hold: {exponential: 20us}, think: {exponential: 1us}}
  - {name: readers, kind: fault, count: 3, shares: writers, think: {exponential: 200ns}}
  - {name: movers, kind: migrate, count: 2, shares: writers, think: {exponential: 1us}}
  - {name: lockers, kind: mlock, count: 2, shares: writers, hold: {exponential: 5us}, think: {exponential: 5us}}
measure: {warmup: 0us, duration: 3ms}
"""

# By design: the check, the path that hits it, and what its line says.
CAUGHT = {
    "truncate_clears_late": (BUG_PAGE_COUNT, "putback_lru_page", "# mm/vmscan.c:510"),
    "nobody_waits": (BUG_PAGE_COUNT, "__unmap_and_move", "# mm/migrate.c:719"),
    "get_frozen_page": (BUG_GET_PAGE, "migration_entry_wait", "get_page(page)"),
    "unlock_twice": (BUG_UNLOCKED_PAGE, "unlock_page", "test_and_clear(page, PG_LOCKED)"),
    "cull_without_lock": (BUG_VM, "putback_lru_page", "VM_BUG_ON_NOT(page, PG_LOCKED)"),
    "put_twice": (BAD_PAGE, "__page_cache_release", "free_page_to_zone(page)"),
    "flag_left_set": (BUG_VM, "lru_cache_add_lru", "PG_LRU | PG_ACTIVE | PG_UNEVICTABLE"),
    "sleep_under_spinlock": (BUG_ATOMIC, "__lock_page", "io_schedule()"),
    "put_under_lru_lock": (BUG_RECURSION, "__page_cache_release", "spin_lock_irqsave(LRU_LOCK, zone)"),
}
OF_FILES = ("truncate_clears_late", "nobody_waits", "get_frozen_page")
"""Those that show when files are truncated or migrated; all others show in the storm."""


def design_of(name: str) -> str:
    """The file of a historic design."""
    own = HISTORIC / f"{name}.py"
    return str(own if own.is_file() else EXPLORED / own.name)


def first_that(find: Callable[[Seed], object]) -> Seed:
    """The first seed at which something comes about; which one that is, any change of a cost figure may change."""
    return next(seed for seed in SEEDS if find(seed))


def test_every_historic_design_is_put_to_the_test() -> None:
    others = {"forgotten_page", "interrupted_mlock", "interrupted_mlock_merged"}
    explored = {file.stem for file in EXPLORED.glob("*.py")}
    assert {file.stem for file in HISTORIC.glob("*.py")} == {*CAUGHT, *others} - explored


@pytest.mark.parametrize("name", CAUGHT)
def test_a_historic_bug_is_caught_alike_by_both_engines(name: str, scenario_of: ScenarioMaker) -> None:
    check, path, source = CAUGHT[name]
    scenario, design = scenario_of(FILES if name in OF_FILES else STORM), design_of(name)
    seed = first_that(lambda seed: first_violation("compiled", scenario, design, seed, [check]))
    caught = first_violation("simpy", scenario, design, seed, [check])
    assert caught == first_violation("compiled", scenario, design, seed, [check])
    assert caught is not None
    assert (caught.check, caught.lines[0].path) == (VIOLATION_NAMES[check], path)
    assert source in caught.lines[0].source
    assert caught.lines[-1].path == "run_task"
    check_place(caught, scenario)
    assert (caught.page == NONE) == (check == BUG_RECURSION)
    assert first_violation("compiled", scenario, "lock_page", seed, [check]) is None


def test_truncation_that_clears_mlock_late_unlocks_the_page_twice(scenario_of: ScenarioMaker) -> None:
    scenario, design = scenario_of(FILES), design_of("truncate_clears_late")
    seed = first_that(lambda seed: first_violation("compiled", scenario, design, seed, [BUG_UNLOCKED_PAGE]))
    caught = [first_violation(name, scenario, design, seed, [BUG_UNLOCKED_PAGE]) for name in ENGINES]
    assert caught[0] == caught[1]
    assert caught[0] is not None
    paths = [line.path for line in caught[0].lines]
    assert paths[: paths.index("sys_ftruncate") + 1] == ["unlock_page", "truncate_inode_pages", "sys_ftruncate"]


def check_place(caught: Violation, scenario: Scenario) -> None:
    """Time, CPU and task are those of the run; every line is where it says."""
    assert 0 < caught.time_ps < scenario.measure.duration_ps
    assert caught.task in task_names(scenario, profile_of(scenario))
    assert 0 <= caught.cpu < 12
    for line in caught.lines:
        assert Path(line.file).read_text(encoding="utf-8").splitlines()[line.line - 1].strip() == line.source
    for line, caller in zip(caught.lines, caught.lines[1:], strict=False):
        assert f"{line.path}(" in caller.source


def test_the_page_is_shown_as_it_was_when_it_was_hit(scenario_of: ScenarioMaker, engine: str) -> None:
    scenario = scenario_of(STORM)
    unlocked = first_violation(engine, scenario, design_of("unlock_twice"), SEEDS[0])
    assert unlocked is not None
    assert not unlocked.flags & PG_LOCKED
    assert (unlocked.refcount >= 2, unlocked.mapcount) == (True, 1)
    seed = first_that(lambda seed: first_violation("compiled", scenario, design_of("flag_left_set"), seed))
    left = first_violation(engine, scenario, design_of("flag_left_set"), seed)
    assert left is not None
    assert left.flags & PG_UNEVICTABLE


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_nothing_is_caught_of_a_sound_run(design: str, engine: str, scenario_of: ScenarioMaker) -> None:
    assert first_violation(engine, scenario_of(STORM, "measure.duration=500us"), design, SEEDS[0]) is None


def test_only_the_checks_asked_for_end_a_run(engine: str, scenario_of: ScenarioMaker) -> None:
    scenario, design = scenario_of(STORM, "measure.duration=500us"), design_of("unlock_twice")
    assert first_violation(engine, scenario, design, SEEDS[0]) is not None
    assert first_violation(engine, scenario, design, SEEDS[0], [BUG_ATOMIC, BUG_RECURSION]) is None


def test_a_fault_before_the_first_violation_is_told_as_in_any_run(
    engine: str, scenario_of: ScenarioMaker, design_file: Callable[[str], str]
) -> None:
    twice = "    await cpu.list_del(250)\n" * 2
    design = design_file(f"async def direct_reclaim(cpu):\n    await cpu.think()\n{twice}")
    with pytest.raises(InputError, match=r"mine\.py:8:1: the design fails when it runs: AssertionError: page 250"):
        first_violation(engine, scenario_of(STORM), design, SEEDS[0])


def test_who_takes_lru_lock_under_lru_lock_is_told_by_both_engines_and_none_hangs(scenario_of: ScenarioMaker) -> None:
    told = []
    for name in ENGINES:
        with pytest.raises(StuckError) as stuck:
            simulate(scenario_of(STORM), design_of("put_under_lru_lock"), SEEDS[0], name)
        told.append(str(stuck.value))
    assert told[0] == told[1]
    waits = [line.replace(" spins for zone->lru_lock 0", "") for line in told[0].splitlines() if "spins" in line]
    assert any(line.split(" since")[0] == line.split("held by ")[1].split(" since")[0] for line in waits)


def test_without_the_second_look_pages_are_stranded_in_both_engines(scenario_of: ScenarioMaker) -> None:
    scenario, design = scenario_of(STORM), design_of("no_recheck")
    seed = first_that(lambda seed: simulate(scenario, design, seed)["stranded_pages"])
    rows = [figures(simulate(scenario, design, seed, name)) for name in ENGINES]
    assert rows[0] == rows[1]
    assert 0 < rows[0]["stranded_longest_ns"] < 10**9  # reclaim may nap before it notices that the run is over
    assert rows[0]["invariant_violations"] == 0
    sound = [simulate(scenario, "redo", other) for other in SEEDS]
    assert {(row["stranded_pages"], row["stranded_longest_ns"]) for row in sound} == {(0, None)}
    assert sum(row["redo_retries"] for row in sound) > 0


def figures(row: Row) -> Row:
    """What a row says of the run, whichever engine ran it."""
    return {name: value for name, value in row.items() if name not in ("engine", "wall_s")}


def test_a_forgotten_page_is_missed_while_the_run_goes_on_and_at_its_end(scenario_of: ScenarioMaker) -> None:
    scenario = scenario_of(STORM, "measure.duration=1ms")
    rows = [
        figures(simulate(scenario, design_of("forgotten_page"), SEEDS[0], name, Watch(check_every=2_000)))
        for name in ENGINES
    ]
    assert rows[0] == rows[1]
    found = {one["check"]: one for one in rows[0]["violated_checks"]}
    assert 0 < found["every_page_has_a_place"]["first_ns"] < 1_000_000
    assert found["no_page_is_lost"]["first_ns"] is None
    assert found["no_page_is_lost"]["count"] > found["every_page_has_a_place"]["count"] > 0
    assert rows[0]["invariant_violations"] == sum(one["count"] for one in found.values())


def test_historic_designs_extend_the_shipped_ones() -> None:
    assert {load_design(design_of(name)).summary[-1] for name in CAUGHT} <= set(".?)")
