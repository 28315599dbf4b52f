"""Which pictures there are, in the order in which they are shown, and what fills each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.report.pictures import fillers
from perfsim.report.pictures import view as views
from perfsim.report.pictures.influence import influence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perfsim.report.pictures.view import Facts, Filled, View


class Entry(NamedTuple):
    """One picture.

    name: of its chart. heading, about: what people read. table: of the facts that it shows. choice: of the view.
    fill: from facts, view and what is chosen. height: of a panel, at least; row_step, row_field: more for every value
    of a field. inset: what axes take of the width.
    """

    name: str
    heading: str
    about: str
    table: str
    choice: str
    fill: Callable[[Facts, View, str], Filled]
    height: int
    row_step: int = 0
    row_field: str = ""
    inset: int = 76


INTERVALS = "Bars are 95 % intervals of the mean over replications."

GALLERY = (
    Entry(
        "figures",
        "Throughput and latency",
        f"{INTERVALS} Designs met the same random numbers, so their ratio, below, is known more closely.",
        "figures",
        "figures",
        lambda facts, view, key: fillers.over_x(facts, view, "figures", key),
        200,
    ),
    Entry(
        "map",
        "Ratio over two axes",
        "New over old, geometric mean over pairs of runs. Bold: a difference, or sameness, is shown.",
        "ratios",
        "figures",
        fillers.ratio_map,
        60,
        row_step=32,
        row_field="second",
        inset=70,
    ),
    Entry(
        "ratios",
        "Break-even",
        "Bars are 95 % intervals. A diamond is where the verdict turns over, with the interval of that.",
        "ratios",
        "figures",
        fillers.ratios,
        200,
    ),
    Entry(
        "percentiles",
        "Latency by percentile",
        "All runs of a design together. Marks are at 50, 90, 99, 99.9 % and so on. Times of zero are not drawn.",
        "curves",
        "curves",
        fillers.curves,
        210,
        inset=92,
    ),
    Entry(
        "tails",
        "Latency, the slowest (CCDF)",
        "The share of values that take longer than a time, on logarithmic axes.",
        "curves",
        "curves",
        fillers.curves,
        210,
        inset=92,
    ),
    Entry(
        "spent",
        "Where the time goes",
        "Mean time by what it is spent on. A page that reclaim frees bears an equal share of all of reclaim.",
        "spent",
        "spent",
        fillers.spent,
        40,
        row_step=30,
        row_field="series",
        inset=135,
    ),
    Entry(
        "utilization",
        "Lock utilisation",
        f"The share of time that a lock is held, mean over the locks of its class. {INTERVALS}",
        "utilization",
        "locks",
        lambda facts, view, key: fillers.over_x(facts, view, "utilization", key),
        180,
    ),
    Entry(
        "waits",
        "Wait for each time a lock is taken",
        f"All waits over all times that the lock was taken. {INTERVALS}",
        "waits",
        "locks",
        lambda facts, view, key: fillers.over_x(facts, view, "waits", key),
        180,
    ),
    Entry(
        "influence",
        "Sensitivity",
        "What the ratio becomes by each cost figure alone, from the low end of its range to the high one.",
        "influence",
        "influence",
        influence,
        0,
        inset=230,
    ),
)


class Shown(NamedTuple):
    """A picture of which there is something to show. choice: what is chosen of its table."""

    entry: Entry
    choice: str
    filled: Filled


def shown(facts: Facts, view: View, width: int) -> Iterator[Shown]:
    """The pictures of a view. width: of each, in pixels."""
    for entry in GALLERY:
        key = view[entry.choice]
        if key is None or key not in facts["tables"][entry.table]["values"]:
            continue
        filled = entry.fill(facts, view, key)
        if filled.rows:
            size = views.Size(width, entry.inset, _height(entry, filled), bool(entry.row_field))
            yield Shown(entry, key, views.sized(filled, size))


def _height(entry: Entry, filled: Filled) -> int:
    count = len({row[entry.row_field] for row in filled.rows}) if entry.row_field else 0
    return max(entry.height, entry.row_step * count)


def to_json(entry: Entry) -> dict[str, Any]:
    """What the page must know of a picture."""
    return {key: value for key, value in entry._asdict().items() if key not in ("fill", "heading", "about")}
