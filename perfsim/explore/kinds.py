"""What the locals of scripts hold, told by what is done with them: the number of a page, of a range, or a plain number.

Pages can be renumbered in a state only if it is known of every local which of these it is. A local that is given to a
primitive as a page is one, and so on backwards to where it came from; one that is calculated with is a plain number.
"""

from __future__ import annotations

from typing import NamedTuple

from perfsim.engine.program import (
    EQUAL,
    FIRST_PRIMITIVE,
    GREATER_EQUAL,
    LESS,
    MOVE,
    NOT_EQUAL,
    Row,
)
from perfsim.explore.columns import PAGE, PLAIN, RANGE
from perfsim.explore.flow import after, fixpoint, not_written, union, variables
from perfsim.explore.rows import ORDERED, Scripts, reads_of
from perfsim.kernel.bounds import argument_names
from perfsim.kernel.constants import NONE

KINDS = (PLAIN, PAGE, RANGE)
PASSED_ON = (None,)
"""Of a MOVE, whose value is what is made of it."""

_BY_NAME = {"page": PAGE, "newpage": PAGE, "slot": RANGE, "range_": RANGE}
"""What arguments of primitives are, by name; others are plain numbers."""

RETURNS_NUMBER_OF = {
    **dict.fromkeys(("lru_to_page", "list_last", "list_prev", "pagevec_page", "find_get_page", "rmqueue"), PAGE),
    **dict.fromkeys(("follow_page", "pte_page", "pte_migration_page", "get_migration_page", "new_page"), PAGE),
    **dict.fromkeys(("page_index", "vma_start"), RANGE),
}
"""Primitives whose value is the number of something."""

_TESTS_FOR_NONE = {EQUAL: NONE, NOT_EQUAL: NONE, GREATER_EQUAL: 0, LESS: 0}
"""Comparisons that only ask whether there is a page or a range, by what they compare with."""


class Kinds(NamedTuple):
    """operands: [row], of those that the row reads. holds: [kind][row], as bits, the slots that hold such a number
    when a CPU stands before the row and that it may still read.
    """

    operands: list[tuple[int, ...]]
    holds: list[list[int]]

    def of(self, row: int, slot: int) -> int:
        """What a live slot holds when a CPU stands before a row."""
        return next((kind for kind in KINDS[1:] if self.holds[kind][row] >> slot & 1), PLAIN)


def kinds_of(scripts: Scripts) -> Kinds | None:
    """What everything is; None if one thing is used as two, or the number of a page is calculated with."""
    uses = [_uses(scripts, number) for number in range(len(scripts.rows))]
    holds = [_holds(scripts, uses, kind) for kind in KINDS]
    for number in range(len(scripts.rows)):
        sets = [one[number] for one in holds]
        if sets[PLAIN] & (sets[PAGE] | sets[RANGE]) or sets[PAGE] & sets[RANGE]:
            return None
        if not _is_result_kept(scripts, number, holds):
            return None
    return Kinds([_operands(scripts, number, uses, holds) for number in range(len(scripts.rows))], holds)


def _uses(scripts: Scripts, number: int) -> tuple[int | None, ...]:
    """As what a row uses each slot that it reads; None where that says nothing, or where it is passed on."""
    row = scripts.rows[number]
    if row.op >= FIRST_PRIMITIVE:
        names = argument_names(ORDERED[row.op - FIRST_PRIMITIVE])
        return tuple(_BY_NAME.get(name, PLAIN) for name in names[: row.arguments])
    if row.op == MOVE and row.on_zero == row.on_nonzero:
        return PASSED_ON
    if _is_test_for_none(scripts, number, row):
        return (None, None)
    return (PLAIN,) * len(reads_of(row))


def _is_test_for_none(scripts: Scripts, number: int, row: Row) -> bool:
    constants = scripts.constants[scripts.cpus[number]]
    return row.op in _TESTS_FOR_NONE and row.b < len(constants) and constants[row.b] == _TESTS_FOR_NONE[row.op]


def _holds(scripts: Scripts, uses: list[tuple[int | None, ...]], kind: int) -> list[int]:
    """The slots, as bits, that are used as a kind from a row on before they are written."""

    def before(number: int, found: list[int]) -> int:
        row = scripts.rows[number]
        is_passed_on = uses[number] == PASSED_ON and any(found[one] >> row.dst & 1 for one in after(row))
        used = [slot for slot, use in zip(reads_of(row), uses[number], strict=True) if use == kind or is_passed_on]
        return variables(scripts, number, used) | not_written(row, found)

    return fixpoint(scripts, before)


def _is_result_kept(scripts: Scripts, number: int, holds: list[list[int]]) -> bool:
    """Whether a row's value, if it is the number of something, is used as that alone."""
    row = scripts.rows[number]
    kind = RETURNS_NUMBER_OF.get(ORDERED[row.op - FIRST_PRIMITIVE].name) if row.op >= FIRST_PRIMITIVE else None
    if kind is None:
        return True
    others = [one for one in KINDS if one != kind]
    behind = union(holds[other][one] for other in others for one in after(row))
    return row.on_zero == row.on_nonzero and not behind >> row.dst & 1


def _operands(
    scripts: Scripts, number: int, uses: list[tuple[int | None, ...]], holds: list[list[int]]
) -> tuple[int, ...]:
    """What each operand of a row is; of a MOVE, what is made of its value."""
    if uses[number] != PASSED_ON:
        return tuple(PLAIN if use is None else use for use in uses[number])
    row = scripts.rows[number]
    return (next((kind for kind in KINDS[1:] if any(holds[kind][one] >> row.dst & 1 for one in after(row))), PLAIN),)
