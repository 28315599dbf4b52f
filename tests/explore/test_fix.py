"""The fewest barriers that make a scenario safe."""

import pytest

from perfsim.explore.fix import Fix, minimize_fix
from perfsim.explore.question import Limits, Question
from perfsim.explore.scenario import load_explore_scenario
from perfsim.kernel.designs import load_design


def fix_of(name: str, number: int, model: str, flags: str = "word", limits: Limits = Limits()) -> Fix:  # noqa: B008
    scenario = load_explore_scenario(name)
    return minimize_fix(scenario, load_design(scenario.designs[number]), Question(model, flags, limits=limits))


def test_what_is_safe_needs_none() -> None:
    assert fix_of("recheck", 0, "sc") == Fix((), 1, "")


def test_what_breaks_in_order_is_not_repaired_by_barriers() -> None:
    fix = fix_of("recheck", 1, "sc")
    assert (fix.barriers, fix.why) == ((), "no barrier helps: stranded without any reordering")


@pytest.mark.parametrize(
    "number, missing",
    [(0, {"unlock", "sleep"}), (1, {"sleep"}), (2, {"unlock"}), (3, set())],
)
def test_a_sleeper_and_its_waker_need_a_barrier_each(number: int, missing: set[str]) -> None:
    """clear_no_fence, clear_waker_fence, clear_sleeper_fence and clear_both_fences."""
    fix = fix_of("wait_queue_words", number, "kernel")
    assert {one.path for one in fix.barriers} == missing
    assert {one.primitive for one in fix.barriers} <= {"read_word"}
    assert fix.why == ""


def test_a_search_that_is_given_up_finds_none() -> None:
    fix = fix_of("recheck", 0, "sc", limits=Limits(states_max=10))
    assert fix.barriers == ()
    assert fix.why.startswith("not exhaustive: ")
