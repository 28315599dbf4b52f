"""Values of locals as far as the source tells them: an integer, or something of which only a bound is known."""

from __future__ import annotations

import ast
from typing import NamedTuple

from perfsim.kernel.folding import INTEGER_MIN, constant_value


class Some(NamedTuple):
    """A value that only a run knows. name: equal names are equal values. low: the least that it can be."""

    name: str
    low: int = 0


Value = int | Some


def truth(value: Value) -> bool | None:
    """Whether a value counts as true, or None if that depends on the run."""
    if isinstance(value, Some):
        return True if value.low > 0 else None
    return bool(value)


def combined(node: ast.BinOp | ast.UnaryOp, operands: list[Value]) -> Value:
    """The value of an operator on values."""
    known = [operand for operand in operands if not isinstance(operand, Some)]
    if len(known) == len(operands):
        constants: list[ast.expr] = [ast.Constant(operand) for operand in known]
        plain = ast.UnaryOp(node.op, constants[0]) if isinstance(node, ast.UnaryOp) else _binary(node.op, constants)
        value = constant_value(plain, {})
        return _nothing_known(node, operands) if value is None else value
    if isinstance(node.op, ast.Add):
        low = sum(operand.low if isinstance(operand, Some) else operand for operand in operands)
        return Some("+".join(map(name_of, operands)), max(low, INTEGER_MIN))
    return _nothing_known(node, operands)


def name_of(value: Value) -> str:
    """The name of a value; that of an integer is its figures."""
    return value.name if isinstance(value, Some) else str(value)


def compared(sign: ast.cmpop, left: Value, right: Value) -> bool | None:
    """Whether a comparison holds, or None if that depends on the run."""
    if not isinstance(left, Some) and not isinstance(right, Some):
        return bool(constant_value(ast.Compare(ast.Constant(left), [sign], [ast.Constant(right)]), {}))
    if isinstance(left, Some) and isinstance(right, Some):
        same = left == right
        return isinstance(sign, ast.Eq | ast.LtE | ast.GtE) if same else None
    if not isinstance(left, Some):
        return compared(_MIRRORED[type(sign)](), right, left)
    assert isinstance(right, int)
    if left.low > right:
        return isinstance(sign, ast.Gt | ast.GtE | ast.NotEq)
    if left.low == right and isinstance(sign, ast.Lt | ast.GtE):
        return isinstance(sign, ast.GtE)
    return None


_MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}


def _binary(op: ast.operator, operands: list[ast.expr]) -> ast.BinOp:
    return ast.BinOp(operands[0], op, operands[1])


def _nothing_known(node: ast.BinOp | ast.UnaryOp, operands: list[Value]) -> Some:
    """By the names of the operands, as the same expression has another value when its variables have."""
    return Some(f"[{' '.join([type(node.op).__name__, *map(name_of, operands)])}]", INTEGER_MIN)
