"""How large a run's machine and its zones are: CPUs, nodes, pages, watermarks; what follows from the size of a page."""

from __future__ import annotations

from math import isqrt

from perfsim.errors import InputError
from perfsim.kernel.constants import WMARK_HIGH
from perfsim.machine.costs import PAGE_CLEAR, PAGE_COPY
from perfsim.machine.profile import CostProfile
from perfsim.scenario.schema import Scenario, place
from perfsim.units import format_size

KIB = 1024


def machine_size(scenario: Scenario, profile: CostProfile) -> tuple[int, int]:
    """(cpus, nodes) of a run: the workload's, else the profile's."""
    nodes = profile.nodes if scenario.machine.nodes is None else scenario.machine.nodes
    cpus = profile.nodes * profile.cpus_per_node if scenario.machine.cpus is None else scenario.machine.cpus
    return cpus, nodes


def page_size_bytes(scenario: Scenario, profile: CostProfile) -> int:
    """PAGE_SIZE of a run in bytes: the workload's, else the profile's."""
    return scenario.kernel.page_size_bytes or profile.page_size_bytes


def costs_ps(scenario: Scenario, profile: CostProfile) -> tuple[int, ...]:
    """What the machine's steps cost in this run, by the constants of costs.py.

    The profile's best figures; clearing or copying a page takes time in proportion to PAGE_SIZE.
    """
    page_bytes = page_size_bytes(scenario, profile)
    costs = list(profile.best_ps)
    for cost in (PAGE_CLEAR, PAGE_COPY):
        costs[cost] = costs[cost] * page_bytes // profile.page_size_bytes
    return tuple(costs)


def zone_watermarks(scenario: Scenario, profile: CostProfile) -> tuple[int, int, int]:
    """pages_min, pages_low, pages_high of each zone of a run.

    Raises InputError for a min_free that is less than a page of each zone, or puts pages_high above the zone.
    """
    _, nodes = machine_size(scenario, profile)
    pages, page_kib = scenario.memory.pages_per_node, page_size_bytes(scenario, profile) // KIB
    min_free_bytes = scenario.kernel.min_free_bytes
    if min_free_bytes is None:
        return watermarks(pages, nodes, page_kib * KIB)
    pages_min = min_free_bytes // KIB // page_kib // nodes
    marks = _marks(pages_min)
    if pages_min == 0 or marks[WMARK_HIGH] > pages:
        found = f"{format_size(min_free_bytes)} are {pages_min} pages in each of {nodes} zones of {pages}"
        above = f", where reclaim keeps up to {marks[WMARK_HIGH]} pages free" if pages_min else ""
        zones_kib = nodes * page_kib
        expected = f"expected {zones_kib}KiB to {(2 * pages + 1) // 3 * zones_kib}KiB"
        raise InputError(place(scenario, "kernel.min_free"), f"kernel.min_free: {found}{above}; {expected}")
    return marks


def watermarks(pages_per_node: int, nodes: int, page_bytes: int) -> tuple[int, int, int]:
    """pages_min, pages_low, pages_high of a zone. C: mm/page_alloc.c, setup_per_zone_pages_min().

    min_free_kbytes = sqrt(16 * memory in KiB) within 128 .. 65536, shared out to the zones; at most a sixteenth of one.
    """
    page_kib = page_bytes // KIB
    total_kib = nodes * pages_per_node * page_kib
    min_kib = max(128, min(65_536, isqrt(16 * total_kib)))
    return _marks(max(1, min(min_kib // page_kib // nodes, pages_per_node // 16)))


def _marks(pages_min: int) -> tuple[int, int, int]:
    return pages_min, pages_min + max(1, pages_min // 4), pages_min + max(2, pages_min // 2)


def inactive_ratio(zone_bytes: int) -> int:
    """How many active anonymous pages there may be to an inactive one. C: setup_per_zone_inactive_ratio()."""
    return max(1, isqrt(10 * (zone_bytes >> 30)))
