"""The table of a design does what CPython does with its paths: the same primitives, arguments and values, in order."""

from __future__ import annotations

import ast
import dataclasses
import dis
import functools
import inspect
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfsim.engine import program as p
from perfsim.engine.program import Program
from perfsim.engine.translate import translate
from perfsim.errors import InputError
from perfsim.kernel.designs import PROBES, SHIPPED, Design, load_design
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.subset import Scope, paths_in, refusals, shape_of
from tests.engine.interpreter import NAMES, Outcome, Script, ScriptedCpu, outcome, run_coroutine, run_rows
from tests.engine.random_paths import PROGRAMS
from tests.tier import SLOW

Translated = Callable[[str], tuple[Design, Program]]

SCRIPTS = 60 if SLOW else 25
"""Runs of each path of a shipped design: enough to come by nine lines in ten at least."""
ANSWERS = st.lists(st.integers(-2, 3), min_size=1, max_size=12)


def design_of(text: str, file: Path) -> Design:
    """A design of the paths in a text alone."""
    file.write_text(text, encoding="utf-8")
    scope: dict[str, Any] = {}
    exec(compile(text, str(file), "exec"), scope)  # noqa: S102 - the test wrote it
    paths = {name: value for name, value in scope.items() if inspect.iscoroutinefunction(value)}
    return Design("drawn", "", paths, (), "", (str(file),))


@pytest.fixture
def translated(tmp_path: Path) -> Translated:
    """A design of paths with its table; run_task() is the first of them unless it is given."""

    def make(text: str) -> tuple[Design, Program]:
        design = design_of(text, tmp_path / "paths.py")
        return design, translate(design)

    return make


def both(
    design: Design, program: Program, answers: Sequence[int], primitives_max: int = 300
) -> tuple[Outcome, Outcome]:
    """What CPython makes of run_task(), and what the table does."""
    expected = outcome(functools.partial(run_path, design, ()), answers)
    return expected, outcome(functools.partial(run_rows, program), answers)


def run_path(design: Design, arguments: Sequence[int], script: Script) -> int | None:
    """What run_task() of a design returns in CPython."""
    return run_coroutine(design.paths["run_task"](ScriptedCpu(script), *arguments))


def refused_by_the_subset(text: str) -> list[Any]:
    """What the checker says of a text."""
    tree = ast.parse(text)
    scope: dict[str, Any] = {}
    exec(compile(text, "drawn", "exec"), scope)  # noqa: S102 - the test wrote it
    integers = {name: value for name, value in scope.items() if isinstance(value, int)}
    paths = {path.name: shape_of(path) for path in paths_in(tree)}
    found = refusals(tree, Scope(integers, paths, {name: one.arguments for name, one in PRIMITIVES.items()}))
    return [refusal for refusal in found if "64 bits" not in refusal.problem]  # such as 1 // 0, which is drawn too


def complaints(program: Program) -> list[str]:
    """Rows that name a row or a slot that is none, or write to a constant."""
    found = []
    for number, row in enumerate(program.rows):
        rows = (row.on_zero, row.on_nonzero, row.target)
        slots = (row.dst, row.a, row.b, row.c, row.frame)
        if not all(0 <= at < len(program.rows) for at in rows) or not all(0 <= at < program.slots for at in slots):
            found.append(f"row {number} points nowhere: {row}")
        if row.dst < len(program.constants):
            found.append(f"row {number} writes to a constant: {row}")
    return found


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(text=PROGRAMS, answers=ANSWERS)
def test_any_path_does_in_rows_what_it_does_in_python(
    text: str, answers: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    design = design_of(text, tmp_path_factory.getbasetemp() / "drawn_paths.py")
    program = translate(design)
    expected, found = both(design, program, answers)
    assert found == expected
    assert complaints(program) == []
    assert refused_by_the_subset(text) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_the_paths_of_a_shipped_design_do_in_rows_what_they_do_in_python(name: str) -> None:
    """The shared paths are run in the first design, in the others what is theirs alone."""
    design = load_design(name)
    written: set[tuple[str, int]] = set()
    reached: set[tuple[str, int]] = set()
    folders = {Path(place.file).parent.name for place in table_of(name).places} if name == SHIPPED[0] else {name}
    for path in sorted({place.path for place in table_of(name).places}):
        function = inspect.unwrap(design.paths[path])
        if Path(function.__code__.co_filename).parent.name not in folders:
            continue
        alone = dataclasses.replace(design, paths={**design.paths, "run_task": function})
        program = translate(alone)
        rows_run: set[int] = set()
        for seed in range(SCRIPTS):
            drawn = random.Random(f"{path} {seed}")
            answers = drawn.choices(range(-1, 6), (1, 5, 5, 1, 1, 1, 1), k=200)
            arguments = drawn.choices((0, 1, 2, 3, 4, 5, 40), k=function.__code__.co_argcount - 1)
            in_python = functools.partial(run_path, alone, arguments)
            in_rows = functools.partial(run_rows, program, arguments=arguments, rows_run=rows_run)
            assert outcome(in_rows, answers) == outcome(in_python, answers)
        written |= {(place.file, place.line) for place in program.places}
        reached |= {(program.places[row].file, program.places[row].line) for row in rows_run}
    written = {(file, line) for file, line in written if Path(file).parent.name in folders}
    assert len(written - reached) <= len(written) // 10


@pytest.mark.parametrize("name", SHIPPED)
def test_a_table_is_sound_and_has_a_place_in_the_source_for_each_row(name: str) -> None:
    program = table_of(name)
    assert complaints(program) == []
    assert len(program.places) == len(program.rows)
    for row, place in zip(program.rows, program.places, strict=True):
        primitive = NAMES.get(row.op, "")
        line = Path(place.file).read_text(encoding="utf-8").splitlines()[place.line - 1]
        assert primitive in line or primitive.startswith("probe_"), (place, line)


GONE = {
    "no_unevictable_lru": {
        *("page_evictable", "is_mlocked_vma", "clear_page_mlock", "scan_mapping_unevictable_pages"),
        "add_page_to_unevictable_list",
    }
}
"""Paths that are a constant or nothing where they are called, and what only their other answer would call."""


@pytest.mark.parametrize("name", SHIPPED)
def test_the_table_of_a_design_holds_every_path_that_a_task_can_reach(name: str) -> None:
    reached = {place.path for place in table_of(name).places}
    design = load_design(name)
    called = {"run_task"}
    while new := {
        word for path in called for word in names_in(design, path) if word in design.paths and word not in called
    }:
        called |= new
    assert called - reached == GONE.get(name, set())
    assert reached <= called


def names_in(design: Design, path: str) -> set[str]:
    """The globals that a path names."""
    code = inspect.unwrap(design.paths[path]).__code__
    return {str(step.argval) for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}


@functools.cache
def table_of(name: str) -> Program:
    """The table of a shipped design, made once."""
    return translate(load_design(name))


def rows_of(program: Program, path: str) -> list[str]:
    """The operations of a path's rows, in the order of the table."""
    ops = {value: name for name, value in vars(p).items() if isinstance(value, int) and value < p.FIRST_PRIMITIVE}
    found = zip(program.rows, program.places, strict=True)
    return [NAMES.get(row.op) or ops[row.op] for row, place in found if place.path == path]


@pytest.mark.parametrize(
    "body, rows",
    [
        ("if not await cpu.test_flag(1, 2):\n  await cpu.work(3)", ["test_flag", "work", "RETURN"]),
        (
            "while await cpu.page_mapping(1) >= 0:\n  await cpu.work(3)",
            ["page_mapping", "GREATER_EQUAL", "work", "RETURN"],
        ),
        ("if await cpu.numa_zone() and await cpu.smp_mb():\n  pass", ["numa_zone", "smp_mb", "RETURN"]),
        ("page = await cpu.numa_zone()\nwhile page:\n  page = 0", ["numa_zone", "MOVE", "RETURN"]),
        ("return 1 if await cpu.numa_zone() == 0 else -(FLAG | 8)", ["numa_zone", "RETURN", "RETURN"]),
        ("return not await cpu.numa_zone()", ["numa_zone", "RETURN", "RETURN"]),
        ("a, b = 1, 2\na, b = b, a\nreturn a", ["MOVE", "MOVE", "MOVE", "MOVE", "MOVE", "RETURN"]),
        ("a = 1\na += await cpu.numa_zone()\nreturn a", ["MOVE", "numa_zone", "ADD", "RETURN"]),
        ("for i in range(FLAG):\n  await cpu.work(i)", ["MOVE", "NEXT", "work", "RETURN"]),
        ("while True:\n  pass", ["MOVE"]),
        ("return 1\nawait cpu.smp_mb()", ["RETURN"]),
        ("if FLAG == 4:\n  await cpu.numa_zone()\nelse:\n  await cpu.smp_mb()", ["numa_zone", "RETURN"]),
    ],
    ids=lambda value: value.splitlines()[0] if isinstance(value, str) else "",
)
def test_what_is_written_takes_no_more_rows_than_it_has_steps(
    translated: Translated, body: str, rows: list[str]
) -> None:
    text = "FLAG = 4\nasync def run_task(cpu):\n  " + body.replace("\n", "\n  ") + "\n"
    found = rows_of(translated(text)[1], "run_task")
    assert set(found) <= set(rows)
    assert len(found) <= len(rows)


def test_a_loop_whose_limit_it_changes_keeps_the_limit_it_began_with(translated: Translated) -> None:
    text = "async def run_task(cpu):\n  a = 3\n  for i in range(a):\n    a = i + 9\n    await cpu.work(a)\n  return a\n"
    expected, found = both(*translated(text), [0])
    assert found == expected
    assert found.performed == [("work", (9,)), ("work", (10,)), ("work", (11,))]


def test_a_path_that_is_probed_is_probed_around_all_that_it_does(translated: Translated) -> None:
    text = """
async def run_task(cpu):
    return await sys_mlock(cpu, 5, 6) + 1

async def sys_mlock(cpu, vma, nr_pages):
    if await cpu.numa_zone():
        return await cpu.page_mapping(vma)
    return nr_pages
"""
    _, program = translated(text)
    probe = PROBES["sys_mlock"]
    begin, end = ("probe_begin", (probe,)), ("probe_end", (probe,))
    long = outcome(lambda script: run_rows(program, script), [7])
    assert long == (8, "", [begin, ("numa_zone", ()), ("page_mapping", (5,)), end])
    short = outcome(lambda script: run_rows(program, script), [0])
    assert short == (7, "", [begin, ("numa_zone", ()), end])


def test_a_call_finds_the_path_that_the_design_holds_under_the_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "extends = 'redo'\nasync def page_evictable(cpu, page):\n    return await cpu.numa_zone()\n", encoding="utf-8"
    )
    program = translate(load_design(str(file)))
    assert {place.file for place in program.places if place.path == "page_evictable"} == {str(file)}
    assert "test_flag" in rows_of(table_of("redo"), "page_evictable")
    assert "test_flag" not in rows_of(program, "page_evictable")
    assert "numa_zone" in rows_of(program, "page_evictable")


@pytest.mark.parametrize(
    "text, place, problem",
    [
        ("async def run_task(cpu):\n  await run_task(cpu)\n", "2:9", "run_task() calls itself; write a loop"),
        (
            "async def run_task(cpu):\n  await g(cpu)\nasync def g(cpu):\n  await run_task(cpu)\n",
            "4:9",
            "run_task() calls itself through g(); write a loop",
        ),
        (
            "async def run_task(cpu):\n  await g(cpu, 1, 2, 3, 4)\nasync def g(cpu, a, b, c, d): pass\n",
            "2:9",
            "at most 3",
        ),
        ("async def run_task(cpu):\n  x = [1]\n", "2:7", "[1] is outside of what a path may contain"),
        ("async def run_task(cpu):\n  return nothing\n", "2:10", "nothing is neither a local nor an integer"),
        ("async def run_task(cpu):\n  with cpu: pass\n", "2:3", "With is outside of what a path may contain"),
        ("async def run_task(cpu):\n  for i in range(1, 2, 0): pass\n", "2:24", "a constant other than 0"),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" in value and len(value) < 6 else "",
)
def test_what_no_table_can_hold_is_refused_where_it_stands(
    translated: Translated, tmp_path: Path, text: str, place: str, problem: str
) -> None:
    with pytest.raises(InputError) as refused:
        translated(text)
    assert str(refused.value).startswith(f"{tmp_path / 'paths.py'}:{place}: ")
    assert problem in str(refused.value)


def test_what_nests_as_deep_as_the_subset_allows_is_translated(translated: Translated) -> None:
    text = "async def run_task(cpu):\n  return await cpu.numa_zone()" + " + (await cpu.numa_zone())" * 90 + "\n"
    deep = "async def run_task(cpu):\n  return " + "-(1 + (" * 30 + "await cpu.numa_zone()" + "))" * 30 + "\n"
    for each in (text, deep):
        assert refused_by_the_subset(each) == []
        expected, found = both(*translated(each), [5, 7])
        assert found == expected


def test_a_file_that_changed_under_a_design_is_refused(tmp_path: Path) -> None:
    design = design_of("async def run_task(cpu): pass\n", tmp_path / "paths.py")
    (tmp_path / "paths.py").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"paths\.py:1:1: run_task\(\) is no longer in the file"):
        translate(design)
