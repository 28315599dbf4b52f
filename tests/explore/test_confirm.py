"""Ways that the search found are made again by the reference engine, and whatever it does otherwise is noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.explore.columns import MODELS
from perfsim.explore.confirm import Confirmed, confirm
from perfsim.explore.question import Question
from perfsim.explore.scenario import ExploreScenario, load_explore_scenario, shipped_scenarios
from perfsim.explore.search import Action, explore
from perfsim.explore.walk import STEP, Walked, walk_to_rest
from perfsim.kernel.constants import NONE, PG_MLOCKED
from perfsim.kernel.designs import Design, load_design

WRONG = '''\
"""Paths that do what cannot be."""

from perfsim.kernel.cpu import Cpu

extends = "redo"


async def unlocks(cpu: Cpu, page: int) -> None:
    await cpu.spin_unlock(0, 0)


async def links(cpu: Cpu, page: int) -> None:
    await cpu.set_flag(page, 4)
    await cpu.list_del(page)


async def releases(cpu: Cpu, page: int) -> None:
    await cpu.set_flag(page, 4)
    await cpu.up_read(0)


async def beyond(cpu: Cpu, page: int) -> None:
    await cpu.set_flag(page, 4)
    await cpu.set_flag(page + 100, 4)


async def beyond_locally(cpu: Cpu, page: int) -> None:
    await cpu.set_flag(page, 4)
    await cpu.list_del(page + 1)


async def unlocks_none(cpu: Cpu, page: int) -> None:
    await cpu.spin_unlock(page + 77, 0)
'''
SLEEPS = '''\
"""A page lock under lru_lock, taken at once and after a look."""

from perfsim.kernel.constants import LRU_LOCK, PG_LOCKED
from perfsim.kernel.cpu import Cpu

extends = "redo"


async def lock_under_lru_lock(cpu: Cpu, page: int) -> None:
    zone = await cpu.page_zone(page)
    await cpu.spin_lock_irq(LRU_LOCK, zone)
    await lock_page(cpu, page)
    await unlock_page(cpu, page)
    await cpu.spin_unlock_irq(LRU_LOCK, zone)


async def try_under_lru_lock(cpu: Cpu, page: int) -> None:
    zone = await cpu.page_zone(page)
    await cpu.spin_lock_irq(LRU_LOCK, zone)
    if not await cpu.test_and_set(page, PG_LOCKED):
        await unlock_page(cpu, page)
    await cpu.spin_unlock_irq(LRU_LOCK, zone)
'''
SLEEPS_SCENARIO = """\
name: sleeps
meaning: a page is locked under lru_lock while somebody else holds its lock.
pages: [{name: page, flags: [uptodate, swapbacked], mapping: anon, pte: true, where: inactive_anon}]
cpus:
  - {name: holder, does: [lock_page(page), unlock_page(page)]}
  - {name: other, does: """
WRONG_SCENARIO = """\
name: wrong
meaning: a path does what cannot be.
pages: [{name: page, where: off, references: 1}]
cpus:
  - {name: only, does: """
SHORTEST = Question("sc", reduce=False)


def broken_under_sc() -> list[tuple[str, str]]:
    """Every shipped scenario and design of it that is broken where nothing is reordered."""
    scenarios = [load_explore_scenario(name) for name in shipped_scenarios()]
    paths = [(scenario, path, load_design(path).name) for scenario in scenarios for path in scenario.designs]
    return [(scenario.name, path) for scenario, path, name in paths if scenario.expect[name].get("sc") != "safe"]


def loaded(name: str, path: str) -> tuple[ExploreScenario, Design]:
    return load_explore_scenario(name), load_design(path)


def one_after_another(scenario: ExploreScenario, design: Design) -> list[Action]:
    """The way on which each CPU does all that it can before the next one begins."""
    actions: list[Action] = []
    for cpu in range(len(scenario.cpus)):
        with pytest.raises(InputError, match="is not possible there") as refused:
            walk_to_rest(scenario, design, [*actions, *[Action("step", cpu, 0)] * 500])
        [number] = re.findall(r"action (\d+)", str(refused.value))
        actions += [Action("step", cpu, 0)] * (int(number) - 1 - len(actions))
    return actions


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def way() -> Walked:
    """The way on which a page is stranded: see the README."""
    scenario, design = recheck()
    return walk_to_rest(scenario, design, explore(scenario, design, SHORTEST).actions)


def recheck() -> tuple[ExploreScenario, Design]:
    return loaded("recheck", load_explore_scenario("recheck").designs[1])


def confirmed(way: Walked) -> Confirmed:
    return confirm(*recheck(), way)


@pytest.mark.parametrize("name, path", broken_under_sc())
def test_every_shipped_breach_is_that_of_the_reference_engine_too(name: str, path: str) -> None:
    scenario, design = loaded(name, path)
    outcome = explore(scenario, design, SHORTEST)
    found = confirm(scenario, design, walk_to_rest(scenario, design, outcome.actions))
    assert found == Confirmed(outcome.steps, found.broken, "")
    assert outcome.property in found.broken


@pytest.mark.parametrize("name", ["recheck", "drain_release"])
def test_a_way_that_breaks_nothing_ends_in_the_same_state(name: str) -> None:
    scenario, design = loaded(name, load_explore_scenario(name).designs[0])
    actions = one_after_another(scenario, design)
    walked = walk_to_rest(scenario, design, actions)
    assert walked.ends == NONE
    assert confirm(scenario, design, walked) == Confirmed(len(actions), (), "")


def test_two_steps_that_are_exchanged_are_noticed(way: Walked) -> None:
    moments = list(way.moments)
    read = next(at for at, one in enumerate(moments) if one[2:4] == ("test_flag", (0, PG_MLOCKED)))
    cleared = next(at for at, one in enumerate(moments) if one[2:4] == ("test_and_clear", (0, PG_MLOCKED)))
    moments[read], moments[cleared] = moments[cleared], moments[read]
    assert confirmed(way._replace(moments=moments)).differs == (
        "step 5: it makes CPU 1's pte_page(0) -> 0, and the way CPU 1's test_and_clear(0, 2097152) -> 1"
    )


def test_another_value_another_end_and_a_missing_step_are_noticed(way: Walked) -> None:
    last = max(at for at, one in enumerate(way.moments) if one.kind == STEP)
    other = way.moments[last]._replace(value=7)
    said = confirmed(way._replace(moments=[*way.moments[:last], other, *way.moments[last + 1 :]])).differs
    assert said.endswith("-> 0, and the way CPU 1's waitqueue_active(0) -> 7")
    assert "it ends with stranded; the way with lost_page" in confirmed(way._replace(broken=("lost_page",))).differs
    shorter = way._replace(moments=way.moments[:last], acted=last)
    assert confirmed(shorter).differs.startswith("behind the last step: it makes CPU ")
    longer = way._replace(moments=[*way.moments, way.moments[last]])
    assert confirmed(longer).differs.endswith("the engine nothing")


def test_a_state_that_differs_in_one_column_is_noticed(way: Walked) -> None:
    s = way.x.s
    state = s._replace(pages=s.pages._replace(refcount=[9, *s.pages.refcount[1:]]))
    differs = confirmed(way._replace(x=way.x._replace(s=state))).differs
    assert differs.startswith("in the end pages.refcount is [")
    assert ", and by the way [9" in differs


def test_a_way_that_stops_on_its_way_is_compared_as_far_as_it_goes() -> None:
    scenario, design = recheck()
    walked = walk_to_rest(scenario, design, [Action("step", 0, 0)] * 6)
    assert confirm(scenario, design, walked) == Confirmed(6, (), "")


@pytest.mark.parametrize(
    "path, steps, breach",
    [
        *(("unlocks", 1, "unlock_not_held"), ("links", 1, "corruption"), ("releases", 2, "corruption")),
        *(("beyond", 2, "corruption"), ("beyond_locally", 1, "corruption"), ("unlocks_none", 1, "corruption")),
    ],
)
def test_an_effect_that_the_state_does_not_allow_is_the_same_breach(path: str, steps: int, breach: str) -> None:
    Path("mine.py").write_text(WRONG, encoding="utf-8")
    Path("wrong.yaml").write_text(f"{WRONG_SCENARIO}[{path}(page)]}}\n", encoding="utf-8")
    scenario, design = load_explore_scenario("wrong.yaml"), load_design("mine.py")
    outcome = explore(scenario, design, SHORTEST)
    walked = walk_to_rest(scenario, design, outcome.actions)
    assert (outcome.property, outcome.steps) == (breach, steps)
    assert confirm(scenario, design, walked) == Confirmed(steps, (breach,), "")


@pytest.mark.parametrize("model", list(MODELS))
def test_a_number_that_is_no_page_in_a_script_is_corruption_on_every_memory_model(model: str) -> None:
    Path("wrong.yaml").write_text(f"{WRONG_SCENARIO}[putback_lru_page(1)]}}\n", encoding="utf-8")
    outcome = explore(load_explore_scenario("wrong.yaml"), load_design("redo"), Question(model))
    assert (outcome.property, outcome.steps) == ("corruption", 1)


@pytest.mark.parametrize("model", list(MODELS))
def test_who_sleeps_with_a_spinlock_is_told_where_he_goes_to_sleep_and_by_the_reference_engine(model: str) -> None:
    Path("mine.py").write_text(SLEEPS, encoding="utf-8")
    Path("sleeps.yaml").write_text(f"{SLEEPS_SCENARIO}[lock_under_lru_lock(page)]}}\n", encoding="utf-8")
    scenario, design = load_explore_scenario("sleeps.yaml"), load_design("mine.py")
    outcome = explore(scenario, design, Question(model))
    assert outcome.property == "scheduling_while_atomic"
    if model == "sc":
        walked = walk_to_rest(scenario, design, outcome.actions)
        assert confirm(scenario, design, walked) == Confirmed(outcome.steps, ("scheduling_while_atomic",), "")
    alone = explore(scenario, design, Question(model, properties=("deadlock", "livelock")))
    assert alone.verdict == "safe"  # the holder needs no lru_lock to unlock


@pytest.mark.parametrize("model", list(MODELS))
def test_who_only_tries_under_a_spinlock_does_not_sleep(model: str) -> None:
    Path("mine.py").write_text(SLEEPS, encoding="utf-8")
    script = "[try_under_lru_lock(page), lock_page(page), unlock_page(page)]"
    Path("sleeps.yaml").write_text(f"{SLEEPS_SCENARIO}{script}}}\n", encoding="utf-8")
    assert explore(load_explore_scenario("sleeps.yaml"), load_design("mine.py"), Question(model)).verdict == "safe"
