"""A search sees the same compiled and as plain Python, reduced and not; where it has not seen all, it says so."""

from pathlib import Path

import pytest

from perfsim.explore.question import Limits, Question
from perfsim.explore.scenario import ExploreScenario, load_explore_scenario, shipped_scenarios
from perfsim.explore.search import Outcome, explore
from perfsim.kernel.designs import load_design
from tests.explore.files import design_file, scenario_file
from tests.explore.searches import compiled_search, plain_search, seen_by, shipped
from tests.explore.test_shipped import LONG
from tests.tier import SLOW

ALIKE = [("wait_queue", 0, model, flags) for model in ("sc", "tso", "ia64", "kernel") for flags in ("word", "bits")]
ALIKE += [("recheck", 1, "sc", "word"), ("recheck", 1, "tso", "bits"), ("munlock_munlock", 1, "sc", "bits")]
ALIKE += [("munlock_pagevec", 0, "sc", "word"), ("wait_queue", 2, "kernel", "word")]
LARGER = [("recheck", 1, "ia64", "word"), ("recheck", 1, "kernel", "bits"), ("munlock_munlock", 0, "tso", "word")]

ENDLESS = '''\
"""A path that turns round without a step that others see, and one that thinks."""

from perfsim.kernel.cpu import Cpu

extends = "redo"


async def turn_round(cpu: Cpu) -> None:
    turns = 1
    while turns:
        turns = 3 - turns


async def take_time(cpu: Cpu, page: int) -> None:
    await cpu.test_flag(page, 1)
    await cpu.think()
'''


@pytest.mark.parametrize("reduce", [True, False])
@pytest.mark.parametrize("name, number, model, flags", ALIKE + (LARGER if SLOW else []))
def test_compiled_code_and_python_see_the_same(name: str, number: int, model: str, flags: str, *, reduce: bool) -> None:
    scenario, design = shipped(name, number)
    question = Question(model, flags, reduce=reduce)
    seen = seen_by(compiled_search(scenario, design, question))
    assert seen.finals > 0 or seen.ways
    assert seen == seen_by(plain_search(scenario, design, question))


def check_reduction(scenario: ExploreScenario, path: str, model: str) -> None:
    """Without what only permutes steps a search sees as many ends, the same breaches, and no more states."""
    design = load_design(path)
    reduced, whole = (
        seen_by(compiled_search(scenario, design, Question(model, reduce=reduce))) for reduce in (True, False)
    )
    assert (reduced.finals, set(reduced.ways)) == (whole.finals, set(whole.ways)), (scenario.name, design.name)
    assert reduced.states <= whole.states


@pytest.mark.parametrize("name", sorted(shipped_scenarios() if SLOW else set(shipped_scenarios()) - LONG))
def test_the_reduced_search_sees_every_end_and_every_breach(name: str) -> None:
    scenario = load_explore_scenario(name)
    for path in scenario.designs if SLOW else (scenario.designs[0], scenario.designs[-1]):
        check_reduction(scenario, path, "sc")


@pytest.mark.parametrize("model", ["tso", "ia64", "kernel"])
@pytest.mark.parametrize("name", ["recheck", "wait_queue", "munlock_pagevec", "truncate_order", "reclaim_reclaim"])
def test_the_reduced_search_sees_it_on_weak_memory_too(name: str, model: str) -> None:
    scenario = load_explore_scenario(name)
    for path in scenario.designs if SLOW else scenario.designs[-1:]:
        check_reduction(scenario, path, model)


@pytest.mark.parametrize(
    "name, number, model", [("recheck", 1, "sc"), ("munlock_pagevec", 0, "sc"), ("wait_queue", 2, "kernel")]
)
def test_the_way_to_a_breach_is_a_shortest_one(name: str, number: int, model: str) -> None:
    scenario, design = shipped(name, number)
    outcome = explore(scenario, design, Question(model))
    ways = seen_by(compiled_search(scenario, design, Question(model, reduce=False))).ways
    assert outcome.property in ways
    assert len(outcome.actions) == min(map(len, ways.values()))
    assert set(ways) == {outcome.property, *dict(outcome.others)}


def explored(limits: Limits, number: int = 0) -> Outcome:
    return explore(*shipped("putback_putback_munlock", number), Question(limits=limits))


@pytest.mark.parametrize(
    "limits, why",
    [
        (Limits(states_max=100), "more than 100 states"),
        (Limits(seconds_max=0), "more than 0 s"),
        (Limits(memory_max_bytes=1 << 20), "more memory than 1MiB, for "),
    ],
)
def test_a_search_that_meets_a_limit_is_never_called_safe(limits: Limits, why: str) -> None:
    outcome = explored(limits, 1)
    assert outcome.verdict == "not_exhaustive"
    assert outcome.why.startswith(why)
    assert outcome.states > 100
    assert (outcome.property, outcome.actions) == ("", ())


def test_what_was_found_before_the_limit_is_told_all_the_same() -> None:
    scenario, design = shipped("recheck", 1)
    whole = explore(scenario, design)
    outcome = explore(scenario, design, Question(reduce=False, limits=Limits(states_max=whole.states - 1)))
    assert (outcome.verdict, outcome.property) == ("broken", "stranded")
    assert outcome.why == f"more than {whole.states - 1} states"


def test_a_loop_without_a_step_is_no_state_and_its_place_is_named(tmp_path: Path) -> None:
    design = design_file(tmp_path, ENDLESS)
    outcome = explore(scenario_file(tmp_path, ["lock_page(page), unlock_page(page)", "turn_round()"]), design)
    assert outcome.verdict == "not_exhaustive"
    assert outcome.why.startswith("turn_round() at ")
    assert outcome.why.endswith("own.py:11 goes on for ever without a step that others see")


def test_a_primitive_that_needs_time_is_named_with_its_place(tmp_path: Path) -> None:
    design = design_file(tmp_path, ENDLESS)
    outcome = explore(scenario_file(tmp_path, ["take_time(page)", "lock_page(page), unlock_page(page)"]), design)
    assert outcome.verdict == "not_exhaustive"
    assert outcome.why.endswith("own.py:16 comes to think(), which needs time, chance or a device")


def test_more_pages_in_a_pagevec_than_a_state_holds_are_told_and_none_is_called_lost(tmp_path: Path) -> None:
    page = "flags: [uptodate, swapbacked], mapping: anon, pte: true, where: off"
    found = {}
    for names in ("abcd", "abcde"):
        pages = "".join(f"  - {{name: {name}, {page}}}\n" for name in names)
        calls = ", ".join(f"putback_lru_page({name})" for name in names)
        text = f"name: full\nmeaning: a test.\nkernel: {{pagevec_size: 14}}\npages:\n{pages}"
        file = tmp_path / "full.yaml"
        file.write_text(f"{text}cpus: [{{name: one, does: [{calls}]}}]\n", encoding="utf-8")
        outcome = explore(load_explore_scenario(str(file)), load_design("redo"))
        found[names] = (outcome.verdict, outcome.why.partition(" comes with ")[2])
    assert found == {"abcd": ("safe", ""), "abcde": ("not_exhaustive", "more than 4 pages in a pagevec")}


def test_a_property_that_nobody_asked_for_ends_nothing() -> None:
    scenario, design = shipped("recheck", 1)
    everything = explore(scenario, design)
    outcome = explore(scenario, design, Question(properties=("double_unlock",), reduce=False))
    assert (outcome.verdict, outcome.property, outcome.others) == ("safe", "", ())
    assert (outcome.states, outcome.final_states) == (everything.states, everything.final_states)
