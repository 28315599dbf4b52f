"""What a comparison shows, in words."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from perfsim.report.axes import axis_heads
from perfsim.stats.comparison import Family, Turn, Verdict
from perfsim.stats.matching import Matched, unpaired_count, violations_count
from perfsim.stats.metrics import is_higher_faster, resolution, values_needed
from perfsim.stats.ratios import PAIRS_LIMIT
from perfsim.units import counted, format_count, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfsim.scenario.schema import AxisColumn

TURNS_SHOWN_MAX = 10


def same_within(metric: str, margin: float) -> str:
    """What "the same" is of this metric, as a percentage: the margin, with a percentile's cell. margin: a log ratio."""
    return f"{100 * math.expm1(margin + resolution(metric)):.2g} %"


def verdict_text(family: Family, point: int) -> str:
    """The verdict of one point."""
    verdict = family.verdicts[point]
    if verdict is Verdict.OPEN:
        more = int(family.needed[point] - family.pairs[point])
        if family.needed[point] >= PAIRS_LIMIT:
            return f"cannot tell: {format_count(PAIRS_LIMIT)} would not do"
        return f"cannot tell: {format_count(more)} more would do"
    return verdict_name(family.metric, verdict)


def verdict_name(metric: str, verdict: Verdict) -> str:
    """The name of a verdict, by which points are counted."""
    if verdict in (Verdict.HIGHER, Verdict.LOWER):
        return _direction(metric, verdict)
    return {
        Verdict.SAME: "same",
        Verdict.OPEN: "cannot tell",
        Verdict.ONE_PAIR: "no interval: 1 pair",
        Verdict.NO_PAIR: "no pair of runs",
        Verdict.NO_VALUE: "no ratio: a run has no value",
        Verdict.FEW_VALUES: f"no ratio: under {format_count(values_needed(metric)[1])} values",
        Verdict.ZERO: "no ratio: 0 in one",
        Verdict.BOTH_ZERO: "no ratio: 0 in both",
    }[verdict]


def _direction(metric: str, verdict: Verdict) -> str:
    """The word for a figure that is higher or lower: faster or slower, if it is a throughput or a latency."""
    is_faster = is_higher_faster(metric)
    if is_faster is None:
        return verdict.value
    return "faster" if is_faster == (verdict is Verdict.HIGHER) else "slower"


def summary(family: Family, margin: float) -> str:
    """At how many points there is which verdict, and how many replications those would take that cannot be told."""
    counts = Counter(family.verdicts)
    total = len(family.verdicts)
    said = ", ".join(
        f"{verdict_name(family.metric, verdict)} {_about(family.metric, verdict, margin)}at {format_count(count)}"
        for verdict in Verdict
        if (count := counts[verdict])
    )
    return f"{family.new} against {family.old}: {said} of {counted(total, 'point')}{_outlook(family)}"


def overall_line(family: Family) -> list[str]:
    """All points together: one line, or none if there is only one or not even that."""
    overall = family.overall
    if overall is None or overall.points_count == 1:
        return []
    ratio = f"ratio {overall.ratio:.3f}"
    if overall.verdict is not Verdict.ONE_PAIR:
        ratio += f" [{overall.low:.3f}, {overall.high:.3f}]"
    verdict = verdict_name(family.metric, overall.verdict)
    return [f"{counted(overall.points_count, 'point')} together: {ratio}, {verdict}"]


def _about(metric: str, verdict: Verdict, margin: float) -> str:
    return f"(within {same_within(metric, margin)}) " if verdict is Verdict.SAME else ""


def _outlook(family: Family) -> str:
    """How many replications would decide what is open: half of it, and all."""
    needed = sorted(int(pairs) for pairs in family.needed if pairs)
    if not needed:
        return ""
    half, most = needed[(len(needed) - 1) // 2], needed[-1]
    if half == PAIRS_LIMIT:
        return ""
    half_told = f"; about {format_count(half)} replications in all would tell half of what cannot be told"
    if most in (PAIRS_LIMIT, half):
        return half_told
    return f"{half_told}, {format_count(most)} all of it"


def turn_lines(matched: Matched, family: Family) -> list[str]:
    """Where the verdict turns, a line each, and along which axes it does not."""
    names = dict(zip(matched.axes, (head.text for head in axis_heads(matched.axes)), strict=True))
    found = [_turn_line(matched, family, turn, names) for turn in family.turns[:TURNS_SHOWN_MAX]]
    left_count = len(family.turns) - TURNS_SHOWN_MAX
    if left_count > 0:
        found.append(f"{counted(left_count, 'more turn')}: see --format json")
    turning = {turn.axis for turn in family.turns}
    still = [
        f"{names[axis]} ({counted(count, 'line')} of points)"
        for axis, count in family.lines.items()
        if axis not in turning
    ]
    return [*found, f"no turn of a verdict is shown along {' or '.join(still)}"] if still else found


def _turn_line(matched: Matched, family: Family, turn: Turn, names: Mapping[str, str]) -> str:
    """Such as: redo turns faster at 11 [9, 14] cpus, slower below (profile ia64)."""
    here = dict(zip(matched.axes, matched.points[turn.point], strict=True))
    others = ", ".join(f"{names[axis]} {value}" for axis, value in here.items() if axis != turn.axis)
    before, after = (
        "the same" if verdict is Verdict.SAME else verdict_name(family.metric, verdict)
        for verdict in (turn.before, turn.after)
    )
    place = f"{_place(turn, here[turn.axis])} {names[turn.axis]}"
    return f"{family.new} turns {after} at {place}, {before} below{f' ({others})' if others else ''}"


def turn_text(matched: Matched, family: Family, turn: Turn) -> str:
    """Such as: redo: slower below 11, faster above."""
    at = _axis_text(turn.place.at, matched.points[turn.point][matched.axes.index(turn.axis)])
    before, after = (verdict_name(family.metric, verdict) for verdict in (turn.before, turn.after))
    return f"{family.new}: {before} below {at}, {after} above"


def _place(turn: Turn, sample: AxisColumn) -> str:
    """The place of a turn with its interval, in the axis's units. sample: a value of the axis."""
    at, low, high = (None if value is None else _axis_text(value, sample) for value in turn.place)
    return f"{at} [{low or 'open'}, {high or 'open'}]"


def _axis_text(value: float, sample: AxisColumn) -> str:
    """Three digits of a place on an axis; a duration with its unit."""
    rounded = float(f"{value:.3g}")
    if isinstance(sample, str):
        return format_duration(round(rounded))
    return f"{rounded:,.0f}" if rounded >= 1000 else f"{rounded:g}"


def how_to_read(families: Sequence[Family], margin: float) -> list[str]:
    """What the figures are, and by which methods."""
    within = " or ".join(dict.fromkeys(same_within(family.metric, margin) for family in families))
    lines = [
        "ratio: geometric mean over pairs of runs that met the same random numbers, with its 95 % interval (Student's "
        "t on log ratios; each point for itself)",
        "verdict: corrected over the points of its table (Holm 1979): with 95 % no difference that it tells is false, "
        f"and no sameness. same: no difference beyond {within}, shown (two one-sided t tests)",
        "cannot tell: neither is shown; so many more replications would show one with 90 %, if ratio and scatter are "
        "as measured",
    ]
    if any(family.turns for family in families):
        lines.append(
            "turn: where the ratio passes 1, or the margin between the same and a difference, with its 95 % interval "
            "(Fieller 1954)"
        )
    if any(resolution(family.metric) for family in families):
        lines.append(
            "percentiles are known to 1/64, the width of a cell: no interval is narrower, no shown difference smaller"
        )
    return lines


def what_is_missing(matched: Matched) -> list[str]:
    """Runs that are not there or have no partner, and what is wrong with those that are."""
    lines = [
        f"{results}: unfinished, {format_count(have)} of {counted(total, 'run')} are there; perfsim sweep goes on"
        for results, have, total in matched.unfinished
    ]
    for results, points_count, designs in matched.alone:
        points = [counted(points_count, "point")] if points_count else []
        lines.append(f"{results}: only there, and left out: {', '.join([*points, *designs])}")
    for new, old in matched.pairs:
        count = unpaired_count(new, old)
        if count:
            lines.append(f"{new.label} against {old.label}: {counted(count, 'run')} without a partner, left out")
    sides = {side.label: side for pair in matched.pairs for side in pair}
    for label, side in sides.items():
        count = violations_count(side)
        if count:
            lines.append(f"{label}: {format_count(count)} violated invariants that the design does not declare")
    return lines
