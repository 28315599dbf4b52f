"""A way made again on plain lists is the way that the search found."""

import pytest

from perfsim.errors import InputError
from perfsim.explore.question import Question
from perfsim.explore.scenario import load_explore_scenario
from perfsim.explore.search import Action, Outcome, explore
from perfsim.explore.walk import LOCALLY, PERFORM, STEP, Moment, walk
from perfsim.kernel.constants import LRU_UNEVICTABLE, PG_LRU, PG_MLOCKED
from perfsim.kernel.designs import load_design

FOUND = {
    # scenario, number of its design, memory model, flags: the primitive that ends the way, or None
    ("recheck", 1, "sc", "word"): None,
    ("munlock_pagevec", 0, "sc", "word"): "spin_lock_irqsave",
    ("truncate_order", 1, "tso", "word"): "VM_BUG_ON_COUNT_NOT",
    ("rescue_order", 0, "kernel", "bits"): None,
    ("putback_exit", 0, "ia64", "word"): "free_page_to_zone",
}


def found(name: str, number: int, model: str, flags: str) -> tuple[Outcome, list[Moment]]:
    scenario = load_explore_scenario(name)
    design = load_design(scenario.designs[number])
    outcome = explore(scenario, design, Question(model, flags))
    return outcome, walk(scenario, design, outcome.actions, Question(model, flags))


@pytest.mark.parametrize("asked", FOUND)
def test_each_action_is_a_moment_and_the_last_one_is_what_breaks(asked: tuple[str, int, str, str]) -> None:
    outcome, moments = found(*asked)
    shared = [moment for moment in moments if moment.kind != LOCALLY]
    assert outcome.verdict == "broken"
    assert [(moment.kind, moment.cpu) for moment in shared] == [(one.kind, one.cpu) for one in outcome.actions]
    assert FOUND[asked] in (None, shared[-1].primitive)


def test_what_a_step_reads_is_what_was_there() -> None:
    _, moments = found("recheck", 1, "sc", "word")
    mlocked = [one.value for one in moments if (one.primitive, one.arguments) == ("test_flag", (0, PG_MLOCKED))]
    cleared = [one.value for one in moments if (one.primitive, one.arguments) == ("test_and_clear", (0, PG_MLOCKED))]
    added = [one.arguments for one in moments if one.primitive == "add_page_to_lru_list"]
    assert (mlocked, cleared) == ([1], [1])
    assert added == [(0, 0, LRU_UNEVICTABLE)]
    assert not any(one.old or one.waiting for one in moments)


def test_a_write_waits_until_it_is_seen_by_all() -> None:
    _, moments = found("rescue_order", 0, "kernel", "bits")
    of_lru = [one for one in moments if (one.primitive, one.arguments) == ("set_flag", (0, PG_LRU))]
    assert [one.kind for one in of_lru] == [STEP, PERFORM]
    waits, seen = of_lru
    assert ("set_flag", (0, PG_LRU)) in waits.waiting
    assert ("set_flag", (0, PG_LRU)) not in seen.waiting
    between = moments[moments.index(waits) : moments.index(seen)]
    assert any(one.primitive == "test_flag" and one.arguments[1] == PG_MLOCKED for one in between)


@pytest.mark.parametrize(
    "actions, problem",
    [
        ([Action("step", 7, 0)], "action 1 is of CPU 7; expected a CPU below 2"),
        ([Action("perform", 0, 0)], "action 1, of CPU 0, is not possible there"),
        ([Action("step", 0, 3)], "action 1, of CPU 0, is not possible there"),
        ([Action("step", 0, 0)] * 500, "of CPU 0, is not possible there"),
    ],
)
def test_an_action_that_is_not_possible_is_refused(actions: list[Action], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        walk(load_explore_scenario("recheck"), load_design("redo"), actions)
