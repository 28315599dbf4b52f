"""The compiled engine's calendar: what comes next, and in which order at one instant.

It is a tournament: a CPU has one entry at most, its leaf, and each node holds the earlier entry of its two children, so
that a change costs one comparison a level and no search.
"""

from __future__ import annotations

from typing import NamedTuple

from perfsim.numeric.columns import Ints

NEVER = (1 << 63) - 1
CPU_BITS = 12
CPU_MASK = (1 << CPU_BITS) - 1
"""The low bits of an entry's order are its CPU; above them the serial number, above that LATE."""
LATE = 1 << 62


class Calendar(NamedTuple):
    """leaves: CPUs. time_ps, order: [node], node 1 the root, n the parent of 2n and 2n + 1, `leaves` + cpu a leaf.
    serial: [next].
    """

    leaves: int
    serial: Ints
    time_ps: Ints
    order: Ints


def schedule(c: Calendar, cpu: int, at_ps: int, order: int) -> None:
    """Set a CPU's entry, in place of what it was, and replay its matches up to the root.

    The root is decided apart: who is the first of all others is known before the new instant is, and a processor that
    guesses that it is not earlier looks at the next event while this one is still being worked on.
    """
    node = c.leaves + cpu
    own_ps, own = at_ps, order
    first_ps, first = NEVER, NEVER
    c.time_ps[node] = at_ps
    c.order[node] = order
    while node > 1:
        other_ps = c.time_ps[node ^ 1]
        other = c.order[node ^ 1]
        better = is_before(other_ps, other, first_ps, first)
        first_ps = either(better, other_ps, first_ps)
        first = either(better, other, first)
        earlier = is_before(other_ps, other, at_ps, order)
        at_ps = either(earlier, other_ps, at_ps)
        order = either(earlier, other, order)
        node >>= 1
        c.time_ps[node] = at_ps
        c.order[node] = order
    if is_before(own_ps, own, first_ps, first):
        first_ps, first = by_jump(own_ps), own
    c.time_ps[1] = first_ps
    c.order[1] = first


def is_before(a_ps: int, a: int, b_ps: int, b: int) -> bool:
    """Whether entry a comes before entry b. Compiled, this is one comparison of 128 bits."""
    return (a_ps, a) < (b_ps, b)


def either(condition: bool, a: int, b: int) -> int:
    """a if the condition holds, else b. Compiled, it is no jump: half of a tournament's would be guessed wrong."""
    return a if condition else b


def by_jump(value: int) -> int:
    """The value. Compiled, the condition under which it is asked for stays a jump, which the processor guesses."""
    return value


def next_order(c: Calendar, cpu: int) -> int:
    """Order of the next entry: by serial number."""
    c.serial[0] += 1
    return c.serial[0] << CPU_BITS | cpu


def leave_calendar(c: Calendar, cpu: int, popped: int) -> None:
    """Take a CPU's entry away, unless it has been given another one since it was popped."""
    if c.order[c.leaves + cpu] == popped:
        schedule(c, cpu, NEVER, 0)
