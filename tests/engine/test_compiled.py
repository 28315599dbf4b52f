"""What ends a compiled run before its time is told as the reference engine tells it."""

from collections.abc import Callable

import pytest

from perfsim.engine import compiled
from perfsim.engine.engines import CompiledEngine
from perfsim.engine.loop import CHECKED
from perfsim.engine.trace import TraceRow, Watch
from perfsim.errors import StuckError
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import load_design
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from tests.engine.conftest import ScenarioMaker
from tests.engine.test_reference import CROSSED_LOCKS, CROSSED_SPINLOCKS, RESTLESS, TWO_LOOPS

Write = Callable[[str], str]
SEED = Seed(1, 0)


def stuck(scenario: Scenario, design: str, engine: str) -> str:
    """The text of the error that a run ends with."""
    with pytest.raises(StuckError) as caught:
        simulate(scenario, design, SEED, engine)
    return str(caught.value)


@pytest.mark.parametrize("text", [CROSSED_LOCKS, CROSSED_SPINLOCKS], ids=["page locks", "spinlocks"])
def test_a_deadlock_is_told_in_the_same_words_by_both_engines(
    text: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    scenario, design = scenario_of(TWO_LOOPS), design_file(text)
    told = stuck(scenario, design, "compiled")
    assert told == stuck(scenario, design, "simpy")
    assert "2 unfinished" in told
    assert "held by loops[1]" in told


def test_a_deadlock_beside_others_is_told_at_the_end_by_both_engines(
    scenario_of: ScenarioMaker, design_file: Write
) -> None:
    scenario = scenario_of(TWO_LOOPS.replace("cpus: 2, nodes: 2", "cpus: 3, nodes: 3"), "measure.duration=20us")
    design = design_file(CROSSED_LOCKS)
    assert stuck(scenario, design, "compiled") == stuck(scenario, design, "simpy")


def test_time_that_stands_still_is_told_in_the_same_words_by_both_engines(
    scenario_of: ScenarioMaker, design_file: Write
) -> None:
    scenario, design = scenario_of(TWO_LOOPS.replace("x86_64, cpus: 2", "ideal, cpus: 1")), design_file(RESTLESS)
    told = stuck(scenario, design, "compiled")
    assert told.startswith("time stands still at 0 ps: a task on CPU 0 ")
    assert told == stuck(scenario, design, "simpy")


@pytest.mark.parametrize("room", [1, 7, 64])
def test_a_trace_longer_than_its_buffer_is_told_whole_and_in_order(
    room: int, scenario_of: ScenarioMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: list[TraceRow] = []
    simulate(scenario_of(), "redo", SEED, watch=Watch(whole.append))
    monkeypatch.setattr(compiled, "TRACE_ROOM", room)
    rows: list[TraceRow] = []
    row = simulate(scenario_of(), "redo", SEED, watch=Watch(rows.append))
    assert rows == whole
    assert row["events"] == sum(one[0] < 120_000_000 for one in rows)


def test_what_came_before_a_deadlock_is_told_to_the_trace(scenario_of: ScenarioMaker, design_file: Write) -> None:
    rows: dict[str, list[TraceRow]] = {"compiled": [], "simpy": []}
    for engine, told in rows.items():
        with pytest.raises(StuckError):
            simulate(scenario_of(TWO_LOOPS), design_file(CROSSED_SPINLOCKS), SEED, engine, Watch(told.append))
    assert rows["compiled"] == rows["simpy"]
    assert [row[2] for row in rows["compiled"]].count("spin_lock") == 4


def test_a_run_without_a_trace_keeps_no_room_for_one(scenario_of: ScenarioMaker) -> None:
    running = CompiledEngine(scenario_of(), load_design("redo"), SEED, None).running
    assert (running.run.trace.room, len(running.run.trace.row)) == (0, 0)


@pytest.mark.parametrize("checked,design", [(False, "redo"), (True, "own")])
def test_arguments_are_checked_of_a_users_design_alone(
    checked: bool, design: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    loaded = load_design(design_file(RESTLESS) if design == "own" else design)
    kinds = CompiledEngine(scenario_of(), loaded, SEED, None).running.run.code.kind
    assert any(kind & CHECKED for kind in kinds) == checked
