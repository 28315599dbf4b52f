"""CPUs are interchangeable that do the same to the same, and a search that knows it sees all with fewer states."""

from pathlib import Path

import pytest

from perfsim.explore.question import Question
from perfsim.explore.rows import scripts_of
from perfsim.explore.scenario import ExploreScenario
from perfsim.explore.symmetry import mirrors_of
from perfsim.kernel.designs import Design, load_design
from tests.explore.searches import compiled_search, seen_by, shipped
from tests.explore.test_search import scenario_file
from tests.tier import SLOW

LOCKS = "lock_page(page), unlock_page(page)"


def mirrors(scenario: ExploreScenario, design: Design, fences: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    return mirrors_of(scenario, scripts_of(scenario, design), fences)


def test_cpus_that_do_the_same_to_one_page_may_change_places_and_no_others() -> None:
    assert mirrors(*shipped("wait_queue", 0)) == [(1, 0)]
    assert mirrors(*shipped("putback_putback_munlock", 1)) == [(1, 0, 2)]
    assert mirrors(*shipped("reclaim_reclaim", 1)) == []  # each of them has locked another page
    assert mirrors(*shipped("recheck", 0)) == []


def test_three_that_do_the_same_have_five_other_orders(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, [LOCKS] * 3)
    assert len(mirrors(scenario, load_design("redo"))) == 5


def test_a_barrier_in_one_of_two_copies_tells_them_apart(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, [LOCKS] * 2)
    scripts = scripts_of(scenario, load_design("redo"))
    second = scripts.cpus.index(1)
    assert mirrors(scenario, load_design("redo"), (2, second + 2)) == [(1, 0)]
    assert mirrors(scenario, load_design("redo"), (second + 2,)) == []


def test_who_counts_cpus_or_has_a_page_to_himself_is_like_nobody_else(tmp_path: Path) -> None:
    draining = scenario_file(tmp_path, ["lru_add_drain_all()"] * 2)
    assert mirrors(draining, load_design("redo")) == []
    scenario, design = shipped("wait_queue", 0)
    page = scenario.pages[0]._replace(where="pagevec:inactive_anon", owner=1)
    assert mirrors(scenario._replace(pages=(page,)), design) == []


@pytest.mark.parametrize(
    "name, number, model",
    [
        *(("wait_queue", number, model) for number in range(3) for model in ("sc", "tso", "ia64", "kernel")),
        *(("munlock_munlock", 1, model) for model in ("sc", "kernel")),
        *(("putback_putback", number, "sc") for number in range(5)),
        *((("putback_putback_munlock", number, "tso") for number in range(5)) if SLOW else ()),
    ],
)
def test_half_of_the_states_show_every_breach_and_the_shortest_way_to_each(name: str, number: int, model: str) -> None:
    scenario, design = shipped(name, number)
    whole = seen_by(compiled_search(scenario, design, Question(model, reduce=False, symmetry=False)))
    half = seen_by(compiled_search(scenario, design, Question(model, reduce=False)))
    assert {one: len(way) for one, way in half.ways.items()} == {one: len(way) for one, way in whole.ways.items()}
    assert whole.states / 2 <= half.states < 0.7 * whole.states
    assert half.finals <= whole.finals <= 2 * half.finals
