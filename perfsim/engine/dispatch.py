"""The jump from a row's op to what it does, for the compiler: a table of functions, each called at one place alone.

What lives across rows stays in registers that way: what a function needs is its own affair. One function that holds all
of them keeps nothing in registers, and takes as long again to compile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from perfsim.engine import loop
from perfsim.engine.arithmetic import calculate
from perfsim.engine.native import WORD
from perfsim.engine.program import GREATER_EQUAL, MOVE, PRIMITIVE_NUMBERS
from perfsim.kernel.primitives import PRIMITIVES, Primitive

OP_PREFIX = "perfsim_op_"
"""How the functions of the table are called."""

TABLE = "perfsim_ops"
GIVEN = 3
"""Arguments of every primitive: state, task, time. An operator has none of these."""


class _Op(NamedTuple):
    """What an op does. arguments: how many of the row's operands it takes."""

    number: int
    function: Any
    arguments: int
    is_operator: bool


def perform(r: Any, task: int, row: int, now: int) -> int:
    """loop.perform(), compiled."""
    base = task * r.slots
    a = loop.slot_of(r.values, base, r.code.a[row])
    b = loop.slot_of(r.values, base, r.code.b[row])
    c = loop.slot_of(r.values, base, r.code.c[row])
    value: int = call_op(r.code.op[row], r.s, (task, now, a, b, c))
    return value


def _ops(primitives: Mapping[str, Primitive]) -> Iterator[_Op]:
    for number in range(MOVE, GREATER_EQUAL + 1):
        yield _Op(number, calculate, 2, is_operator=True)
    for name, primitive in primitives.items():
        yield _Op(PRIMITIVE_NUMBERS[name], primitive.effect, primitive.arguments, is_operator=False)


def op_table(primitives: Mapping[str, Primitive]) -> Any:
    """What compiled code calls for the value of an op, of these primitives' and of operators."""

    @intrinsic
    def value_of(typing: Any, op: types.Type, s: types.Type, words: types.Type) -> Any:
        typed = [(one, *_typed(typing, one, s)) for one in _ops(primitives)]

        def code(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
            given = [arguments[1], *cgutils.unpack_tuple(builder, arguments[2])]
            kind = ir.FunctionType(WORD, [argument.type for argument in given])
            table = [kind.as_pointer()(None)] * (1 + max(one.number for one, *_ in typed))
            for one, function, signature in typed:
                table[one.number] = _function(context, builder.module, kind, (one, function, signature))
            places = ir.ArrayType(kind.as_pointer(), len(table))
            variable = ir.GlobalVariable(builder.module, places, TABLE)
            variable.linkage = "internal"
            variable.global_constant = True
            variable.initializer = places(table)
            return builder.call(builder.load(builder.gep(variable, [WORD(0), arguments[0]])), given)

        return types.int64(op, s, words), code

    return value_of


call_op = op_table(PRIMITIVES)
"""The value of an op, which is one of those that have one, given state, and words: task, time, three operands."""


def _typed(typing: Any, one: _Op, s: types.Type) -> tuple[Any, Any]:
    """The function of an op as numba knows it, and its form for the arguments that it is given."""
    function = typing.resolve_value_type(one.function)
    words = [types.int64] * (one.arguments + (1 if one.is_operator else GIVEN - 1))
    return function, function.get_call_type(typing, words if one.is_operator else [s, *words], {})


def _function(context: Any, module: ir.Module, kind: ir.FunctionType, typed: tuple[_Op, Any, Any]) -> ir.Function:
    """The op's entry in the table: whatever it takes, it is given all."""
    one = typed[0]
    entry = ir.Function(module, kind, f"{OP_PREFIX}{one.number}")
    builder = ir.IRBuilder(entry.append_basic_block())
    inner, words = _numbas_own(context, module, typed)
    operands = list(entry.args[GIVEN : GIVEN + one.arguments])
    given = [WORD(one.number), *operands] if one.is_operator else [*entry.args[:GIVEN], *operands]
    _, value = context.call_conv.call_function(builder, inner, types.int64, words, given)
    builder.ret(value)
    return entry


def _numbas_own(context: Any, module: ir.Module, typed: tuple[_Op, Any, Any]) -> tuple[ir.Function, Any]:
    """The op as a function of numba's form, as numba's calls are made from such alone; and the types that it takes."""
    one, function, signature = typed
    kind = context.call_conv.get_function_type(types.int64, signature.args)
    inner = ir.Function(module, kind, f"perfsim_inner_{one.number}")
    context.call_conv.decorate_function(inner, [f"arg{place}" for place in range(len(signature.args))], signature.args)
    builder = ir.IRBuilder(inner.append_basic_block())
    given = context.call_conv.get_arguments(inner)
    context.call_conv.return_value(builder, context.get_function(function, signature)(builder, given))
    return inner, signature.args
