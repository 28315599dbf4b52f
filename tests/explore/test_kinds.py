"""What a local holds is told by what is done with it."""

from pathlib import Path

import pytest

from perfsim.engine.program import FIRST_PRIMITIVE
from perfsim.explore.columns import PAGE, PLAIN, RANGE
from perfsim.explore.kinds import kinds_of
from perfsim.explore.rows import ORDERED, scripts_of
from tests.explore.files import design_file, scenario_file
from tests.explore.searches import shipped

PATHS = '''\
"""Locals that are pages, and one that is two things."""

from perfsim.kernel.constants import PAGELIST
from perfsim.kernel.cpu import Cpu

extends = "redo"


async def looks(cpu: Cpu, page: int) -> None:
    other = page
    last = await cpu.list_last(PAGELIST)
    if last >= 0:
        other = last
    if await cpu.test_flag(other, 1):
        await cpu.get_page(other)


async def counts(cpu: Cpu, page: int) -> None:
    last = await cpu.list_last(PAGELIST)
    if last + 1:
        await cpu.get_page(page)


async def compares(cpu: Cpu, page: int) -> None:
    last = await cpu.list_last(PAGELIST)
    if last == page:
        await cpu.get_page(page)


async def branches(cpu: Cpu, page: int) -> None:
    if await cpu.list_last(PAGELIST):
        await cpu.get_page(page)


async def mixes(cpu: Cpu, page: int) -> None:
    number = page
    await cpu.get_page(number)
    await cpu.test_flag(page, number)
'''


def test_what_is_given_as_a_page_is_one_wherever_it_comes_from(tmp_path: Path) -> None:
    scenario, design = scenario_file(tmp_path, ["looks(page)"] * 2), design_file(tmp_path, PATHS)
    scripts = scripts_of(scenario, design)
    kinds = kinds_of(scripts)
    assert kinds is not None
    flags = [
        number
        for number, row in enumerate(scripts.rows)
        if row.op >= FIRST_PRIMITIVE and ORDERED[row.op - FIRST_PRIMITIVE].name == "test_flag"
    ]
    assert {kinds.operands[number] for number in flags} == {(PAGE, PLAIN)}
    assert all(kinds.of(number, scripts.rows[number].a) == PAGE for number in flags)


@pytest.mark.parametrize("path", ["counts", "compares", "branches", "mixes"])
def test_a_page_that_is_used_as_a_number_leaves_nothing_known(tmp_path: Path, path: str) -> None:
    scenario, design = scenario_file(tmp_path, [f"{path}(page)"] * 2), design_file(tmp_path, PATHS)
    assert kinds_of(scripts_of(scenario, design)) is None


def test_the_paths_of_putback_and_munlock_are_known() -> None:
    scripts = scripts_of(*shipped("putback_munlock", 1))
    kinds = kinds_of(scripts)
    assert kinds is not None
    ptes = [
        kinds.operands[number]
        for number, row in enumerate(scripts.rows)
        if row.op >= FIRST_PRIMITIVE and ORDERED[row.op - FIRST_PRIMITIVE].name == "pte_page"
    ]
    assert set(ptes) == {(RANGE,)}
