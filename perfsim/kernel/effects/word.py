"""A page's mapping as a word of memory like any other: what litmus tests of memory ordering are written in.

No kernel path awaits these. Two words are the mappings of two pages, so that each has a line of its own.
"""

from __future__ import annotations

from perfsim.kernel.effects.lines import charge_atomic, charge_read, charge_write
from perfsim.kernel.state import State


def read_word(s: State, task: int, now: int, page: int) -> int:
    """A plain load."""
    charge_read(s, task, page)
    return s.pages.mapping[page]


def read_word_acquire(s: State, task: int, now: int, page: int) -> int:
    """A load before all later accesses: ld.acq, a volatile load of ia64's compiler."""
    return read_word(s, task, now, page)


def write_word(s: State, task: int, now: int, page: int, value: int) -> int:
    """A plain store."""
    charge_write(s, task, page)
    s.pages.mapping[page] = value
    return 0


def write_word_release(s: State, task: int, now: int, page: int, value: int) -> int:
    """A store behind all earlier accesses: st.rel."""
    return write_word(s, task, now, page, value)


def xchg_word(s: State, task: int, now: int, page: int, value: int) -> int:
    """xchg(): returns the old value."""
    charge_atomic(s, task, page)
    old = s.pages.mapping[page]
    s.pages.mapping[page] = value
    return old


def add_word(s: State, task: int, now: int, page: int, value: int) -> int:
    """atomic_add(): a read-modify-write that returns nothing."""
    charge_atomic(s, task, page)
    s.pages.mapping[page] += value
    return 0


def observe(s: State, task: int, now: int, page: int, value: int) -> int:
    """Keep what was read in a word that nobody else looks at: a register of the test."""
    s.pages.mapping[page] = value
    return 0
