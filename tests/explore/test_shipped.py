"""The scenarios shipped: the search finds what each says that it finds."""

from pathlib import Path

import pytest

from perfsim.explore.columns import MODELS
from perfsim.explore.question import Question
from perfsim.explore.scenario import ExploreScenario, load_explore_scenario, shipped_scenarios
from perfsim.explore.search import explore
from perfsim.kernel.designs import load_design
from tests.tier import SLOW

LONG = {"migrate_exit", "migrate_fault", "migrate_fault_frozen", "migrate_munlock", "putback_migrate"}
LONG |= {"putback_putback_munlock"}
"""Those that take a second a search; one design of one model each."""


def check(scenario: ExploreScenario, path: str, model: str) -> None:
    """What is expected of one search, of several properties that are broken any."""
    design = load_design(path)
    expected = scenario.expect[design.name][model]
    outcome = explore(scenario, design, Question(model))
    if expected == "safe":
        assert (outcome.verdict, outcome.property) == ("safe", ""), design.name
    else:
        assert outcome.verdict == "broken", design.name
        assert expected in (outcome.property, *dict(outcome.others)), design.name


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_design_of_a_scenario_has_its_verdict_written_down(name: str) -> None:
    scenario = load_explore_scenario(name)
    assert list(scenario.expect) == [Path(design).stem for design in scenario.designs]


@pytest.mark.parametrize("model", list(MODELS) if SLOW else ["sc", "kernel"])
@pytest.mark.parametrize("name", sorted(set(shipped_scenarios()) - LONG))
def test_the_first_and_the_last_design_do_what_is_written(name: str, model: str) -> None:
    scenario = load_explore_scenario(name)
    for design in scenario.designs if SLOW else dict.fromkeys((scenario.designs[0], scenario.designs[-1])):
        check(scenario, design, model)


@pytest.mark.parametrize("name", sorted(LONG))
def test_a_long_scenario_does_what_is_written(name: str) -> None:
    scenario = load_explore_scenario(name)
    for design in scenario.designs if SLOW else scenario.designs[1:2]:
        for model in ("sc", "tso", "ia64") if SLOW else ("sc",):
            check(scenario, design, model)


@pytest.mark.parametrize("flags, verdict", [("word", "safe"), ("bits", "broken")])
def test_the_barrier_of_2009_is_needed_if_flags_are_locations_of_their_own(flags: str, verdict: str) -> None:
    scenario = load_explore_scenario("rescue_order")
    outcome = explore(scenario, load_design("redo_merged"), Question("kernel", flags))
    assert outcome.verdict == verdict
    with_barrier = explore(scenario, load_design("redo_barrier"), Question("kernel", flags))
    assert with_barrier.verdict == "safe"
