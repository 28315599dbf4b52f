"""CPUs and pages that are interchangeable are found, and a search that knows of them sees all with fewer states."""

from pathlib import Path

import pytest

from perfsim.explore.question import Question
from perfsim.explore.rows import scripts_of
from perfsim.explore.scenario import ExploreScenario
from perfsim.explore.symmetry import Renumbering, renumberings_of
from perfsim.kernel.designs import Design, load_design
from tests.explore.files import OFF, scenario_file, with_pages
from tests.explore.searches import compiled_search, seen_by, shipped
from tests.tier import SLOW

LOCKS = "lock_page(page), unlock_page(page)"


def mirrors(scenario: ExploreScenario, design: Design, fences: tuple[int, ...] = ()) -> list[Renumbering]:
    return renumberings_of(scenario, scripts_of(scenario, design), fences)


def of_cpus(scenario: ExploreScenario, design: Design, fences: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """Where no page is renumbered."""
    found = mirrors(scenario, design, fences)
    assert all(one.pages == tuple(range(len(scenario.pages))) for one in found)
    return [one.cpus for one in found]


def test_cpus_that_do_the_same_to_one_page_may_change_places_and_no_others() -> None:
    assert of_cpus(*shipped("wait_queue", 0)) == [(1, 0)]
    assert of_cpus(*shipped("putback_putback_munlock", 1)) == [(1, 0, 2)]
    assert of_cpus(*shipped("recheck", 0)) == []


def test_three_that_do_the_same_have_five_other_orders(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, [LOCKS] * 3)
    assert len(of_cpus(scenario, load_design("redo"))) == 5


def test_a_barrier_in_one_of_two_copies_tells_them_apart(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, [LOCKS] * 2)
    scripts = scripts_of(scenario, load_design("redo"))
    second = scripts.cpus.index(1)
    assert of_cpus(scenario, load_design("redo"), (2, second + 2)) == [(1, 0)]
    assert of_cpus(scenario, load_design("redo"), (second + 2,)) == []


def test_who_counts_cpus_or_has_a_page_to_himself_is_like_nobody_else(tmp_path: Path) -> None:
    draining = scenario_file(tmp_path, ["lru_add_drain_all()"] * 2)
    assert of_cpus(draining, load_design("redo")) == []
    scenario, design = shipped("wait_queue", 0)
    page = scenario.pages[0]._replace(where="pagevec:inactive_anon", owner=1)
    assert of_cpus(scenario._replace(pages=(page,)), design) == []


def test_cpus_change_places_with_their_pages(tmp_path: Path) -> None:
    scenario = with_pages(tmp_path, OFF, [f"putback_lru_page({one})" for one in "abc"])
    found = mirrors(scenario, load_design("redo"))
    assert len(found) == 5
    assert all(one.cpus == one.pages == one.ranges for one in found)
    two = with_pages(tmp_path, OFF, ["putback_lru_page(a)", "putback_lru_page(b)"])
    assert [one[:2] for one in mirrors(two, load_design("redo"))] == [((1, 0), (1, 0, 2))]  # nobody has c


def test_pages_keep_their_numbers_on_one_list_in_an_object_and_where_an_outcome_is_asked_of_one(tmp_path: Path) -> None:
    scripts = [f"lock_page({one}), unlock_page({one})" for one in "ab"]
    on_a_list = with_pages(tmp_path, "mapping: anon, pte: true, where: unevictable", scripts)
    assert mirrors(on_a_list, load_design("redo")) == []
    of_objects = with_pages(tmp_path, "mapping: shm, unevictable: true, where: off", scripts)
    assert mirrors(of_objects, load_design("redo")) == []
    scenario = with_pages(tmp_path, OFF, scripts)
    assert len(mirrors(scenario, load_design("redo"))) == 1
    assert mirrors(scenario._replace(exists={"a": 1}), load_design("redo")) == []


def test_pages_keep_their_numbers_where_one_is_calculated_with(tmp_path: Path) -> None:
    scripts = ['"shrink_inactive_list(1, 0, LRU_INACTIVE_ANON)"'] * 2
    scenario = with_pages(tmp_path, OFF, scripts)
    assert of_cpus(scenario, load_design("redo")) == [(1, 0)]


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
