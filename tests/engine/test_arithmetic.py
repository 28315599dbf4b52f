"""The operators of a path: Python's values wherever they have 64 bits, and a refusal where they have not."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfsim.engine import program as p
from perfsim.engine.arithmetic import LEAST, MOST, calculate
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed
from perfsim.machine.state import BLOCKED
from perfsim.measure.row import simulate
from tests.engine.conftest import ScenarioMaker
from tests.engine.interpreter import OPERATIONS, UNARY

EDGES = (0, 1, 2, 3, 31, 62, 63, 64, 65, 1 << 31, 1 << 32, 1 << 61, (1 << 62) - 1, 1 << 62, MOST // 3, MOST - 1, MOST)
VALUES = sorted({*EDGES, *(-edge for edge in EDGES)})
NUMBERS = st.one_of(st.sampled_from(VALUES), st.integers(LEAST, MOST), st.integers(-100, 100))
SHIFTS = (p.SHIFT_LEFT, p.SHIFT_RIGHT)

ONE_LOOP = """\
name: one
machine: {profile: ideal, cpus: 1}
memory: {pages_per_node: 64}
tasks: [{name: one, kind: lock_loop, count: 1, think: 1us, hold: 1us}]
measure: {warmup: 0us, duration: 1us}
"""
SYMBOLS = {
    p.ADD: "+",
    p.SUBTRACT: "-",
    p.MULTIPLY: "*",
    p.FLOOR_DIVIDE: "//",
    p.MODULO: "%",
    p.AND: "&",
    p.OR: "|",
    p.XOR: "^",
    p.SHIFT_LEFT: "<<",
    p.SHIFT_RIGHT: ">>",
    p.EQUAL: "==",
    p.NOT_EQUAL: "!=",
    p.LESS: "<",
    p.LESS_EQUAL: "<=",
    p.GREATER: ">",
    p.GREATER_EQUAL: ">=",
}
Write = Callable[[str], str]


def expected(op: int, a: int, b: int) -> int | None:
    """Python's value; None where it has none of 64 bits, -2**63 not being one of them."""
    if op == p.SHIFT_LEFT and b > 64:
        return 0 if a == 0 else None
    try:
        value = int(OPERATIONS[op](a) if op in UNARY else OPERATIONS[op](a, b))
    except (ZeroDivisionError, ValueError):
        return None
    return value if LEAST <= value <= MOST else None


def found(op: int, a: int, b: int) -> int | None:
    """The table's value; None where it refuses."""
    try:
        return calculate(op, a, b)
    except AssertionError:
        return None


@settings(max_examples=500)
@given(st.sampled_from(sorted(OPERATIONS)), NUMBERS, NUMBERS)
def test_every_operator_has_the_value_that_python_gives_it(op: int, a: int, b: int) -> None:
    wanted = expected(op, a, b)
    if wanted is not None or op not in (p.AND, p.OR, p.XOR, p.INVERT):
        assert found(op, a, b) == wanted


@pytest.mark.parametrize("op", sorted(OPERATIONS))
def test_every_pair_of_values_at_the_edges_of_64_bits_is_as_in_python(op: int) -> None:
    edges = [value for value in VALUES if value != MOST or op != p.INVERT]
    pairs = [(a, b) for a in edges for b in VALUES]
    wrong = [(a, b) for a, b in pairs if (wanted := expected(op, a, b)) != found(op, a, b) and wanted is not None]
    assert wrong == []


@pytest.mark.parametrize(
    "op,a,b",
    [
        (p.ADD, MOST, 1),
        (p.ADD, LEAST, -1),
        (p.SUBTRACT, LEAST, 1),
        (p.SUBTRACT, MOST, -1),
        (p.MULTIPLY, 1 << 32, 1 << 31),
        (p.MULTIPLY, LEAST, 2),
        (p.SHIFT_LEFT, 1, 63),
        (p.SHIFT_LEFT, -1, 63),
        (p.SHIFT_LEFT, 1, 1 << 40),
        (p.FLOOR_DIVIDE, 1, 0),
        (p.MODULO, 1, 0),
        (p.SHIFT_LEFT, 1, -1),
        (p.SHIFT_LEFT, 0, -1),
        (p.SHIFT_RIGHT, 1, -1),
    ],
)
def test_what_has_no_value_of_64_bits_is_refused(op: int, a: int, b: int) -> None:
    with pytest.raises(AssertionError, match="has no value of 64 bits"):
        calculate(op, a, b)


def test_a_shift_to_the_right_of_any_length_leaves_the_sign() -> None:
    assert [calculate(p.SHIFT_RIGHT, value, 1 << 40) for value in (5, -5, MOST, LEAST)] == [0, -1, 0, -1]


def checks_of(op: int) -> list[str]:
    """Lines of a path that count what differs from Python; the operands are not known before it runs."""
    every = [(a, b) for a in VALUES[::4] for b in (VALUES[1::4] if op not in SHIFTS else (0, 1, 31, 62, 63, 64))]
    known = [(a, b, value) for a, b in every if (value := expected(op, a, b)) is not None and value != BLOCKED]
    return [f"    wrong = wrong + ((({a} + zone) {SYMBOLS[op]} ({b} + zone)) != {value})" for a, b, value in known]


@pytest.mark.parametrize("op", sorted(SYMBOLS))
def test_compiled_operators_have_the_values_that_python_gives_them(
    op: int, engine: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    lines = checks_of(op)
    assert len(lines) > 20
    head = "from perfsim.kernel.cpu import Cpu\n\n\nasync def lock_loop(cpu: Cpu, page_lock: int) -> None:\n"
    begin = "    zone = await cpu.numa_zone()\n    wrong = zone\n"
    wrong_line = "    wrong = wrong + (zone == 0)\n"  # counted too, so that a count that is lost shows
    end = "    await cpu.count_vm_event(13, wrong)\n    await cpu.think()\n"
    design = design_file(head + begin + "\n".join(lines) + "\n" + wrong_line + end)
    assert simulate(scenario_of(ONE_LOOP), design, Seed(1, 0), engine)["redo_retries"] == 1


def written(*lines: str) -> str:
    """A lock_loop of these lines, then a think; most and zero are not known before it runs."""
    head = ("from perfsim.kernel.cpu import Cpu", "", "", "async def lock_loop(cpu: Cpu, page_lock: int) -> None:")
    begin = ("zero = await cpu.numa_zone()", f"most = {MOST} + zero", "minus_one = zero - 1")
    return "\n".join([*head, *(f"    {line}" for line in (*begin, *lines, "await cpu.think()"))]) + "\n"


@pytest.mark.parametrize("expression", ["-(~most)", "(~most) // minus_one", "-(most ^ minus_one)"])
def test_no_operator_lets_an_integer_through_that_has_no_opposite(
    expression: str, scenario_of: ScenarioMaker, design_file: Write
) -> None:
    """Python says 2**63; compiled code must say that it cannot."""
    design = design_file(written(f"await cpu.count_vm_event(13, {expression} > 0)"))
    with pytest.raises(InputError, match=r"mine\.py:\d+:1: .*OverflowError"):
        simulate(scenario_of(ONE_LOOP), design, Seed(1, 0), "compiled")


def test_an_operator_may_have_the_value_with_which_primitives_block(
    scenario_of: ScenarioMaker, design_file: Write
) -> None:
    design = design_file(written(f"if {BLOCKED} + zero < zero:", "    await cpu.count_vm_event(13, 1)"))
    assert simulate(scenario_of(ONE_LOOP), design, Seed(1, 0), "compiled")["redo_retries"] == 1


def test_a_range_that_ends_at_the_edge_of_64_bits_ends(scenario_of: ScenarioMaker, design_file: Write) -> None:
    loop = ("turns = 0", "for number in range(most - 1, most, 4):", "    turns = turns + (number > 0)")
    ends = ("    if turns != 1 or number < 0:", "        return", "await cpu.count_vm_event(13, turns)")
    design = design_file(written(*loop, *ends))
    assert simulate(scenario_of(ONE_LOOP), design, Seed(1, 0), "compiled")["redo_retries"] == 1


def test_the_edges_are_those_of_64_bits_with_a_sign_less_the_one_without_opposite() -> None:
    assert (operator.neg(LEAST), MOST) == (MOST, 2**63 - 1)
