"""The kernels as machine code: numba's, of the functions as they stand, with the processor's own instructions."""

from __future__ import annotations

from typing import Any

from perfsim.calibrate import instructions
from perfsim.calibrate.instructions import Seven
from perfsim.calibrate.kernels import act
from perfsim.engine.atomics import (
    add_atomic,
    call_c,
    compare_exchange_atomic,
    exchange_atomic,
    exchange_half_atomic,
    fence,
    load_acquire,
    or_atomic,
    read_clock,
    relax,
    store_byte_release,
    store_half_release,
    store_release,
)
from perfsim.engine.compile import object_code
from perfsim.engine.native import pinned


def machine_code() -> bytes:
    """Compile the kernels for this machine: see engine.compile.machine_code(). Takes some seconds."""
    return object_code(act_at, [act], GIVEN, None)


def act_at(address: int, what: int, _unused: int) -> int:
    """kernels.act() on the block at an address."""
    return act(address, what)


def _load(at: int) -> int:
    word: int = load_acquire(at)
    return word


def _store(at: int, value: int) -> None:
    store_release(at, value)


def _store_byte(at: int, value: int) -> None:
    store_byte_release(at, value)


def _store_half(at: int, value: int) -> None:
    store_half_release(at, value)


def _fetch_and_add(at: int, amount: int) -> int:
    before: int = add_atomic(at, amount)
    return before


def _fetch_and_store(at: int, value: int) -> int:
    before: int = exchange_atomic(at, value)
    return before


def _fetch_and_store_half(at: int, value: int) -> int:
    before: int = exchange_half_atomic(at, value)
    return before


def _fetch_and_or(at: int, bits: int) -> int:
    before: int = or_atomic(at, bits)
    return before


def _compare_and_swap(at: int, expected: int, value: int) -> int:
    before: int = compare_exchange_atomic(at, expected, value)
    return before


def _memory_barrier() -> None:
    fence()


def _pause() -> None:
    relax()


def _clock() -> int:
    ticks: int = read_clock()
    return ticks


def _keep(value: int) -> int:
    same: int = pinned(value)
    return same


def _call(function: int, words: Seven) -> int:
    result: int = call_c(function, words)
    return result


GIVEN: dict[Any, Any] = {
    instructions.load: _load,
    instructions.store: _store,
    instructions.store_byte: _store_byte,
    instructions.store_half: _store_half,
    instructions.fetch_and_add: _fetch_and_add,
    instructions.fetch_and_store: _fetch_and_store,
    instructions.fetch_and_store_half: _fetch_and_store_half,
    instructions.fetch_and_or: _fetch_and_or,
    instructions.compare_and_swap: _compare_and_swap,
    instructions.memory_barrier: _memory_barrier,
    instructions.pause: _pause,
    instructions.clock: _clock,
    instructions.keep: _keep,
    instructions.call: _call,
}
"""What stands for each instruction."""
