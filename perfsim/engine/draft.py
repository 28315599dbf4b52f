"""The rows of one path while they are made: slots and rows have numbers of their own, not yet the program's.

Rows are made from the last to the first, so that each knows where it goes on when it is made; a loop's head is a label
that is bound when the loop is whole. A slot k is slot k of the path's frame, and ~k is constant number k.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from perfsim.engine.program import MOVE, Place
from perfsim.errors import InputError

CALL_ROW_SLOT = 0
"""The slot of a frame that holds the row of the call to be answered."""


class Then(NamedTuple):
    """The row that follows if the value is zero, and the one that follows if it is not."""

    zero: int
    nonzero: int


class Draft(NamedTuple):
    """One row of a path. operands: slots. callee: the path that is called, or "". is_test: only the way matters.
    origin: of a row that was copied from another path.
    """

    op: int
    dst: int
    operands: tuple[int, ...]
    then: Then
    line: int
    callee: str = ""
    is_test: bool = False
    origin: Place | None = None


class PathDraft:
    """A path's rows, frame and calls. constants: the program's values, each with its number; shared by all paths."""

    def __init__(self, path: str, file: str, local_names: tuple[str, ...], constants: dict[int, int]) -> None:
        self.path = path
        self.file = file
        self.constants = constants
        self.slots = {name: CALL_ROW_SLOT + 1 + number for number, name in enumerate(local_names)}
        self.slots_in_use = self.frame_slots = CALL_ROW_SLOT + 1 + len(local_names)
        self.rows: list[Draft | None] = []
        self.bound: dict[int, int] = {}
        self.calls: list[tuple[str, ast.expr]] = []
        self.entry = 0

    def emit(self, row: Draft) -> int:
        """Add a row; returns its number."""
        self.rows.append(row)
        return len(self.rows) - 1

    def label(self) -> int:
        """The number of a row that is not made yet."""
        self.rows.append(None)
        return len(self.rows) - 1

    def bind(self, label: int, row: int, line: int) -> None:
        """Let a label mean a row. A loop that does nothing at all becomes one row that goes on with itself."""
        if self.resolved(row) != label:
            self.bound[label] = row
            return
        with self.held():
            self.rows[label] = Draft(MOVE, self.temporary(), (self.constant(0),), Then(label, label), line)

    def row(self, number: int) -> Draft:
        """The row of a number, which is no label's."""
        row = self.rows[number]
        assert row is not None, f"row {number} of {self.path} was never made"
        return row

    def resolved(self, row: int) -> int:
        """The row that a label means; any other row is itself."""
        while row in self.bound:
            row = self.bound[row]
        return row

    def constant(self, value: int) -> int:
        """The slot of a constant; equal ones share it."""
        return ~self.constants.setdefault(value, len(self.constants))

    def value_of(self, slot: int) -> int:
        """The value of a constant's slot."""
        return list(self.constants)[~slot]

    def temporary(self) -> int:
        """A free slot of the frame, taken until the `held` around it ends."""
        self.slots_in_use += 1
        self.frame_slots = max(self.frame_slots, self.slots_in_use)
        return self.slots_in_use - 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Free, in the end, the temporaries taken inside."""
        in_use = self.slots_in_use
        yield
        self.slots_in_use = in_use

    def refusal(self, node: ast.expr | ast.stmt, problem: str) -> InputError:
        """What to raise for a node that cannot be translated."""
        return InputError(f"{self.file}:{node.lineno}:{node.col_offset + 1}", problem)
