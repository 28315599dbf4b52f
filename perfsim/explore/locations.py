"""The locations of memory that CPUs read and write without a common lock, each with a number."""

from __future__ import annotations

from perfsim.kernel.state import State

FLAGS = 0
REFCOUNT = 1
MAPCOUNT = 2
MAPPING = 3
MAPPING_FLAGS = 4
CGROUP = 5
QUEUE = 6
LOCK = 7
MAPPING_OF_RANGE = 8
"""MAPPING_FLAGS of the object that a range maps."""

KINDS = {
    "flags": FLAGS,
    "refcount": REFCOUNT,
    "mapcount": MAPCOUNT,
    "mapping": MAPPING,
    "mapping_flags": MAPPING_FLAGS,
    "cgroup": CGROUP,
    "queue": QUEUE,
    "lock": LOCK,
    "mapping_of_range": MAPPING_OF_RANGE,
}
OF_PAGES = (FLAGS, REFCOUNT, MAPCOUNT, MAPPING, CGROUP)
PER_KIND = 64
"""Locations of a kind at most."""


def location(s: State, kind: int, index: int) -> int:
    """The number of a location. index: the page, the mapping, the bucket, the spinlock, or the range."""
    if kind == MAPPING_OF_RANGE:
        return MAPPING_FLAGS * PER_KIND + s.settings.nodes + 1 + index - s.settings.first_object_range
    return kind * PER_KIND + index


def read(s: State, cell: int) -> int:
    """What memory holds at a location."""
    kind, index = cell // PER_KIND, cell % PER_KIND
    if kind < MAPPING:
        if kind == FLAGS:
            return s.pages.flags[index]
        return s.pages.refcount[index] if kind == REFCOUNT else s.pages.mapcount[index]
    if kind == MAPPING:
        return s.pages.mapping[index]
    if kind == MAPPING_FLAGS:
        return s.mapping_flags[index]
    if kind == CGROUP:
        return s.pages.cgroup[index]
    return s.queues.head[index] if kind == QUEUE else s.m.lock_owner[index]


def write(s: State, cell: int, value: int) -> None:
    """Let memory hold a value at a location."""
    kind, index = cell // PER_KIND, cell % PER_KIND
    if kind == FLAGS:
        s.pages.flags[index] = value
    elif kind == REFCOUNT:
        s.pages.refcount[index] = value
    elif kind == MAPCOUNT:
        s.pages.mapcount[index] = value
    elif kind == MAPPING:
        s.pages.mapping[index] = value
    elif kind == MAPPING_FLAGS:
        s.mapping_flags[index] = value
    elif kind == CGROUP:
        s.pages.cgroup[index] = value
    elif kind == QUEUE:
        s.queues.head[index] = value
    else:
        s.m.lock_owner[index] = value


def locations_of(s: State) -> list[int]:
    """Every location that may be read without a lock, spinlocks aside."""
    pages = [kind * PER_KIND + page for kind in OF_PAGES for page in range(s.settings.pages)]
    mappings = [MAPPING_FLAGS * PER_KIND + mapping for mapping in range(len(s.mapping_flags))]
    return [*pages, *mappings, *(QUEUE * PER_KIND + bucket for bucket in range(len(s.queues.head)))]
