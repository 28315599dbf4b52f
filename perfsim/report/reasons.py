"""Why a ratio is what it is: what the new design spends more or less on, per call of a path or per page, by point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from perfsim.report.spent import reason
from perfsim.stats.spent import PARTS, TOTAL, share_of
from perfsim.stats.spent_pairs import Spent, compared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from perfsim.stats.comparison import Family
    from perfsim.stats.matching import Matched
    from perfsim.stats.ratios import Floats

HOW_WHY = (
    "why: the kinds of time that make up most of what the pairs of a point show to differ (t tests, with 95 % for each "
    "point, Holm over the kinds); new less old, mean over the pairs"
)


def spent_of(matched: Matched, family: Family) -> Spent | None:
    """The time that says most of the family's metric; None if none does, or the results do not tell."""
    share = share_of(family.metric)
    if share is None:
        return None
    sides = next(pair for pair in matched.pairs if (pair[0].label, pair[1].label) == (family.new, family.old))
    return compared(share, sides, matched.first_draws)


def reasons(spent: Spent) -> list[str]:
    """At each point the kinds in which the pairs show a difference, with that in ns; "" where they show none."""
    more_ns = {kind: (spent.new_ns[kind] - spent.old_ns[kind]).tolist() for kind in spent.is_shown}
    shown = zip(*(is_shown.tolist() for is_shown in spent.is_shown.values()), strict=True)
    return [
        reason({kind: more_ns[kind][point] for kind, is_so in zip(more_ns, flags, strict=True) if is_so})
        for point, flags in enumerate(shown)
    ]


def spent_records(matched: Matched, families: Sequence[Family]) -> Iterator[dict[str, Any]]:
    """One of each family and point: mean times by kind, and their total, of the new and of the old side.

    Kinds that are zero everywhere are left out.
    """
    for family in families:
        spent = spent_of(matched, family)
        if spent is None:
            continue
        parts = [part for part in PARTS if (spent.new_ns[part] > 0).any() or (spent.old_ns[part] > 0).any()]
        sides = zip(matched.points, _by_point(parts, spent.new_ns), _by_point(parts, spent.old_ns), strict=True)
        for point, new_ns, old_ns in sides:
            yield {
                "metric": family.metric,
                "new": family.new,
                "old": family.old,
                **dict(zip(matched.axes, point, strict=True)),
                "per": spent.share.per,
                "new_ns": new_ns,
                "old_ns": old_ns,
            }


def _by_point(parts: Sequence[str], means_ns: Mapping[str, Floats]) -> Iterator[dict[str, float] | None]:
    """The means of each point, by part; None where nobody has a share."""
    for values in zip(*(means_ns[part].tolist() for part in (*parts, TOTAL)), strict=True):
        yield None if math.isnan(values[-1]) else dict(zip(parts, values, strict=False))
