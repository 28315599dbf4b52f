"""Expressions as rows: computed into a slot, or tested, which takes no row more than computing them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from perfsim.engine import program as p
from perfsim.engine.draft import Draft, PathDraft, Then
from perfsim.kernel.folding import constant_value

_BINARY: dict[type[ast.operator], int] = {
    ast.Add: p.ADD,
    ast.Sub: p.SUBTRACT,
    ast.Mult: p.MULTIPLY,
    ast.FloorDiv: p.FLOOR_DIVIDE,
    ast.Mod: p.MODULO,
    ast.BitAnd: p.AND,
    ast.BitOr: p.OR,
    ast.BitXor: p.XOR,
    ast.LShift: p.SHIFT_LEFT,
    ast.RShift: p.SHIFT_RIGHT,
}
_UNARY: dict[type[ast.unaryop], int] = {ast.Not: p.NOT, ast.USub: p.NEGATE, ast.Invert: p.INVERT, ast.UAdd: p.MOVE}
_COMPARE: dict[type[ast.cmpop], int] = {
    ast.Eq: p.EQUAL,
    ast.NotEq: p.NOT_EQUAL,
    ast.Lt: p.LESS,
    ast.LtE: p.LESS_EQUAL,
    ast.Gt: p.GREATER,
    ast.GtE: p.GREATER_EQUAL,
}
OUTSIDE = "is outside of what a path may contain"


class Expressions:
    """Makes the rows of one path's expressions. integers: the constants of its module; paths: those it may call."""

    def __init__(self, draft: PathDraft, module: Mapping[str, Any], paths: Mapping[str, Any]) -> None:
        self.draft = draft
        self.integers = {name: value for name, value in module.items() if name not in draft.slots}
        self.paths = paths

    def compute(self, node: ast.expr, dst: int, then: Then) -> int:
        """Rows that leave the value of an expression in slot dst and go on by it; returns the first one's number."""
        resting = self.resting_slot(node)
        if resting is not None:
            return self.row(p.MOVE, node, dst, (resting,), then)
        match node:
            case ast.UnaryOp(op=sign, operand=inner):
                return self._operation(_UNARY[type(sign)], node, (inner,), dst, then)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
                return self._operation(_BINARY[type(sign)], node, (left, right), dst, then)
            case ast.Compare():
                return self._comparison(node, dst, then)
            case ast.BoolOp():
                return self._junction(node, dst, then)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.branch(test, self.compute(body, dst, then), self.compute(orelse, dst, then))
            case ast.Await(value=ast.Call() as call):
                return self._await(call, dst, then)
        raise self.draft.refusal(node, f"{ast.unparse(node)} {OUTSIDE}")

    def branch(self, node: ast.expr, yes: int, no: int) -> int:
        """Rows that go on at `yes` if an expression is true, else at `no`; returns the first one's number."""
        known = self.constant(node)
        if known is not None:
            return yes if known else no
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return self.branch(inner, no, yes)
            case ast.BoolOp(op=sign, values=values):
                at = self.branch(values[-1], yes, no)
                for value in reversed(values[:-1]):
                    at = self.branch(value, at, no) if isinstance(sign, ast.And) else self.branch(value, yes, at)
                return at
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.branch(test, self.branch(body, yes, no), self.branch(orelse, yes, no))
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]) if self.constant(right) == 0:
                return self.branch(left, no, yes)
            case ast.Compare(left=left, ops=[ast.NotEq()], comparators=[right]) if self.constant(right) == 0:
                return self.branch(left, yes, no)
        with self.draft.held():
            scratch = self.draft.temporary()
            if isinstance(node, ast.Name):
                slots = (self.slot(node),)
                return self.draft.emit(Draft(p.MOVE, scratch, slots, Then(no, yes), node.lineno, is_test=True))
            return self.compute(node, scratch, Then(no, yes))

    def row(self, op: int, node: ast.expr | ast.stmt, dst: int, slots: tuple[int, ...], then: Then) -> int:
        """One row, made for a node of the source; returns its number."""
        return self.draft.emit(Draft(op, dst, slots, then, node.lineno))

    def slot_for(self, node: ast.expr) -> int:
        """The slot where an expression's value is at rest, or else a temporary, for fetch() to fill."""
        resting = self.resting_slot(node)
        return self.draft.temporary() if resting is None else resting

    def fetch(self, node: ast.expr, slot: int, after: int) -> int:
        """Rows that bring an expression's value to the slot that slot_for() gave it; none if it rests there."""
        return after if self.resting_slot(node) is not None else self.compute(node, slot, Then(after, after))

    def resting_slot(self, node: ast.expr) -> int | None:
        """The slot of a constant or a local; None for what must be computed."""
        known = self.constant(node)
        if known is not None:
            return self.draft.constant(known)
        return self.slot(node) if isinstance(node, ast.Name) else None

    def slot(self, name: ast.Name) -> int:
        """The slot of a local. Raises InputError for a name that is none."""
        if name.id not in self.draft.slots:
            raise self.draft.refusal(name, f"{name.id} is neither a local nor an integer of the module")
        return self.draft.slots[name.id]

    def constant(self, node: ast.expr) -> int | None:
        """The value of an expression of constants, or None."""
        return constant_value(node, self.integers)

    def reads(self, nodes: list[ast.expr], slot: int) -> bool:
        """Whether any of these expressions reads the local of a slot."""
        names = (inner.id for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name))
        return any(self.draft.slots.get(name) == slot for name in names)

    def _operation(self, op: int, node: ast.expr, operands: tuple[ast.expr, ...], dst: int, then: Then) -> int:
        with self.draft.held():
            slots = tuple(self.slot_for(operand) for operand in operands)
            return self._fetch_all(operands, slots, self.row(op, node, dst, slots, then))

    def _fetch_all(self, operands: tuple[ast.expr, ...], slots: tuple[int, ...], at: int) -> int:
        for operand, slot in reversed(list(zip(operands, slots, strict=True))):
            at = self.fetch(operand, slot, at)
        return at

    def _comparison(self, node: ast.Compare, dst: int, then: Then) -> int:
        operands = [node.left, *node.comparators]
        if len(node.ops) > 1 and self.reads(operands, dst):
            return self._by_way_of_temporary(node, dst, then)
        with self.draft.held():
            slots = [self.slot_for(operand) for operand in operands]
            at, go_on = 0, then
            for index in range(len(node.ops), 0, -1):
                sign = type(node.ops[index - 1])
                if sign not in _COMPARE:
                    raise self.draft.refusal(node, f"{ast.unparse(node)} {OUTSIDE}")
                at = self.row(_COMPARE[sign], node, dst, (slots[index - 1], slots[index]), go_on)
                at = self.fetch(operands[index], slots[index], at)
                go_on = Then(then.zero, at)
            return self.fetch(node.left, slots[0], at)

    def _junction(self, node: ast.BoolOp, dst: int, then: Then) -> int:
        if self.reads(node.values[1:], dst):
            return self._by_way_of_temporary(node, dst, then)
        at = self.compute(node.values[-1], dst, then)
        for value in reversed(node.values[:-1]):
            go_on = Then(then.zero, at) if isinstance(node.op, ast.And) else Then(at, then.nonzero)
            at = self.compute(value, dst, go_on)
        return at

    def _by_way_of_temporary(self, node: ast.expr, dst: int, then: Then) -> int:
        """What writes its slot more than once may not write to a local that it still reads."""
        with self.draft.held():
            temporary = self.draft.temporary()
            move = self.row(p.MOVE, node, dst, (temporary,), then)
            return self.compute(node, temporary, Then(move, move))

    def _await(self, call: ast.Call, dst: int, then: Then) -> int:
        match call.func:
            case ast.Attribute(attr=name) if name in p.PRIMITIVE_NUMBERS:
                op, callee, arguments = p.PRIMITIVE_NUMBERS[name], "", tuple(call.args)
            case ast.Name(id=name) if name in self.paths:
                op, callee, arguments = p.CALL, name, tuple(call.args[1:])
                self.draft.calls.append((name, call))
            case _:
                raise self.draft.refusal(call, f"{ast.unparse(call.func)} is neither a primitive nor a path")
        if len(arguments) > p.ARGUMENTS_MAX:
            raise self.draft.refusal(call, f"{name}() takes at most {p.ARGUMENTS_MAX} arguments beside cpu")
        with self.draft.held():
            slots = tuple(self.slot_for(argument) for argument in arguments)
            row = self.draft.emit(Draft(op, dst, slots, then, call.lineno, callee))
            return self._fetch_all(arguments, slots, row)
