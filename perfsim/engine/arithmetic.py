"""The operators of a path, on integers of 64 bits: Python's values, or none."""

from __future__ import annotations

from perfsim.engine.program import (
    ADD,
    AND,
    EQUAL,
    FLOOR_DIVIDE,
    GREATER,
    INVERT,
    LESS,
    LESS_EQUAL,
    MODULO,
    MOVE,
    MULTIPLY,
    NEGATE,
    NOT,
    NOT_EQUAL,
    OR,
    SHIFT_LEFT,
    SUBTRACT,
    XOR,
)

MOST = (1 << 63) - 1
LEAST = -MOST
NO_VALUE = LEAST - 1


def calculate(op: int, a: int, b: int) -> int:
    """The value of an operator. An AssertionError where Python has none, one beyond 64 bits, or the least of those."""
    if op >= EQUAL:
        return compare(op, a, b)
    is_bitwise = op <= NOT or op == INVERT or AND <= op <= XOR
    value = bitwise(op, a, b) if is_bitwise else arithmetic(op, a, b)
    assert value != NO_VALUE, f"operator {op} of {a} and {b} has no value of 64 bits"
    return value


def bitwise(op: int, a: int, b: int) -> int:
    """The value of an operator that has one for any numbers, though it may be LEAST - 1, which has no opposite."""
    if op == MOVE:
        return a
    if op == NOT:
        return 0 if a else 1
    if op == INVERT:
        return ~a
    if op == AND:
        return a & b
    return a | b if op == OR else a ^ b


def compare(op: int, a: int, b: int) -> int:
    """The value of a comparison: 0 or 1."""
    if op == EQUAL:
        return 1 if a == b else 0
    if op == NOT_EQUAL:
        return 1 if a != b else 0
    if op == LESS:
        return 1 if a < b else 0
    if op == LESS_EQUAL:
        return 1 if a <= b else 0
    if op == GREATER:
        return 1 if a > b else 0
    return 1 if a >= b else 0


def arithmetic(op: int, a: int, b: int) -> int:
    """The value of an operator that may have none: NO_VALUE then."""
    if op == NEGATE:
        return -a
    if op == ADD:
        return a + b if LEAST - min(a, 0) <= b <= MOST - max(a, 0) else NO_VALUE
    if op == SUBTRACT:
        return a - b if LEAST + max(b, 0) <= a <= MOST + min(b, 0) else NO_VALUE
    if op == MULTIPLY:
        return a * b if a == 0 or abs(b) <= MOST // abs(a) else NO_VALUE
    if op == FLOOR_DIVIDE:
        return a // b if b else NO_VALUE
    if op == MODULO:
        return a % b if b else NO_VALUE
    if op == SHIFT_LEFT:
        return a << b if 0 <= b < 63 and abs(a) <= MOST >> b else (0 if a == 0 <= b else NO_VALUE)
    return a >> min(b, 63) if b >= 0 else NO_VALUE


def following(counter: int, step: int) -> int:
    """A counter's next value; at the edge of 64 bits the edge, where every range is at its end."""
    if step > 0:
        return counter + step if counter <= MOST - step else MOST
    return counter + step if counter >= LEAST - step else LEAST
