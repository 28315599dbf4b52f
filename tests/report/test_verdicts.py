"""What a comparison shows, in words."""

import math

import numpy as np
import pytest

from perfsim.report.verdicts import (
    overall_line,
    same_within,
    summary,
    turn_lines,
    turn_text,
    verdict_name,
    verdict_text,
    what_is_missing,
)
from perfsim.stats.comparison import Family, Turn, Verdict
from perfsim.stats.matching import Matched
from perfsim.stats.ratios import PAIRS_LIMIT
from perfsim.stats.turns import Crossing

MARGIN = math.log(1.01)
SCANNED = "reclaim_scanned_per_s"
P99 = "putback_latency_p99_ns"
OPEN, SAME, HIGHER, LOWER = Verdict.OPEN, Verdict.SAME, Verdict.HIGHER, Verdict.LOWER

MATCHED = Matched("w", ("machine.profile", "machine.cpus", "tasks.a.hold"), (("ia64", 2000, "5us"),), (), (), (), None)


def family(
    *verdicts: Verdict, needed: tuple[int, ...] = (), turns: tuple[Turn, ...] = (), metric: str = SCANNED
) -> Family:
    """A family of which only the verdicts, what they need, and the turns count."""
    ones = np.ones(len(verdicts))
    return Family(
        metric=metric,
        new="redo",
        old="lock_page",
        new_mean=ones,
        old_mean=ones,
        ratio=ones,
        low=ones,
        high=ones,
        pairs=np.full(len(verdicts), 5),
        p_different=ones,
        p_same=ones,
        verdicts=verdicts,
        needed=np.array(needed or [0] * len(verdicts)),
        turns=turns,
        lines={"machine.cpus": 1, "tasks.a.hold": 2},
        overall=None,
    )


@pytest.mark.parametrize(
    "metric, higher, lower",
    [(SCANNED, "faster", "slower"), (P99, "slower", "faster"), ("lru_lock_utilization", "higher", "lower")],
)
def test_what_is_faster_depends_on_the_metric(metric: str, higher: str, lower: str) -> None:
    assert (verdict_name(metric, HIGHER), verdict_name(metric, LOWER)) == (higher, lower)


def test_the_same_is_within_the_margin_and_of_percentiles_within_the_cell_besides() -> None:
    assert (same_within(SCANNED, MARGIN), same_within(P99, MARGIN)) == ("1 %", "2.6 %")


def test_every_verdict_has_words_of_its_own() -> None:
    assert len({verdict_name(P99, verdict) for verdict in Verdict}) == len(Verdict)
    assert verdict_name(P99, Verdict.FEW_VALUES) == "no ratio: under 100 values"


def test_what_cannot_be_told_says_how_many_more_would_do_or_that_none_would() -> None:
    found = family(OPEN, OPEN, needed=(1239, PAIRS_LIMIT))
    assert verdict_text(found, 0) == "cannot tell: 1,234 more would do"
    assert verdict_text(found, 1) == "cannot tell: 10,000 would not do"


@pytest.mark.parametrize(
    "needed, told",
    [
        ((20, 7, 300), "; about 20 replications in all would tell half of what cannot be told, 300 all of it"),
        ((20, 7, PAIRS_LIMIT), "; about 20 replications in all would tell half of what cannot be told"),
        ((7, PAIRS_LIMIT, PAIRS_LIMIT), ""),
        ((7, 7, 7), "; about 7 replications in all would tell half of what cannot be told"),
    ],
)
def test_a_summary_counts_verdicts_and_says_what_half_of_the_open_ones_would_take(
    needed: tuple[int, ...], told: str
) -> None:
    text = summary(family(OPEN, SAME, OPEN, HIGHER, OPEN, needed=(*needed[:1], 0, *needed[1:2], 0, needed[2])), MARGIN)
    counted = "redo against lock_page: faster at 1, same (within 1 %) at 1, cannot tell at 3 of 5 points"
    assert text == counted + told


def test_a_turn_is_told_with_its_place_interval_and_where_it_is() -> None:
    turns = (
        Turn("machine.cpus", 0, LOWER, HIGHER, Crossing(11.04, 9.06, 14.4)),
        Turn("machine.cpus", 0, HIGHER, SAME, Crossing(1234.5, None, None)),
        Turn("tasks.a.hold", 0, SAME, LOWER, Crossing(12_345_678.9, 9_000_000.0, None)),
    )
    assert turn_lines(MATCHED, family(turns=turns)) == [
        "redo turns faster at 11 [9.06, 14.4] cpus, slower below (profile ia64, hold 5us)",
        "redo turns the same at 1,230 [open, open] cpus, faster below (profile ia64, hold 5us)",
        "redo turns slower at 12.3us [9us, open] hold, the same below (profile ia64, cpus 2000)",
    ]
    assert [turn_text(MATCHED, family(), turn) for turn in turns] == [
        "redo: slower below 11, faster above",
        "redo: faster below 1,230, same above",
        "redo: same below 12.3us, slower above",
    ]


def test_of_many_turns_the_first_are_told_and_axes_without_one_are_named() -> None:
    turn = Turn("machine.cpus", 0, LOWER, HIGHER, Crossing(11, 9, 14))
    *_, last, still = turn_lines(MATCHED, family(turns=(turn,) * 12))
    assert last == "2 more turns: see --format json"
    assert still == "no turn of a verdict is shown along hold (2 lines of points)"
    (none,) = turn_lines(MATCHED, family())
    assert none == "no turn of a verdict is shown along cpus (1 line of points) or hold (2 lines of points)"


def test_what_only_one_of_two_results_has_is_named() -> None:
    alone = MATCHED._replace(unfinished=(("out", 53, 60),), alone=(("a", 1, ()), ("b", 0, ("redo",)), ("c", 2, ("x",))))
    assert what_is_missing(alone) == [
        "out: unfinished, 53 of 60 runs are there; perfsim sweep goes on",
        "a: only there, and left out: 1 point",
        "b: only there, and left out: redo",
        "c: only there, and left out: 2 points, x",
    ]


def test_without_anything_in_common_nothing_is_said_of_all_points() -> None:
    assert overall_line(family(SAME, SAME)) == []
