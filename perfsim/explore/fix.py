"""The fewest barriers that make a scenario safe on a memory model, and where in the paths they go.

A barrier stands in the source, so that it is in every copy of its line. Any way that breaks the scenario must meet one
of the barriers where it matters: where the CPU has a write that others do not see, a load to be performed later, or a
load that returned what memory does not hold. So the smallest set that meets every way found so far is tried; if the
search finds another way, that is one more to be met, and none of the barriers was of use there. As barriers only take
ways away, the first set that is safe is a smallest one.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from perfsim.explore.rows import ORDERED, scripts_of
from perfsim.explore.search import explore
from perfsim.explore.walk import LATER, STEP, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfsim.explore.question import Question
    from perfsim.explore.scenario import ExploreScenario
    from perfsim.explore.walk import Moment
    from perfsim.kernel.designs import Design

BARRIERS_MAX = 4
SEARCHES_MAX = 500


class Position(NamedTuple):
    """Before a primitive on a line of a path."""

    path: str
    file: str
    line: int
    primitive: str


class Fix(NamedTuple):
    """barriers: where they go; none are needed if there are none and why is "". why: why there is no such set, or that
    it was not found. searches: how many it took. verdict: of the last of them, `broken` if no set makes it safe.
    """

    barriers: tuple[Position, ...]
    searches: int
    why: str
    verdict: str = "safe"


def minimize_fix(scenario: ExploreScenario, design: Design, question: Question) -> Fix:
    """Find a smallest set of barriers. Raises InputError as explore() does."""
    rows = _rows_by_position(scenario, design)
    to_meet: list[frozenset[Position]] = []
    chosen: tuple[Position, ...] = ()
    for searches in range(1, SEARCHES_MAX + 1):
        fences = tuple(row for position in chosen for row in rows[position])
        asked = question._replace(fences=fences)
        outcome = explore(scenario, design, asked)
        if outcome.verdict != "broken":
            why = outcome.why and f"not exhaustive: {outcome.why}"
            return Fix(() if why else chosen, searches, why, outcome.verdict)
        moments = walk(scenario, design, outcome.actions, asked)
        useful = frozenset(_useful(moments)) - set(chosen)
        if not useful:
            return Fix((), searches, f"no barrier helps: {outcome.property} without any reordering", "broken")
        to_meet.append(useful)
        chosen = next(_meeting(to_meet), ())
        if not chosen:
            return Fix((), searches, f"more than {BARRIERS_MAX} barriers would be needed", "broken")
    return Fix((), SEARCHES_MAX, f"none was found in {SEARCHES_MAX} searches", "broken")


def _rows_by_position(scenario: ExploreScenario, design: Design) -> dict[Position, list[int]]:
    """The rows of every primitive by where it stands: a path that is copied has several."""
    from perfsim.engine.program import FIRST_PRIMITIVE

    scripts = scripts_of(scenario, design)
    found: dict[Position, list[int]] = {}
    for number, (row, place) in enumerate(zip(scripts.rows, scripts.places, strict=True)):
        if row.op >= FIRST_PRIMITIVE:
            name = ORDERED[row.op - FIRST_PRIMITIVE].name
            found.setdefault(Position(place.path, place.file, place.line, name), []).append(number)
    return found


def _useful(moments: Sequence[Moment]) -> Iterator[Position]:
    """Where on this way a barrier may change anything."""
    unordered = {moment.cpu for moment in moments if moment.old or moment.kind == LATER}
    waiting: dict[int, bool] = {}
    for moment in moments:
        if moment.kind in (STEP, LATER) and (waiting.get(moment.cpu) or moment.cpu in unordered):
            yield Position(moment.place.path, moment.place.file, moment.place.line, moment.primitive)
        waiting[moment.cpu] = bool(moment.waiting)


def _meeting(to_meet: Sequence[frozenset[Position]]) -> Iterator[tuple[Position, ...]]:
    """Sets that meet every one, the smallest first; the places of the first one come first."""
    positions = sorted(frozenset().union(*to_meet))
    for size in range(1, BARRIERS_MAX + 1):
        for chosen in combinations(positions, size):
            if all(not one.isdisjoint(chosen) for one in to_meet):
                yield chosen
