"""A loop that no scheduling leads out of is a livelock; one that waits for another CPU is not."""

from pathlib import Path

import pytest

from perfsim.explore.question import Question
from perfsim.explore.search import explore
from tests.explore.files import design_file, scenario_file

DESIGN = '''\
"""A CPU that tries again until a page is dirty, and one that makes it so."""

from perfsim.kernel.constants import PG_DIRTY, PG_REFERENCED
from perfsim.kernel.cpu import Cpu

extends = "redo"


async def wait_for_dirty(cpu: Cpu, page: int) -> None:
    while not await cpu.test_flag(page, PG_DIRTY):
        await cpu.set_flag(page, PG_REFERENCED)


async def make_dirty(cpu: Cpu, page: int) -> None:
    await cpu.set_flag(page, PG_DIRTY)


async def make_dirty_if_locked(cpu: Cpu, page: int) -> None:
    if await cpu.test_flag(page, 1):
        await cpu.set_flag(page, PG_DIRTY)
'''


@pytest.mark.parametrize("model", ["sc", "tso", "kernel"])
@pytest.mark.parametrize("reduce", [True, False])
def test_a_retry_that_can_never_succeed_is_a_livelock(tmp_path: Path, model: str, *, reduce: bool) -> None:
    scenario = scenario_file(tmp_path, ["wait_for_dirty(page)", "lock_page(page), unlock_page(page)"])
    outcome = explore(scenario, design_file(tmp_path, DESIGN), Question(model, reduce=reduce))
    assert (outcome.verdict, outcome.property) == ("broken", "livelock")
    assert outcome.final_states == 0


@pytest.mark.parametrize("model", ["sc", "tso", "ia64", "kernel"])
@pytest.mark.parametrize("reduce", [True, False])
def test_a_loop_that_another_cpu_ends_is_no_livelock(tmp_path: Path, model: str, *, reduce: bool) -> None:
    scenario = scenario_file(tmp_path, ["wait_for_dirty(page)", "make_dirty(page)"])
    outcome = explore(scenario, design_file(tmp_path, DESIGN), Question(model, reduce=reduce))
    assert (outcome.verdict, outcome.why) == ("safe", "")


def test_the_way_to_a_livelock_ends_where_there_is_no_way_back(tmp_path: Path) -> None:
    scripts = ["wait_for_dirty(page)", "make_dirty_if_locked(page)", "lock_page(page), unlock_page(page)"]
    outcome = explore(scenario_file(tmp_path, scripts), design_file(tmp_path, DESIGN))
    assert (outcome.verdict, outcome.property) == ("broken", "livelock")
    assert [one.cpu for one in outcome.actions] == [1]


def test_a_livelock_that_is_not_asked_for_is_not_told(tmp_path: Path) -> None:
    scenario = scenario_file(tmp_path, ["wait_for_dirty(page)", "lock_page(page), unlock_page(page)"])
    outcome = explore(scenario, design_file(tmp_path, DESIGN), Question(properties=("deadlock",)))
    assert (outcome.verdict, outcome.property) == ("safe", "")
