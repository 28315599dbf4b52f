"""Where the time goes on two sides, point by point, and on what the pairs of runs show that one spends more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perfsim.measure.columns import SPENT_ON
from perfsim.stats.comparison import LEVEL
from perfsim.stats.ratios import holm, p_different, summed_up
from perfsim.stats.spent import PARTS, means_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perfsim.stats.matching import Side
    from perfsim.stats.ratios import Floats
    from perfsim.stats.spent import Share


class Spent(NamedTuple):
    """Where the time goes on two sides. share: whose. Mean times by part, over the pairs of runs of each point, NaN
    where nobody has a share: new_ns, old_ns. is_shown: by kind, where the pairs show that they differ in it.
    """

    share: Share
    new_ns: dict[str, Floats]
    old_ns: dict[str, Floats]
    is_shown: dict[str, NDArray[np.bool_]]


def compared(share: Share, sides: tuple[Side, Side], first_draws: int | None) -> Spent | None:
    """Where the time goes on the new and the old side. None if the results are of a perfsim that did not tell.

    What is shown of a point is true with 95 %, by t tests of the differences of its pairs, corrected over the kinds by
    Holm's method. first_draws: as `Matched` has it.
    """
    if any(column not in side.values for side in sides for column in share.columns()):
        return None
    known = (
        sides[0].has_run & sides[1].has_run & (sides[0].values[share.among] > 0) & (sides[1].values[share.among] > 0)
    )
    new, old = (
        means_ns(share, {name: np.where(known, side.values[name], np.nan) for name in share.columns()})
        for side in sides
    )
    of = summed_up(np.stack([new[kind] - old[kind] for kind in SPENT_ON], axis=1), first_draws)
    adjusted = holm(p_different(of))
    return Spent(
        share,
        {part: summed_up(new[part]).mean for part in PARTS},
        {part: summed_up(old[part]).mean for part in PARTS},
        {kind: adjusted[:, number] <= LEVEL for number, kind in enumerate(SPENT_ON)},
    )
