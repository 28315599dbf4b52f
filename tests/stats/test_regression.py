"""Results against a baseline: three answers, none of them without evidence, seldom a false one, and slowdowns found."""

import functools
import math

import numpy as np
import pytest

from perfsim.stats.comparison import Verdict
from perfsim.stats.matching import Matched, Side
from perfsim.stats.ratios import PAIRS_LIMIT, Floats
from perfsim.stats.regression import TOGETHER, Answer, Judged, Limit, judged
from tests.stats.closed_queue import simulated

SCANNED = "reclaim_scanned_per_s"
P99 = "putback_latency_p99_ns"
MEAN = "putback_latency_mean_ns"
COUNT = "putback_latency_count"
PERCENT = 10_000

AROUND = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


def matched(new: Floats, old: Floats, metric: str) -> Matched:
    """Figures of one design: [point, draw]."""
    sides = []
    for label, values in (("now", new), ("baseline", old)):
        figures = {metric: values, COUNT: np.full(values.shape, 1e6)}
        sides.append(Side(label, np.ones(values.shape, dtype=bool), figures))
    points = tuple((cpus,) for cpus in range(len(new)))
    return Matched("made", ("machine.cpus",), points, ((sides[0], sides[1]),), (), (), None)


def checked(new: object, metric: str = SCANNED, percent: float = 3, old: object = None) -> tuple[Judged, ...]:
    """The answers of each point and of all together; the old figures are all 100 if not given."""
    figures = np.array(new, dtype=np.float64)
    others = np.full(figures.shape, 100.0) if old is None else np.array(old, dtype=np.float64)
    return judged(matched(figures, others, metric), ["redo"], [Limit(metric, round(percent * PERCENT))])


def answers(*arguments: object, **options: object) -> list[str]:
    """Of the points alone, by their first letters."""
    return [one.answer.value[0] for one in checked(*arguments, **options) if one.point != TOGETHER]  # type: ignore[arg-type]


def test_worse_is_lower_for_a_throughput_and_higher_for_a_latency() -> None:
    figures = [90 + AROUND, 110 + AROUND, 100 + AROUND]
    assert answers(figures) == ["r", "f", "f"]
    assert answers(figures, MEAN) == ["f", "r", "f"]
    throughput, latency = checked(figures)[0], checked(figures, MEAN)[1]
    assert (throughput.limit, latency.limit) == pytest.approx((0.97, 1.03))
    assert throughput.low < throughput.ratio < throughput.high < throughput.limit
    assert latency.limit < latency.low < latency.ratio < latency.high


def test_fine_takes_the_whole_interval_within_the_limit_and_regressed_takes_worse_at_all_shown() -> None:
    noisy, small, between = 100 + 10 * AROUND, 98 + 0.1 * AROUND, 97.5 + 0.8 * AROUND
    found = checked([noisy, small, between])
    assert [one.answer for one in found[:3]] == [Answer.CANNOT_TELL, Answer.FINE, Answer.REGRESSED]
    assert found[1].p <= 0.05, "worse is shown, and that it is allowed"
    assert found[2].low < 0.97 < found[2].ratio, "the slowdown that is allowed is not shown to be kept"


def test_equal_runs_are_fine_even_where_nothing_is_allowed() -> None:
    assert answers([[100] * 2, [5] * 2], percent=0, old=[[100] * 2, [5] * 2]) == ["f", "f"]
    assert answers([[100.0] * 2, [99.999] * 2], percent=0) == ["f", "r"]


def test_a_constant_ratio_is_judged_by_the_limit_to_the_last_digit() -> None:
    assert answers([[97.0] * 5, [96.99] * 5, [97.01] * 5]) == ["f", "r", "f"]


@pytest.mark.parametrize(
    "new, old, throughput, latency",
    [
        ([0, 0], [0, 0], "f", "f"),
        ([0, 5], [0, 5], "f", "f"),
        ([math.nan, 5], [math.nan, 5], "f", "f"),
        ([0, 0], [5, 6], "r", "f"),
        ([5, 6], [0, 0], "f", "r"),
        ([0, 5], [5, 5], "c", "c"),
        ([0, 5], [0, 6], "c", "c"),
        ([math.nan, 5], [5, 5], "c", "c"),
        ([math.nan, math.nan], [5, 5], "c", "c"),
    ],
)
def test_without_a_ratio_equal_is_fine_and_a_figure_that_has_come_or_gone_is_seen(
    new: list[float], old: list[float], throughput: str, latency: str
) -> None:
    assert answers([new], old=[old]) == [throughput]
    assert answers([new], MEAN, old=[old]) == [latency]
    (found,) = checked([new], old=[old])
    assert found.hindered is not None
    assert math.isnan(found.ratio)
    assert found.needed == 0


def test_one_pair_tells_a_ratio_and_nothing_else() -> None:
    found = checked([[50.0], [100.0]])
    assert [one.answer for one in found] == [Answer.CANNOT_TELL] * 3
    assert {one.hindered for one in found} == {Verdict.ONE_PAIR}
    assert found[0].ratio == pytest.approx(0.5)
    assert math.isnan(found[0].low)
    assert math.isnan(found[0].p)


def test_percentiles_are_not_judged_more_finely_than_a_cell() -> None:
    assert answers([[100.0] * 5, [101.5] * 5, [104.0] * 5], P99, percent=5) == ["f", "f", "r"]
    (unseen,) = checked([[100.0] * 5], P99, percent=1)
    assert (unseen.answer, unseen.needed) == (Answer.CANNOT_TELL, PAIRS_LIMIT)


def test_a_point_that_would_be_told_alone_may_not_be_among_many() -> None:
    told, noisy = 97 + 2 * AROUND, [100 + 20 * AROUND] * 30
    assert answers([told]) == ["r"]
    assert answers([told, *noisy])[0] == "c"


def test_a_slowdown_of_all_that_no_point_shows_is_seen_in_all_together() -> None:
    draw = np.random.default_rng(3)
    found = checked(97 * np.exp(0.06 * draw.normal(size=(40, 5))))
    *points, together = found
    assert together.point == TOGETHER
    assert (together.answer, together.pairs) == (Answer.REGRESSED, 5)
    assert Answer.REGRESSED not in {one.answer for one in points}


def test_all_together_are_the_points_with_as_many_pairs_as_any() -> None:
    pairs = matched(np.array([[90.0, 91], [100.0, 99], [50.0, 0]]), np.full((3, 2), 100.0), SCANNED)
    *_, together = judged(pairs, ["redo"], [Limit(SCANNED, 3 * PERCENT)])
    assert together.ratio == pytest.approx((0.9 * 0.91 * 1 * 0.99) ** 0.25)
    assert [one.point for one in checked([[0.0, 0.0], [0.0, 0.0]])] == [0, 1], "no ratio, nothing together"


def test_of_a_sweep_of_a_precision_the_first_pairs_alone_say_how_much_there_is_scatter() -> None:
    figures = np.array([[100.0, 101, 99, 150, 151]])
    few = judged(
        matched(figures, np.full((1, 5), 100.0), SCANNED)._replace(first_draws=3), ["redo"], [Limit(SCANNED, 30_000)]
    )
    assert few[0].high / few[0].low < 1.04
    assert few[0].pairs == 5


def test_the_pairs_that_would_do_are_more_than_there_are_and_do() -> None:
    """The same ratio and scatter with so many pairs is told."""
    for level in (100.0, 94.0):
        (few,) = checked([level + 8 * AROUND])
        assert few.answer is Answer.CANNOT_TELL
        assert 5 < few.needed < PAIRS_LIMIT
        (more,) = checked([np.tile(level + 8 * AROUND, 1 + few.needed // 5)])
        assert more.answer is (Answer.FINE if level == 100 else Answer.REGRESSED)


POINTS, REPLICATIONS = 3, 5
CHECKS = 600


@functools.cache
def queues(seed: int) -> tuple[Floats, Floats]:
    """Throughput and 99th percentile of the wait of so many sweeps of a queue, each [check, point, replication]."""
    shape = (CHECKS, POINTS, REPLICATIONS)
    runs = simulated(100, math.prod(shape), 150, seed)
    return runs.per_us.reshape(shape), runs.p99_ns.reshape(shape)


def is_alarm(metric: str, new: Floats, old: Floats, percent: float) -> bool:
    return Answer.REGRESSED in {one.answer for one in checked(new, metric, percent, old)}


@pytest.mark.parametrize("percent", [0, 3])
def test_checks_of_two_that_are_alike_seldom_give_an_alarm(percent: float) -> None:
    """Sweeps of 3 points against others of the same queue and other random numbers; 5 % of checks may alarm, which is
    at most 48 of 600 with 99.9 %.
    """
    (new, new_p99), (old, old_p99) = queues(1), queues(2)
    alarms = sum(is_alarm(SCANNED, *pair, percent) for pair in zip(new, old, strict=True))
    tails = sum(is_alarm(P99, *pair, percent) for pair in zip(new_p99, old_p99, strict=True))
    assert alarms <= 48
    assert tails <= 48
    assert alarms > 5, "the rate is made use of"


def test_checks_of_equal_runs_never_give_an_alarm() -> None:
    per_us, p99_ns = queues(1)
    for metric, figures in ((SCANNED, per_us), (P99, p99_ns)):
        assert not any(is_alarm(metric, one, one, 0) for one in figures)


@pytest.mark.parametrize("slowdown, least, most", [(0.0, 0.0, 0.05), (0.03, 0.95, 0.999), (0.06, 0.99, 1.0)])
def test_a_slowdown_of_what_is_just_allowed_is_found_in_95_of_100_checks(
    slowdown: float, least: float, most: float
) -> None:
    """42 points with 5 replications, whose runs scatter by 2 %: the median of mlock_heavy. Two that are alike are told
    apart in at most 5 %.
    """
    draw = np.random.default_rng(5)
    shape = (2, 42, 5)
    found = 0
    for _ in range(200):
        new, old = 100 * np.exp(0.02 * draw.normal(size=shape))
        found += is_alarm(SCANNED, new * (1 - slowdown), old, 3)
    assert least <= found / 200 <= most


def test_intervals_of_points_and_of_all_together_cover_the_truth_as_often_as_they_say() -> None:
    """1,000 checks of 3 points of log-normal runs, 2 % slower in truth."""
    draw = np.random.default_rng(11)
    covered: list[list[bool]] = []
    for _ in range(1000):
        new, old = 100 * np.exp(0.03 * draw.normal(size=(2, 3, 5)))
        covered.append([one.low <= 0.98 <= one.high for one in checked(0.98 * new, old=old)])
    of_points, together = np.array(covered)[:, :3].mean(), np.array(covered)[:, 3].mean()
    assert 0.93 <= of_points <= 0.97
    assert 0.93 <= together <= 0.97
