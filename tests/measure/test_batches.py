"""The interval of a single run covers the truth as often as it says, and where it would not, there is none."""

import numpy as np
import pytest
from scipy.stats import binom, t

from perfsim.engine.engines import begin
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import load_design
from perfsim.measure.batches import BATCHES, T_95, correlation, half_width, half_widths
from perfsim.measure.record import SLICES, Integers, Record, Recorder
from perfsim.measure.row import simulate_counted
from perfsim.measure.steady import steadiness
from perfsim.scenario.validate import load_scenario
from perfsim.truth.queueing import exponential_hold
from tests.measure.series import MEAN, noise, queue_counts
from tests.truth.durations import exponential

RUNS = 1000
WINDOWS = 500
WINDOW_PS = 400 * 10**6
FEWEST, MOST = 0.93, 0.97


def offered(slices: Integers, truth: float) -> list[bool]:
    """Of each series that has an interval, whether it covers the truth."""
    halves = [half_width(one) for one in slices]
    pairs = zip(slices, halves, strict=True)
    return [abs(one.mean() - truth) <= half * one.mean() for one, half in pairs if half is not None]


def test_the_quantile_is_that_of_students_t() -> None:
    assert pytest.approx(t.ppf(0.975, BATCHES - 1), abs=1e-6) == T_95


@pytest.mark.parametrize("remembered", [0.0, 0.3, 0.5, 0.6])
def test_intervals_of_a_series_that_remembers_cover_its_mean(remembered: float) -> None:
    covers = offered(noise(remembered, 4 * RUNS, SLICES), MEAN)
    assert len(covers) > 0.98 * 4 * RUNS
    assert FEWEST <= np.mean(covers) <= MOST


def test_a_series_that_remembers_for_long_has_no_interval() -> None:
    assert len(offered(noise(0.9, RUNS, SLICES), MEAN)) < 0.005 * RUNS


def test_intervals_of_a_queues_departures_cover_their_rate() -> None:
    counts, truth = queue_counts(RUNS)
    covers = offered(counts, truth)
    assert len(covers) == RUNS
    assert FEWEST <= np.mean(covers) <= MOST


def test_what_is_too_rare_for_a_batch_has_no_interval() -> None:
    rare = np.zeros(SLICES, np.int64)
    rare[::3] = 5
    assert half_width(rare) is None
    assert half_width(np.zeros(SLICES, np.int64)) is None


def test_a_constant_is_known_exactly() -> None:
    constant = np.full(SLICES, 7)
    assert (correlation(constant), half_width(constant)) == (0.0, 0.0)


def closed_queue() -> list[Record]:
    """Eight CPUs at one lock, in WINDOWS windows of one long run, each after a warm-up of a tenth of it.

    The queue remembers for less than a microsecond, so that each is as good as a run of its own.
    """
    before = SLICES // 10
    scenario = load_scenario("lock_contention", ["memory.pages_per_node=64"])
    recorder = Recorder(begin("compiled", scenario, load_design("lock_page"), Seed(1, 0)), WINDOW_PS)
    recorder.advance(recorder.slice_end_ps(0, number) for number in range(WINDOWS * (before + SLICES) + 1))
    whole = recorder.record()
    firsts = range(0, WINDOWS * (before + SLICES), before + SLICES)
    parts = [slice(first, first + before + SLICES) for first in firsts]
    return [
        Record(whole.ends_ps[: before + SLICES + 1], whole.rates[part], whole.lengths[part], 64, SLICES)
        for part in parts
    ]


def test_intervals_of_a_simulated_closed_queue_cover_what_theory_knows_and_its_windows_are_steady() -> None:
    """Throughput by the machine repairman's formula."""
    records = closed_queue()
    per_ns = exponential_hold(8, exponential(900), exponential(100)).acquisitions_per_ns
    covers = offered(np.array([one.rates[-SLICES:, -1] for one in records]), per_ns * WINDOW_PS / 1000 / SLICES)
    assert len(covers) == WINDOWS
    assert FEWEST <= np.mean(covers) <= MOST
    flagged = sum(steadiness(one).fault is not None for one in records)
    assert flagged <= binom.ppf(0.999, WINDOWS, 0.01)


def test_each_rate_that_a_run_has_is_told_by_its_column() -> None:
    sets = ["measure.warmup=2ms", "measure.duration=10ms"]
    run = simulate_counted(load_scenario("migration", sets), "redo", Seed(1, 0))
    halves = half_widths(run.record)
    assert set(halves) == {"putback_per_s", "faults_per_s", "migrated_per_s"}
    assert all(0.005 < half < 0.3 for half in halves.values())
