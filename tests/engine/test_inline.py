"""Short paths, and those called at one place alone, take no CALL; what they do, and where from, stays known."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from perfsim.engine import program as p
from perfsim.engine.inline import ROWS_MAX
from perfsim.engine.program import Place, Program
from perfsim.engine.translate import translate
from perfsim.kernel.designs import SHIPPED, load_design
from tests.engine.interpreter import NAMES, outcome, run_rows
from tests.engine.test_translate import design_of

Translate = Callable[[str], Program]


@pytest.fixture
def program_of(tmp_path: Path) -> Translate:
    """The table of some paths."""
    return lambda text: translate(design_of(text, tmp_path / "paths.py"))


def long_path(rows: int) -> str:
    """A path of as many primitives, one a row, and a return."""
    return "async def far(cpu, page):\n" + "    await cpu.work(page)\n" * rows


def calls(program: Program) -> int:
    return sum(row.op == p.CALL for row in program.rows)


@pytest.mark.parametrize(
    "rows,sites,expected", [(3, 5, 0), (ROWS_MAX - 1, 2, 0), (ROWS_MAX, 2, 2), (3 * ROWS_MAX, 1, 0)]
)
def test_a_call_takes_a_row_only_of_a_long_path_that_is_called_at_several_places(
    program_of: Translate, rows: int, sites: int, expected: int
) -> None:
    text = "async def run_task(cpu):\n" + "    await far(cpu, 2)\n" * sites + long_path(rows)
    program = program_of(text)
    assert calls(program) == expected
    found = outcome(lambda script: run_rows(program, script), [0])
    assert found.performed == [("work", (2,))] * (rows * sites)


def test_a_copied_row_knows_its_own_line_and_every_call_that_led_to_it(program_of: Translate) -> None:
    program = program_of(
        "async def run_task(cpu):\n    await outer(cpu)\n    await outer(cpu)\n"
        "async def outer(cpu):\n    await inner(cpu)\nasync def inner(cpu):\n    await cpu.smp_mb()\n"
    )
    places = [place for row, place in zip(program.rows, program.places, strict=True) if NAMES.get(row.op) == "smp_mb"]
    chains = sorted([(place.path, place.line) for place in chain(place)] for place in places)
    assert chains == [[("inner", 7), ("outer", 5), ("run_task", line)] for line in (2, 3)]


def chain(place: Place) -> list[Place]:
    """A place, and those of the calls around it, outwards."""
    return [place, *(chain(place.caller) if place.caller else [])]


def test_a_parameter_that_its_path_changes_leaves_the_callers_value_alone(program_of: Translate) -> None:
    program = program_of(
        "async def run_task(cpu):\n    page = await cpu.numa_zone()\n"
        "    await near(cpu, page)\n    await near(cpu, page)\n"
        "async def near(cpu, page):\n    page += 1\n    await cpu.work(page)\n"
    )
    assert calls(program) == 0
    performed = outcome(lambda script: run_rows(program, script), [5]).performed
    assert performed[1:] == [("work", (6,)), ("work", (6,))]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_chain_of_a_shipped_design_leads_from_a_path_to_those_that_call_it(name: str) -> None:
    program = translate(load_design(name))
    called = {program.places[row.target].path for row in program.rows if row.op == p.CALL} | {"run_task"}
    for place in program.places:
        links = chain(place)
        assert len({link.path for link in links}) == len(links), place
        assert links[-1].path in {
            program.places[program.entry].path,
            *called,
            *(chain(link)[-1].path for link in links),
        }
        for inner, outer in pairwise(links):
            line = Path(outer.file).read_text(encoding="utf-8").splitlines()[outer.line - 1]
            assert f"{inner.path}(" in line, (inner, line)
