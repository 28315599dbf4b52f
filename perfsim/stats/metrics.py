"""What kind of figure a column of results is: which way is faster, how finely it is known, how many values it takes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.measure.columns import COLUMNS, FLOAT64, INT64

USUAL = ("reclaim_scanned_per_s", "putback_latency_p99_ns")
"""What designs are compared by if nobody asks for more: a throughput and a latency."""

CELL_PPM = 15_625
CELL = math.log(1 + 1 / 64)
"""The width of a histogram's cell, to which percentiles are known, as a log ratio."""

_IDENTITY = {"point", "cpus", "nodes", "replication", "seed"}

METRICS = tuple(column.name for column in COLUMNS if column.type in (INT64, FLOAT64) and column.name not in _IDENTITY)
"""Every column that can be compared: the figures of a run."""

VARYING = "wall_s"
_GIVEN = {"simulated_ns", "warmup_ns"}

COMPARABLE = tuple(name for name in METRICS if name != VARYING and name not in _GIVEN)
"""Columns whose ratio says something of designs: figures that a run gives, the same whenever it is repeated."""

_PERCENTILE = re.compile(r"(\w+_latency)_p(\d+)_ns")


def check_metric(name: str, place: str = "--metric", wanted: Sequence[str] = METRICS) -> None:
    """Refuse, with InputError at a place, what is no figure of a run. wanted: those that would do."""
    if name not in METRICS:
        hint = did_you_mean(name, wanted)
        raise InputError(place, f"{quoted(name)} is no figure of the results; expected one such as {USUAL[0]}{hint}")


def is_higher_faster(metric: str) -> bool | None:
    """Whether more of it is faster; None for what is neither throughput nor latency."""
    if metric.endswith("_per_s"):
        return True
    return False if "_latency_" in metric and metric.endswith("_ns") else None


def resolution(metric: str) -> float:
    """The largest log ratio that the way of measuring can make up where there is none.

    Percentiles are the upper ends of a histogram's cells: two that are equal may be reported a cell apart.
    """
    return CELL if _PERCENTILE.fullmatch(metric) else 0.0


def values_needed(metric: str) -> tuple[str, int]:
    """The column that counts a percentile's values, and how many it takes to be more than their maximum; "" if none."""
    found = _PERCENTILE.fullmatch(metric)
    if found is None:
        return "", 0
    return f"{found[1]}_count", round(1 / (1 - float(f"0.{found[2]}")))
