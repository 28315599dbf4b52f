"""A run's records as compiled code sees them: one table of addresses, and columns of fixed width behind it.

Compiled code is given the address of the table alone. `run.s.pages.flags` costs nothing but the load of one address,
which never changes and so need not be loaded again; `[page]` is one load or store of the column's width.
"""

from __future__ import annotations

import operator
from typing import Any, get_type_hints

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_getattr_generic, models, register_model

from perfsim.engine.layout import PLACES, Column, Number, Places
from perfsim.engine.loop import Run

WORD = ir.IntType(64)
WORD_BYTES = 8
REFUSAL = "perfsim_refusal"


class RecordType(types.Type):
    """A record of the run, or of another outermost one. prefix: its dotted name in that, with the dot. places: where
    the columns of the outermost one are.
    """

    def __init__(self, record: type, prefix: str, places: Places) -> None:
        self.prefix = prefix
        self.record = record
        self.places = places
        super().__init__(name=f"{record.__name__}({prefix}, {len(places)})")


class ColumnType(types.Type):
    """A column: elements of a numpy format, `stride` bytes apart, the first `offset` bytes from the address."""

    def __init__(self, place: Column) -> None:
        self.format = np.dtype(place.format)
        self.offset = place.offset
        self.stride = place.stride
        super().__init__(name=f"Column({place.format}, {place.offset}, {place.stride})")


@register_model(RecordType)
@register_model(ColumnType)
class _Address(models.OpaqueModel):
    """Both are an address and nothing else."""


def record_at(record: type, places: Places) -> Any:
    """What compiled code calls for an outermost record, given the address at which its table begins."""

    @intrinsic
    def at(_typing: Any, address: types.Type) -> Any:
        def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
            return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

        return RecordType(record, "", places)(address), code

    return at


run_at = record_at(Run, PLACES)
"""A run, given the address of its table."""


@intrinsic
def select(_typing: Any, condition: types.Type, a: types.Type, b: types.Type) -> Any:  # noqa: ARG001 - numba's names
    """a if the condition holds, else b, without a jump."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        chosen = builder.select(*arguments)
        chosen.set_metadata("unpredictable", builder.module.add_metadata([]))
        return chosen

    return types.int64(types.boolean, types.int64, types.int64), code


@intrinsic
def pinned(_typing: Any, value: types.Type) -> Any:
    """The value, got where it stands in the program and nowhere else."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        return builder.asm(ir.FunctionType(WORD, [WORD]), "", "=r,0", arguments, side_effect=True)

    return types.int64(value), code


@intrinsic
def pair_is_less(_typing: Any, a_high: types.Type, a_low: types.Type, b_high: types.Type, b_low: types.Type) -> Any:  # noqa: ARG001
    """(a_high, a_low) < (b_high, b_low), of which the low ones are not negative."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        wide = ir.IntType(2 * WORD.width)
        high = [builder.shl(builder.sext(word, wide), wide(WORD.width)) for word in arguments[::2]]
        low = [builder.zext(word, wide) for word in arguments[1::2]]
        return builder.icmp_signed("<", builder.or_(high[0], low[0]), builder.or_(high[1], low[1]))

    return types.boolean(types.int64, types.int64, types.int64, types.int64), code


@intrinsic
def significant_bits(_typing: Any, value: types.Type) -> Any:
    """Bits of a number that is not negative, leading zeros aside."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        return builder.sub(WORD(WORD.width), builder.ctlz(arguments[0], ir.IntType(1)(0)))

    return types.int64(value), code


@intrinsic
def refuse(_typing: Any) -> Any:
    """Note that an assert does not hold."""

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, _arguments: list[ir.Value]) -> ir.Value:
        builder.store(WORD(1), _refusal(builder))
        return context.get_dummy_value()

    return types.none(), code


@intrinsic
def take_refusal(_typing: Any) -> Any:
    """1 if an assert did not hold since this was asked last."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, _arguments: list[ir.Value]) -> ir.Value:
        noted = builder.load(_refusal(builder))
        with builder.if_then(builder.icmp_unsigned("!=", noted, WORD(0)), likely=False):
            builder.store(WORD(0), _refusal(builder))
        return noted

    return types.int64(), code


def _refusal(builder: ir.IRBuilder) -> ir.Value:
    """The one word of all compiled code that says whether an assert did not hold."""
    if REFUSAL not in builder.module.globals:
        word = ir.GlobalVariable(builder.module, WORD, REFUSAL)
        word.linkage = "linkonce_odr"
        word.initializer = WORD(0)
    return builder.module.globals[REFUSAL]


@infer_getattr
class _Field(AttributeTemplate):
    key = RecordType

    def generic_resolve(self, record: RecordType, name: str) -> types.Type | None:
        """The type of a record's field; None for one that it does not have."""
        place = record.places.get(record.prefix + name)
        if isinstance(place, Column):
            return ColumnType(place)
        if isinstance(place, Number):
            return types.int64
        hint = get_type_hints(record.record).get(name)
        return None if hint is None else RecordType(hint, f"{record.prefix}{name}.", record.places)


@lower_getattr_generic(RecordType)
def _field(_context: Any, builder: ir.IRBuilder, record: RecordType, table: ir.Value, name: str) -> ir.Value:
    place = record.places.get(record.prefix + name)
    if place is None:  # a record within: it has the same table
        return table
    words = builder.bitcast(table, WORD.as_pointer())
    word = builder.load(builder.gep(words, [WORD(place.word)]))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return builder.inttoptr(word, ir.IntType(8).as_pointer()) if isinstance(place, Column) else word


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, arguments: tuple[types.Type, ...], _keywords: Any) -> Any:
        """column[index]: a number of 64 bits, whatever the column's width."""
        if len(arguments) == 2 and isinstance(arguments[0], ColumnType) and isinstance(arguments[1], types.Integer):
            return signature(types.int64, arguments[0], types.int64)
        return None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, arguments: tuple[types.Type, ...], _keywords: Any) -> Any:
        """column[index] = number: cut to the column's width."""
        if len(arguments) == 3 and isinstance(arguments[0], ColumnType) and isinstance(arguments[1], types.Integer):
            return signature(types.none, arguments[0], types.int64, types.int64)
        return None


@lower_builtin(operator.getitem, ColumnType, types.int64)
def _load(_context: Any, builder: ir.IRBuilder, sig: Any, arguments: list[ir.Value]) -> ir.Value:
    column = sig.args[0]
    element = builder.load(_element(builder, column, arguments[0], arguments[1]), align=_alignment(column))
    if column.format.itemsize == WORD_BYTES:
        return element
    return builder.sext(element, WORD) if column.format.kind == "i" else builder.zext(element, WORD)


@lower_builtin(operator.setitem, ColumnType, types.int64, types.int64)
def _store(context: Any, builder: ir.IRBuilder, sig: Any, arguments: list[ir.Value]) -> ir.Value:
    column = sig.args[0]
    value = arguments[2]
    if column.format.itemsize != WORD_BYTES:
        value = builder.trunc(value, ir.IntType(8 * column.format.itemsize))
    builder.store(value, _element(builder, column, arguments[0], arguments[1]), align=_alignment(column))
    return context.get_dummy_value()


@intrinsic
def load_from(_typing: Any, column: Any, base: types.Type, index: types.Type) -> Any:
    """column[base + index]; the address of column[base] is a value of its own, so that it can be kept."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        return builder.load(_element_from(builder, column, arguments), align=WORD_BYTES)

    return types.int64(column, base, index), code


@intrinsic
def store_to(_typing: Any, column: Any, base: types.Type, index: types.Type, value: types.Type) -> Any:
    """column[base + index] = value, as load_from()."""

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        builder.store(arguments[3], _element_from(builder, column, arguments), align=WORD_BYTES)
        return context.get_dummy_value()

    return types.none(column, base, index, value), code


@intrinsic
def prefetch(_typing: Any, column: Any, index: types.Type) -> Any:
    """Let the host fetch the cache line of column[index], to be written."""

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        at = builder.bitcast(_element(builder, column, *arguments), ir.IntType(8).as_pointer())
        flags = [ir.IntType(32)] * 3
        kind = ir.FunctionType(ir.VoidType(), [at.type, *flags])
        function = builder.module.declare_intrinsic("llvm.prefetch", [at.type], kind)
        builder.call(function, [at, flags[0](1), flags[1](3), flags[2](1)])
        return context.get_dummy_value()

    return types.none(column, index), code


def _element_from(builder: ir.IRBuilder, column: ColumnType, arguments: list[ir.Value]) -> ir.Value:
    assert column.format.itemsize == WORD_BYTES, f"{column} has no words"
    first = builder.gep(arguments[0], [builder.mul(arguments[1], WORD(column.stride))])
    return _element(builder, column, first, arguments[2])


def _element(builder: ir.IRBuilder, column: ColumnType, base: ir.Value, index: ir.Value) -> ir.Value:
    offset = builder.add(builder.mul(index, WORD(column.stride)), WORD(column.offset))
    return builder.bitcast(builder.gep(base, [offset]), ir.IntType(8 * column.format.itemsize).as_pointer())


def _alignment(column: ColumnType) -> int:
    """The largest power of two that the element's size, its offset and the stride are multiples of."""
    every: int = column.format.itemsize | column.offset | column.stride
    return every & -every
