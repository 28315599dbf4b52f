"""Runs that wait to be given out: the longest first, so that no worker is left with a long one at the end."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfsim.sweep.plan import Run


class Backlog:
    """The waiting runs of a sweep. Whoever takes the outcomes may add more: they are given out while others run on.

    Runs of equal length are given out in the order in which they came.
    """

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._heap: list[tuple[int, int, Run]] = []
        self._numbers = count()
        self.add(runs)

    def __len__(self) -> int:
        """How many runs wait."""
        return len(self._heap)

    def add(self, runs: Iterable[Run]) -> None:
        """Let more runs wait."""
        for run in runs:
            heappush(self._heap, (-run.work, next(self._numbers), run))

    def take(self) -> Run:
        """Remove and return the longest run. Raises IndexError if none waits."""
        return heappop(self._heap)[-1]
