"""An interpreter of program tables that is slow and plain, and a CPU whose primitives answer from a script.

It suspects the table: a slot that nobody has filled holds no integer, and a call wipes every slot from the callee's
frame on, for nothing that is still needed may stand there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from perfsim.engine import program as p
from perfsim.engine.program import Program, Row
from perfsim.kernel.cpu import Cpu
from perfsim.kernel.primitives import Primitive

ROWS_MAX = 200_000

Performed = tuple[str, tuple[int, ...]]

OPERATIONS: dict[int, Callable[..., int]] = {
    p.MOVE: operator.pos,
    p.NOT: operator.not_,
    p.NEGATE: operator.neg,
    p.INVERT: operator.invert,
    p.ADD: operator.add,
    p.SUBTRACT: operator.sub,
    p.MULTIPLY: operator.mul,
    p.FLOOR_DIVIDE: operator.floordiv,
    p.MODULO: operator.mod,
    p.AND: operator.and_,
    p.OR: operator.or_,
    p.XOR: operator.xor,
    p.SHIFT_LEFT: operator.lshift,
    p.SHIFT_RIGHT: operator.rshift,
    p.EQUAL: operator.eq,
    p.NOT_EQUAL: operator.ne,
    p.LESS: operator.lt,
    p.LESS_EQUAL: operator.le,
    p.GREATER: operator.gt,
    p.GREATER_EQUAL: operator.ge,
}
UNARY = (p.MOVE, p.NOT, p.NEGATE, p.INVERT)
NAMES = {number: name for name, number in p.PRIMITIVE_NUMBERS.items()}


class OutOfAnswers(Exception):  # noqa: N818 - the end of a script, no mistake
    """The script is over: the path would go on for longer."""


class Script:
    """Answers every primitive by its turn, from a list that is read again and again, and notes it."""

    def __init__(self, answers: Sequence[int], primitives_max: int) -> None:
        self.answers = answers
        self.primitives_max = primitives_max
        self.performed: list[Performed] = []

    def answer(self, name: str, arguments: tuple[int, ...]) -> int:
        """The value of the next primitive."""
        if len(self.performed) == self.primitives_max:
            raise OutOfAnswers
        self.performed.append((name, tuple(int(argument) for argument in arguments)))
        return self.answers[len(self.performed) % len(self.answers)]


class ScriptedCpu(Cpu):
    """A CPU for CPython's own run of a path."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def perform(self, primitive: Primitive, *arguments: int) -> int:
        """See Cpu.perform."""
        return self.script.answer(primitive.name, arguments)


class Outcome(NamedTuple):
    """How a run ended: what was returned (0 for nothing), or what was raised; and all that was performed, in order."""

    value: int | None
    raised: str
    performed: list[Performed]


def outcome(run: Callable[[Script], int | None], answers: Sequence[int], primitives_max: int = 300) -> Outcome:
    """What becomes of a run under a script."""
    script = Script(answers, primitives_max)
    try:
        value = run(script)
    except (OutOfAnswers, ArithmeticError, ValueError) as error:
        return Outcome(None, type(error).__name__, script.performed)
    return Outcome(int(value or 0), "", script.performed)


def run_coroutine(path: Coroutine[Any, Any, Any]) -> int | None:
    """What a path returns that never has to wait."""
    try:
        path.send(None)
    except StopIteration as stopped:
        value = stopped.value
        assert value is None or isinstance(value, int)
        return value
    raise AssertionError("the path waits for something")


def run_rows(
    program: Program,
    script: Script,
    arguments: Sequence[int] = (),
    rows_run: set[int] | None = None,
) -> int:
    """Run a table's entry to its return. Returns its value; the rows that it met are added to rows_run."""
    task = _Task(program, script, arguments)
    met = set() if rows_run is None else rows_run
    for _ in range(ROWS_MAX):
        met.add(task.at)
        if task.step():
            return task.returned
    raise AssertionError(f"more than {ROWS_MAX} rows, and no end")


class _Task:
    """One task's slots, and the row it is at."""

    def __init__(self, program: Program, script: Script, arguments: Sequence[int]) -> None:
        frame = len(program.constants)
        self.program = program
        self.script = script
        self.slots: list[Any] = [*program.constants, *[None] * (program.slots - frame)]
        self.slots[frame : frame + 1 + len(arguments)] = [-1, *arguments]
        self.at = program.entry
        self.returned = 0

    def step(self) -> bool:
        """Perform one row; True when nobody awaits what it returns."""
        row = self.program.rows[self.at]
        if row.op == p.CALL:
            self._call(row)
            return False
        if row.op == p.RETURN:
            value, caller = int(self.slots[row.a]), self.slots[row.frame]
            if caller < 0:
                self.returned = value
                return True
            self._finish(self.program.rows[caller], value)
        elif row.op == p.NEXT:
            self._next(row)
        elif row.op >= p.FIRST_PRIMITIVE:
            arguments = tuple(self.slots[slot] for slot in (row.a, row.b, row.c)[: row.arguments])
            self._finish(row, self.script.answer(NAMES[row.op], arguments))
        elif row.op in UNARY:
            self._finish(row, int(OPERATIONS[row.op](self.slots[row.a])))
        else:
            self._finish(row, int(OPERATIONS[row.op](self.slots[row.a], self.slots[row.b])))
        return False

    def _finish(self, row: Row, value: int) -> None:
        self.slots[row.dst] = value
        self.at = row.on_nonzero if value else row.on_zero

    def _call(self, row: Row) -> None:
        arguments = [self.slots[slot] for slot in (row.a, row.b, row.c)[: row.arguments]]
        self.slots[row.frame :] = [None] * (self.program.slots - row.frame)
        self.slots[row.frame : row.frame + 1 + row.arguments] = [self.at, *arguments]
        self.at = row.target

    def _next(self, row: Row) -> None:
        counter, limit, step = self.slots[row.a], self.slots[row.b], self.slots[row.c]
        goes_on = counter < limit if step > 0 else counter > limit
        if goes_on:
            self.slots[row.frame] = counter
            self.slots[row.a] = counter + step
        self.at = row.on_nonzero if goes_on else row.on_zero
