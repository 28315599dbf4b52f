"""The ways through a path: which locals have a value where they are read, and what the path returns at its end."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

from perfsim.kernel.refusal import Refusal, refusal_of

Assigned = frozenset[str] | None
"""Locals that surely have a value at some place; None where no way leads."""

_NO_WAY: Assigned = None


class _Loop(NamedTuple):
    """breaks: what is assigned at each `break` of a loop."""

    breaks: list[Assigned]


def local_names(path: ast.AsyncFunctionDef) -> tuple[str, ...]:
    """A path's arguments without the CPU, then the names it gives values to, in the order of the source."""
    stored = [
        inner
        for statement in path.body
        for inner in ast.walk(statement)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    ]
    stored.sort(key=lambda name: (name.lineno, name.col_offset))
    return tuple(dict.fromkeys([*(argument.arg for argument in path.args.args[1:]), *(name.id for name in stored)]))


def returns_value(path: ast.AsyncFunctionDef) -> bool:
    """Whether a path returns an integer somewhere; flow_refusals() finds those that do so on some ways alone."""
    return any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(path))


def flow_refusals(path: ast.AsyncFunctionDef, is_true: Callable[[ast.expr], bool]) -> list[Refusal]:
    """Locals of a path of the right form that may be read before they have a value, and ends without a value.

    is_true: whether a test is a constant that is never zero; a loop on it ends by `break` and `return` alone.
    """
    flow = _Flow(set(local_names(path)), is_true)
    at_end = flow.block(path.body, frozenset(argument.arg for argument in path.args.args), None)
    return flow.found + list(_ends(path, at_end))


def _ends(path: ast.AsyncFunctionDef, at_end: Assigned) -> Iterator[Refusal]:
    if not returns_value(path):
        return
    some = f"{path.name}() returns a value on some ways only"
    for node in ast.walk(path):
        if isinstance(node, ast.Return) and node.value is None:
            yield refusal_of(node, f"{some}; return an integer here too")
    if at_end is not None:
        yield refusal_of(path, f"{some}; end it with return and an integer")


def _meet(ways: list[Assigned]) -> Assigned:
    """What is assigned whichever of these ways was taken."""
    open_ways = [way for way in ways if way is not None]
    return frozenset.intersection(*open_ways) if open_ways else None


class _Flow:
    """Follows all ways through a path at once. found: what it refuses."""

    def __init__(self, names: set[str], is_true: Callable[[ast.expr], bool]) -> None:
        self.names = names
        self.is_true = is_true
        self.found: list[Refusal] = []

    def block(self, statements: list[ast.stmt], before: Assigned, loop: _Loop | None) -> Assigned:
        """What is assigned after these statements."""
        for statement in statements:
            before = self._statement(statement, before, loop)
        return before

    def _statement(self, node: ast.stmt, before: Assigned, loop: _Loop | None) -> Assigned:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                self._read(test, before)
                return _meet([self.block(body, before, loop), self.block(orelse, before, loop)])
            case ast.While(test=test, body=body):
                self._read(test, before)
                inner = _Loop([])
                self.block(body, before, inner)
                return _meet([*inner.breaks, _NO_WAY if self.is_true(test) else before])
            case ast.For(target=target, iter=iterated, body=body):
                self._read(iterated, before)
                inner = _Loop([])
                self.block(body, _with(before, [target]), inner)
                return _meet([*inner.breaks, before])
            case ast.Break() | ast.Continue():
                if loop is not None and isinstance(node, ast.Break):
                    loop.breaks.append(before)
                return _NO_WAY
            case ast.Return(value=value):
                self._read(value, before)
                return _NO_WAY
        return self._simple(node, before)

    def _simple(self, node: ast.stmt, before: Assigned) -> Assigned:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._read(value, before)
                return _with(before, targets)
            case ast.AnnAssign(target=target, value=value):
                self._read(value, before)
                return _with(before, [target])
            case ast.AugAssign(target=ast.Name() as target, value=value):
                self._name(target, before)
                self._read(value, before)
            case ast.Expr(value=value):
                self._read(value, before)
        return before

    def _read(self, node: ast.expr | None, before: Assigned) -> None:
        for inner in ast.walk(node) if node is not None else ():
            if isinstance(inner, ast.Name):
                self._name(inner, before)

    def _name(self, name: ast.Name, before: Assigned) -> None:
        if before is not None and name.id in self.names and name.id not in before:
            self.found.append(refusal_of(name, f"{name.id} may have no value here; give it one before, on every way"))


def _with(before: Assigned, targets: list[ast.expr]) -> Assigned:
    if before is None:
        return None
    return before | {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
