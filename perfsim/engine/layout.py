"""Where a run's columns lie in memory, and how wide they are: at most 64 bytes for a page of the modelled machine.

What is used together lies together: all that is known of a page is half a cache line of the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from perfsim.engine.loop import Run
from perfsim.kernel.state import State
from perfsim.numeric.columns import Filled, Ints, leaves, mapped


def _all(prefix: str, names: str) -> dict[str, str]:
    return {f"{prefix}{name}": "i8" for name in names.split()}


GROUPS: dict[str, dict[str, str]] = {
    "page": {
        "s.pages.locked_ps": "i8",
        "s.pages.flags": "i4",
        "s.pages.slot": "i4",
        "s.pages.next": "i4",
        "s.pages.before": "i4",
        "s.pages.locker": "u2",
        "s.pages.mapping": "u2",
        "s.pages.refcount": "i2",
        "s.pages.mapcount": "i1",
        "s.pages.cgroup": "i1",
    },
    "line": {"s.m.line_holders": "i8", "s.m.line_stamp": "u4"},
    "cpu": {
        **_all("s.m.", "pending_ps cpu_state cpu_node account misses locks_held waits_for wait_since_ps"),
        **_all("s.m.", "wait_serial wait_next wait_before"),
        **_all("s.m.tally.", "cpu_category cpu_since"),
        **_all("s.run.", "current head tail woken_tail need_resched idle_from_ps idle_to_ps user_end_ps"),
    },
    "lock": _all("s.m.lock_", "class line owner since_ps waiters refill_ps attempt releaser released_ps key draws"),
    "queue": _all("s.m.queue_", "head tail length"),
    "lock class": {
        **_all("s.m.tally.", "con_bounces contentions wait_min_ps wait_max_ps wait_total_ps"),
        **_all("s.m.tally.", "acq_bounces acquisitions hold_min_ps hold_max_ps hold_total_ps"),
    },
    "task": {
        **_all("s.tasks.", "cpu kind mm state since_ps next_ready zone user_ps"),
        **_all("control.", "row step instant_ps standstill_ps standstill_effects"),
    },
    "stream": _all("s.tasks.", "key draws"),
    "node": _all("calendar.", "time_ps order"),
    "row": {
        **{f"code.{name}": "i2" for name in ("op", "kind", "dst", "a", "b", "c", "frame", "arguments")},
        **{f"code.{name}": "i4" for name in ("on_zero", "on_nonzero")},
        "code.target": "i8",  # so that a row takes 32 bytes
    },
    "event": _all("trace.", "time_ps task row a b c"),
    "turn": _all("", "events pause_at begun task now_ps popped unfinished"),
    "wake": _all("s.m.wakes.", "cpu at_ps late"),
}
"""Columns that share a record, with the format of each in numpy's words, packed in this order."""

ALONE: dict[str, str] = {"s.ranges.pte": "i4"}
"""Columns of their own that are narrower than 64 bits."""

BY_PAGE = ("page", "line")
"""Groups with a record for each page."""

GROUP_OF = {name: group for group, columns in GROUPS.items() for name in columns}
RECORDS = {group: np.dtype(list(columns.items())) for group, columns in GROUPS.items()}
LINKS_MAX = int(np.iinfo("i4").max)
"""Pages and list heads at most: their links have no room for larger numbers."""


class Column(NamedTuple):
    """word: the place of its address in the table, the same for all of a group. format: numpy's. offset: bytes from
    that address to the first element. stride: bytes from one element to the next.
    """

    word: int
    format: str
    offset: int
    stride: int


class Number(NamedTuple):
    """A number that does not change in a run. word: its place in the table."""

    word: int


Places = Mapping[str, "Column | Number"]


def layout() -> Places:
    """Every column and number of a run, by dotted name, in the order of the table."""
    return places_in(Run, _column)


def places_in(record: type, column: Callable[[str, Places], Column]) -> Places:
    """Every column and number of a record of records, by dotted name, in the order of the table.

    column: where one is, given its name and the places before it.
    """
    places: dict[str, Column | Number] = {}
    _collect(record, "", places, column)
    return places


def _collect(
    record: type, prefix: str, places: dict[str, Column | Number], column: Callable[[str, Places], Column]
) -> None:
    for name, hint in get_type_hints(record).items():
        dotted = f"{prefix}{name}"
        if hint is int:
            places[dotted] = Number(len(places))
        elif hint == Ints:
            places[dotted] = column(dotted, places)
        else:
            _collect(hint, f"{dotted}.", places, column)


def _column(name: str, places: Places) -> Column:
    word = len(places)
    if name not in GROUP_OF:
        format_ = ALONE.get(name, "i8")
        return Column(word, format_, 0, np.dtype(format_).itemsize)
    group = GROUP_OF[name]
    first = next((place.word for other, place in places.items() if GROUP_OF.get(other) == group), word)
    fields = RECORDS[group].fields
    assert fields is not None, f"{group} is no record"
    return Column(first, GROUPS[group][name], fields[name][1], RECORDS[group].itemsize)


def as_arrays(run: Run) -> Run:
    """The run with its columns as arrays, those of a group as fields of one array of records."""
    lengths: dict[str, int] = {}
    mapped(run, lambda name, column: _measure(name, column, lengths))
    records = {group: np.empty(length, RECORDS[group]) for group, length in lengths.items()}

    def make(name: str, column: Ints) -> np.ndarray:
        group = GROUP_OF.get(name)
        array = (
            records[group][name][: length_of(column)] if group else np.empty(length_of(column), ALONE.get(name, "i8"))
        )
        array[:] = column.value if isinstance(column, Filled) else column
        return array

    return mapped(run, make)


def as_lists(s: State, *, pages: bool = True) -> State:
    """A state of arrays as lists of plain integers. pages=False leaves the columns of pages and cache lines empty."""
    return mapped(s, lambda name, column: np.asarray(column).tolist() if pages or not _is_by_page(name) else [], "s.")


def _is_by_page(name: str) -> bool:
    return name in ALONE or GROUP_OF.get(name) in BY_PAGE


def table_of(run: tuple[Any, ...], places: Places | None = None) -> np.ndarray:
    """The table of a record of arrays: of every column, or the group it is in, the address; of every number its value.

    places: a run's, unless said.
    """
    found = PLACES if places is None else places
    return np.array([_word(found[name], value) for name, value in leaves(run)], "i8")


def _word(place: Column | Number, value: Any) -> int:
    if isinstance(place, Number):
        return int(value)
    return int(value.__array_interface__["data"][0]) - place.offset


def length_of(column: Ints) -> int:
    """Elements of a column, made or to be made."""
    return column.count_ if isinstance(column, Filled) else len(column)


def _measure(name: str, column: Ints, lengths: dict[str, int]) -> None:
    if name in GROUP_OF:
        group = GROUP_OF[name]
        lengths[group] = max(lengths.get(group, 0), length_of(column))


PLACES = layout()
"""Where the columns and numbers of a run are."""
