"""Where the time of a path goes, by kind, per call of it or per page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from perfsim.measure.columns import SPENT_BY, SPENT_ON
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfsim.stats.ratios import Floats

_Figure = TypeVar("_Figure", float, "Floats")

TOTAL = "total"
PARTS = (*SPENT_ON, TOTAL)
"""The kinds of time, and their sum."""


class Share(NamedTuple):
    """A time that is shared out. per: what gets an equal share, in words. path: whose time, as in the names of its
    columns. among: the column that says among how many.
    """

    per: str
    path: str
    among: str

    def columns(self) -> tuple[str, ...]:
        """The columns of a row that it takes: the count, and the time by kind."""
        return (self.among, *(f"{self.path}_spent_{part}_ps" for part in PARTS))


PUTBACK = Share("putback", "putback", "putback_latency_count")
PAGE_FREED = Share("page freed", "reclaim_batch", "pgsteal")
"""A page that reclaim frees bears an equal share of all batches, with what they did for pages that were kept."""


def share_of(metric: str) -> Share | None:
    """Whose time says why a metric is what it is: of a latency its path's, of reclaim's throughput a freed page's."""
    if metric.startswith("reclaim_") and metric.endswith("_per_s"):
        return PAGE_FREED
    path = metric.partition("_latency_")[0]
    return Share(path.replace("_", " "), path, f"{path}_latency_count") if path in SPENT_BY else None


def means_ns(share: Share, sums: Mapping[str, _Figure]) -> dict[str, _Figure]:
    """Mean time of each of PARTS. sums: the columns of a run, or of many; the count is above 0."""
    return {part: sums[f"{share.path}_spent_{part}_ps"] / sums[share.among] / PS_PER_NS for part in PARTS}
