"""From a scenario to what the search works on: the rows with what is known of each beforehand, and all columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from perfsim.engine.program import FIRST_PRIMITIVE, XOR, Row
from perfsim.explore import acts
from perfsim.explore.columns import END, IA64, KERNEL, PLAIN, TSO, Code
from perfsim.explore.flow import after, fixpoint, live_slots, reach, union
from perfsim.explore.kinds import Kinds
from perfsim.explore.locations import KINDS
from perfsim.explore.memory import ACQUIRED
from perfsim.explore.rows import ORDERED, Scripts, reads_of
from perfsim.explore.supported import IDLE, NO_WAYS
from perfsim.kernel.constants import NONE
from perfsim.kernel.static.accesses import ACCESSES, Access, Act

WORDS = ("read_word_acquire", "write_word_release")
"""Accesses that order in every weak model, because they say so."""

_NUMBERS = {
    Act.LOAD: acts.LOAD,
    Act.STORE: acts.PLAIN_STORE,
    Act.RMW: acts.RMW,
    Act.RMW_VALUE: acts.RMW_VALUE,
    Act.RMW_LOCK: acts.RMW_LOCK,
    Act.RMW_UNLOCK: acts.RMW_UNLOCK,
    Act.LOCK: acts.LOCKS,
    Act.UNLOCK: acts.UNLOCKS,
    Act.FENCE: acts.FENCE,
    Act.LOCKED: acts.UNDER_LOCK,
    Act.SLEEP: acts.SLEEP,
    Act.LOCAL: acts.LOCAL,
}
_WRITES = (acts.PLAIN_STORE, acts.RMW, acts.RMW_VALUE, acts.RMW_LOCK, acts.RMW_UNLOCK)
_ORDERING = {
    IA64: (acts.FENCE, acts.RMW, acts.RMW_VALUE, acts.RMW_LOCK, acts.LOCKS, acts.UNDER_LOCK, acts.SLEEP),
    KERNEL: (acts.FENCE, acts.RMW_VALUE, acts.RMW_LOCK, acts.LOCKS, acts.UNDER_LOCK, acts.SLEEP),
}
"""Acts behind which no later load is performed before them, by model; RWSEM_SLEEP is one of them too."""


class Known(NamedTuple):
    """What is known of rows beforehand, [row]: the act and the access of each; whether a fence stands before it."""

    act: tuple[int, ...]
    access: tuple[Access, ...]
    fence: tuple[int, ...]


def known_of(scripts: Scripts, fences: Iterable[int]) -> Known:
    """fences: rows that an smp_mb() is put before."""
    placed = set(fences)
    access = tuple(_access(row) for row in scripts.rows)
    act = tuple(_act(row, one) for row, one in zip(scripts.rows, access, strict=True))
    return Known(act, access, tuple(1 if row in placed else 0 for row in range(len(scripts.rows))))


def code_of(scripts: Scripts, known: Known, model: int, more: dict[str, list[int]], kinds: Kinds | None = None) -> Code:
    """The rows for the search, on a memory model. more: the four columns of footprints, and `checked`. kinds: where
    they are asked for, as pages are renumbered.
    """
    live = live_slots(scripts)
    weak = model > TSO
    nothing = [0] * len(scripts.rows)
    early, usable = _early(scripts, known, model) if weak else (nothing, nothing)
    live_first, live_flat = _flat(live)
    volatile = [_volatile(row, one) for row, one in zip(scripts.rows, known.access, strict=True)]
    rows = [_without_idle_work(row) for row in scripts.rows]
    return Code(
        **{name: [getattr(row, name) for row in rows] for name in ("op", "dst", "a", "b", "c", "frame")},
        on_zero=[row.on_zero for row in scripts.rows],
        on_nonzero=[row.on_nonzero for row in scripts.rows],
        act=list(known.act),
        cell=[KINDS.get(one.cell, END) for one in known.access],
        which=[one.argument for one in known.access],
        volatile=volatile,
        fence=list(known.fence),
        early=early,
        usable=usable,
        late=[_late(scripts, known, model, row) if weak else 0 for row in range(len(scripts.rows))],
        live_first=live_first,
        live_count=[len(one) for one in live],
        live=live_flat,
        live_kind=[kinds.of(row, slot) if kinds else PLAIN for row, slots in enumerate(live) for slot in slots]
        + [PLAIN],
        kind_a=[_kind(kinds, row, 0) for row in range(len(scripts.rows))],
        kind_b=[_kind(kinds, row, 1) for row in range(len(scripts.rows))],
        **more,
    )


def _kind(kinds: Kinds | None, row: int, operand: int) -> int:
    return kinds.operands[row][operand] if kinds and operand < len(kinds.operands[row]) else PLAIN


def _without_idle_work(row: Row) -> Row:
    """A primitive that only costs time, or counts, is an operator whose value is 0."""
    if row.op < FIRST_PRIMITIVE or ORDERED[row.op - FIRST_PRIMITIVE].name not in IDLE:
        return row
    return row._replace(op=XOR, b=row.a)


def _access(row: Row) -> Access:
    return ACCESSES[ORDERED[row.op - FIRST_PRIMITIVE].name] if row.op >= FIRST_PRIMITIVE else Access(Act.LOCAL)


def _act(row: Row, access: Access) -> int:
    return acts.LOCAL if row.op < FIRST_PRIMITIVE else _act_of(ORDERED[row.op - FIRST_PRIMITIVE].name, access)


def _act_of(name: str, access: Access) -> int:
    if name == "rwsem_schedule":
        return acts.RWSEM_SLEEP
    if access.act == Act.SLEEP and name != "io_schedule":
        return acts.NO_WAY
    return acts.NO_WAY if name in NO_WAYS else _NUMBERS[access.act]


def _volatile(row: Row, access: Access) -> int:
    if row.op >= FIRST_PRIMITIVE and ORDERED[row.op - FIRST_PRIMITIVE].name in WORDS:
        return 2
    return 1 if access.volatile else 0


def _orders(known: Known, model: int, row: int) -> bool:
    """Whether no later load is performed before the access at a row."""
    return known.act[row] in (*_ORDERING[model], acts.RWSEM_SLEEP) or bool(known.fence[row])


def _acquires(scripts: Scripts, known: Known, model: int, row: int) -> bool:
    strength = _volatile(scripts.rows[row], known.access[row])
    return known.act[row] == acts.LOAD and strength > (0 if model == IA64 else 1)


def _early(scripts: Scripts, known: Known, model: int) -> tuple[list[int], list[int]]:
    """Of each row, the kinds of locations, as bits, of loads behind its access that may be performed before it; and of
    loads that may still be performed early when a CPU stands before it.

    What is behind an acquire may be too, if the acquire is. Of an acquire at the row itself: its own kind, higher.
    """
    rows = range(len(scripts.rows))
    kind = [KINDS[known.access[row].cell] if known.act[row] == acts.LOAD else NONE for row in rows]
    load = [1 << kind[row] if kind[row] != NONE else 0 for row in rows]
    passes = [not _orders(known, model, row) for row in rows]

    def behind(row: int, found: list[int]) -> int:
        return union(load[one] | (found[one] if passes[one] else 0) for one in after(scripts.rows[row]))

    ahead = fixpoint(scripts, behind)
    usable = [load[row] | (ahead[row] if passes[row] else 0) for row in rows]
    acquires = [_acquires(scripts, known, model, row) for row in rows]
    early = [1 << ACQUIRED + kind[row] if acquires[row] else ahead[row] if passes[row] else 0 for row in rows]
    return early, usable


def _late(scripts: Scripts, known: Known, model: int, row: int) -> int:
    """1 if a load may be performed behind a write that follows it: a plain one, whose value nobody needs until then."""
    one = scripts.rows[row]
    if known.act[row] != acts.LOAD or _acquires(scripts, known, model, row) or one.on_zero != one.on_nonzero:
        return 0
    constants = len(scripts.constants[scripts.cpus[row]])
    if any(slot >= constants for slot in reads_of(one)):
        return 0
    goes_on = (acts.LOCAL, acts.LOAD, *_WRITES)
    passed = reach(
        scripts, row, lambda other: known.act[other] in goes_on and one.dst not in reads_of(scripts.rows[other])
    )
    return 1 if any(known.act[other] in _WRITES for other in passed) else 0


def _flat(lists: list[list[int]]) -> tuple[list[int], list[int]]:
    first: list[int] = []
    flat: list[int] = []
    for one in lists:
        first.append(len(flat))
        flat += one
    return first, [*flat, 0]


STEPS = frozenset(name for name, access in ACCESSES.items() if _act_of(name, access) != acts.LOCAL)
"""The primitives that are steps of their own."""
