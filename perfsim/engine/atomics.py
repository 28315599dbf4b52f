"""What compiled code of several threads needs of the processor: atomics, a fence, a pause, a clock, a call of C.

Each is one instruction of LLVM's, or one line of assembly where LLVM has none that may be used in user mode. An address
is a number; what is there is a word of 64 bits.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import binding, ir
from numba.core import types
from numba.extending import intrinsic

WORD = ir.IntType(64)
HALF = ir.IntType(16)
BYTE = ir.IntType(8)
WORD_BYTES = 8
CALL_ARGUMENTS = 7

PAUSE = {"x86_64": "pause", "aarch64": "yield"}
CLOCK = {
    # The fence keeps the clock from being read before the loads in front of it; the high half comes in rdx.
    "x86_64": ("lfence; rdtsc; shlq $$32, %rdx; orq %rdx, %rax", "={rax},~{rdx}"),
    "aarch64": ("isb; mrs $0, cntvct_el0", "=r"),
}
"""By machine. LLVM's own llvm.readcyclecounter is forbidden to user mode on aarch64, and is not ordered on x86."""

binding.initialize_native_asmparser()  # numba leaves it out; assembly that is not empty needs it


def _pointer(builder: ir.IRBuilder, address: ir.Value, kind: ir.IntType = WORD) -> ir.Value:
    return builder.inttoptr(address, kind.as_pointer())


@intrinsic
def load_acquire(_typing: Any, at: types.Type) -> Any:
    """The word at an address; what follows is not done before."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        return builder.load_atomic(_pointer(builder, arguments[0]), "acquire", WORD_BYTES)

    return types.int64(at), code


@intrinsic
def store_release(_typing: Any, at: types.Type, value: types.Type) -> Any:
    """Write a word; what stands before is done before."""

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        builder.store_atomic(arguments[1], _pointer(builder, arguments[0]), "release", WORD_BYTES)
        return context.get_dummy_value()

    return types.none(at, value), code


@intrinsic
def store_byte_release(_typing: Any, at: types.Type, value: types.Type) -> Any:
    """The same of 8 bits."""

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        builder.store_atomic(builder.trunc(arguments[1], BYTE), _pointer(builder, arguments[0], BYTE), "release", 1)
        return context.get_dummy_value()

    return types.none(at, value), code


@intrinsic
def store_half_release(_typing: Any, at: types.Type, value: types.Type) -> Any:
    """The same of 16 bits."""

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        builder.store_atomic(builder.trunc(arguments[1], HALF), _pointer(builder, arguments[0], HALF), "release", 2)
        return context.get_dummy_value()

    return types.none(at, value), code


@intrinsic
def add_atomic(_typing: Any, at: types.Type, amount: types.Type) -> Any:
    """Add to a word, a full barrier; what it was before."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        return builder.atomic_rmw("add", _pointer(builder, arguments[0]), arguments[1], "seq_cst")

    return types.int64(at, amount), code


@intrinsic
def exchange_atomic(_typing: Any, at: types.Type, value: types.Type) -> Any:
    """Write a word, a full barrier; what it was before."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        return builder.atomic_rmw("xchg", _pointer(builder, arguments[0]), arguments[1], "seq_cst")

    return types.int64(at, value), code


@intrinsic
def exchange_half_atomic(_typing: Any, at: types.Type, value: types.Type) -> Any:
    """The same of 16 bits."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        half = builder.trunc(arguments[1], HALF)
        before = builder.atomic_rmw("xchg", _pointer(builder, arguments[0], HALF), half, "seq_cst")
        return builder.zext(before, WORD)

    return types.int64(at, value), code


@intrinsic
def or_atomic(_typing: Any, at: types.Type, bits: types.Type) -> Any:
    """Set bits of a word, a full barrier; what it was before."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        return builder.atomic_rmw("or", _pointer(builder, arguments[0]), arguments[1], "seq_cst")

    return types.int64(at, bits), code


@intrinsic
def compare_exchange_atomic(_typing: Any, at: types.Type, expected: types.Type, value: types.Type) -> Any:
    """Write a word if it is as expected, a full barrier; what it was before."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, arguments: list[ir.Value]) -> ir.Value:
        pair = builder.cmpxchg(_pointer(builder, arguments[0]), arguments[1], arguments[2], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 0)

    return types.int64(at, expected, value), code


@intrinsic
def fence(_typing: Any) -> Any:
    """A full memory barrier: mfence on x86."""

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, _arguments: list[ir.Value]) -> ir.Value:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.none(), code


@intrinsic
def relax(_typing: Any) -> Any:
    """What a loop that waits does: pause, or yield. Nothing where there is no such instruction."""

    def code(context: Any, builder: ir.IRBuilder, _signature: Any, _arguments: list[ir.Value]) -> ir.Value:
        nothing = ir.FunctionType(ir.VoidType(), [])
        builder.asm(nothing, PAUSE.get(platform.machine(), ""), "", [], side_effect=True)
        return context.get_dummy_value()

    return types.none(), code


@intrinsic
def read_clock(_typing: Any) -> Any:
    """The processor's clock, in its own ticks, read in the order of the program."""

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, _arguments: list[ir.Value]) -> ir.Value:
        text, constraint = CLOCK[platform.machine()]
        return builder.asm(ir.FunctionType(WORD, []), text, constraint, [], side_effect=True)

    return types.int64(), code


@intrinsic
def call_c(_typing: Any, function: types.Type, arguments: Any) -> Any:
    """Call a C function at an address with seven words, of which it takes as many as it has parameters: its result.

    It is called as one of a variable number of arguments, as libc's syscall() is; others do not mind.
    """

    def code(_context: Any, builder: ir.IRBuilder, _signature: Any, given: list[ir.Value]) -> ir.Value:
        kind = ir.FunctionType(WORD, [WORD], var_arg=True)
        words = [builder.extract_value(given[1], i) for i in range(CALL_ARGUMENTS)]
        return builder.call(builder.inttoptr(given[0], kind.as_pointer()), words)

    return types.int64(function, arguments), code
