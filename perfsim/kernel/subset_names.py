"""The names in a path: what each stands for, how many arguments a call gives, and who calls whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from perfsim.errors import did_you_mean, quoted
from perfsim.kernel.folding import INTEGER_MAX, INTEGER_MIN, constant_value
from perfsim.kernel.refusal import Refusal, refusal_of
from perfsim.kernel.subset_flow import flow_refusals, local_names, returns_value
from perfsim.kernel.subset_form import called_path, paths_in
from perfsim.units import counted


class Shape(NamedTuple):
    """A path as its callers see it. arguments: their number, `cpu` aside. calls: the paths it calls itself."""

    arguments: int
    returns_value: bool
    calls: frozenset[str] = frozenset()


class Scope(NamedTuple):
    """What names stand for in a file of paths.

    integers: the module's constants. paths: every path of the design, the file's own included. primitives: the number
    of their arguments.
    """

    integers: Mapping[str, int]
    paths: Mapping[str, Shape]
    primitives: Mapping[str, int]


def shape_of(path: ast.AsyncFunctionDef) -> Shape:
    """The shape of a path of the right form."""
    awaits = (node for node in ast.walk(path) if isinstance(node, ast.Await))
    calls = frozenset(name for node in awaits if (name := called_path(node)))
    return Shape(len(path.args.args) - 1, returns_value(path), calls)


def used_values(path: ast.AsyncFunctionDef) -> frozenset[str]:
    """The paths that a path calls for their value."""
    nodes = list(ast.walk(path))
    unused = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return frozenset(called_path(node) for node in nodes if isinstance(node, ast.Await) and id(node) not in unused)


def name_refusals(tree: ast.Module, scope: Scope) -> list[Refusal]:
    """What the paths of a file, all of the right form, name that they may not, in the order of the file."""
    sync = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found = [
        refusal_of(node, f"{name}() is a path of the design; write async def {name}")
        for name, node in sync.items()
        if name in scope.paths
    ]
    return sorted(
        found + [refusal for path in paths_in(tree) for refusal in _Names(path, scope, frozenset(sync)).refusals()]
    )


class _Names:
    """Checks the names of one path. sync: functions of the file that are no paths."""

    def __init__(self, path: ast.AsyncFunctionDef, scope: Scope, sync: frozenset[str]) -> None:
        self.path = path
        self.scope = scope
        self.sync = sync
        self.cpu = path.args.args[0].arg
        self.locals = frozenset(local_names(path))
        self.integers = {name: value for name, value in scope.integers.items() if name not in self.locals}
        nodes = [inner for statement in path.body for inner in _walk_values(statement)]
        self.awaits = [node for node in nodes if isinstance(node, ast.Await)]
        calls = [*(node.value for node in self.awaits), *(node.iter for node in nodes if isinstance(node, ast.For))]
        self.called = {id(call.func) for call in calls if isinstance(call, ast.Call)}
        self.unused = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        self.nodes = nodes

    def refusals(self) -> Iterator[Refusal]:
        """Everything refused, in no order."""
        for node in self.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in self.called:
                yield from self._value(node)
            elif isinstance(node, ast.BinOp | ast.UnaryOp):
                yield from self._folded(node)
            elif isinstance(node, ast.For):
                yield from self._step(node)
        for awaited in self.awaits:
            yield from self._call(awaited)
        yield from flow_refusals(self.path, lambda test: bool(constant_value(test, self.integers)))

    def _value(self, node: ast.Name) -> Iterator[Refusal]:
        if node.id in self.locals or node.id == self.cpu:
            return
        if node.id in self.scope.paths:
            yield refusal_of(node, f"{node.id} is a path, no value; write await {node.id}({self.cpu}, ...)")
        elif node.id not in self.integers:
            nearest = did_you_mean(node.id, [*self.locals, *self.integers])
            yield refusal_of(node, f"{node.id} is no integer{nearest}; a path reads its locals and integer constants")
        elif not INTEGER_MIN <= self.integers[node.id] <= INTEGER_MAX:
            yield refusal_of(node, f"{node.id} does not fit 64 bits; write a number up to 2**63 - 1")

    def _folded(self, node: ast.BinOp | ast.UnaryOp) -> Iterator[Refusal]:
        """Constants of which an operator makes no constant."""
        operands = [node.operand] if isinstance(node, ast.UnaryOp) else [node.left, node.right]
        known = all(constant_value(operand, self.integers) is not None for operand in operands)
        if known and constant_value(node, self.integers) is None:
            yield refusal_of(node, f"{quoted(ast.unparse(node))} has no value of 64 bits; write a number that has")

    def _step(self, node: ast.For) -> Iterator[Refusal]:
        if "range" in self.locals or "range" in self.scope.paths:
            yield refusal_of(node.iter, "range has another meaning in this file; give that another name")
        step = node.iter.args[2:] if isinstance(node.iter, ast.Call) else []
        if step and not constant_value(step[0], self.integers):
            yield refusal_of(step[0], "the step of a range is a constant other than 0; write while for any other")

    def _call(self, node: ast.Await) -> Iterator[Refusal]:
        assert isinstance(node.value, ast.Call), "the form is checked first"
        call, name = node.value, called_path(node)
        if not name:
            yield from self._primitive(call)
        elif name in self.locals:
            yield refusal_of(call, f"{name} is a local here, no path; give the local another name")
        elif name in self.scope.paths:
            shape = self.scope.paths[name]
            yield from _count(call, f"{name}({self.cpu}, ...)", len(call.args) - 1, shape.arguments)
            if not shape.returns_value and id(node) not in self.unused:
                yield refusal_of(call, f"{name}() returns no value; await it on a line of its own")
        elif name in self.sync:
            yield refusal_of(call, f"{name}() is no path; write async def {name}({self.cpu}, ...)")
        else:
            nearest = did_you_mean(name, self.scope.paths)
            yield refusal_of(call, f"{name}() is no path of this design{nearest}; write it as async def in this file")

    def _primitive(self, call: ast.Call) -> Iterator[Refusal]:
        assert isinstance(call.func, ast.Attribute), "the form is checked first"
        name = call.func.attr
        if name in self.scope.primitives:
            yield from _count(call, f"{self.cpu}.{name}()", len(call.args), self.scope.primitives[name])
        else:
            nearest = did_you_mean(name, self.scope.primitives)
            hint = f"; write await {name}({self.cpu}, ...)" if name in self.scope.paths else ""
            yield refusal_of(
                call, f"{self.cpu}.{name}() is no primitive{nearest}{hint or '; see perfsim/kernel/cpu.py'}"
            )


def _walk_values(statement: ast.stmt) -> Iterator[ast.AST]:
    """All of a statement but the annotations of locals, which Python does not look at either."""
    open_ends: list[ast.AST] = [statement]
    while open_ends:
        node = open_ends.pop()
        yield node
        annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
        open_ends += [child for child in ast.iter_child_nodes(node) if child is not annotation]


def _count(call: ast.Call, name: str, given: int, expected: int) -> Iterator[Refusal]:
    if given != expected:
        beside = " beside the CPU" if "..." in name else ""
        yield refusal_of(call, f"{name} is given {given}; expected {counted(expected, 'argument')}{beside}")


def recursion_refusals(tree: ast.Module, paths: Mapping[str, Shape]) -> list[Refusal]:
    """Calls in a file's paths that lead back to the path they stand in. paths: all of the design."""
    return [
        refusal_of(node.value, f"{path.name}() calls itself{_through(name, path.name)}; write a loop")
        for path in paths_in(tree)
        for node in ast.walk(path)
        if isinstance(node, ast.Await) and (name := called_path(node)) and path.name in _reached(name, paths)
    ]


def _through(callee: str, name: str) -> str:
    return f" through {callee}()" if callee != name else ""


def _reached(name: str, paths: Mapping[str, Shape]) -> set[str]:
    """A path with all that it calls, directly or not."""
    reached: set[str] = set()
    open_ends = [name]
    while open_ends:
        current = open_ends.pop()
        if current not in reached and current in paths:
            reached.add(current)
            open_ends += paths[current].calls
    return reached
