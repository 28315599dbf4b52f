"""What a machine may cost: a profile's figures anywhere in their ranges.

A range is low, best and high: the best figure is taken as the median, and on either side of it all places as equally
likely on a scale of logarithms, since a cost is known to a factor. Figures that may be 0, and shares, go by their
differences. Figures are independent, and those with one value keep it. Where that makes a machine that cannot be (a
remote memory nearer than the local one), the larger cost is raised to the smaller: the ratio is still a function of
independent figures, as shares of its variance need.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from perfsim.machine.costs import COST_NAMES, PREFETCH_HIDDEN
from perfsim.machine.profile_values import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.machine.profile import CostProfile

PAIRS = tuple(
    (COST_NAMES.index(smaller), COST_NAMES.index(larger)) for chain in RELATIONS for smaller, larger in pairwise(chain)
)


def uncertain_costs(profile: CostProfile) -> tuple[int, ...]:
    """The costs that have a range, by the constants of costs.py."""
    ranges = zip(profile.low_ps, profile.high_ps, strict=True)
    return tuple(cost for cost, (low, high) in enumerate(ranges) if low < high)


def cost_at(profile: CostProfile, cost: int, at: float) -> int:
    """The cost at a place in its range: 0 is low, 0.5 best, 1 high. Picoseconds, or per mille for prefetch_hidden."""
    if at < 0.5:
        low, high, part = profile.low_ps[cost], profile.best_ps[cost], 2 * at
    else:
        low, high, part = profile.best_ps[cost], profile.high_ps[cost], 2 * at - 1
    if low == 0 or cost == PREFETCH_HIDDEN:
        return round(low + part * (high - low))
    return round(low * math.exp(part * math.log(high / low)))


def costs_at(profile: CostProfile, costs: Sequence[int], places: Sequence[float]) -> tuple[int, ...]:
    """All costs of a machine, with these costs at these places in their ranges, and the others at their best."""
    found = list(profile.best_ps)
    for cost, at in zip(costs, places, strict=True):
        found[cost] = cost_at(profile, cost, at)
    most = list(profile.high_ps)
    for smaller, larger in reversed(PAIRS):
        most[smaller] = min(most[smaller], most[larger])
        found[smaller] = min(found[smaller], most[smaller])
    for smaller, larger in PAIRS:
        found[larger] = max(found[larger], found[smaller])
    return tuple(found)
