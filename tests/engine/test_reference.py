"""The reference engine: order, reproducibility, an end for every run, and a plain word when there is none."""

import sys
from collections.abc import Callable
from itertools import pairwise

import pytest

from perfsim.engine import reference
from perfsim.engine.prepare import profile_of, task_names
from perfsim.engine.reference import (
    Pace,
    Running,
    advance,
    events_of,
    finish,
    is_done,
    observe,
    run_until,
    running_frames,
    start,
    start_paced,
    waiting_frames,
)
from perfsim.engine.trace import TraceRow, Watch
from perfsim.errors import StuckError
from perfsim.explore.scenario import load_explore_scenario
from perfsim.explore.small import small_state
from perfsim.kernel.boot import Seed, boot
from perfsim.kernel.constants import TASK_DONE, TASK_KINDS, TASK_SLEEPING
from perfsim.kernel.designs import load_design
from perfsim.kernel.primitives import PRIMITIVES, Primitive
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from tests.engine.conftest import ScenarioMaker

DesignWriter = Callable[[str], str]

TWO_LOOPS = """\
name: loops
machine: {profile: x86_64, cpus: 2, nodes: 2}
memory: {pages_per_node: 64}
tasks:
  - {name: loops, kind: lock_loop, per: cpu, lock: page_lock, pages: 2, think: 1us, hold: 1us}
measure: {warmup: 0us, duration: 1ms}
"""

CROSSED_LOCKS = """\
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.paths.shared.filemap import lock_page


async def lock_loop(cpu: Cpu, page_lock: int) -> None:
    zone = await cpu.numa_zone()
    while zone == 2 and not await cpu.should_stop():
        await cpu.think()
    if zone < 2:
        await lock_page(cpu, zone)
        await cpu.hold()
        await lock_page(cpu, 1 - zone)
"""

CROSSED_SPINLOCKS = """\
from perfsim.kernel.cpu import Cpu


async def lock_loop(cpu: Cpu, page_lock: int) -> None:
    zone = await cpu.numa_zone()
    await cpu.spin_lock(0, zone)
    await cpu.hold()
    await cpu.spin_lock(0, 1 - zone)
"""

RESTLESS = """\
from perfsim.kernel.cpu import Cpu


async def lock_loop(cpu: Cpu, page_lock: int) -> None:
    while not await cpu.should_stop():
        await cpu.cond_resched()
"""


def started(scenario: Scenario, design: str) -> Running:
    """A run at its first instant."""
    profile = profile_of(scenario)
    return start(boot(scenario, profile, Seed(1, 0)), load_design(design), task_names(scenario, profile))


def traced(scenario: Scenario, design: str, seed: Seed) -> list[TraceRow]:
    """All rows of a run's trace."""
    rows: list[TraceRow] = []
    simulate(scenario, design, seed, watch=Watch(rows.append))
    return rows


@pytest.mark.parametrize("design", ["lock_page", "redo"])
def test_time_never_goes_back_and_every_row_is_a_shared_primitive(scenario_of: ScenarioMaker, design: str) -> None:
    rows = traced(scenario_of(), design, Seed(1, 0))
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(rows))
    for time_ps, cpu, name, arguments in rows:
        assert type(time_ps) is int
        assert 0 <= cpu < 4 + 1 + 2, "CPUs, timer and disks"
        assert PRIMITIVES[name].shared
        assert len(arguments) == PRIMITIVES[name].arguments


def test_the_same_seed_gives_the_same_trace_and_another_gives_another(scenario_of: ScenarioMaker) -> None:
    scenario = scenario_of()
    first = traced(scenario, "redo", Seed(1, 0))
    assert traced(scenario, "redo", Seed(1, 0)) == first
    assert traced(scenario, "redo", Seed(2, 0)) != first
    assert traced(scenario, "redo", Seed(1, 1)) != first


def test_a_trace_does_not_change_the_run(scenario_of: ScenarioMaker) -> None:
    scenario = scenario_of()
    rows: list[TraceRow] = []
    with_trace = simulate(scenario, "redo", Seed(1, 0), watch=Watch(rows.append))
    without = simulate(scenario, "redo", Seed(1, 0))
    assert with_trace | {"wall_s": 0} == without | {"wall_s": 0}


def test_events_are_the_rows_of_the_trace_up_to_the_end_of_the_window(scenario_of: ScenarioMaker) -> None:
    scenario = scenario_of()
    rows: list[TraceRow] = []
    profile = profile_of(scenario)
    s = boot(scenario, profile, Seed(1, 0))
    running = start(s, load_design("redo"), task_names(scenario, profile), rows.append)
    advance(running, 120_000_000)
    in_window = len(rows)
    assert events_of(running) == in_window
    assert simulate(scenario, "redo", Seed(1, 0))["events"] == in_window
    finish(running, 120_000_000)
    assert len(rows) > in_window
    assert all(row[0] < 120_000_000 for row in rows[:in_window])
    assert all(row[0] >= 120_000_000 for row in rows[in_window:])


def check_ends(running: Running) -> None:
    """Every task of the workload is done; the devices rest, and threads of the kernel's that had nothing to do."""
    tasks = running.s.tasks
    of_the_workload = [state for kind, state in zip(tasks.kind, tasks.state, strict=True) if is_of_a_workload(kind)]
    others = [state for kind, state in zip(tasks.kind, tasks.state, strict=True) if not is_of_a_workload(kind)]
    assert set(of_the_workload) == {TASK_DONE}
    assert set(others) <= {TASK_SLEEPING, TASK_DONE}
    assert set(tasks.state[running.s.settings.first_device :]) == {TASK_SLEEPING}


def is_of_a_workload(kind: int) -> bool:
    return 0 <= kind < len(TASK_KINDS)


def test_every_task_comes_to_its_end_after_the_window(scenario_of: ScenarioMaker) -> None:
    running = started(scenario_of(), "lock_page")
    advance(running, 50_000_000)
    assert TASK_DONE not in running.s.tasks.state
    before = events_of(running)
    finish(running, 50_000_000)
    check_ends(running)
    assert events_of(running) > before
    assert sum(running.s.vectors.length[: running.s.vectors.first_stack]) == 0, "the CPUs' pagevecs are drained"


def test_no_event_of_the_window_end_itself_is_processed(scenario_of: ScenarioMaker) -> None:
    running = started(scenario_of(), "redo")
    advance(running, 50_000_000)
    assert running.env.now < 50_000_000 <= running.env.peek()


def test_a_kswapd_that_sleeps_is_at_rest_and_not_stuck(scenario_of: ScenarioMaker) -> None:
    tasks = "[{name: k, kind: kswapd}, {name: f, kind: fault, count: 1, think: 2ms}]"
    running = started(scenario_of(f"name: k\nmachine: {{profile: x86_64}}\ntasks: {tasks}\n"), "redo")
    advance(running, 10**9)
    finish(running, 10**9)
    check_ends(running)


def test_crossed_page_locks_are_reported_with_waiter_page_holder_and_time(
    scenario_of: ScenarioMaker, design_file: DesignWriter
) -> None:
    running = started(scenario_of(TWO_LOOPS), design_file(CROSSED_LOCKS))
    with pytest.raises(StuckError) as caught:
        advance(running, 10**9)
    summary, *lines = str(caught.value).splitlines()
    assert summary.startswith("nobody can run at ")
    assert "2 unfinished" in summary
    for line, (waiter, page, holder) in zip(lines, [(0, 1, 1), (1, 0, 0)], strict=True):
        assert line.startswith(f"loops[{waiter}] on CPU {waiter} sleeps on the lock of page {page} since ")
        assert f"held by loops[{holder}]" in line
        assert f"since {running.s.pages.locked_ps[page]} ps" in line


def test_crossed_spinlocks_are_reported_with_spinner_lock_holder_and_time(
    scenario_of: ScenarioMaker, design_file: DesignWriter
) -> None:
    running = started(scenario_of(TWO_LOOPS), design_file(CROSSED_SPINLOCKS))
    with pytest.raises(StuckError) as caught:
        advance(running, 10**9)
    _, *lines = str(caught.value).splitlines()
    for line, (waiter, holder) in zip(lines, [(0, 1), (1, 0)], strict=True):
        since_ps = running.s.m.wait_since_ps[waiter]
        spins = f"loops[{waiter}] on CPU {waiter} spins for zone->lru_lock {holder} since {since_ps} ps; "
        held_ps = running.s.m.lock_since_ps[holder]
        assert line == spins + f"held by loops[{holder}] on CPU {holder} since {held_ps} ps"


def test_tasks_stuck_beside_others_are_reported_at_the_end(
    scenario_of: ScenarioMaker, design_file: DesignWriter
) -> None:
    text = TWO_LOOPS.replace("cpus: 2, nodes: 2", "cpus: 3, nodes: 3")
    running = started(scenario_of(text), design_file(CROSSED_LOCKS))
    advance(running, 10**9)
    with pytest.raises(StuckError, match="2 unfinished"):
        finish(running, 10**9)


def test_time_that_stands_still_is_reported_with_the_instant_and_the_cpu(
    scenario_of: ScenarioMaker, design_file: DesignWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "EFFECTS_AT_INSTANT_MAX", 1000)
    text = TWO_LOOPS.replace("x86_64", "ideal")
    with pytest.raises(StuckError, match="time stands still at 0 ps: a task on CPU 0"):
        simulate(scenario_of(text), design_file(RESTLESS), Seed(1, 0))


def test_ties_break_by_the_order_of_scheduling(scenario_of: ScenarioMaker) -> None:
    """Three CPUs that do the same at the same instants take their turns in the order in which they began."""
    text = TWO_LOOPS.replace("x86_64, cpus: 2, nodes: 2", "ideal, cpus: 3, nodes: 1").replace("page_lock", "lru_lock")
    rows = traced(scenario_of(text.replace(", pages: 2", ""), "measure.duration=2us"), "redo", Seed(1, 0))
    assert [row[1] for row in rows if row[2] == "task_begin"][:6] == [0, 1, 2, 0, 1, 2], "the tasks, then events/N"
    wanted = [row[:2] for row in rows if row[2] == "spin_lock"]
    assert wanted[:3] == [(1_000_000, 0), (1_000_000, 1), (1_000_000, 2)]
    released = [row[:2] for row in rows if row[2] == "spin_unlock"]
    assert released[:3] == [(2_000_000, 0), (3_000_000, 1), (4_000_000, 2)]


class Witness:
    """Notes what an observer is told: primitives with the paths that await them, and resumptions."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, str, list[str]]] = []
        self.resumptions: list[tuple[int, int, int]] = []

    def performed(self, task: int, now: int, primitive: Primitive, *_: object) -> None:
        paths = [frame.f_code.co_name for frame in running_frames(sys._getframe(1))]
        self.steps.append((now, task, primitive.name, paths))

    def resumed(self, task: int, now: int, result: int) -> None:
        self.resumptions.append((now, task, result))


def test_an_observer_is_told_of_every_step_with_the_frames_of_its_path(scenario_of: ScenarioMaker) -> None:
    running, rows = (
        started(scenario_of(TWO_LOOPS), "lock_page"),
        traced(scenario_of(TWO_LOOPS), "lock_page", Seed(1, 0)),
    )
    witness = Witness()
    observe(running, witness)
    advance(running, 10**7)
    shared = [(now, name) for now, _, name, _ in witness.steps if PRIMITIVES[name].shared]
    assert shared == [(now, name) for now, _, name, _ in rows if now < 10**7]
    assert {"hold", "page_waitqueue"} <= {name for _, _, name, _ in witness.steps}
    paths = {name: paths for _, _, name, paths in witness.steps}
    assert paths["think"] == ["lock_loop", "run_task"]
    assert paths["waitqueue_active"] == ["wake_up_page", "unlock_page", "lock_loop", "run_task"]
    assert all(result == 0 for _, _, result in witness.resumptions)
    assert len(witness.resumptions) > 3


def test_the_frames_of_a_task_that_waits_are_found_from_outside(scenario_of: ScenarioMaker) -> None:
    running = started(scenario_of(TWO_LOOPS), "lock_page")
    advance(running, 10**6 // 2)
    assert [frame.f_code.co_name for frame in waiting_frames(running.cpus[0])] == ["run_task", "lock_loop"]


class Instants:
    """Notes when each CPU performs what."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, str]] = []

    def performed(self, task: int, now: int, primitive: Primitive, arguments: tuple[int, ...], result: int) -> None:  # noqa: ARG002
        self.seen.append((now, task, primitive.name))

    def resumed(self, task: int, now: int, result: int) -> None:
        """Nobody is blocked here."""


def test_tasks_whose_turns_are_given_stop_until_it_is_their_turn() -> None:
    s = small_state(load_explore_scenario("recheck"), unevictable_lru=True)
    lock, unlock, drain = ("lock_page", (0,)), ("unlock_page", (0,)), ("lru_add_drain", ())
    paces = [Pace([lock, unlock], [drain], [3, 5], 9), Pace([drain], [("lock_page", (0,))], [], 10)]
    running = start_paced(s, load_design("redo"), {"test_and_set", "test_and_clear"}, paces)
    observer = Instants()
    observe(running, observer)
    run_until(running, 9)
    assert [is_done(cpu) for cpu in running.cpus] == [False, False]
    run_until(running, 20)
    stops = [one for one in observer.seen if one[2] in ("test_and_set", "test_and_clear")]
    assert stops == [(3, 0, "test_and_set"), (5, 0, "test_and_clear"), (10, 1, "test_and_set")]
    assert min(now for now, task, name in observer.seen if task == 0 and name == "pagevec_count") == 9
    assert min(now for now, task, name in observer.seen if task == 1 and name == "pagevec_count") == 0
    assert [is_done(cpu) for cpu in running.cpus] == [True, True]
