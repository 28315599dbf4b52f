"""How long the slowest take: of many histograms at once, the value that a given share of the values exceed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.stats.ratios import Floats, Ints


class Cells(NamedTuple):
    """The cells of several histograms, in rising order of owner and then of upper.

    owner: whose cell it is, from 0. upper: its largest value. counts: how many values are in it.
    """

    owner: Ints
    upper: Floats
    counts: Ints


def tail_values(cells: Cells, owners_count: int, tails: Sequence[float]) -> Floats:
    """The smallest cell that no more than a share of the owner's values lie above. [owner, tail].

    tails: shares, in falling order. NaN of an owner without values, and where the share is less than one value.
    """
    values = np.full((owners_count, len(tails)), np.nan)
    bounds = np.searchsorted(cells.owner, np.arange(owners_count + 1))
    wanted = np.asarray(tails)
    for owner, (first, after) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        if first == after:
            continue
        counts = cells.counts[first:after]
        total = int(counts.sum())
        above = total - np.cumsum(counts)
        allowed = np.floor(wanted * total * (1 + 1e-12))
        found = np.searchsorted(-above, -allowed)
        values[owner] = np.where(wanted * total >= 1 - 1e-9, cells.upper[first:after][found], np.nan)
    return values
