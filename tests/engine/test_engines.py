"""The engines by name: each is reached by it, and all give the same row."""

import pytest

from perfsim.engine import ENGINES
from perfsim.engine.engines import CompiledEngine, ReferenceEngine, begin
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import load_design
from perfsim.measure.row import simulate
from tests.engine.conftest import WORKLOAD, ScenarioMaker

SEED = Seed(3, 1)
MIXED = WORKLOAD.replace("measure:", "  - {name: faults, kind: fault, count: 2, think: 3us}\nmeasure:")


@pytest.mark.parametrize("name", ["", "simpi", "Compiled", "reference"])
def test_an_engine_that_nobody_knows_is_refused_with_the_known_ones(name: str, scenario_of: ScenarioMaker) -> None:
    with pytest.raises(InputError) as caught:
        begin(name, scenario_of(), load_design("redo"), SEED)
    assert str(caught.value).startswith(f'--engine: no engine is called "{name}"')
    assert str(caught.value).endswith("known: compiled, simpy")


def test_a_misspelt_engine_is_guessed(scenario_of: ScenarioMaker) -> None:
    with pytest.raises(InputError, match='did you mean "simpy"'):
        begin("simpi", scenario_of(), load_design("redo"), SEED)


def test_each_name_begins_its_own_engine(scenario_of: ScenarioMaker) -> None:
    begun = {name: begin(name, scenario_of(), load_design("redo"), SEED) for name in ENGINES}
    for run in begun.values():
        run.advance(1)  # else the reference engine's coroutines are never awaited
    assert {name: type(run) for name, run in begun.items()} == {"compiled": CompiledEngine, "simpy": ReferenceEngine}


@pytest.mark.parametrize("design", ["lock_page", "redo"])
@pytest.mark.parametrize("profile", ["x86_64", "ia64", "ideal"])
def test_rows_of_the_engines_differ_in_engine_and_wall_time_alone(
    design: str, profile: str, scenario_of: ScenarioMaker
) -> None:
    scenario = scenario_of(MIXED, f"machine.profile={profile}", "machine.cpus=6")
    rows = [simulate(scenario, design, SEED, name) for name in ENGINES]
    assert [row.pop("engine") for row in rows] == list(ENGINES)
    assert all(row.pop("wall_s") > 0 for row in rows)
    assert rows[0] == rows[1]
    assert list(rows[0]) == list(rows[1])
    assert rows[0]["events"] > 1000
    assert [{name: type(value) for name, value in row.items()} for row in rows[:1]] == [
        {name: type(value) for name, value in row.items()} for row in rows[1:]
    ]


def test_an_engine_lets_go_on_by_parts_as_in_one_go(engine: str, scenario_of: ScenarioMaker) -> None:
    whole, parts = (begin(engine, scenario_of(MIXED), load_design("redo"), SEED) for _ in range(2))
    whole.advance(60_000_000)
    for until_ps in (0, 1, 1, 20_000_000, 20_000_001, 59_999_999, 60_000_000):
        parts.advance(until_ps)
    assert parts.events() == whole.events() > 100
    assert parts.counts() == whole.counts()


def test_the_verdict_of_a_run_that_is_finished_is_clean(engine: str, scenario_of: ScenarioMaker) -> None:
    run = begin(engine, scenario_of(MIXED), load_design("redo"), SEED)
    run.advance(60_000_000)
    before = run.events()
    run.finish(60_000_000)
    assert (run.violated(), run.stranded_pages(), run.stranded_for_ps()) == ({}, 0, None)
    assert run.events() > before
