"""What a sensitivity means, in words: how far the verdict holds, where it turns, what decides, what chance hides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from perfsim.machine.costs import COST_NAMES, PER_MILLE, PREFETCH_HIDDEN
from perfsim.report.verdicts import same_within, verdict_name
from perfsim.stats.comparison import Verdict
from perfsim.sweep.uncertainty import cost_at, uncertain_costs
from perfsim.units import format_duration

if TYPE_CHECKING:
    from perfsim.machine.profile import CostProfile
    from perfsim.stats.sensitivity import Influence, Sensitivity, Turn
    from perfsim.stats.variance import Estimate

DIGITS = 3


def notes(found: Sensitivity, metric: str, margin: float, profile: CostProfile) -> tuple[str, ...]:
    """A line a subject, and two on how to read the table."""
    names = [COST_NAMES[cost] for cost in uncertain_costs(profile)]
    return (
        f"with the best figures: ratio {_ratio(found.best)}, {_named(found, metric, margin)}",
        f"over all ranges: ratio {_ratio(found.mean)}, above 1 in {_share(found.above)} of the range; the figures move "
        f"it by {_percent(found.deviation)} (standard deviation)",
        _outlook(found, metric, profile),
        _deciders(found, names),
        f"chance: the ratio of one pair of runs scatters by {100 * found.noise:.2g} % around what the figures explain, "
        f"which is {100 * found.predicted:.0f} % of the variance",
        "each machine has every figure anywhere in its range: half of them below its best, evenly on a scale of "
        "logarithms. high/low: ratio at the high end over that at the low one. elasticity: per cent of the ratio for "
        "1 % of the figure, over its range. first, total: Sobol's indices, the figure alone and with others",
        "intervals are of 95 %, each for itself; matters: corrected over all figures (Holm 1979)",
    )


def _named(found: Sensitivity, metric: str, margin: float) -> str:
    within = f" (within {same_within(metric, margin)})" if found.verdict is Verdict.SAME else ""
    return verdict_name(metric, found.verdict) + within


def _outlook(found: Sensitivity, metric: str, profile: CostProfile) -> str:
    """How far the verdict holds, and what turns it."""
    if found.holds is None:
        return "no verdict to hold: more --samples would tell more"
    turns = [
        _turn(profile, cost, turn)
        for cost, influence in zip(uncertain_costs(profile), found.influences, strict=True)
        for turn in influence.turns
    ]
    how = f"it turns only when {' or '.join(turns)}" if turns else "no figure alone is shown to turn it"
    return f"the verdict, {verdict_name(metric, found.verdict)}, holds in {_share(found.holds)} of the range; {how}"


def _turn(profile: CostProfile, cost: int, turn: Turn) -> str:
    at, low, high = (_figure(profile, cost, place) for place in turn.at)
    return f"{COST_NAMES[cost]} {'>' if turn.is_above else '<'} {at} [{low}, {high}]"


def _figure(profile: CostProfile, cost: int, place: float) -> str:
    """A place in a figure's range, in three digits."""
    value = cost_at(profile, cost, place)
    if cost == PREFETCH_HIDDEN:
        return f"{value / PER_MILLE:g}"
    return format_duration(round(float(f"{value:.{DIGITS}g}")))


def _deciders(found: Sensitivity, names: list[str]) -> str:
    """Which few figures matter, or how much one would have to for that to be seen."""
    shown = [(names[index], one) for index, one in enumerate(found.influences) if one.is_shown]
    if not shown:
        least = max((one.effect.high - one.effect.low) / 2 for one in found.influences)
        return f"no figure of {len(names)} can be told from chance; one alone would from about {_effect(2 * least)} on"
    shown.sort(key=lambda pair: rank(pair[1]))
    told = ", ".join(f"{key} ({_told(one)})" for key, one in shown)
    rest = len(names) - len(shown)
    return f"what decides: {told}; the other {rest} cannot be told from chance"


def rank(one: Influence) -> tuple[bool, float, float]:
    """What figures are sorted by: those that are shown to matter first, then by their total share, or, where that is
    unknown, by how clear their effects are.
    """
    value, low, high = one.effect
    clearness = abs(value) / (high - low) if high > low else 0.0
    return not one.is_shown, -one.total.value if _has_share(one) else 0.0, -clearness


def _told(one: Influence) -> str:
    share = f"{100 * one.total.value:.0f} %" if _has_share(one) else "an unknown part"
    return f"{share} of the variance, {_effect(one.effect.value)} from low to high"


def _has_share(one: Influence) -> bool:
    """Whether its part of the variance is known: one figure may be told from chance where all together are not."""
    return not math.isnan(one.total.value)


def _effect(log: float) -> str:
    return f"{100 * math.expm1(log):+.2g} %"


def _ratio(log: Estimate) -> str:
    value, low, high = (math.exp(one) for one in log)
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _share(share: Estimate) -> str:
    value, low, high = (100 * one for one in share)
    return f"{value:.3g} % [{low:.3g}, {high:.3g}]"


def _percent(log: Estimate) -> str:
    value, low, high = (100 * one for one in log)
    return f"{value:.2g} % [{low:.2g}, {high:.2g}]"
