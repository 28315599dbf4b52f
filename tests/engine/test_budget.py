"""What a run may take: both engines give up at the same event, and a run within its limits is what it is without."""

from collections.abc import Callable

import pytest

from perfsim.engine.budget import Limits
from perfsim.engine.trace import Watch
from perfsim.errors import LimitError
from perfsim.kernel.boot import Seed
from perfsim.measure.row import simulate
from tests.engine.conftest import ScenarioMaker

SEED = Seed(1, 0)


def given_up(scenario_of: ScenarioMaker, engine: str, limits: Limits) -> LimitError:
    with pytest.raises(LimitError) as caught:
        simulate(scenario_of(), "redo", SEED, engine, Watch(limits=limits))
    return caught.value


def test_both_engines_give_up_at_the_same_event(scenario_of: ScenarioMaker) -> None:
    compiled = given_up(scenario_of, "compiled", Limits(events_max=100))
    assert str(compiled) == str(given_up(scenario_of, "simpy", Limits(events_max=100)))
    assert str(compiled).startswith("given up after 100 events, the most that a run may take, at ")
    assert compiled.at_ps < given_up(scenario_of, "compiled", Limits(events_max=200)).at_ps


def test_a_run_within_its_limits_has_the_row_that_it_has_without(engine: str, scenario_of: ScenarioMaker) -> None:
    free = simulate(scenario_of(), "redo", SEED, engine)
    limits = Limits(events_max=2 * free["events"], wall_s_max=3600.0)
    row = simulate(scenario_of(), "redo", SEED, engine, Watch(limits=limits))
    assert {**row, "wall_s": 0.0} == {**free, "wall_s": 0.0}


def test_a_path_that_loops_for_ever_and_awaits_nothing_is_given_up_when_its_time_is_over(
    scenario_of: ScenarioMaker, design_file: Callable[[str], str]
) -> None:
    """By the compiled engine: in its code Python sees no clock and no Ctrl-C. The other's loop is Python's own."""
    design = design_file("async def direct_reclaim(cpu):\n    turns = 1\n    while turns:\n        turns = 3 - turns\n")
    with pytest.raises(LimitError, match=r"given up after 0\.5 s, "):
        simulate(scenario_of(), design, SEED, "compiled", Watch(limits=Limits(wall_s_max=0.5)))


def test_a_run_is_given_up_when_its_time_is_over(engine: str, scenario_of: ScenarioMaker) -> None:
    error = given_up(scenario_of, engine, Limits(wall_s_max=1e-6))
    assert str(error).startswith("given up after 1e-06 s, the most that a run may take, at ")
