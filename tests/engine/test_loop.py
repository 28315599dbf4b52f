"""A third witness: the compiled engine's loop as plain Python on plain lists, without a compiler."""

from collections.abc import Callable
from itertools import product

import pytest

from perfsim.engine import compiled, loop
from perfsim.engine.budget import Budget
from perfsim.engine.calendar import NEVER
from perfsim.engine.checks import Checks
from perfsim.engine.compiled import Authored, Running
from perfsim.engine.engines import ReferenceEngine
from perfsim.engine.prepare import profile_of, task_names
from perfsim.engine.trace import TraceRow
from perfsim.engine.translate import translate
from perfsim.kernel.boot import Seed, blueprint
from perfsim.kernel.designs import load_design
from perfsim.kernel.fill import fill_memory
from perfsim.numeric.columns import as_lists
from perfsim.scenario.schema import Scenario
from tests.engine.conftest import WORKLOAD, ScenarioMaker
from tests.tier import SLOW

SEED = Seed(1, 0)
MIXED = WORKLOAD.replace("measure:", "  - {name: faults, kind: fault, count: 2, think: 3us}\nmeasure:")
COLLISIONS = """\
name: collisions
machine: {profile: ideal, cpus: 3, nodes: 1}
memory: {pages_per_node: 64}
tasks:
  - {name: loops, kind: lock_loop, per: cpu, lock: lru_lock, think: 2us, hold: 1us}
  - {name: others, kind: lock_loop, count: 1, lock: lru_lock, think: 1us, hold: 1us}
measure: {warmup: 0us, duration: 100us}
"""
PREEMPTIONS = """\
name: preemptions
machine: {profile: x86_64, cpus: 2, nodes: 2}
memory: {pages_per_node: 64}
tasks:
  - {name: loops, kind: lock_loop, count: 6, lock: page_lock, pages: 2, think: 10us, hold: 2us}
measure: {warmup: 0us, duration: 100us}
"""
OWN = """\
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.swap import __page_cache_release


async def put_page(cpu: Cpu, page: int) -> None:
    for turn in range(page % 3):
        if page >> turn & 1:
            await cpu.smp_mb()
    if await cpu.put_page_testzero(page):
        await __page_cache_release(cpu, page)
"""


ROOMS, PROFILES, DESIGNS = (1, 50, 10_000), ("x86_64", "ia64", "ideal"), ("lock_page", "redo", "own")
EVERY_TRIPLE = [*product(ROOMS, PROFILES, DESIGNS)]
EVERY_PAIR = [(ROOMS[(a + b) % 3], PROFILES[a], DESIGNS[b]) for a in range(3) for b in range(3)]
"""A Latin square: each room with each profile, with each design, and each profile with each design, once."""


def plain(scenario: Scenario, design: str, rows: list[TraceRow], room: int) -> Running:
    """A run at time 0, on lists. There is no compiled code: what would call it fails."""
    profile = profile_of(scenario)
    chosen = load_design(design)
    authored = Authored(chosen, translate(chosen), task_names(scenario, profile))
    run = as_lists(compiled.new_run(blueprint(scenario, profile, SEED), authored, room))
    fill_memory(run.s)
    run.pause_at[0] = NEVER
    return Running(run, None, None, authored, rows.append, Checks(), Budget())  # type: ignore[arg-type]  # neither table nor code


def advance(running: Running, until_ps: int) -> None:
    """Process every event before an instant."""
    status = loop.TRACE_FULL
    while status == loop.TRACE_FULL:
        status = loop.advance(running.run, until_ps)
        compiled.hand_over(running)
    assert status == loop.NOTHING_BEFORE


@pytest.mark.parametrize("room,profile,design", EVERY_TRIPLE if SLOW else EVERY_PAIR)
def test_the_plain_loop_does_what_the_reference_engine_does(
    room: int, profile: str, design: str, scenario_of: ScenarioMaker, design_file: Callable[[str], str]
) -> None:
    scenario = scenario_of(MIXED, f"machine.profile={profile}", "machine.cpus=3", "measure.duration=30us")
    chosen = design_file(OWN) if design == "own" else design
    expected: list[TraceRow] = []
    reference = ReferenceEngine(scenario, load_design(chosen), SEED, expected.append)
    rows: list[TraceRow] = []
    running = plain(scenario, chosen, rows, room)
    for end_ps in (0, 20_000_000, 50_000_000):
        reference.advance(end_ps)
        advance(running, end_ps)
        assert rows == expected
    reference.finish(50_000_000)
    loop.stop(running.run, 50_000_000)
    advance(running, NEVER)
    assert rows == expected
    assert len(rows) == running.run.events[0] == reference.events() > 500
    assert running.run.s == reference.counts()


def test_ties_of_fixed_times_go_as_in_the_reference_engine(scenario_of: ScenarioMaker) -> None:
    """A release and an arrival at one picosecond: who comes from user mode is LATE."""
    scenario = scenario_of(COLLISIONS)
    expected: list[TraceRow] = []
    ReferenceEngine(scenario, load_design("redo"), SEED, expected.append).advance(100_000_000)
    rows: list[TraceRow] = []
    advance(plain(scenario, "redo", rows, 10_000), 100_000_000)
    assert rows == expected
    assert len({row[0] for row in rows}) < len(rows) // 3


@pytest.mark.parametrize("profile", ["x86_64", "ideal"])
def test_user_mode_is_preempted_as_in_the_reference_engine(profile: str, scenario_of: ScenarioMaker) -> None:
    """Sleepers of page locks are woken on CPUs in user mode; on the ideal machine at the very same instants."""
    scenario = scenario_of(PREEMPTIONS, f"machine.profile={profile}")
    expected: list[TraceRow] = []
    reference = ReferenceEngine(scenario, load_design("redo"), SEED, expected.append)
    rows: list[TraceRow] = []
    running = plain(scenario, "redo", rows, 10_000)
    preempted = 0
    for end_ps in range(500_000, 100_500_000, 500_000):
        reference.advance(end_ps)
        advance(running, end_ps)
        assert running.run.s == reference.counts()
        preempted += sum(1 for left_ps in running.run.s.tasks.user_ps if left_ps)
    assert rows == expected
    assert preempted > 10
    reference.finish(100_000_000)
    loop.stop(running.run, 100_000_000)
    advance(running, NEVER)
    assert (rows, running.run.s) == (expected, reference.counts())


def test_no_event_of_the_end_itself_is_processed(scenario_of: ScenarioMaker) -> None:
    rows: list[TraceRow] = []
    running = plain(scenario_of(), "redo", rows, 10_000)
    advance(running, 20_000_000)
    next_ps = running.run.calendar.time_ps[1]
    assert rows[-1][0] < 20_000_000 <= next_ps
    before = len(rows)
    advance(running, next_ps)
    assert len(rows) == before
    advance(running, next_ps + 1)
    assert running.run.calendar.time_ps[1] > next_ps


def test_a_loop_that_is_to_pause_goes_on_where_it_was(scenario_of: ScenarioMaker) -> None:
    whole: list[TraceRow] = []
    parts: list[TraceRow] = []
    advance(plain(scenario_of(), "redo", whole, 10_000), 40_000_000)
    running = plain(scenario_of(), "redo", parts, 10_000)
    pauses = -1
    status = loop.PAUSED
    while status == loop.PAUSED:
        pauses += 1
        running.run.pause_at[0] = running.run.events[0] + 10
        status = loop.advance(running.run, 40_000_000)
    compiled.hand_over(running)
    assert parts == whole
    assert len(whole) // 30 < pauses <= len(whole) // 10


def test_a_task_that_pauses_between_two_rows_goes_on_where_it_was(
    scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: list[TraceRow] = []
    parts: list[TraceRow] = []
    uninterrupted, running = (plain(scenario_of(), "redo", rows, 10_000) for rows in (whole, parts))
    advance(uninterrupted, 40_000_000)
    monkeypatch.setattr(loop, "ROWS_AT_A_TIME", 1)
    pauses = -1
    status = loop.PAUSED
    while status == loop.PAUSED:
        pauses += 1
        status = loop.advance(running.run, 40_000_000)
    compiled.hand_over(running)
    assert parts == whole
    assert pauses > len(whole)
    assert running.run.s == uninterrupted.run.s


def test_no_task_begins_before_there_is_time(scenario_of: ScenarioMaker) -> None:
    rows: list[TraceRow] = []
    running = plain(scenario_of(), "redo", rows, 10_000)
    advance(running, 0)
    assert (rows, running.run.begun[0]) == ([], 0)
    advance(running, 1)
    assert running.run.begun[0] == running.run.s.settings.tasks
