"""The jump from a row's op to what it does, for the compiler: one table of jumps, whatever the number of primitives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from perfsim.engine import loop
from perfsim.engine.arithmetic import calculate
from perfsim.engine.native import WORD, afresh
from perfsim.engine.program import GREATER_EQUAL, MOVE, NEXT, PRIMITIVE_NUMBERS
from perfsim.kernel.primitives import PRIMITIVES

OPERANDS = 3


class _Case(NamedTuple):
    """What an op calls: a function, and its arguments, by their place among jump()'s. is_operator: the op first."""

    op: int
    function: Any
    arguments: tuple[int, ...]
    is_operator: bool = False


def perform(r: Any, task: int, row: int, now: int) -> int:
    """loop.perform(), compiled.

    What a primitive computes from run, task and time is to be computed there, not before the loop for all primitives.
    """
    base = task * r.slots
    a = loop.slot_of(r.values, base, r.code.a[row])
    b = loop.slot_of(r.values, base, r.code.b[row])
    c = loop.slot_of(r.values, base, r.code.c[row])
    value: int = jump(r.code.op[row], r, base, row, afresh(r).s, afresh(task), afresh(now), a, b, c)
    return value


def _cases() -> Iterator[_Case]:
    r, base, row, s, task, now, a, b, c = range(1, 10)
    for op in range(MOVE, GREATER_EQUAL + 1):
        yield _Case(op, calculate, (a, b), is_operator=True)
    yield _Case(NEXT, loop.turn, (r, base, row))
    for name, primitive in PRIMITIVES.items():
        yield _Case(PRIMITIVE_NUMBERS[name], primitive.effect, (s, task, now, *(a, b, c)[: primitive.arguments]))


@intrinsic
def jump(typing: Any, op: types.Type, r: types.Type, base: types.Type, row: types.Type, s: types.Type, task: types.Type, now: types.Type, a: types.Type, b: types.Type, c: types.Type) -> Any:  # noqa: E501, PLR0913
    """The value of an op, which is one of those that have a value."""
    kinds = (op, r, base, row, s, task, now, a, b, c)
    called = [(case, *_typed(typing, case, kinds)) for case in _cases()]

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        nowhere, behind = builder.append_basic_block("nowhere"), builder.append_basic_block("behind")
        table = builder.switch(arguments[0], nowhere)
        values = []
        for case, function, signature in called:
            at = builder.append_basic_block(f"op{case.op}")
            table.add_case(WORD(case.op), at)
            builder.position_at_end(at)
            given = [WORD(case.op)] * case.is_operator + [arguments[place] for place in case.arguments]
            value = context.get_function(function, signature)(builder, given)
            values.append((value, builder.block))
            builder.branch(behind)
        builder.position_at_end(nowhere)
        builder.unreachable()
        builder.position_at_end(behind)
        value = builder.phi(WORD)
        for one, block in values:
            value.add_incoming(one, block)
        return value

    return types.int64(*kinds), code


def _typed(typing: Any, case: _Case, kinds: tuple[types.Type, ...]) -> tuple[Any, Any]:
    """The function of a case as numba knows it, and its form for the arguments that it is given."""
    function = typing.resolve_value_type(case.function)
    given = (types.int64,) * case.is_operator + tuple(kinds[place] for place in case.arguments)
    return function, function.get_call_type(typing, given, {})
