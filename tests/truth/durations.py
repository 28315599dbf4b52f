"""Durations in ns, as the tables of queueing theory give them."""

from perfsim.numeric.random import EXPONENTIAL, FIXED, UNIFORM
from perfsim.scenario.schema import Duration
from perfsim.units import PS_PER_NS


def fixed(time_ns: int) -> Duration:
    """Always the same."""
    return Duration(FIXED, time_ns * PS_PER_NS, 0)


def exponential(mean_ns: int) -> Duration:
    """Exponential with this mean."""
    return Duration(EXPONENTIAL, mean_ns * PS_PER_NS, 0)


def uniform(low_ns: int, high_ns: int) -> Duration:
    """Anything between the two, equally likely."""
    return Duration(UNIFORM, low_ns * PS_PER_NS, high_ns * PS_PER_NS)
