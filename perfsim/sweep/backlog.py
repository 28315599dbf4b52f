"""Runs that wait to be given out: the longest first, so that no worker is left with a long one at the end.

Which is the longest is learned on the way. So some pilots can be tried before all others: a run of each point and
design where that is a small part of the whole, else some from the whole range. From then on the one that is expected to
take longest is next.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from perfsim.sweep.forecast import Forecast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfsim.sweep.plan import Run

RUNS_A_PILOT = 3
"""With as many runs of each group, on average, the pilots of all groups are the first third."""
PILOTS_MIN = 8
GROUPS_A_PILOT = 4
"""Else one group in so many has a pilot."""


class Backlog:
    """The waiting runs of a sweep. Whoever takes the outcomes may add more: they are given out while others run on, and
    should tell of each that has ended.

    Runs of equal length are given out in the order in which they came. forecast: what is known of their lengths.
    """

    def __init__(self, runs: Iterable[Run] = (), forecast: Forecast | None = None) -> None:
        self.forecast = forecast or Forecast()
        self._heap: list[tuple[float, int, Run]] = []
        self._pilots: list[Run] = []
        self._numbers = count()
        self._version = 0
        self.add(runs)

    def __len__(self) -> int:
        """How many runs wait."""
        return len(self._heap) + len(self._pilots)

    def add(self, runs: Iterable[Run]) -> None:
        """Let more runs wait."""
        for run in runs:
            self.forecast.wait(run)
            heappush(self._heap, (-self.forecast.expected_s(run), next(self._numbers), run))

    def put_back(self, runs: Iterable[Run]) -> None:
        """Let runs wait again that were taken and have not ended."""
        returned = list(runs)
        for run in returned:
            self.forecast.break_off(run)
        self.add(returned)

    def try_some_first(self) -> None:
        """Let pilots come before all others, the longest first: a run of each group, or of some from the whole range.

        A group is the runs of one point and design; those that have been measured need no pilot.
        """
        first_of: dict[tuple[int, str], tuple[float, int, Run]] = {}
        for entry in sorted(self._heap):
            if not self.forecast.is_measured(entry[-1]):
                first_of.setdefault(self.forecast.group_key(entry[-1]), entry)
        entries = list(first_of.values())
        wanted = len(entries)
        if len(self._heap) < RUNS_A_PILOT * wanted:
            wanted = min(max(PILOTS_MIN, wanted // GROUPS_A_PILOT), wanted)
        pilots = {entries[(2 * number + 1) * len(entries) // (2 * wanted)][1] for number in range(wanted)}
        self._pilots += [run for _, number, run in reversed(entries) if number in pilots]
        self._heap = [entry for entry in self._heap if entry[1] not in pilots]
        heapify(self._heap)

    def take(self) -> Run:
        """Remove and return the run that is to begin next. Raises IndexError if none waits."""
        if self._version != self.forecast.version:
            self._version = self.forecast.version
            self._heap = [(-self.forecast.expected_s(run), number, run) for _, number, run in self._heap]
            heapify(self._heap)
        run = self._pilots.pop() if self._pilots else heappop(self._heap)[-1]
        self.forecast.begin(run)
        return run

    def set_aside(self, point: int) -> list[Run]:
        """Remove and return the waiting runs of a point."""
        runs = [*self._pilots, *(run for _, _, run in sorted(self._heap))]
        removed = [run for run in runs if run.labels["point"] == point]
        self._pilots = [run for run in self._pilots if run.labels["point"] != point]
        self._heap = [entry for entry in self._heap if entry[-1].labels["point"] != point]
        heapify(self._heap)
        for run in removed:
            self.forecast.leave(run)
        return removed
