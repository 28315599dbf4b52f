"""A timeline's slices with both their ends, as a reader of the file has them."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.measure.timeline import Slice, Timeline


class Shown(NamedTuple):
    """A slice on its lane. outer: the slices that it lies in, the outermost first."""

    lane: tuple[str, ...]
    begin_ps: int
    end_ps: int
    outer: tuple[str, ...]
    slice: Slice

    @property
    def name(self) -> str:
        return self.slice.name

    @property
    def length_ps(self) -> int:
        return self.end_ps - self.begin_ps


def shown(timeline: Timeline) -> list[Shown]:
    """All slices, in the order of their ends. What ends without having begun is an error, and so is the reverse."""
    paths = {number: lane.path for lane, number in timeline.lanes.items()}
    open_: dict[int, list[tuple[int, Slice]]] = {number: [] for number in paths}
    found = []
    for at_ps, lane, begins in timeline.marks:
        if begins is not None:
            open_[lane].append((at_ps, begins))
        else:
            begin_ps, slice_ = open_[lane].pop()
            outer = tuple(one.name for _, one in open_[lane])
            found.append(Shown(paths[lane], begin_ps, at_ps, outer, slice_))
    assert not any(open_.values()), "slices that never end"
    return found
