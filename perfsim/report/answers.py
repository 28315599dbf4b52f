"""The answers of a check, in words and as records."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.report.axes import axis_heads
from perfsim.report.verdicts import verdict_name
from perfsim.stats.metrics import is_higher_faster, resolution
from perfsim.stats.ratios import PAIRS_LIMIT
from perfsim.stats.regression import TOGETHER, Answer
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.scenario.schema import AxisColumn
    from perfsim.stats.regression import Judged

Record = dict[str, Any]

_FIGURES = ("new", "old", "ratio", "low", "high", "p")


class CheckedPoint(NamedTuple):
    """A point of a metric and design, judged. place: the values of the axes; {} for all together."""

    judged: Judged
    place: dict[str, AxisColumn]

    @property
    def is_together(self) -> bool:
        """Whether it stands for all points together."""
        return self.judged.point == TOGETHER


class Unmatched(NamedTuple):
    """A point that only one of the two has. results: which. place: the values of the axes."""

    results: str
    place: dict[str, AxisColumn]


def record(one: CheckedPoint, axes: Sequence[str]) -> Record:
    """For scripts: all of it. axes: those to be told. None: no value."""
    found = one.judged
    figures = {key: value if math.isfinite(value := getattr(found, key)) else None for key in _FIGURES}
    is_within_reach = 0 < found.needed < PAIRS_LIMIT
    return {
        "metric": found.metric,
        "design": found.design,
        **{axis: one.place[axis] for axis in axes},
        "new_mean": figures["new"],
        "old_mean": figures["old"],
        **{key: figures[key] for key in ("ratio", "low", "high")},
        "allowed": found.limit,
        "p": figures["p"],
        "pairs": found.pairs,
        "verdict": found.answer.value,
        "reason": verdict_name(found.metric, found.hindered) if found.hindered else "",
        "more_replications": found.needed - found.pairs if is_within_reach else None,
    }


def verdict_of(one: CheckedPoint) -> str:
    """The verdict, and what hinders it or would decide it."""
    found = one.judged
    verdict: str = found.answer.value
    if found.hindered:
        return f"{verdict}: {verdict_name(found.metric, found.hindered)}"
    if found.answer is not Answer.CANNOT_TELL:
        return verdict
    if found.needed >= PAIRS_LIMIT:
        return f"{verdict}: {format_count(PAIRS_LIMIT)} would not do"
    return f"{verdict}: {format_count(found.needed - found.pairs)} more would do"


def evidence(one: CheckedPoint) -> str:
    """Ratio, interval and limit: why a point was judged as it was."""
    found = one.judged
    side = "at least" if is_higher_faster(found.metric) else "at most"
    limit = f"allowed is {side} {found.limit:.4g}"
    if math.isnan(found.ratio):
        return f"baseline {found.old:.4g}, now {found.new:.4g}; {limit}"
    interval = "" if math.isnan(found.low) else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"ratio to the baseline {found.ratio:.3f}{interval}; {limit}"


def place_text(place: dict[str, AxisColumn]) -> str:
    """Such as: profile ia64, cpus 16."""
    return ", ".join(f"{head.text} {place[head.key]}" for head in axis_heads(tuple(place)))


def subject(one: CheckedPoint) -> str:
    """Which design, and where."""
    where = "all points together" if one.is_together else place_text(one.place)
    return f"{one.judged.design}, {where}" if where else one.judged.design


def line(one: CheckedPoint) -> str:
    """Which design, where, why, and the verdict."""
    return f"{subject(one)}: {evidence(one)}: {verdict_of(one)}"


def counts_line(points: Sequence[CheckedPoint]) -> str:
    """How often there is which answer."""
    counts = Counter(one.judged.answer for one in points)
    found = [f"{answer.value} {format_count(counts[answer])}" for answer in Answer if counts[answer]]
    together_count = sum(one.is_together for one in points)
    about = f", {format_count(together_count)} of them about all points together" if together_count else ""
    return f"{', '.join(found)} of {format_count(len(points))} answers{about}"


def only_there(one: Unmatched) -> str:
    """A point without a partner, in words."""
    return f"only in {one.results}: {place_text(one.place)}"


def how_to_read(points: Sequence[CheckedPoint]) -> list[str]:
    """What the verdicts mean."""
    lines = [
        "fine: the whole 95 % interval of now/baseline (Student's t on log ratios of pairs of runs) is within what is "
        "allowed",
        "regressed: it is not, and worse at all is shown (one-sided t test, corrected by Holm's method over the whole "
        "check: of checks of two that are alike, at most 5 % have any false alarm)",
        "cannot tell: neither; so many more replications would decide with 90 %, if ratio and scatter are as measured",
    ]
    if any(resolution(one.judged.metric) for one in points):
        lines.append("percentiles are known to 1/64: no interval is narrower, and less than 1.6 % cannot be shown")
    return lines
