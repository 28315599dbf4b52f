"""The shipped truths hold: `lock_loop` on the profile `ideal` against exact queueing theory, bounds, the statistics.

Every change runs some of the cases at their full length, all figures of them one family (see `judging`), and a
beginning of each by the reference engine too; one of A5 is in tests/cli/test_validate.py. PERFSIM_SLOW=1 runs all, and
those of theory by the reference alone.
"""

import io

import pytest

from perfsim.truth.answer import Validation
from perfsim.truth.validating import Asked, validate
from tests.tier import SLOW

QUICK = (
    "A3-fixed",
    "A4-fixed-10",
    "A7-20j-24-more",
    "A8-lifo-8",
    "A9-nodes-16-4",
    "A9-pages-4-4",
    "C-bounds",
)


def asked(only: tuple[str, ...], engine: str | None = None) -> Validation:
    return validate(Asked(None, only, engine, 2 if SLOW else 1), io.StringIO())


def faults(found: Validation) -> list[tuple[str, str, str]]:
    """Case, quantity and verdict of whatever does not hold."""
    lines = [line for chapter in found.chapters for line in chapter.lines]
    assert lines
    return [(line.case, line.quantity, line.verdict.value) for line in lines if line.verdict.value != "holds"]


def test_throughput_and_waits_agree_with_theory_on_both_engines() -> None:
    found = asked(("A",) if SLOW else QUICK)
    assert faults(found) == []
    quantities = {line.quantity for line in found.chapters[0].lines}
    assert quantities >= {"X", "U", "W", "P(wait)", "sd(W)", "p50", "p999", "row by simpy", "broken laws"}


@pytest.mark.skipif(not SLOW, reason="ten minutes")
def test_throughput_agrees_with_theory_on_the_reference_engine_alone() -> None:
    assert [fault for fault in faults(asked(("A",), "simpy")) if fault[-1] != "wide"] == []


@pytest.mark.skipif(not SLOW, reason="a minute")
def test_bounds_hold_and_nothing_published_is_missed_that_must_hold() -> None:
    assert [fault for fault in faults(asked(("B", "C"))) if fault[-1] in {"MISSES", "wide"}] == []


def test_the_statistics_are_what_they_must_be() -> None:
    assert faults(asked(("D",) if SLOW else ("D2", "D4"))) == []
