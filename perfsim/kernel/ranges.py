"""Which ranges of pages tasks map, and which of them map an object: fixed for the run, the same for every design.

The ranges of mlock tasks come first, zone by zone, those locked at the start before those that may be. A task of
another kind has one range of its own, or none; those that map objects come last.
"""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel.constants import NONE
from perfsim.kernel.fill import spread
from perfsim.kernel.placement import Placed
from perfsim.kernel.state import Objects, Ranges, Settings, Shares, Tasks
from perfsim.numeric.columns import Filled
from perfsim.scenario.schema import TaskSpec

OBJECT_KINDS = ("truncate", "shm_lock")
MAPPED_AT_START = ("migrate", "shm_lock")
"""Kinds whose own range is full of pages at time 0; the others fault them in."""


class OwnRanges(NamedTuple):
    """The tasks that have a range of their own, in the order of the ranges; the last ones, `objects`, map an object."""

    tasks: tuple[int, ...]
    objects: int


def own_ranges(placed: list[Placed]) -> OwnRanges:
    """Who has a range of its own."""
    plain = [task for task, one in enumerate(placed) if has_own_range(one.spec) and one.spec.kind not in OBJECT_KINDS]
    with_object = [task for task, one in enumerate(placed) if one.spec.kind in OBJECT_KINDS]
    return OwnRanges((*plain, *with_object), len(with_object))


def with_objects(placed: list[Placed]) -> tuple[int, ...]:
    """The tasks whose range maps an object, in the order of the objects."""
    own = own_ranges(placed)
    return own.tasks[len(own.tasks) - own.objects :]


def has_own_range(spec: TaskSpec) -> bool:
    """Whether a task maps one range that is its own: mlock tasks, which have many, are dealt theirs."""
    return spec.range_pages > 0 and not spec.shares and spec.kind != "mlock"


def new_ranges(settings: Settings, shares: Shares, placed: list[Placed]) -> Ranges:
    """The ranges of all zones in turn, each zone's locked ones first; then those of one task each."""
    own = [placed[task] for task in own_ranges(placed).tasks]
    locked, zone_of_range = [], []
    for zone in range(settings.nodes):
        locked += [1] * shares.locked[zone] + [0] * shares.unlocked[zone]
        zone_of_range += [zone] * (shares.locked[zone] + shares.unlocked[zone])
    file = [spread(range_, settings.file_ppm) for range_ in range(settings.ranges)]
    for number, one in enumerate(own, settings.first_own_range):
        file[number] = 1 if one.spec.kind == "truncate" else 0 if one.spec.kind == "shm_lock" else file[number]
    return Ranges(
        order=[],
        locked=locked + [0] * len(own),
        owner=[NONE] * settings.ranges,
        file=file,
        zone=zone_of_range + [one.zone for one in own],
        pte=Filled(NONE, settings.ranges * settings.range_pages),
    )


def new_objects(settings: Settings, placed: list[Placed]) -> Objects:
    """Files are empty at time 0, segments of shared memory are not."""
    specs = [placed[task].spec for task in with_objects(placed)]
    return Objects(
        size=[spec.range_pages if spec.kind == "shm_lock" else 0 for spec in specs],
        cached=Filled(NONE, len(specs) * settings.range_pages),
    )


def hand_out_ranges(settings: Settings, ranges: Ranges, tasks: Tasks, placed: list[Placed]) -> None:
    """Say which task works on which ranges: its own, or those of a task of the group that it shares."""
    _deal_to_lockers(settings, ranges, tasks, placed)
    for range_, task in enumerate(own_ranges(placed).tasks, settings.first_own_range):
        tasks.range_first[task] = len(ranges.order)
        tasks.range_count[task] = 1
        ranges.order.append(range_)
        ranges.owner[range_] = task
    for task, one in enumerate(placed):
        if one.spec.shares:
            owners = [other for other, its in enumerate(placed) if its.spec.name == one.spec.shares]
            owner = owners[one.number % len(owners)]
            tasks.range_first[task] = tasks.range_first[owner]
            tasks.range_count[task] = tasks.range_count[owner]
            tasks.mm[task] = owner


def _deal_to_lockers(settings: Settings, ranges: Ranges, tasks: Tasks, placed: list[Placed]) -> None:
    """Deal each zone's ranges to the mlock tasks of its node in turn.

    Unlocked ones first, so that every task gets one and has its own first in `order`; kind by kind, so that every task
    gets its share of file and of anonymous ranges.
    """
    for zone in range(settings.nodes):
        lockers = [task for task, one in enumerate(placed) if is_locker(one) and one.zone == zone]
        own = [range_ for range_ in range(settings.first_own_range) if ranges.zone[range_] == zone]
        own.sort(key=lambda range_: (ranges.locked[range_], ranges.file[range_]))
        for position, task in enumerate(lockers):
            mine = own[position :: len(lockers)]
            tasks.range_first[task] = len(ranges.order)
            tasks.range_count[task] = len(mine)
            tasks.range_unlocked[task] = sum(1 for range_ in mine if not ranges.locked[range_])
            ranges.order.extend(mine)
            for range_ in mine:
                ranges.owner[range_] = task


def is_locker(one: Placed) -> bool:
    """Whether a task is an mlock task with ranges of its own."""
    return one.spec.kind == "mlock" and not one.spec.shares
