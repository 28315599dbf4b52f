"""How much worse each metric may become: what a workload says, and what a command says instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import InputError, quoted
from perfsim.stats.metrics import METRICS, USUAL, check_metric, is_higher_faster
from perfsim.stats.regression import Limit
from perfsim.units import PPM_PER_WHOLE, parse_fraction_ppm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.scenario.schema import CheckRule

OPTION = "--max-regression"

_CHECKABLE = tuple(metric for metric in METRICS if is_higher_faster(metric) is not None)


class Allowed(NamedTuple):
    """What a caller allows. metric: "" for every metric that is checked. share: such as "3%" or 0.03."""

    metric: str
    share: str | float


def parse_allowed(text: str) -> Allowed:
    """`3%` or `METRIC=3%`, as on the command line."""
    metric, is_of_metric, share = text.rpartition("=")
    if is_of_metric and not metric:
        raise InputError(OPTION, f"{quoted(text)} names no metric; expected such as {USUAL[0]}=3%, or 3% for all")
    return Allowed(metric, share)


def limits(rules: Sequence[CheckRule], asked: Sequence[Allowed], place: str) -> tuple[Limit, ...]:
    """One limit a metric: those of the workload, replaced and completed by what is asked for.

    A share for every metric is for those of the workload, or the usual ones if it has none, but not for those that are
    asked for by name. place: of the workload. Raises InputError for what is no metric, or has no better direction, for
    a share that is none, or is asked for twice, and if there is no limit at all.
    """
    shares: dict[str, int] = {}
    for rule in rules:
        _check_metric(rule.metric, f"{place}: check.{rule.metric}")
        shares[rule.metric] = _checked_ppm(rule.metric, rule.max_regression_ppm, f"{place}: check.{rule.metric}")
    named = {one.metric: one.share for one in asked}
    if len(named) < len(asked):
        raise InputError(OPTION, "one metric is given two limits; expected one for each")
    if "" in named:
        of_all = named.pop("")
        shares = {metric: _ppm(metric, of_all) for metric in shares or USUAL}
    for metric, share in named.items():
        _check_metric(metric, OPTION)
        shares[metric] = _ppm(metric, share)
    if not shares:
        problem = f"the workload has no section check; expected {OPTION} {USUAL[0]}=3%, or {OPTION} 3%"
        raise InputError(place, problem)
    return tuple(Limit(*one) for one in shares.items())


def _check_metric(metric: str, place: str) -> None:
    check_metric(metric, place, _CHECKABLE)
    if metric not in _CHECKABLE:
        problem = f"{quoted(metric)} is better neither higher nor lower; expected a throughput or a latency"
        raise InputError(place, f"{problem}, such as {USUAL[0]}")


def _ppm(metric: str, share: str | float) -> int:
    try:
        ppm = parse_fraction_ppm(share)
    except ValueError as error:
        raise InputError(OPTION, str(error)) from error
    return _checked_ppm(metric, ppm, OPTION)


def _checked_ppm(metric: str, ppm: int, place: str) -> int:
    if ppm == PPM_PER_WHOLE and is_higher_faster(metric):
        raise InputError(place, f"100% of {metric} would allow it to be 0; expected less, such as 3%")
    return ppm
