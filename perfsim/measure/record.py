"""A run let go on slice by slice, and what was seen at the end of each: what is steady about it is told from that.

It is looked at from outside: the engine stops at an instant of virtual time as it does at the end of the warm-up, no
event is added, and no figure of the row depends on where the slices lie.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from perfsim.engine.engines import Engine
from perfsim.kernel import constants as k

Integers: TypeAlias = NDArray[np.int64]

SLICES = 200
"""In a measured window, and in as much of the time before it as is looked at."""

RATES = {
    "reclaim_scanned_per_s": k.PGSCAN,
    "reclaim_freed_per_s": k.PGSTEAL,
    "putback_per_s": k.PUTBACKS,
    "mlock_pages_per_s": k.MLOCK_PAGES,
    "munlock_pages_per_s": k.MUNLOCK_PAGES,
    "faults_per_s": k.PGFAULT,
    "migrated_per_s": k.PGMIGRATE_SUCCESS,
}
"""The columns that are rates, and the event that each counts."""

ACQUISITIONS = "lock acquisitions"
"""Counted beside the rates: a workload of lock_loop tasks does nothing else."""


class Record(NamedTuple):
    """What was seen of a run. ends_ps: of the slices, after the instant at which the first one begins.

    rates: [slice, what is counted], as in RATES, acquisitions of all locks last. lengths: [slice, zone * LRU_LISTS +
    list], at its end. pages_per_node: of all kinds. window: slices at the end that are the measured window.
    """

    ends_ps: list[int]
    rates: Integers
    lengths: Integers
    pages_per_node: int
    window: int


class Recorder:
    """A run, and what has been seen of it so far. duration_ps: of its window, which has SLICES slices."""

    def __init__(self, run: Engine, duration_ps: int) -> None:
        self.run = run
        self.duration_ps = duration_ps
        self.ends_ps: list[int] = []
        self.events: list[Integers] = []
        self.acquisitions: list[Integers] = []
        self.lengths: list[Integers] = []
        self.begun = 0

    def slice_end_ps(self, start_ps: int, slices: int) -> int:
        """The end of so many slices after an instant, before it if negative: never off by more than a picosecond."""
        return start_ps + self.duration_ps * slices // SLICES

    def advance(self, ends_ps: Iterable[int]) -> None:
        """Let the run go on to each of these instants, and look."""
        for end_ps in ends_ps:
            self.run.advance(end_ps)
            s = self.run.columns()
            self.ends_ps.append(end_ps)
            self.events.append(np.array(s.events))
            self.acquisitions.append(np.array(s.m.tally.acquisitions))
            self.lengths.append(np.array(s.zones.lru_length))

    def begin_window(self) -> None:
        """The warm-up is over, where the last slice has ended: the run counts from 0 again, what is seen goes on."""
        self.begun = len(self.ends_ps)
        self.run.begin_window(self.ends_ps[-1])

    def record(self, window: int = 0) -> Record:
        """What has been seen since the first look; with a window, of as long before it as it is itself.

        window: how many of the last slices are the measured window.
        """
        first = max(0, len(self.ends_ps) - 1 - 2 * window) if window else 0
        settings = self.run.columns().settings
        events = np.array(self.events)[:, list(RATES.values())]
        counted = np.column_stack((events, np.sum(self.acquisitions, axis=1)))
        if self.begun:
            counted[self.begun :] += counted[self.begun - 1]
        rates = counted[1:] - counted[:-1]
        lengths = np.array(self.lengths[1:])
        pages_per_node = settings.pages // settings.nodes
        return Record(self.ends_ps[first:], rates[first:], lengths[first:], pages_per_node, window)
