"""What there are pictures of: figures of a run with their names for people and their units."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.measure.columns import COLUMNS, SPENT_BY
from perfsim.stats.spent import PAGE_FREED, PUTBACK, Share, share_of

RATE, TIME, SHARE, NUMBER = "rate", "time", "share", "number"
"""Units, by which figures are written: a second's events, ns, a part of 1, and anything else."""

RATES = {
    "reclaim_scanned_per_s": "reclaim scanned, pages/s",
    "reclaim_freed_per_s": "reclaim freed, pages/s",
    "putback_per_s": "putbacks/s",
    "mlock_pages_per_s": "mlock(), pages/s",
    "munlock_pages_per_s": "munlock(), pages/s",
    "faults_per_s": "page faults/s",
    "migrated_per_s": "migrated, pages/s",
}

LATENCIES = {
    "putback": "putback",
    "lru_lock_wait": "lru_lock wait",
    "page_lock_wait": "page lock wait",
    "reclaim_batch": "reclaim batch",
    "mlock_call": "mlock() call",
    "munlock_call": "munlock() call",
    "fault": "page fault",
}

_STATISTICS = {"p99": "p99", "p50": "median", "mean": "mean"}

FIGURES = (
    *RATES,
    *(f"{name}_latency_{statistic}_ns" for name in LATENCIES for statistic in _STATISTICS),
)
"""What designs are shown by, besides what is asked for."""

LOCKS = {
    "lru_lock": "lru_lock",
    "page_lock": "page lock",
    "memcg_lock": "memcg lock",
    "wait_bucket": "wait queue lock",
}

SHARES: tuple[Share, ...] = (
    PUTBACK,
    PAGE_FREED,
    *(
        share
        for path in SPENT_BY
        if path not in (PUTBACK.path, PAGE_FREED.path) and (share := share_of(f"{path}_latency_mean_ns")) is not None
    ),
)
"""Whose time is shown by kind."""

_UNITS = {"1/s": RATE, "ns": TIME}


class Subject(NamedTuple):
    """One figure to choose. key: its column, or what stands for it. text: for people. unit: one of those above."""

    key: str
    text: str
    unit: str


def subject(metric: str) -> Subject:
    """A column of results as people read it."""
    unit = next((_UNITS.get(column.unit, NUMBER) for column in COLUMNS if column.name == metric), NUMBER)
    if metric.endswith(("_fraction", "_utilization")):
        unit = SHARE
    if metric in RATES:
        return Subject(metric, RATES[metric], unit)
    path, _, statistic = metric.removesuffix("_ns").partition("_latency_")
    if path in LATENCIES and statistic in _STATISTICS:
        return Subject(metric, f"{LATENCIES[path]}, {_STATISTICS[statistic]}", unit)
    return Subject(metric, metric, unit)
