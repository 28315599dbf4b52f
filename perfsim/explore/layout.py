"""Where the search's columns lie in memory: those that make up a state in one block, as narrow as they can be."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from perfsim.engine.layout import Column, Places, places_in
from perfsim.explore.columns import Search
from perfsim.explore.step import VECTOR_PAGES
from perfsim.kernel.constants import VECTOR_SLOTS
from perfsim.numeric.columns import Filled, Ints, mapped


def _all(format_: str, prefix: str, names: str) -> dict[str, str]:
    return {f"{prefix}{name}": format_ for name in names.split()}


IN_STATE: dict[str, str] = {
    **_all("i4", "s.pages.", "flags"),
    **_all("i2", "s.pages.", "refcount mapping slot"),
    **_all("i1", "s.pages.", "mapcount cgroup next before"),
    **_all("i1", "s.zones.", "lru_length cgroup_length free_count free_head nr_mlock"),
    **_all("i2", "s.queues.", "flag"),
    **_all("i1", "s.queues.", "head next page queued woken exclusive"),
    **_all("i1", "s.mms.", "activity writer head tail next write waits_for"),
    **_all("i1", "s.m.", "lock_owner"),
    **_all("i2", "s.ranges.", "pte"),
    **_all("i1", "s.ranges.", "locked"),
    **_all("i1", "s.objects.", "size cached"),
    **_all("i1", "s.", "mapping_flags"),
    **_all("i4", "b.", "vectors wait_a wait_b stale_mask stale_value"),
    **_all("i2", "b.", "row late wait_row wait_cell stale_cell"),
    **_all("i1", "b.", "registers waiting wait_kind wait_seen stale"),
}
"""Columns that make up a state, with numpy's format of each."""

_OTHERS = {
    "s.vectors.pages": "i1",
    "vector_words": "i4",
    "found.parent": "i4",
    "found.action": "i2",
    "found.edges": "i2",
    "found.edge_to": "i4",
    "found.ends": "i1",
}
MIRRORED = {
    "mirror.b.": "b.",
    "mirror.pages.": "s.pages.",
    "mirror.ranges.": "s.ranges.",
    "mirror.free_head": "s.zones.free_head",
    "mirror.queues.": "s.queues.",
    "mirror.lock_owner": "s.m.lock_owner",
}
"""Beginnings of names of columns of the mirrored state, with those of the columns of a state that they are."""


def _mirrored(name: str) -> str:
    """The column of a state that one of the mirrored state is, or ""."""
    return next((of + name.removeprefix(one) for one, of in MIRRORED.items() if name.startswith(one)), "")


def _format(name: str) -> str:
    return FORMATS.get(_mirrored(name) or name, "i8")


FORMATS = {**IN_STATE, **_OTHERS}
WORD_BYTES = 8


def places() -> Places:
    """Every column and number of a search, by dotted name, in the order of the table."""
    return places_in(Search, _column)


def _column(name: str, before: Places) -> Column:
    format_ = _format(name)
    stride = VECTOR_SLOTS if name == "vector_words" else np.dtype(format_).itemsize
    return Column(len(before), format_, 0, stride)


def as_arrays(x: Search, unused: Collection[str] = ()) -> Search:
    """The search with its columns as arrays: one block for what makes up a state, which `words` is too.

    unused: beginnings of names of columns that never change in this search.
    """
    offsets, size = _offsets(x, tuple(unused))
    words, mirror_words = np.zeros((2, size // WORD_BYTES), "i8")

    def make(name: str, column: Ints) -> np.ndarray:
        format_, of_state = _format(name), _mirrored(name) or name
        if of_state in offsets:
            block = (mirror_words if of_state != name else words).view("i1")
            array = block[offsets[of_state] :][: len(column) * np.dtype(format_).itemsize].view(format_)
        else:
            array = np.empty(_length(column), format_)
        array[:] = column.value if isinstance(column, Filled) else column
        return array

    made: Any = mapped(x, make)
    first_word = made.s.vectors.pages[:VECTOR_PAGES].view("i4")
    vectors = np.lib.stride_tricks.as_strided(first_word, (len(x.vector_words),), (VECTOR_SLOTS,))
    settings = x.settings._replace(words=len(words))
    mirror = made.mirror._replace(words=mirror_words)
    whole: Search = made._replace(words=words, vector_words=vectors, settings=settings, mirror=mirror)
    return whole


def _offsets(x: Search, unused: tuple[str, ...]) -> tuple[dict[str, int], int]:
    """Where each column of a state begins in the block, the widest first, and the size of the block in bytes."""
    lengths: dict[str, int] = {}

    def measure(name: str, column: Ints) -> Ints:
        lengths[name] = len(column)
        return column

    mapped(x, measure)
    at, offsets = 0, {}
    in_block = [name for name in IN_STATE if not name.startswith(unused)] if unused else list(IN_STATE)
    for name in sorted(in_block, key=lambda name: -np.dtype(IN_STATE[name]).itemsize):
        offsets[name] = at
        at += lengths[name] * np.dtype(IN_STATE[name]).itemsize
    return offsets, -(-at // (2 * WORD_BYTES)) * 2 * WORD_BYTES


def _length(column: Ints) -> int:
    return column.count_ if isinstance(column, Filled) else len(column)


PLACES = places()
"""Where the columns and numbers of a search are."""
