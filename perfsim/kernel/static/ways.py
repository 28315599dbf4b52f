"""The cheapest and the dearest way through a path, from its entry to its return, found in its source alone.

A path is gone through with values as far as the source tells them, one way for each answer that a primitive may give.
Ways that meet with the same values go on as one: the cheapest of them, or the dearest. Calls are followed through the
design's table.

fast    Primitives give their usual answers (answers.py), a flag keeps the value that was seen or written, and a loop
        that can be entered is gone through once: lists hold one page. Of the ways that are left, the cheapest.
worst   Any answer at any time, as others may come between everywhere. The dearest way, each loop one turn at most: what
        a retry costs is a named way's. A bound: only where its own locals say so is a way known to be taken by no run.
Named ways (answers.SCENARIOS) are fast ones to which the answers to one question are given.

Cheaper means: fewer sleeps; if equal, fewer spinlocks; then page locks, atomics, barriers, plain accesses, lines
fetched, local work. So the way is the same on every machine; its price is not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from perfsim.kernel.folding import INTEGER_MIN
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.static.answers import (
    Called,
    Facts,
    Scenario,
    contradicted,
    known_answer,
    learned,
    possible_answers,
    usual_answers,
)
from perfsim.kernel.static.source import PathText
from perfsim.kernel.static.values import Some, Value, combined, compared, name_of, truth
from perfsim.kernel.static.way import Counts, Lines, after, lines_of

_ASKED = ("asked", 0, 0)
"""Under this fact, how often the question of the scenario has been answered."""


class Point(NamedTuple):
    """Where a way has come to. counts: what it has done since the path was entered."""

    values: Mapping[str, Value]
    facts: Facts
    lines: Lines
    counts: Counts


class Ended(NamedTuple):
    """A way that has returned a value."""

    value: Value
    point: Point


class _Loop(NamedTuple):
    breaks: list[Point]
    continues: list[Point]


Answer = tuple[Value, Point]


class Ways:
    """The best ways through the paths of one design. worst: dearest instead of cheapest. scenario: of a named way."""

    def __init__(self, paths: Mapping[str, PathText], scenario: Scenario | None = None, *, worst: bool = False) -> None:
        self.paths = paths
        self.scenario = scenario
        self.worst = worst
        self.turns = scenario.turns if scenario else 1
        self.ended: dict[object, list[Ended]] = {}

    def through(self, name: str) -> Counts | None:
        """What the best way through a path does; None if the path has none, or not all the scenario's answers."""
        path = self.paths[name]
        arguments = tuple(Some(parameter) for parameter in path.parameters)
        points = [ended.point for ended in self._through(name, arguments, Point({}, {}, {}, Counts()))]
        if self.scenario:
            needed = len(self.scenario.answers)
            points = [point for point in points if _number(point.facts.get(_ASKED, 0)) >= needed]
        return self._best(points).counts if points else None

    def _best(self, points: Iterable[Point]) -> Point:
        choose = max if self.worst else min
        return choose(points, key=lambda point: point.counts)

    def merged(self, points: list[Point]) -> list[Point]:
        """Of the points with the same values and facts, the best one."""
        if len(points) < 2:
            return points
        groups: dict[object, list[Point]] = {}
        for point in points:
            groups.setdefault((frozenset(point.values.items()), frozenset(point.facts.items())), []).append(point)
        return [self._best(group) for group in groups.values()]

    def _through(self, name: str, arguments: tuple[Value, ...], at: Point) -> list[Ended]:
        """The best ways through a path, one for each value and facts that it may end with; counted from its entry."""
        key = (name, arguments, frozenset(at.facts.items()), frozenset(at.lines.items()))
        if key not in self.ended:
            path = self.paths[name]
            entry = Point(dict(zip(path.parameters, arguments, strict=True)), at.facts, at.lines, Counts())
            body = _Body(self, path)
            left = [Ended(0, point) for point in body.block(path.tree.body, [entry], _Loop([], []))]
            groups: dict[object, list[Ended]] = {}
            for ended in body.returned + left:
                groups.setdefault((ended.value, frozenset(ended.point.facts.items())), []).append(ended)
            self.ended[key] = [
                _left(group[0].value, arguments, self._best(ended.point for ended in group))
                for group in groups.values()
            ]
        return self.ended[key]

    def called(self, name: str, arguments: tuple[Value, ...], at: Point) -> list[Answer]:
        """The points after a call of a path, each with the value it has returned."""
        near, far = lines_of(at.lines, [*arguments, *_mentioned(at.facts)])
        return [
            (value, Point(at.values, end.facts, {**far, **end.lines}, at.counts.plus(end.counts)))
            for value, end in self._through(name, arguments, at._replace(lines=near))
        ]

    def performed(self, call: Called, at: Point) -> list[Answer]:
        """The points after a call of a primitive, each with its answer."""
        found = []
        for answer, facts in self._answers(call, at.facts):
            counts, lines = after(call, answer, at.counts, at.lines, contended=self.worst)
            kept = at.facts if self.worst else learned(call, answer, facts)
            found.append((answer, Point(at.values, kept, lines, counts)))
        return found

    def _answers(self, call: Called, facts: Facts) -> list[tuple[Value, Facts]]:
        if self.worst:
            return [(answer, facts) for answer in possible_answers(call)]
        if self.scenario and call.question == self.scenario.question:
            asked = _number(facts.get(_ASKED, 0))
            answer = self.scenario.answers[min(asked, len(self.scenario.answers) - 1)]
            asked = min(asked + 1, len(self.scenario.answers))
            return [] if contradicted(call, answer, facts) else [(answer, {**facts, _ASKED: asked})]
        known = known_answer(call, facts)
        return [(answer, facts) for answer in (usual_answers(call) if known is None else (known,))]


class _Body:
    """One path's statements. returned: the ways that have met a return."""

    def __init__(self, ways: Ways, path: PathText) -> None:
        self.ways = ways
        self.path = path
        self.returned: list[Ended] = []

    def block(self, statements: list[ast.stmt], points: list[Point], loop: _Loop) -> list[Point]:
        """The points behind the statements."""
        for statement in statements:
            points = self.ways.merged([then for point in points for then in self._statement(statement, point, loop)])
        return points

    def _statement(self, node: ast.stmt, at: Point, loop: _Loop) -> list[Point]:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                yes, no = self._split(test, [at])
                return self.block(body, yes, loop) + self.block(orelse, no, loop)
            case ast.While(test=test, body=body):
                return self._while(test, body, at)
            case ast.For():
                return self._for(node, at)
            case ast.Break():
                loop.breaks.append(at)
                return []
            case ast.Continue():
                loop.continues.append(at)
                return []
            case ast.Return(value=value):
                self.returned += [Ended(*found) for found in (self._evaluate(value, at) if value else [(0, at)])]
                return []
        return self._simple(node, at)

    def _simple(self, node: ast.stmt, at: Point) -> list[Point]:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                return [_with(point, targets, found) for found, point in self._evaluate_all(values, at)]
            case ast.Assign(targets=targets, value=value):
                return [_with(point, targets, [found] * len(targets)) for found, point in self._evaluate(value, at)]
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return [_with(point, [target], [found]) for found, point in self._evaluate(value, at)]
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                sum_ = ast.BinOp(ast.Name(name, ast.Load()), op, value)
                return [_with(point, [target], [found]) for found, point in self._evaluate(sum_, at)]
            case ast.Expr(value=value):
                return [point for _, point in self._evaluate(value, at)]
        return [at]

    def _while(self, test: ast.expr, body: list[ast.stmt], at: Point) -> list[Point]:
        """Behind the loop. A test that only a run can decide lets the loop go on once, and then end.

        So does one that holds on some ways and not on others, but on the worst way.
        """
        loop = _Loop([], [])
        left: list[Point] = []
        points = [at]
        for turn in range(self.ways.turns + 1):
            enters, leaves = [], []
            for verdict, point in self._decide(test, points):
                if verdict is not False and turn < (self.ways.turns if verdict else 1):
                    enters.append(point)
                if verdict is False or (verdict is None and (turn > 0 or self.ways.worst)):
                    leaves.append(point)
            if turn > 0 or self.ways.worst or not enters:
                left += leaves
            points = self.block(body, self.ways.merged(enters), loop) + loop.continues
            loop.continues.clear()
        return left + loop.breaks

    def _for(self, node: ast.For, at: Point) -> list[Point]:
        """Behind the loop: one turn, unless its range is empty."""
        assert isinstance(node.iter, ast.Call)
        assert isinstance(node.target, ast.Name)
        behind: list[Point] = []
        for values, point in self._evaluate_all(node.iter.args, at):
            may_be_empty, must_be_empty = _emptiness(values)
            if must_be_empty or (may_be_empty and self.ways.worst):
                behind.append(point)
            if not must_be_empty:
                first = Some(node.target.id, _least(values))
                loop = _Loop([], [])
                behind += self.block(node.body, [_with(point, [node.target], [first])], loop)
                behind += loop.breaks + loop.continues
        return behind

    def _split(self, test: ast.expr, points: list[Point]) -> tuple[list[Point], list[Point]]:
        """The points at which a test may hold, and those at which it may not."""
        decided = self._decide(test, points)
        yes = [point for verdict, point in decided if verdict is not False]
        return self.ways.merged(yes), self.ways.merged([point for verdict, point in decided if not verdict])

    def _decide(self, test: ast.expr, points: list[Point]) -> list[tuple[bool | None, Point]]:
        return [(truth(value), after) for point in points for value, after in self._evaluate(test, point)]

    def _evaluate(self, node: ast.expr, at: Point) -> list[Answer]:
        match node:
            case ast.Constant(value=int() as value):
                return [(int(value), at)]
            case ast.Name(id=name):
                return [(at.values[name] if name in at.values else self.path.constants[name], at)]
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return [_negated(found, then) for found, then in self._evaluate(inner, at)]
            case ast.UnaryOp(operand=inner):
                return [(combined(node, [found]), then) for found, then in self._evaluate(inner, at)]
            case ast.BinOp(left=left, right=right):
                return [(combined(node, found), then) for found, then in self._evaluate_all([left, right], at)]
            case ast.Compare(left=left, ops=signs, comparators=others):
                return [(_holds(signs, found), then) for found, then in self._evaluate_all([left, *others], at)]
            case ast.BoolOp():
                return self._junction(node, at)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                yes, no = self._split(test, [at])
                chosen = [(body, point) for point in yes] + [(orelse, point) for point in no]
                return [found for value, point in chosen for found in self._evaluate(value, point)]
            case ast.Await(value=ast.Call() as call):
                return self._call(call, at)
        return [(0, at)]

    def _evaluate_all(self, nodes: list[ast.expr], at: Point) -> list[tuple[list[Value], Point]]:
        """The values of expressions, from left to right."""
        found: list[tuple[list[Value], Point]] = [([], at)]
        for node in nodes:
            found = [
                ([*so_far, value], after) for so_far, point in found for value, after in self._evaluate(node, point)
            ]
        return found

    def _junction(self, node: ast.BoolOp, at: Point) -> list[Answer]:
        """`and`, `or`: what is not reached is not performed."""
        stops_at = isinstance(node.op, ast.Or)
        ended: list[Answer] = []
        points = [at]
        for operand in node.values[:-1]:
            found = [answer for point in points for answer in self._evaluate(operand, point)]
            ended += [
                (value if truth(value) is not None else int(stops_at), point)
                for value, point in found
                if truth(value) in {stops_at, None}
            ]
            points = [point for value, point in found if truth(value) is not stops_at]
        return ended + [answer for point in points for answer in self._evaluate(node.values[-1], point)]

    def _call(self, call: ast.Call, at: Point) -> list[Answer]:
        is_path = isinstance(call.func, ast.Name)
        found = []
        for arguments, point in self._evaluate_all(call.args[1:] if is_path else call.args, at):
            if isinstance(call.func, ast.Name):
                found += self.ways.called(call.func.id, tuple(arguments), point)
            elif isinstance(call.func, ast.Attribute):
                assert call.func.attr in PRIMITIVES
                site = f"{self.path.name}:{call.lineno}"
                found += self.ways.performed(Called(call.func.attr, tuple(arguments), site), point)
        return found


def _emptiness(values: list[Value]) -> tuple[bool, bool]:
    """Whether a range of these arguments may be empty, and whether it must be."""
    known = [value for value in values if isinstance(value, int)]
    if len(known) == len(values):
        empty = not range(*known)
        return empty, empty
    start, stop = (0, values[0]) if len(values) == 1 else values[:2]
    return not (len(values) < 3 and isinstance(stop, Some) and isinstance(start, int) and stop.low > start), False


def _least(values: list[Value]) -> int:
    """The least that the variable of a range can be; the step of one with three arguments may be negative."""
    start = 0 if len(values) == 1 else values[0]
    bound = start.low if isinstance(start, Some) else start
    return bound if len(values) < 3 else INTEGER_MIN


def _left(value: Value, arguments: tuple[Value, ...], at: Point) -> Ended:
    """What is seen of a path's end from outside: pages of its own are nobody's afterwards."""
    near, _ = lines_of(at.lines, [value, *arguments, *_mentioned(at.facts)])
    return Ended(value, Point({}, at.facts, near, at.counts))


def _mentioned(facts: Facts) -> list[Value]:
    return [value for (_, one, other), found in facts.items() for value in (one, other, found)]


def _with(at: Point, targets: list[ast.expr], values: list[Value]) -> Point:
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return at._replace(values={**at.values, **dict(zip(names, values, strict=True))})


def _negated(value: Value, at: Point) -> Answer:
    verdict = truth(value)
    return Some(f"[Not {name_of(value)}]") if verdict is None else int(not verdict), at


def _holds(signs: list[ast.cmpop], values: list[Value]) -> Value:
    """The value of a comparison, of a chain too."""
    verdicts = [compared(sign, values[i], values[i + 1]) for i, sign in enumerate(signs)]
    if False in verdicts:
        return 0
    if None not in verdicts:
        return 1
    return Some(f"[{' '.join([*(type(sign).__name__ for sign in signs), *map(name_of, values)])}]")


def _number(value: Value) -> int:
    assert isinstance(value, int), f"{value} is no count"
    return value
