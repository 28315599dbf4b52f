"""Cost profiles: what the steps of a machine cost, each figure with its range and its source (cost-profiles §7)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from perfsim.machine.costs import COST_NAMES, PER_MILLE, PREFETCH_HIDDEN
from perfsim.machine.profile_files import SHIPPED, profile_names, read_lineage
from perfsim.machine.profile_values import cost_ranges, lock_values, machine_values, node_hops, source_texts
from perfsim.units import FREQUENCY_UNITS_HZ, TIME_UNITS_PS, whole_size

__all__ = ["CostProfile", "Figure", "describe", "hops", "load_profile", "priced_profiles", "profile_names"]

_SHARE = COST_NAMES[PREFETCH_HIDDEN]


@dataclass(frozen=True, slots=True)
class CostProfile:
    """One machine's figures.

    clock_hz: for reports; no cost is in cycles. nodes, cpus_per_node: what a workload gets that does not say.
    cache_size_bytes: how much one CPU keeps of what it has touched; 0 means all. node_hops: [node][node].
    algorithm: "ticket", "test_and_set", "queued" or "ideal". order ("fifo", "random", "lifo") and handoff_*: of ideal.
    bias_*: of test_and_set, the weights by which the next owner is drawn.
    low_ps, best_ps, high_ps: by the constants of costs.py; picoseconds, per mille for PREFETCH_HIDDEN. Runs take best.
    sources: where each figure comes from, by its key.
    """

    name: str
    clock_hz: int
    nodes: int
    cpus_per_node: int
    page_size_bytes: int
    line_size_bytes: int
    cache_size_bytes: int
    node_hops: tuple[tuple[int, ...], ...]
    algorithm: str
    order: str
    handoff_fixed_ps: int
    handoff_per_waiter_ps: int
    bias_releaser: int
    bias_same_node: int
    bias_other_node: int
    low_ps: tuple[int, ...]
    best_ps: tuple[int, ...]
    high_ps: tuple[int, ...]
    sources: Mapping[str, str] = field(hash=False)

    @property
    def content_sha256(self) -> str:
        """Hash of every figure that a run reads. Names, sources, clock, and what low and high say, are not in it."""
        content = {
            "nodes": self.nodes,
            "cpus_per_node": self.cpus_per_node,
            "page_size_bytes": self.page_size_bytes,
            "line_size_bytes": self.line_size_bytes,
            "cache_size_bytes": self.cache_size_bytes,
            "node_hops": self.node_hops,
            "algorithm": self.algorithm,
            "order": self.order,
            "handoff_ps": (self.handoff_fixed_ps, self.handoff_per_waiter_ps),
            "bias": (self.bias_releaser, self.bias_same_node, self.bias_other_node),
            "costs": dict(zip(COST_NAMES, self.best_ps, strict=True)),
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class Figure(NamedTuple):
    """One figure as people read it. low, best, high: exact, in `unit`, which is "" for counts, words and shares."""

    key: str
    low: str
    best: str
    high: str
    unit: str
    source: str


def load_profile(name_or_path: str, place: str = "--profile") -> CostProfile:
    """A profile by its name, shipped or offered by an installed package, or from the path of a .yaml file.

    Raises InputError: at `place` for what is not there, at FILE:LINE:COLUMN for what a profile file says wrongly.
    """
    return _shipped(name_or_path) if name_or_path in SHIPPED else _loaded(name_or_path, place)


def priced_profiles() -> tuple[CostProfile, ...]:
    """The shipped machines whose steps have a price: all but queueing theory's."""
    shipped = (_shipped(name) for name in SHIPPED)
    return tuple(profile for profile in shipped if profile.algorithm != "ideal")


def hops(profile: CostProfile, a: int, b: int) -> int:
    """Hops between two nodes, 0 to itself. A node that the machine does not have is as far as its farthest."""
    if a == b:
        return 0
    matrix = profile.node_hops
    if a < len(matrix) and b < len(matrix):
        return matrix[a][b]
    return max(1, *(count for row in matrix for count in row))


def describe(profile: CostProfile) -> tuple[Figure, ...]:
    """Every figure with its unit and source, in the order of profile files: the machine, its locks, its costs."""
    return (*_machine_figures(profile), *_lock_figures(profile), *_cost_figures(profile))


@cache
def _shipped(name: str) -> CostProfile:
    """Shipped files do not change while we run, and every run asks for its profile several times."""
    return _loaded(name, "--profile")


def _loaded(name_or_path: str, place: str) -> CostProfile:
    lineage = read_lineage(name_or_path, place)
    machine, lock, costs = machine_values(lineage), lock_values(lineage), cost_ranges(lineage)
    return CostProfile(
        name=lineage.names[0],
        **machine._asdict(),
        **lock._asdict(),
        node_hops=node_hops(lineage, machine.nodes),
        low_ps=tuple(figure.low for figure in costs),
        best_ps=tuple(figure.best for figure in costs),
        high_ps=tuple(figure.high for figure in costs),
        sources=source_texts(lineage),
    )


def _machine_figures(profile: CostProfile) -> tuple[Figure, ...]:
    sources = profile.sources
    clock = _decimal(profile.clock_hz, FREQUENCY_UNITS_HZ["GHz"])
    return (
        Figure("clock", clock, clock, clock, "GHz", sources["clock"]),
        _word("nodes", str(profile.nodes), sources),
        _word("cpus_per_node", str(profile.cpus_per_node), sources),
        _size("page_size", profile.page_size_bytes, sources),
        _size("line_size", profile.line_size_bytes, sources),
        _size("cache_size", profile.cache_size_bytes, sources),
        _word("node_hops", json.dumps(profile.node_hops), sources),
    )


def _lock_figures(profile: CostProfile) -> tuple[Figure, ...]:
    """What the profile's own algorithm asks for."""
    sources = profile.sources
    found = [_word("algorithm", profile.algorithm, sources)]
    if profile.algorithm == "ideal":
        fixed_ps, per_waiter_ps = profile.handoff_fixed_ps, profile.handoff_per_waiter_ps
        found.append(_word("order", profile.order, sources))
        found.append(_time("handoff_fixed", (fixed_ps,) * 3, sources))
        found.append(_time("handoff_per_waiter", (per_waiter_ps,) * 3, sources))
    if profile.algorithm == "test_and_set":
        weights = f"releaser {profile.bias_releaser}, same_node {profile.bias_same_node}"
        found.append(_word("spinlock_bias", f"{weights}, other_node {profile.bias_other_node}", sources))
    return tuple(found)


def _cost_figures(profile: CostProfile) -> tuple[Figure, ...]:
    ranges = zip(profile.low_ps, profile.best_ps, profile.high_ps, strict=True)
    return tuple(
        _share(name, figures, profile.sources) if name == _SHARE else _time(name, figures, profile.sources)
        for name, figures in zip(COST_NAMES, ranges, strict=True)
    )


def _word(key: str, value: str, sources: Mapping[str, str]) -> Figure:
    return Figure(key, value, value, value, "", sources[key])


def _size(key: str, size_bytes: int, sources: Mapping[str, str]) -> Figure:
    count, unit = whole_size(size_bytes)
    return Figure(key, str(count), str(count), str(count), unit, sources[key])


def _time(key: str, range_ps: tuple[int, int, int], sources: Mapping[str, str]) -> Figure:
    """A time in the largest unit of which its best figure, or its high one if that is 0, is at least one; ns below."""
    typical_ps = range_ps[1] or range_ps[2]
    unit = next((unit for unit in ("ms", "us") if TIME_UNITS_PS[unit] <= typical_ps), "ns")
    low, best, high = (_decimal(time_ps, TIME_UNITS_PS[unit]) for time_ps in range_ps)
    return Figure(key, low, best, high, unit, sources[key])


def _share(key: str, range_per_mille: tuple[int, int, int], sources: Mapping[str, str]) -> Figure:
    low, best, high = (_decimal(share, PER_MILLE) for share in range_per_mille)
    return Figure(key, low, best, high, "", sources[key])


def _decimal(value: int, power_of_ten: int) -> str:
    """The quotient, exact: a whole number below 2**62 has fewer digits than Decimal keeps."""
    return format(Decimal(value) / power_of_ten, "f")
