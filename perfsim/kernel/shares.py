"""How memory is divided at time 0, and whether it suffices."""

from __future__ import annotations

from perfsim.errors import InputError
from perfsim.kernel.placement import Placed
from perfsim.kernel.ranges import MAPPED_AT_START, has_own_range, is_locker
from perfsim.kernel.state import Shares
from perfsim.scenario.schema import MemorySpec, Scenario, place
from perfsim.units import PPM_PER_WHOLE


def divide_memory(scenario: Scenario, placed: list[Placed], nodes: int, pages_high: int) -> Shares:
    """How each zone's memory is divided. Ranges come in whole numbers, at least one to lock for each mlock task.

    pages_high: the watermark, in pages. Raises InputError when a zone is too small for that.
    """
    memory = scenario.memory
    range_pages = range_pages_of(scenario)
    looped = -(-max((spec.pages for spec in scenario.tasks), default=0) // nodes)
    locked_pages = memory.pages_per_node * memory.mlocked_ppm // PPM_PER_WHOLE
    unlocked_ppm = min(memory.mlocked_ppm, (PPM_PER_WHOLE - memory.mlocked_ppm) // 2)
    unlocked_ranges = memory.pages_per_node * unlocked_ppm // PPM_PER_WHOLE // range_pages
    shares = Shares([], [], [], [], [], [])
    for zone in range(nodes):
        own = [one.spec for one in placed if one.zone == zone and has_own_range(one.spec)]
        mapped = sum(spec.range_pages for spec in own if spec.kind in MAPPED_AT_START)
        free = pages_high + sum(spec.range_pages for spec in own) - mapped
        lockable_pages = memory.pages_per_node - free - mapped - looped
        if locked_pages > max(lockable_pages, 0):
            problem = _too_many_locked(memory, locked_pages, lockable_pages)
            raise InputError(place(scenario, "memory.mlocked_fraction"), problem)
        lockers = [one for one in placed if is_locker(one) and one.zone == zone]
        unlocked = max(unlocked_ranges, len(lockers)) if lockers else 0
        needed = free + mapped + locked_pages + unlocked * range_pages + looped
        if needed > memory.pages_per_node:
            raise InputError(place(scenario, "memory.pages_per_node"), _too_small(scenario, needed))
        locked = locked_pages // range_pages if lockers else 0
        division = (free, locked, unlocked, mapped, locked_pages - locked * range_pages, looped)
        for column, pages in zip(shares, division, strict=True):
            column.append(pages)
    return shares


def _too_many_locked(memory: MemorySpec, locked_pages: int, lockable_pages: int) -> str:
    kept = memory.pages_per_node - lockable_pages
    most = max(lockable_pages, 0) * 10_000 // memory.pages_per_node
    return (
        f"memory.mlocked_fraction: {locked_pages} pages of a node's {memory.pages_per_node}, of which {kept} are kept "
        f"free, mapped from the start or a lock_loop's; expected at most {most / 10_000:g}"
    )


def range_pages_of(scenario: Scenario) -> int:
    """Pages of the largest range that a task maps; every range has room for as many ptes."""
    return max((spec.range_pages for spec in scenario.tasks), default=0) or 1


def _too_small(scenario: Scenario, needed: int) -> str:
    return (
        f"memory.pages_per_node: {scenario.memory.pages_per_node} pages do not hold those that are free or locked and, "
        f"for each task, a range to lock or its page locks; expected at least {needed}"
    )
