"""What is left of a sweep is forecast, and its order found, from the lengths that the runs of a real one had."""

import heapq
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from perfsim.scenario.validate import load_scenario
from perfsim.sweep.backlog import Backlog
from perfsim.sweep.forecast import Forecast
from perfsim.sweep.plan import Run, plan

START_S = 1.0
TICK_S = 0.5
NOISE = 0.05
"""What differs between runs of one point and design, as a standard deviation of the logarithm."""

SECONDS = Path(__file__).with_name("mlock_heavy_seconds.txt")


class Replayed(NamedTuple):
    """A sweep as it would have gone. busy_s: of all workers. told: at which instant it was said how much is left."""

    whole_s: float
    busy_s: float
    told: list[tuple[float, float | None]]

    def wrong(self, from_s: float) -> list[tuple[float, float | None]]:
        """What was told from this instant on that was off by more than a fifth, and by more than a second."""
        return [
            (at_s, left_s)
            for at_s, left_s in self.told
            if at_s >= from_s
            and (left_s is None or abs(left_s - (self.whole_s - at_s)) > max((self.whole_s - at_s) / 5, 1.0))
        ]


@pytest.fixture(scope="module")
def mlock_heavy() -> tuple[Run, ...]:
    return plan(load_scenario("mlock_heavy", ()), 1)


@pytest.fixture(scope="module")
def seconds() -> dict[tuple[str, ...], float]:
    """How long a run takes, by its labels."""
    lines = SECONDS.read_text(encoding="utf-8").splitlines()[2:]
    return {tuple(words[:-1]): float(words[-1]) for words in map(str.split, lines)}


def replayed(
    runs: tuple[Run, ...],
    seconds: dict[tuple[str, ...], float],
    workers: int,
    slowness: Callable[[float], float] = lambda _: 1.0,
) -> Replayed:
    """Let so many workers do the runs by a clock of their own. slowness: of the machine at an instant."""
    chance, now_s, busy_s = random.Random(1), 0.0, 0.0
    backlog = Backlog(runs, Forecast(lambda: now_s))
    backlog.try_some_first()
    running: list[tuple[float, int, Run, float]] = []
    told: list[tuple[float, float | None]] = []

    def begin(at_s: float, worker: int) -> float:
        run = backlog.take()
        labels = ("profile", "machine.cpus", "memory.mlocked_fraction", "design")
        run_s = seconds[tuple(str(run.labels[name]) for name in labels)]
        run_s *= chance.lognormvariate(0, NOISE) * slowness(at_s)
        heapq.heappush(running, (at_s + run_s, worker, run, run_s))
        return run_s

    for worker in range(workers):
        busy_s += begin(START_S, worker)
    while running:
        end_s, worker, run, run_s = heapq.heappop(running)
        while (len(told) + 1) * TICK_S < end_s:
            now_s = (len(told) + 1) * TICK_S
            told.append((now_s, backlog.forecast.left_s()))
        now_s = end_s
        backlog.forecast.end(run, {"wall_s": run_s})
        if backlog:
            busy_s += begin(now_s, worker)
    return Replayed(now_s, busy_s, told)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_what_is_left_is_known_within_a_fifth_from_the_first_third_on(
    mlock_heavy: tuple[Run, ...], seconds: dict[tuple[str, ...], float], workers: int
) -> None:
    swept = replayed(mlock_heavy, seconds, workers)
    assert len(swept.told) > 20
    assert swept.wrong(swept.whole_s / 3) == []


def test_with_few_replications_runs_that_are_alike_tell_of_each_other(
    mlock_heavy: tuple[Run, ...], seconds: dict[tuple[str, ...], float]
) -> None:
    once = tuple(run for run in mlock_heavy if run.task.seed.replication == 0)
    swept = replayed(once, seconds, 1)
    assert len(swept.told) > 20
    assert swept.wrong(swept.whole_s / 3) == []


def test_a_machine_that_gets_half_as_fast_is_noticed(
    mlock_heavy: tuple[Run, ...], seconds: dict[tuple[str, ...], float]
) -> None:
    peace_s = replayed(mlock_heavy, seconds, 2).whole_s
    swept = replayed(mlock_heavy, seconds, 2, lambda at_s: 2.0 if at_s > peace_s / 2 else 1.0)
    assert swept.whole_s > 1.4 * peace_s
    assert swept.wrong(peace_s / 2) != []
    assert swept.wrong(0.85 * peace_s) == []


@pytest.mark.parametrize("workers", [2, 8])
def test_no_worker_is_left_with_a_long_run_at_the_end(
    mlock_heavy: tuple[Run, ...], seconds: dict[tuple[str, ...], float], workers: int
) -> None:
    swept = replayed(mlock_heavy, seconds, workers)
    idle_s = (swept.whole_s - START_S) * workers - swept.busy_s
    assert 0 <= idle_s < 0.02 * swept.busy_s


def test_nothing_is_told_before_the_first_run_has_ended(mlock_heavy: tuple[Run, ...]) -> None:
    backlog = Backlog(mlock_heavy)
    backlog.try_some_first()
    backlog.take()
    assert (backlog.forecast.left_s(), backlog.forecast.done_fraction()) == (None, 0.0)


def test_a_run_that_failed_says_nothing_of_the_others(mlock_heavy: tuple[Run, ...]) -> None:
    backlog = Backlog(mlock_heavy)
    run = backlog.take()
    backlog.forecast.end(run, None)
    assert backlog.forecast.left_s() is None
    assert not backlog.forecast.is_measured(run)
