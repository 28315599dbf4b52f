"""How much worse is allowed: the workload's word, the command's instead, and nonsense refused in one line."""

import math

import pytest

from perfsim.errors import InputError
from perfsim.report.limits import Allowed, limits, parse_allowed
from perfsim.scenario.schema import CheckRule
from perfsim.stats.regression import Limit

SCANNED, P99 = "reclaim_scanned_per_s", "putback_latency_p99_ns"
RULES = (CheckRule(SCANNED, 30_000), CheckRule(P99, 50_000))


def found(*texts: str, rules: tuple[CheckRule, ...] = RULES) -> list[tuple[str, int]]:
    return [
        (limit.metric, limit.max_regression_ppm)
        for limit in limits(rules, [parse_allowed(text) for text in texts], "out")
    ]


def test_a_command_replaces_and_completes_what_the_workload_allows() -> None:
    assert found() == [(SCANNED, 30_000), (P99, 50_000)]
    assert found(f"{P99}=10%", "putback_per_s=0%") == [(SCANNED, 30_000), (P99, 100_000), ("putback_per_s", 0)]
    assert found("1%", f"{P99}=2%") == [(SCANNED, 10_000), (P99, 20_000)]
    assert found(f"{P99}=2%", "1%", rules=()) == [(SCANNED, 10_000), (P99, 20_000)]
    assert limits((), [Allowed(SCANNED, 0.03)], "out") == (Limit(SCANNED, 30_000),)


@pytest.mark.parametrize("share", ["nan%", "nan", "", "-3%", "101%", "3", "three", "3%%", "inf%", "1e9%"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    for text in (share, f"{P99}={share}"):
        with pytest.raises(InputError, match=r"^--max-regression: .*expected"):
            found(text)


def test_a_share_that_is_no_number_is_refused_from_python_too() -> None:
    for share in (math.nan, math.inf, -0.1, 3.0, True):
        with pytest.raises(InputError, match=r"^--max-regression: .*expected"):
            limits(RULES, [Allowed("", share)], "out")


def test_a_metric_that_is_none_or_has_no_better_direction_is_refused() -> None:
    told = r'"reclaim_scaned_per_s" is no figure of the results; .* \(did you mean "reclaim_scanned_per_s"\?\)$'
    with pytest.raises(InputError, match="^--max-regression: " + told):
        found("reclaim_scaned_per_s=3%")
    with pytest.raises(InputError, match="^out: check.reclaim_scaned_per_s: " + told):
        found(rules=(CheckRule("reclaim_scaned_per_s", 1),))
    with pytest.raises(InputError, match='"events" is better neither higher nor lower; expected'):
        found("events=3%")
    with pytest.raises(InputError, match='"=3%" names no metric; expected'):
        found("=3%")


def test_a_throughput_may_not_be_allowed_to_vanish_but_a_latency_to_double() -> None:
    assert found(f"{P99}=100%")[1] == (P99, 1_000_000)
    with pytest.raises(InputError, match=r"^--max-regression: 100% of reclaim_scanned_per_s would allow it to be 0"):
        found(f"{SCANNED}=100%")
    with pytest.raises(InputError, match=r"^out: check\.reclaim_scanned_per_s: 100%"):
        found(rules=(CheckRule(SCANNED, 1_000_000),))


def test_without_any_limit_or_with_two_of_a_metric_there_is_nothing_to_check_by() -> None:
    with pytest.raises(InputError, match=r"^out: the workload has no section check; expected --max-regression"):
        found(rules=())
    for texts in (("1%", "2%"), (f"{P99}=1%", f"{P99}=2%")):
        with pytest.raises(InputError, match="one metric is given two limits"):
            found(*texts)
