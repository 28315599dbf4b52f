"""What happened in a part of a run, in the form that a viewer shows: slices on lanes, counters, arrows between slices.

Instants are ps of the run's own clock. What reaches beyond the window is cut at its ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Facts = Mapping[str, int | str]
NO_FACTS: Facts = MappingProxyType({})


class Lane(NamedTuple):
    """path: the names of what it lies in, from the outside, and its own last. order: its place among all of them."""

    path: tuple[str, ...]
    order: tuple[int, ...]


class Counter(NamedTuple):
    """path, order: as a lane's. unit: of its values, in words."""

    path: tuple[str, ...]
    order: tuple[int, ...]
    unit: str


class Slice:
    """Something that lasted. facts: to be read when it is selected. leaves, enters: arrows that begin and end here."""

    __slots__ = ("enters", "facts", "leaves", "name")

    def __init__(self, name: str, facts: Facts = NO_FACTS) -> None:
        self.name = name
        self.facts = facts
        self.leaves: tuple[int, ...] = ()
        self.enters: tuple[int, ...] = ()


class Mark(NamedTuple):
    """An instant on a lane: a slice begins, or, without one, the slice that began last of those that are open ends."""

    at_ps: int
    lane: int
    begins: Slice | None


class Value(NamedTuple):
    """A counter's value from an instant on."""

    at_ps: int
    counter: int
    value: int


class Timeline:
    """A window of a run. lanes, counters: by number, in the order of their first use. marks and values: each lane's and
    counter's in order of time. arrows: how many.
    """

    def __init__(self, begin_ps: int, end_ps: int) -> None:
        assert begin_ps < end_ps, f"a window from {begin_ps} to {end_ps} ps"
        self.begin_ps = begin_ps
        self.end_ps = end_ps
        self.lanes: dict[Lane, int] = {}
        self.counters: dict[Counter, int] = {}
        self.marks: list[Mark] = []
        self.values: list[Value] = []
        self.arrows = 0
        self._depth: list[int] = []
        self._last_ps: list[int] = []
        self._now: dict[int, int] = {}

    def begin(self, lane: Lane, at_ps: int, slice_: Slice) -> Slice:
        """Open a slice inside of those that are open on the lane. Returns it."""
        self._mark(lane, at_ps, slice_)
        return slice_

    def end(self, lane: Lane, at_ps: int) -> None:
        """Close the innermost slice of the lane."""
        self._mark(lane, at_ps, None)

    def count(self, counter: Counter, at_ps: int, value: int) -> None:
        """A counter's value from an instant on; one that it has already is no news."""
        number = self.counters.setdefault(counter, len(self.counters))
        if self._now.get(number) != value:
            self._now[number] = value
            self.values.append(Value(self._clipped(at_ps), number, value))

    def arrow(self, source: Slice, target: Slice) -> None:
        """An arrow from one slice to another that begins later."""
        self.arrows += 1
        source.leaves += (self.arrows,)
        target.enters += (self.arrows,)

    def close(self) -> None:
        """The window is over: so is every slice that is open."""
        for lane, number in self.lanes.items():
            while self._depth[number]:
                self.end(lane, self.end_ps)

    def slices(self) -> int:
        """How many slices there are."""
        return sum(mark.begins is not None for mark in self.marks)

    def _mark(self, lane: Lane, at_ps: int, slice_: Slice | None) -> None:
        number = self.lanes.setdefault(lane, len(self.lanes))
        if number == len(self._depth):
            self._depth.append(0)
            self._last_ps.append(self.begin_ps)
        self._depth[number] += -1 if slice_ is None else 1
        assert self._depth[number] >= 0, f"a slice of {lane.path} ends that never began"
        # What a CPU has yet to pay for may be longer than what is left of the window, or of another's time on it.
        self._last_ps[number] = max(self._clipped(at_ps), self._last_ps[number])
        self.marks.append(Mark(self._last_ps[number], number, slice_))

    def _clipped(self, at_ps: int) -> int:
        return min(max(at_ps, self.begin_ps), self.end_ps)
