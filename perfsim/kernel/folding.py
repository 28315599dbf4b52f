"""Expressions whose value is known before a run: literals, a module's integers, and what operators make of them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1
SHIFT_MAX = 63
"""No integer but 0 is shifted to the left by more."""

Operation = Callable[[int, int], int]

_BINARY: dict[type[ast.operator], Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_UNARY: dict[type[ast.unaryop], Callable[[int], int]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_COMPARE: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def constant_value(node: ast.expr, integers: Mapping[str, Any]) -> int | None:
    """The value of an expression of constants, or None for any other, or one that raises or leaves 64 bits.

    integers: names that stand for integers; no local name may be among them.
    """
    value = _value(node, integers)
    return value if value is not None and INTEGER_MIN <= value <= INTEGER_MAX else None


def _value(node: ast.expr, integers: Mapping[str, Any]) -> int | None:
    match node:
        case ast.Constant(value=int() as value):
            return int(value)
        case ast.Name(id=name):
            found = integers.get(name)
            return int(found) if isinstance(found, int) else None
        case ast.UnaryOp(op=sign, operand=inner):
            operand = constant_value(inner, integers)
            return None if operand is None or type(sign) not in _UNARY else int(_UNARY[type(sign)](operand))
        case ast.BinOp(left=left, op=sign, right=right):
            return _binary(type(sign), constant_value(left, integers), constant_value(right, integers))
        case ast.Compare(left=left, ops=signs, comparators=comparators):
            return _compared(signs, [constant_value(operand, integers) for operand in (left, *comparators)])
        case ast.BoolOp() | ast.IfExp():
            return _chosen(node, integers)
    return None


def _binary(sign: type[ast.operator], left: int | None, right: int | None) -> int | None:
    if left is None or right is None or sign not in _BINARY:
        return None
    if sign in {ast.FloorDiv, ast.Mod} and right == 0:
        return None
    if (sign in {ast.LShift, ast.RShift} and right < 0) or (sign is ast.LShift and right > SHIFT_MAX):
        return None
    return _BINARY[sign](left, right)


def _compared(signs: list[ast.cmpop], values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values) or any(type(sign) not in _COMPARE for sign in signs):
        return None
    return int(all(_COMPARE[type(sign)](a, b) for sign, (a, b) in zip(signs, pairwise(known), strict=True)))


def _chosen(node: ast.BoolOp | ast.IfExp, integers: Mapping[str, Any]) -> int | None:
    if isinstance(node, ast.IfExp):
        test = constant_value(node.test, integers)
        return None if test is None else constant_value(node.body if test else node.orelse, integers)
    value: int | None = None
    for operand in node.values:
        value = constant_value(operand, integers)
        if value is None or bool(value) == isinstance(node.op, ast.Or):
            return value
    return value
