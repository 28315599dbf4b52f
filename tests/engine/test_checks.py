"""The invariants while a run goes on: looked at when due, at the same instants by both engines, and sound runs pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perfsim.engine import ENGINES
from perfsim.engine.calendar import NEVER
from perfsim.engine.checks import Checks, Found, named
from perfsim.engine.engines import begin
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import load_design
from perfsim.kernel.invariants import EVERY, INSTANTS, INVARIANTS
from tests.engine.conftest import WORKLOAD, ScenarioMaker

SEED = Seed(3, 1)
MIXED = WORKLOAD.replace("measure:", "  - {name: faults, kind: fault, count: 2, think: 3us}\nmeasure:")

# Leaves pages on their lists that say they are on none.
DENIES = """\
from perfsim.kernel.constants import PG_LRU
from perfsim.kernel.cpu import Cpu


async def munlock_vma_page(cpu: Cpu, page: int) -> None:
    await cpu.test_and_clear(page, PG_LRU)
"""


def test_nothing_is_due_until_it_is_asked_for() -> None:
    checks = Checks()
    assert (checks.every, checks.due) == (0, NEVER)
    checks.begin(100)
    assert (checks.every, checks.due) == (100, 100)


def test_a_look_sees_every_invariant_of_every_instant_once_and_says_when_the_next_is_due() -> None:
    seen: list[str] = []

    def violated(number: int) -> int:
        seen.append(EVERY[number].__name__)
        return 0

    checks = Checks()
    checks.begin(100)
    checks.look(130, 5, violated)
    assert seen == [invariant.__name__ for invariant in INSTANTS]
    assert (checks.due, checks.found) == (230, {})


def test_what_is_found_keeps_its_first_instant_and_its_largest_number() -> None:
    checks = Checks()
    checks.begin(1)
    for now, count in ((10, 0), (20, 2), (30, 5), (40, 1)):
        checks.look(now, now, lambda number, count=count: count if number == 0 else 0)  # type: ignore[misc]
    assert checks.found == {EVERY[0].__name__: Found(EVERY[0].__name__, 20, 5)}


def test_violated_invariants_are_named_with_their_numbers() -> None:
    assert named(lambda _: 0, INVARIANTS) == {}
    assert named(lambda number: number, INVARIANTS[:3]) == {EVERY[1].__name__: 1, EVERY[2].__name__: 2}


@pytest.mark.parametrize("design", ["lock_page", "redo"])
@pytest.mark.parametrize("profile", ["x86_64", "ia64", "ideal"])
def test_a_sound_run_passes_at_every_look(design: str, profile: str, engine: str, scenario_of: ScenarioMaker) -> None:
    """At every event in compiled code; the plain functions take their time."""
    duration = "5us" if engine == "simpy" else "100us"
    scenario = scenario_of(MIXED, f"machine.profile={profile}", "machine.cpus=6", f"measure.duration={duration}")
    run = begin(engine, scenario, load_design(design), SEED)
    run.check_every(7 if engine == "simpy" else 1)
    run.advance(scenario.measure.warmup_ps)
    run.begin_window(scenario.measure.warmup_ps)
    run.advance(scenario.measure.warmup_ps + scenario.measure.duration_ps)
    run.check_every(100 if engine == "simpy" else 1)  # the end of the tasks is many times as long
    run.finish(scenario.measure.warmup_ps + scenario.measure.duration_ps)
    assert run.events() > 100
    assert run.found() == ()


@pytest.mark.parametrize("every", [3, 100])
def test_both_engines_find_the_same_at_the_same_instants(
    every: int, scenario_of: ScenarioMaker, design_file: Callable[[str], str]
) -> None:
    design = load_design(design_file(DENIES))
    found = []
    for name in ENGINES:
        run = begin(name, scenario_of(MIXED, "kernel.drain_all=never"), design, SEED)
        run.check_every(every)
        for until_ps in (0, 5_000_000, 5_000_001, 20_000_000):
            run.advance(until_ps)
        run.check_every(100)  # the end of the tasks is many times as long
        run.finish(20_000_000)
        found.append((run.found(), run.events(), run.violated()))
    assert found[0] == found[1]
    assert found[0][2]
    assert [(one.name, 0 < one.first_ps < 20_000_000) for one in found[0][0]] == [("lists_agree_with_flags", True)]


def test_a_look_changes_nothing_of_the_run(engine: str, scenario_of: ScenarioMaker) -> None:
    alone, watched = (begin(engine, scenario_of(MIXED), load_design("redo"), SEED) for _ in range(2))
    watched.check_every(50)
    for run in (alone, watched):
        run.advance(30_000_000)
        run.finish(30_000_000)
    assert alone.events() == watched.events() > 100
    assert alone.counts() == watched.counts()
