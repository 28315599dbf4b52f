"""Statements as rows: a path's whole body."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from perfsim.engine import program as p
from perfsim.engine.draft import Draft, PathDraft, Then
from perfsim.engine.expressions import OUTSIDE, Expressions

NO_PROBE = -1


class Loop(NamedTuple):
    """The rows at which `break` and `continue` go on."""

    on_break: int
    on_continue: int


class PathSource(NamedTuple):
    """A path as it was written. file: its source. module: the globals it sees. probe: its latency's, or NO_PROBE."""

    name: str
    file: str
    function: ast.AsyncFunctionDef
    module: Mapping[str, Any]
    probe: int


def draft_of(source: PathSource, paths: Mapping[str, Any], constants: dict[int, int]) -> PathDraft:
    """A path's rows. paths: those it may call. constants: the program's, each with its number; new ones are added.

    Raises InputError for what a path may not contain, where it stands.
    """
    parameters = [parameter.arg for parameter in source.function.args.args[1:]]
    local_names = tuple(dict.fromkeys([*parameters, *_assigned(source.function.body)]))
    draft = PathDraft(source.name, source.file, local_names, constants)
    Statements(draft, source, paths).translate()
    return draft


def _assigned(body: list[ast.stmt]) -> list[str]:
    """Names that these statements give values to, in the order of the source."""
    nodes = (inner for statement in body for inner in ast.walk(statement))
    names = [node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return [name.id for name in sorted(names, key=lambda name: (name.lineno, name.col_offset))]


class Statements:
    """Makes the rows of one path's statements."""

    def __init__(self, draft: PathDraft, source: PathSource, paths: Mapping[str, Any]) -> None:
        self.draft = draft
        self.source = source
        self.expressions = Expressions(draft, source.module, paths)

    def translate(self) -> None:
        """Make the rows of the whole path, and set its entry."""
        function = self.source.function
        end = self._leave(None, function.body[-1])
        at = self.block(function.body, end, None)
        if self.source.probe != NO_PROBE:
            at = self._probe("probe_begin", function, at)
        self.draft.entry = at

    def block(self, statements: list[ast.stmt], after: int, loop: Loop | None) -> int:
        """Rows of statements that go on at `after`; returns the first one's number."""
        for statement in reversed(statements):
            after = self._statement(statement, after, loop)
        return after

    def _statement(self, node: ast.stmt, after: int, loop: Loop | None) -> int:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                no = self.block(orelse, after, loop)
                return self.expressions.branch(test, self.block(body, after, loop), no)
            case ast.While(orelse=[]):
                return self._while(node, after)
            case ast.For(orelse=[]):
                return self._for(node, after)
            case ast.Break() if loop is not None:
                return loop.on_break
            case ast.Continue() if loop is not None:
                return loop.on_continue
            case ast.Return(value=value):
                return self._leave(value, node)
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                return after
            case ast.Expr(value=ast.Await() as awaited):
                with self.draft.held():
                    return self.expressions.compute(awaited, self.draft.temporary(), Then(after, after))
        return self._assignment(node, after)

    def _assignment(self, node: ast.stmt, after: int) -> int:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                return self._assign_tuple(targets, values, after)
            case ast.Assign(targets=targets, value=value):
                return self._assign_chain(targets, value, after)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                return self._assign_chain([target], value, after)
            case ast.AugAssign(target=ast.Name() as target, op=sign, value=value):
                sum_ = ast.copy_location(ast.BinOp(_read(target), sign, value), node)
                return self._assign_chain([target], sum_, after)
        raise self.draft.refusal(node, f"{type(node).__name__} {OUTSIDE}")

    def _assign_chain(self, targets: list[ast.expr], value: ast.expr, after: int) -> int:
        """`a = b = value`: the value goes to the first, and from there to the others."""
        first, *others = [self._target(target) for target in targets]
        for slot in reversed(others):
            after = self.expressions.row(p.MOVE, value, slot, (first,), Then(after, after))
        return self.expressions.compute(value, first, Then(after, after))

    def _assign_tuple(self, targets: list[ast.expr], values: list[ast.expr], after: int) -> int:
        """`a, b = x, y`: straight into each target that no later value reads; the others wait in temporaries."""
        slots = [self._target(target) for target in targets]
        if len(slots) != len(values):
            raise self.draft.refusal(targets[0], f"{len(slots)} names are given {len(values)} values")
        late = [
            len(set(slots)) < len(slots) or self.expressions.reads(values[index + 1 :], slot)
            for index, slot in enumerate(slots)
        ]
        with self.draft.held():
            waits = [self.draft.temporary() if is_late else slot for slot, is_late in zip(slots, late, strict=True)]
            for slot, wait, value in reversed(list(zip(slots, waits, values, strict=True))):
                if wait != slot:
                    after = self.expressions.row(p.MOVE, value, slot, (wait,), Then(after, after))
            for wait, value in reversed(list(zip(waits, values, strict=True))):
                after = self.expressions.compute(value, wait, Then(after, after))
        return after

    def _target(self, target: ast.expr) -> int:
        if not isinstance(target, ast.Name):
            raise self.draft.refusal(target, f"an assignment to {ast.unparse(target)} {OUTSIDE}")
        return self.draft.slots[target.id]

    def _while(self, node: ast.While, after: int) -> int:
        head = self.draft.label()
        body = self.block(node.body, head, Loop(after, head))
        self.draft.bind(head, self.expressions.branch(node.test, body, after), node.lineno)
        return head

    def _for(self, node: ast.For, after: int) -> int:
        variable = self._target(node.target)
        if not (isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range"):
            raise self.draft.refusal(node.iter, f"for ... in {ast.unparse(node.iter)} {OUTSIDE}")
        start, stop, step = _range_arguments(node.iter)
        if not self.expressions.constant(step):
            raise self.draft.refusal(step, "the step of a range is a constant other than 0")
        with self.draft.held():
            counter = self.draft.temporary()
            stays = self._stays(stop, node)
            limit = self.expressions.slot_for(stop) if stays else self.draft.temporary()
            head = self.draft.label()
            body = self.block(node.body, head, Loop(after, head))
            slots = (counter, limit, self.expressions.slot_for(step))
            self.draft.bind(head, self.expressions.row(p.NEXT, node, variable, slots, Then(after, body)), node.lineno)
            if stays:
                at = self.expressions.fetch(stop, limit, head)
            else:
                at = self.expressions.compute(stop, limit, Then(head, head))
            return self.expressions.compute(start, counter, Then(at, at))

    def _stays(self, stop: ast.expr, loop: ast.For) -> bool:
        """Whether a loop's limit need not be copied: unless it is a local that the loop gives another value."""
        return not isinstance(stop, ast.Name) or stop.id not in _assigned([loop])

    def _leave(self, value: ast.expr | None, node: ast.stmt) -> int:
        """Rows of `return value`; none is 0."""
        if value is None:
            value = _constant(0, node)
        if self.expressions.constant(value) is None:
            match value:
                case ast.UnaryOp(op=ast.Not(), operand=inner):
                    no, yes = self._leave(_constant(1, inner), node), self._leave(_constant(0, inner), node)
                    return self.expressions.branch(inner, yes, no)
                case ast.IfExp(test=test, body=body, orelse=orelse):
                    return self.expressions.branch(test, self._leave(body, node), self._leave(orelse, node))
        with self.draft.held():
            slot = self.expressions.slot_for(value)
            scratch = self.draft.temporary()
            at = self.draft.emit(Draft(p.RETURN, scratch, (slot,), Then(0, 0), node.lineno))
            if self.source.probe != NO_PROBE:
                at = self._probe("probe_end", node, at)
            return self.expressions.fetch(value, slot, at)

    def _probe(self, primitive: str, node: ast.stmt, after: int) -> int:
        with self.draft.held():
            slots = (self.draft.constant(self.source.probe),)
            op = p.PRIMITIVE_NUMBERS[primitive]
            return self.expressions.row(op, node, self.draft.temporary(), slots, Then(after, after))


def _read(target: ast.Name) -> ast.Name:
    return ast.copy_location(ast.Name(target.id, ast.Load()), target)


def _constant(value: int, node: ast.expr | ast.stmt) -> ast.expr:
    return ast.copy_location(ast.Constant(value), node)


def _range_arguments(call: ast.Call) -> tuple[ast.expr, ast.expr, ast.expr]:
    """start, stop and step of range(); those left out are 0 and 1."""
    zero, one = _constant(0, call), _constant(1, call)
    if len(call.args) == 1:
        return zero, call.args[0], one
    return call.args[0], call.args[1], call.args[2] if len(call.args) > 2 else one
