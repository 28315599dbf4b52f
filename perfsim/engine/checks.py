"""The invariants while a run goes on: looked at every so many events, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from perfsim.engine.calendar import NEVER
from perfsim.kernel.invariants import EVERY, INSTANTS

Look = Callable[[int], int]
"""How often an invariant is violated now, by its number."""

NUMBER_OF = {invariant: number for number, invariant in enumerate(EVERY)}


class Found(NamedTuple):
    """An invariant that was violated while the run went on: its name, when first, and how often at once at most."""

    name: str
    first_ps: int
    most: int


class Checks:
    """due: number of events at which the invariants are looked at next. found: by name, in the order of finding."""

    def __init__(self) -> None:
        self.every = 0
        self.due = NEVER
        self.found: dict[str, Found] = {}

    def begin(self, every: int) -> None:
        """Look after every so many events, from now on; in the midst of a run, at once. every: at least 1."""
        self.every = self.due = every

    def look(self, events: int, now: int, violated: Look) -> None:
        """Look at the state between two steps of the tasks, after so many events. now: the instant in ps."""
        self.due = events + self.every
        for invariant in INSTANTS:
            count = violated(NUMBER_OF[invariant])
            if count:
                name = invariant.__name__
                before = self.found.get(name, Found(name, now, 0))
                self.found[name] = before._replace(most=max(before.most, count))


def named(violated: Look, invariants: tuple[Callable[..., int], ...]) -> dict[str, int]:
    """How often each of these invariants is violated now, by name; those that hold are left out."""
    counts = {invariant.__name__: violated(NUMBER_OF[invariant]) for invariant in invariants}
    return {name: count for name, count in counts.items() if count}
