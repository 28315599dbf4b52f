"""From plain Python functions to machine code: what numba makes of the loop and of every rule that it calls.

The functions are taken as they stand, found by following calls from entry.act(); nothing is marked in their modules.
Three things are made for numba: the jump from a row's op to what it does (dispatch.py), what the host has instructions
for (native.py), and asserts that end a function early.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

import numba
from llvmlite import binding
from numba.extending import overload

from perfsim.engine import loop
from perfsim.engine.arithmetic import calculate
from perfsim.engine.calendar import by_jump, either, is_before
from perfsim.engine.dispatch import OP_PREFIX, perform
from perfsim.engine.entry import act
from perfsim.engine.load import ENTRY_NAME
from perfsim.engine.native import (
    REFUSAL,
    load_from,
    pair_is_less,
    pinned,
    prefetch,
    refuse,
    run_at,
    select,
    significant_bits,
    store_to,
    take_refusal,
)
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.numeric.columns import fetch_early
from perfsim.numeric.random import bit_length

OPTIMISATION_LEVEL = 3
ENTRY = "act_at"
"""What the function is called that an object file is made of."""

PASSES = 2
"""The second sees what the first has found out: that no function raises."""

RARE = (
    *("fill_memory", "violated", "stranded_pages", "begin_window", "end_window", "wake_task", "_switch_away", "bug"),
    *("release", "_race", "_take_by_distance", "_first_waiter", "_duration", "try_to_unmap", "free_page_to_zone"),
    *("rmqueue", "new_page", "prefetchw_prev_lru_page"),
    *("up_read", "up_write", "queue_work", "work_done"),
)
"""Functions that stay such: large, or seldom called. All else is part of one function, the loop's."""

_ZERO_STORE = re.compile(r"(?m)^\s+store (?:i64 0|ptr null), ptr (%[^,\s]+), align 8\n")


def machine_code() -> bytes:
    """Compile the engine for this machine: an object file that defines ENTRY_NAME. Takes a minute or two.

    Its function is numba's own form of act(address, what, now): see load.py.
    """
    return object_code(act_at, _begin_with(), GIVEN, RARE)


def functions_of_the_engine() -> Iterator[FunctionType]:
    """Every function of the project's that becomes part of the engine as it stands."""
    return _reached(_begin_with(), GIVEN)


def _begin_with() -> list[Any]:
    return [act, calculate, *(primitive.effect for primitive in PRIMITIVES.values())]


def act_at(address: int, what: int, now: int) -> int:
    """entry.act() on the run whose table begins at an address."""
    return act(run_at(address), what, now)


def object_code(
    entry: Callable[[int, int, int], int],
    functions: list[Any],
    given: Mapping[Any, Any],
    rare: Sequence[str] | None,
) -> bytes:
    """An object file of a function of three words, called ENTRY. functions: those of the project's from which all
    others that it calls are found. given: what is to stand for a function of the project's. rare: names of those that
    stay apart, while all else becomes part of one function; None to let the compiler choose.
    """
    for function in _reached(functions, given):
        _compile_as(function, _without_raises(function))
    for function, implementation in given.items():
        _compile_as(function, implementation)
    compiled = numba.njit(
        [numba.int64(numba.int64, numba.int64, numba.int64)],
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        error_model="numpy",
    )(entry)
    [text] = compiled.inspect_llvm().values()
    return _object_file(text, rare)


def refusal() -> int:
    """1 if an assert did not hold since this was asked last."""
    refused: int = take_refusal()
    return refused


def _selected(condition: bool, a: int, b: int) -> int:
    chosen: int = select(condition, a, b)
    return chosen


def _is_less(a_ps: int, a: int, b_ps: int, b: int) -> bool:
    less: bool = pair_is_less(a_ps, a, b_ps, b)
    return less


def _by_jump(value: int) -> int:
    same: int = pinned(value)
    return same


def value_in(values: Any, base: int, slot: int) -> int:
    """loop.slot_of(), compiled."""
    value: int = load_from(values, base, slot)
    return value


def put_to(values: Any, base: int, slot: int, value: int) -> None:
    """loop.put(), compiled."""
    store_to(values, base, slot, value)


def fetch_early_(column: Any, index: int) -> None:
    """columns.fetch_early(), compiled."""
    prefetch(column, index)


def _bits(value: int) -> int:
    bits: int = significant_bits(value)
    return bits


GIVEN: dict[Any, Any] = {
    loop.perform: perform,
    loop.refused: refusal,
    loop.slot_of: value_in,
    loop.put: put_to,
    either: _selected,
    is_before: _is_less,
    by_jump: _by_jump,
    bit_length: _bits,
    fetch_early: fetch_early_,
}
"""Functions that have another form here than in Python, with the same value."""


def _reached(functions: list[Any], given: Mapping[Any, Any]) -> Iterator[FunctionType]:
    """Functions, and every one of the project's that they call, at first or at second hand, but those given."""
    found: dict[str, FunctionType] = {}
    waiting = list(functions)
    while waiting:
        function = waiting.pop()
        name = f"{function.__module__}.{function.__qualname__}"
        if name in found or function in given:
            continue
        found[name] = function
        yield function
        waiting += [value for value in _globals_used(function) if isinstance(value, FunctionType)]


def _globals_used(function: FunctionType) -> Iterator[Any]:
    for name in function.__code__.co_names:
        if name in function.__globals__:
            value = function.__globals__[name]
            if inspect.ismodule(value):
                yield from (getattr(value, inner) for inner in function.__code__.co_names if hasattr(value, inner))
            else:
                yield value


def _compile_as(function: Any, implementation: Any) -> None:
    """Let compiled code that calls a function have this in its place. A division does not raise: none is by zero."""
    overload(function, jit_options={"error_model": "numpy"}, strict=False)(lambda *_: implementation)


def _without_raises(function: FunctionType) -> FunctionType:
    """The function with each assert as a note of the refusal and an early return.

    A function that cannot raise is a plain function to the compiler: nothing to clear before a call, nothing to look at
    after it. That halves the time of a run.
    """
    if "assert " not in inspect.getsource(function):
        return function
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    value = None if function.__annotations__["return"] == "None" else ast.Constant(0)
    tree = ast.fix_missing_locations(_AssertsAsReturns(value).visit(tree))
    ast.increment_lineno(tree, function.__code__.co_firstlineno - 1)
    module = compile(tree, function.__code__.co_filename, "exec")
    [code] = [constant for constant in module.co_consts if isinstance(constant, CodeType)]
    return FunctionType(code, {**function.__globals__, "refuse": refuse}, function.__name__, function.__defaults__)


class _AssertsAsReturns(ast.NodeTransformer):
    def __init__(self, value: ast.Constant | None) -> None:
        self.value = value

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        """`assert test, text` as `if not test: refuse(); return value`."""
        call = ast.Expr(ast.Call(ast.Name("refuse", ast.Load()), [], []))
        refused = ast.If(ast.UnaryOp(ast.Not(), node.test), [call, ast.Return(self.value)], [])
        return ast.copy_location(refused, node)


def _object_file(text: str, rare: Sequence[str] | None) -> bytes:
    """Optimise a module of LLVM's as a whole, all but the entry internal, and make an object file of it."""
    # LLVM makes jumps of moves that depend on a condition; those of a tournament are even, and would be guessed wrong.
    binding.set_option("perfsim", "-x86-cmov-converter=false")
    apart = re.compile(rf"\d({'|'.join(rare)})[A-Z]" if rare is not None else "")
    module = binding.parse_assembly(_without_idle_stores(text))
    for variable in module.global_variables:
        if variable.name == REFUSAL:
            variable.linkage = binding.Linkage.internal
    for function in module.functions:
        if ENTRY in function.name:
            function.name = ENTRY_NAME
        elif not function.is_declaration:
            function.linkage = binding.Linkage.internal
            if not function.name.startswith(OP_PREFIX) and not apart.search(function.name):
                function.add_function_attribute("alwaysinline")
    target = binding.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=OPTIMISATION_LEVEL,
        reloc="pic",
        codemodel="small",
    )
    options = binding.create_pipeline_tuning_options(speed_level=OPTIMISATION_LEVEL)
    for _ in range(PASSES):
        builder = binding.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
    code: bytes = machine.emit_object(module)
    return code


def _without_idle_stores(text: str) -> str:
    """LLVM's text without the zeros that numba stores to where a call will leave its value.

    They are meant for calls that raise; here none does. Left in, they are the half of what a row costs.
    """
    return "".join(_of_function(part) for part in re.split(r"(?m)^(?=define )", text))


def _of_function(text: str) -> str:
    places = set(re.findall(r"(?m)^\s+(%\S+) = alloca ", text))
    places &= set(re.findall(r"call [^@\n]*@[^(\n]*\(ptr(?: \w+(?:\([^)]*\))?)* (%[^,\s)]+)", text))
    return _ZERO_STORE.sub(lambda store: "" if store[1] in places else store[0], text)
