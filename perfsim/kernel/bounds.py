"""What a primitive may be given: a user's design that gives anything else is told so, by every engine alike.

An argument's name says what it is (page, zone, lru, ...). Shipped designs are not checked: their tests are.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from perfsim.kernel.constants import (
    CPU_VECTORS,
    HISTOGRAMS,
    LOCK_CLASSES,
    LRU_LISTS,
    LRU_UNEVICTABLE,
    MAPPED_ELSEWHERE,
    NONE,
    PRIVATE_LISTS,
    STACK_VECTORS,
    VECTOR_SLOTS,
    VM_EVENTS,
)
from perfsim.kernel.primitives import Primitive
from perfsim.kernel.state import State
from perfsim.machine.costs import COST_NAMES

COUNT_MAX = 2**15 - 1
FLAG_MAX = 2**31 - 1
WORD_MAX = 2**15 - 1
NUMBER_MAX = 2**62
TICKS_MAX = 100_000


class Bounds(NamedTuple):
    """The least and the greatest that an argument may be; low is above high if it can be nothing."""

    low: int
    high: int


def bounds_of(s: State, primitive: Primitive) -> tuple[Bounds, ...]:
    """The bounds of each argument of a primitive, on this machine."""
    return bounds_of_each(s, [primitive])[primitive.name]


def bounds_of_each(s: State, primitives: Iterable[Primitive]) -> dict[str, tuple[Bounds, ...]]:
    """The same of several, by their names."""
    general, exceptions = _by_name(s), _exceptions(s)
    found = {}
    for primitive in primitives:
        own = exceptions.get(primitive.name, {})
        found[primitive.name] = tuple(own.get(name) or general[name] for name in argument_names(primitive))
    return found


def check_arguments(primitive: Primitive, bounds: tuple[Bounds, ...], arguments: tuple[int, ...]) -> None:
    """Raise ValueError, which names primitive, argument and bounds, for an argument that is out of them."""
    for name, bound, value in zip(argument_names(primitive), bounds, arguments, strict=True):
        if bound.low > bound.high:
            raise ValueError(f"{primitive.name}(): {name} is {value}; this workload has none that it could be")
        if not bound.low <= value <= bound.high:
            raise ValueError(f"{primitive.name}(): {name} is {value}; expected {bound.low} to {bound.high}")


@cache
def argument_names(primitive: Primitive) -> tuple[str, ...]:
    """Names of a primitive's own arguments."""
    return tuple(inspect.signature(primitive.effect).parameters)[3:]


def _by_name(s: State) -> Mapping[str, Bounds]:
    buckets = s.settings.nodes * s.settings.buckets_per_zone
    any_number = Bounds(-NUMBER_MAX, NUMBER_MAX)
    return {
        "page": Bounds(0, s.settings.pages - 1),
        "newpage": Bounds(0, s.settings.pages - 1),
        "zone": Bounds(0, s.settings.nodes - 1),
        "lru": Bounds(0, LRU_LISTS - 1),
        "flag": Bounds(0, FLAG_MAX),
        "flags": Bounds(0, FLAG_MAX),
        "mapping": Bounds(0, len(s.mapping_flags) - 1),
        "expected": Bounds(0, COUNT_MAX),
        "count": Bounds(0, COUNT_MAX),
        "lock_class": Bounds(0, LOCK_CLASSES - 1),
        "index": Bounds(0, buckets - 1),
        "bucket": Bounds(0, buckets - 1),
        "which": Bounds(0, PRIVATE_LISTS - 1),
        "source": Bounds(0, PRIVATE_LISTS - 1),
        "target": Bounds(0, PRIVATE_LISTS - 1),
        "vector": Bounds(0, CPU_VECTORS + STACK_VECTORS - 1),
        "mark": Bounds(0, 2),
        "slot": Bounds(0, s.settings.ranges * s.settings.range_pages - 1),
        "range_": Bounds(0, s.settings.ranges - 1),
        "size": Bounds(0, s.settings.range_pages),
        "locked": Bounds(0, 1),
        "on_cpu": Bounds(0, s.m.rules.cpus - 1),
        "mm": Bounds(0, s.settings.tasks - 1),
        "cost": Bounds(0, len(COST_NAMES) - 1),
        "event": Bounds(0, VM_EVENTS - 1),
        "delta": any_number,
        "ticks": Bounds(1, TICKS_MAX),
        "probe": Bounds(0, HISTOGRAMS - 1),
        "value": Bounds(0, WORD_MAX),
    }


def _exceptions(s: State) -> Mapping[str, Mapping[str, Bounds]]:
    """By primitive, the arguments that mean more, or less, than their names say elsewhere."""
    of_object = {
        "slot": Bounds(
            s.settings.first_object_range * s.settings.range_pages, s.settings.ranges * s.settings.range_pages - 1
        ),
        "range_": Bounds(s.settings.first_object_range, s.settings.ranges - 1),
    }
    or_elsewhere = {"slot": Bounds(MAPPED_ELSEWHERE, s.settings.ranges * s.settings.range_pages - 1)}
    evictable = {"lru": Bounds(0, LRU_UNEVICTABLE - 1)}
    return {
        "new_page": or_elsewhere,
        "slot_locked": or_elsewhere,
        "mapped_object": or_elsewhere,
        "i_size_write": of_object,
        "find_get_page": of_object,
        "page_cached_at": of_object,
        "add_to_page_cache": of_object,
        "mapping_set_unevictable": of_object,
        "mapping_clear_unevictable": of_object,
        "pick_slot": {"count": Bounds(1, s.settings.range_pages)},
        "VM_BUG_ON_COUNT_NOT": {"count": Bounds(NONE, COUNT_MAX)},
        "due_to_scan": evictable,
        "next_batch": evictable,
        "recent_scanned": evictable,
        "recent_rotated": evictable,
        "halve_recent": evictable,
        "add_recent_scanned": evictable,
        "add_recent_rotated": evictable,
        "pagevec_page": {"index": Bounds(0, VECTOR_SLOTS - 1)},
    }
