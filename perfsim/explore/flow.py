"""Facts that flow along the rows of scripts: what follows a row, what lives at it, what can be reached from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from perfsim.engine.program import NEXT, RETURN, Row
from perfsim.explore.rows import Scripts, reads_of, writes_of


def after(row: Row) -> tuple[int, ...]:
    """The rows that may follow a row."""
    return () if row.op == RETURN else (row.on_zero, row.on_nonzero)


def fixpoint(scripts: Scripts, value_of: Callable[[int, list[int]], int]) -> list[int]:
    """The least sets of bits, one a row, of which each is what value_of() makes of the row and all of them."""
    found = [0] * len(scripts.rows)
    callers: list[list[int]] = [[] for _ in scripts.rows]
    for number, row in enumerate(scripts.rows):
        for one in after(row):
            callers[one].append(number)
    waiting = list(range(len(scripts.rows)))
    while waiting:
        number = waiting.pop()
        value = value_of(number, found)
        if value != found[number]:
            found[number] = value
            waiting += callers[number]
    return found


def reach(scripts: Scripts, row: int, goes_through: Callable[[int], bool]) -> list[int]:
    """A row, and all behind it that can be reached through rows of a sort."""
    found = {row}
    waiting = [row]
    while waiting:
        for one in after(scripts.rows[waiting.pop()]):
            if one not in found and goes_through(one):
                found.add(one)
                waiting.append(one)
    return sorted(found)


def live_slots(scripts: Scripts) -> list[list[int]]:
    """Of each row, the slots that may be read from there on before they are written, constants aside."""
    reads = [variables(scripts, number, reads_of(row)) for number, row in enumerate(scripts.rows)]

    def before(number: int, found: list[int]) -> int:
        return reads[number] | not_written(scripts.rows[number], found)

    return [[slot for slot in range(one.bit_length()) if one >> slot & 1] for one in fixpoint(scripts, before)]


def not_written(row: Row, found: list[int]) -> int:
    """What holds of slots behind a row, `found`, and before it too, as it does not write them."""
    if row.op == RETURN:
        return 0
    written = union(1 << slot for slot in writes_of(row))
    # A turn of `for` that is the last one writes nothing.
    on_zero = found[row.on_zero] & ~(written if row.op != NEXT else 0)
    return (found[row.on_nonzero] & ~written) | on_zero


def variables(scripts: Scripts, row: int, slots: Iterable[int]) -> int:
    """Slots of a row that are no constants, as a set of bits."""
    constants = len(scripts.constants[scripts.cpus[row]])
    return union(1 << slot for slot in slots if slot >= constants)


def union(sets: Iterable[int]) -> int:
    """All bits of sets of bits."""
    all_ = 0
    for one in sets:
        all_ |= one
    return all_
