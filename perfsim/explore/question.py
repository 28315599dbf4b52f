"""What is asked of a search, and where it gives up."""

from __future__ import annotations

from typing import NamedTuple

FLAGS = ("word", "bits")
"""What of a page's flags is one location: all of them, or each."""


class Limits(NamedTuple):
    """Where a search ends without having seen all: states, seconds, bytes of memory."""

    states_max: int = 50_000_000
    seconds_max: float = 600.0
    memory_max_bytes: int = 4 << 30


class Question(NamedTuple):
    """memory_model: sc, tso, ia64 or kernel. flags: `word`, or `bits` where each flag of a page is a location of its
    own. properties: names of those to look for, () for all. reduce: leave out what only permutes steps that commute,
    see footprints.py, but for the way to a breach, which is a shortest one. symmetry: take states for one that differ
    in the places of interchangeable CPUs alone, see symmetry.py. fences: rows behind an added smp_mb().
    """

    memory_model: str = "sc"
    flags: str = "word"
    properties: tuple[str, ...] = ()
    reduce: bool = True
    symmetry: bool = True
    fences: tuple[int, ...] = ()
    limits: Limits = Limits()


SIMPLE = Question()
"""Everything, under sequential consistency."""
