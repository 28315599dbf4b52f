"""A design's paths as one table of rows: what the compiled engine interprets.

A row computes a value, stores it in a slot, and goes on at one of two rows: `on_zero` if the value is zero, else
`on_nonzero` (the same row, unless the source branches on the value there). A task has one file of slots: the program's
constants first, then the frames of all paths. Paths do not recurse, so each has its frame at a fixed place: the row of
the call that is to be answered, then the arguments, the locals, and the temporaries.
"""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel.primitives import PRIMITIVES

MOVE = 0
NOT = 1
NEGATE = 2
INVERT = 3
ADD = 4
SUBTRACT = 5
MULTIPLY = 6
FLOOR_DIVIDE = 7
MODULO = 8
AND = 9
OR = 10
XOR = 11
SHIFT_LEFT = 12
SHIFT_RIGHT = 13
EQUAL = 14
NOT_EQUAL = 15
LESS = 16
LESS_EQUAL = 17
GREATER = 18
GREATER_EQUAL = 19
NEXT = 20
"""A turn of `for`, a counter in slot a, its limit in slot b: if there is one to come, the loop variable in slot `frame`
becomes the counter, the counter grows by slot c, and the value is 1. Else the value is 0, and nothing changes."""
CALL = 21
"""Copy the first `arguments` of slots a, b, c to the callee's frame, which begins at slot `frame`; go to `target`."""
RETURN = 22
"""Answer the call whose row stands in slot `frame` with the value of slot a."""
FIRST_PRIMITIVE = 23

PRIMITIVE_NUMBERS: dict[str, int] = {name: FIRST_PRIMITIVE + number for number, name in enumerate(PRIMITIVES)}
"""The op of each primitive."""

ARGUMENTS_MAX = 3
"""Arguments of a primitive or a path, `cpu` aside."""


class Row(NamedTuple):
    """One row. op: one of the above. dst, a, b, c, frame: slots. arguments: their number. The rest: rows."""

    op: int
    dst: int = 0
    a: int = 0
    b: int = 0
    c: int = 0
    frame: int = 0
    arguments: int = 0
    on_zero: int = 0
    on_nonzero: int = 0
    target: int = 0


class Place(NamedTuple):
    """Where a row comes from: its path, and the file and line of the source.

    caller: of a row that was copied to where its path is called: the place of that call.
    """

    path: str
    file: str
    line: int
    caller: Place | None = None


class Program(NamedTuple):
    """rows and places, one for each; constants, the first slots of every task; slots, their number in a task's file, of
    which nobody reads the last; entry, the first row of run_task(), whose frame begins at slot len(constants) and whose
    return nobody awaits.
    """

    rows: tuple[Row, ...]
    places: tuple[Place, ...]
    constants: tuple[int, ...]
    slots: int
    entry: int
