"""Mean time by kind, and the metrics that it tells the why of."""

from typing import Any

import pytest

from perfsim.measure.columns import COLUMNS, SPENT_BY, SPENT_ON
from perfsim.stats.spent import PAGE_FREED, PARTS, PUTBACK, Share, means_ns, share_of


@pytest.mark.parametrize(
    "metric, share",
    [
        ("putback_latency_p99_ns", PUTBACK),
        ("putback_latency_mean_ns", PUTBACK),
        ("reclaim_scanned_per_s", PAGE_FREED),
        ("reclaim_freed_per_s", PAGE_FREED),
        ("reclaim_batch_latency_mean_ns", Share("reclaim batch", "reclaim_batch", "reclaim_batch_latency_count")),
        ("mlock_call_latency_p50_ns", Share("mlock call", "mlock_call", "mlock_call_latency_count")),
        ("lru_lock_wait_latency_mean_ns", None),
        ("putback_per_s", None),
        ("redo_retries", None),
    ],
)
def test_a_metric_is_told_by_the_time_that_makes_it(metric: str, share: Share | None) -> None:
    assert share_of(metric) == share


def test_the_columns_of_every_share_are_those_of_a_row() -> None:
    shares = [PAGE_FREED, *(share_of(f"{path}_latency_mean_ns") for path in SPENT_BY)]
    assert {column for share in shares if share for column in share.columns()} <= {column.name for column in COLUMNS}


def sums(share: Share, count: float, work_ps: float, atomic_ps: float) -> dict[str, Any]:
    """The columns of a share, the other kinds zero."""
    zero = {f"{share.path}_spent_{kind}_ps": 0 for kind in SPENT_ON}
    own = {f"{share.path}_spent_work_ps": work_ps, f"{share.path}_spent_atomic_ps": atomic_ps}
    return zero | own | {f"{share.path}_spent_total_ps": work_ps + atomic_ps, share.among: count}


def test_a_page_freed_has_its_share_of_all_batches() -> None:
    means = means_ns(PAGE_FREED, sums(PAGE_FREED, 8, 24_000, 8_000))
    assert means == dict.fromkeys(PARTS, 0) | {"work": 3, "atomic": 1, "total": 4}
