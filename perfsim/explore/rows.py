"""What each CPU of a scenario does, as one table of rows: its script, every path that it calls copied into it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import NamedTuple

from perfsim.engine.program import FIRST_PRIMITIVE, INVERT, MOVE, NEGATE, NEXT, NOT, RETURN, Place, Program, Row
from perfsim.engine.translate import translate_script
from perfsim.errors import InputError
from perfsim.explore.scenario import ExploreScenario, script_of
from perfsim.explore.small import Numbers, numbers_of
from perfsim.kernel.designs import Design
from perfsim.kernel.primitives import PRIMITIVES

AT_LAST = "lru_add_drain"
"""The path that every CPU takes when all is done."""
ROWS_MAX = 2**15 - 1
"""Rows of all CPUs: in a state each number of a row has two bytes, see layout.py."""
_UNARY = (MOVE, NOT, NEGATE, INVERT)
ORDERED = tuple(PRIMITIVES.values())
"""The primitives by number: that of a row is ORDERED[row.op - FIRST_PRIMITIVE]."""
KEPT_MAX = 4
"""Translations that are kept: a search of another memory model needs the same."""


class Scripts(NamedTuple):
    """rows, places, cpus: [row], of all CPUs; constants: [cpu], those of its file's first slots; slots: of a file, the
    longest. begin, settle: [cpu], where the script begins, and where the draining of its pagevecs does.
    """

    rows: tuple[Row, ...]
    places: tuple[Place, ...]
    cpus: tuple[int, ...]
    constants: tuple[tuple[int, ...], ...]
    slots: int
    begin: tuple[int, ...]
    settle: tuple[int, ...]


_translated: dict[object, Scripts] = {}


def scripts_of(scenario: ExploreScenario, design: Design) -> Scripts:
    """Translate what every CPU does under a design, once in a process for the last few pairs of them.

    Raises InputError for a CPU that does nothing under it, for a path that is outside of the subset, and for scripts
    that are too long together.
    """
    key = (repr(scenario), design.files, design.source_sha256)
    if key not in _translated:
        while len(_translated) >= KEPT_MAX:
            del _translated[next(iter(_translated))]
        _translated[key] = _scripts(scenario, design)
    return _translated[key]


def _scripts(scenario: ExploreScenario, design: Design) -> Scripts:
    numbers = numbers_of(scenario)
    rows: list[Row] = []
    places: list[Place] = []
    cpus: list[int] = []
    constants: list[tuple[int, ...]] = []
    entries: list[int] = []
    slots = 0
    for cpu in range(len(scenario.cpus)):
        scripts = (
            _function("script", design, calls_of(scenario, cpu, design, numbers)),
            _function("settle", design, [(AT_LAST, ())]),
        )
        programs = [translate_script(design, script, scenario.file) for script in scripts]
        constants.append(tuple(value for program in programs for value in program.constants))
        first_constant = 0
        for program in programs:
            entries.append(len(rows) + program.entry)
            moved = _moved(program, len(rows), first_constant, len(constants[-1]))
            first_constant += len(program.constants)
            rows += moved
            places += program.places
            cpus += [cpu] * len(moved)
            slots = max(slots, *(max((*reads_of(row), *writes_of(row)), default=0) for row in moved))
        if len(rows) > ROWS_MAX:
            problem = f"scripts of {len(rows):,} rows under {design.name}; expected {ROWS_MAX:,} at most: fewer calls"
            raise InputError(scenario.cpus[cpu].place, problem)
    return Scripts(
        tuple(rows), tuple(places), tuple(cpus), tuple(constants), slots + 1, tuple(entries[::2]), tuple(entries[1::2])
    )


def reads_of(row: Row) -> tuple[int, ...]:
    """The slots that a row reads."""
    if row.op >= FIRST_PRIMITIVE:
        return (row.a, row.b, row.c)[: row.arguments]
    if row.op == RETURN:
        return ()
    if row.op == NEXT:
        return (row.a, row.b, row.c)
    return (row.a,) if row.op in _UNARY else (row.a, row.b)


def writes_of(row: Row) -> tuple[int, ...]:
    """The slots that a row writes."""
    if row.op == RETURN:
        return ()
    return (row.frame, row.a) if row.op == NEXT else (row.dst,)


def _function(name: str, design: Design, calls: Iterable[tuple[str, tuple[int, ...]]]) -> ast.AsyncFunctionDef:
    """Calls of paths as a function, under a name that no path of the design has."""
    while name in design.paths:
        name += "_"
    lines = [f"async def {name}(cpu):"]
    for path, values in calls:
        lines.append(f"    await {path}({', '.join(['cpu', *map(str, values)])})")
    [function] = ast.parse("\n".join([*lines, "    return"])).body
    assert isinstance(function, ast.AsyncFunctionDef), f"{name} is no coroutine function"
    return function


def calls_of(
    scenario: ExploreScenario, cpu: int, design: Design, numbers: Numbers
) -> list[tuple[str, tuple[int, ...]]]:
    """A CPU's script under a design: paths, and the values of their arguments behind `cpu`."""
    script = script_of(scenario, cpu, design.name)
    return [(call.path, tuple(_value(one, numbers) for one in call.arguments)) for call in script]


def _value(argument: int | str, numbers: Numbers) -> int:
    if isinstance(argument, int):
        return argument
    if argument in numbers.pages:
        return numbers.pages[argument]
    return numbers.ranges[argument.split("(")[1].rstrip(")")]


def _moved(program: Program, rows: int, first_constant: int, frame: int) -> list[Row]:
    """A program's rows behind others, its constants behind theirs, and its frame behind all constants of the CPU."""
    own = len(program.constants)

    def slot(number: int) -> int:
        return number + first_constant if number < own else number - own + frame

    return [
        row._replace(
            dst=slot(row.dst),
            a=slot(row.a),
            b=slot(row.b),
            c=slot(row.c),
            frame=slot(row.frame),
            on_zero=row.on_zero + rows,
            on_nonzero=row.on_nonzero + rows,
        )
        for row in program.rows
    ]
