"""How many replications a point takes: decided by its first rows alone, whatever comes when."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perfsim
from perfsim.errors import InputError
from perfsim.scenario.schema import Precision, Scenario, SweepSpec
from perfsim.scenario.validate import load_scenario
from perfsim.sweep.plan import Run, plan
from perfsim.sweep.precision import Growth, Reached, lacks, ratio_of, reached, replications_of

Row = dict[str, Any]
Tiny = Callable[..., Scenario]

METRIC = "reclaim_scanned_per_s"
PRECISE = f"sweep.precision={{metric: {METRIC}, relative: 2%, max_replications: 12}}"
FIRST = 5
MANY = 80
POINTS = ("memory.pages_per_node=280", "measure.duration=100us", "sweep.axes.machine.cpus=[1, 2, 4]")
# The log ratios of a point's first pairs differ by so much: known at once, after a few more, never.
SPREADS = (0.0, 0.024, 1.0)


def precise_scenario() -> Scenario:
    """Three points, by the spread of their ratios."""
    return load_scenario("quickstart", [*POINTS, PRECISE, f"sweep.replications={FIRST}"])


SCENARIO = precise_scenario()
RUNS = plan(SCENARIO, 1)


def row_of(run: Run, factor: float = 1.0) -> Row:
    """A row as the run would have it, if the machine were that simple."""
    replication = run.task.seed.replication
    spread = SPREADS[run.labels["point"]] * (replication % 3 - 1) if run.task.design == "redo" else 0.0
    identity = {"run_id": run.task.run_id, "replication": replication, "design": run.labels["design"]}
    return identity | {"point": run.labels["point"], METRIC: 1000 * (1 + replication) * 2.718281828**spread * factor}


def grown(order: Callable[[list[Run]], Run], failing: Sequence[str] = ()) -> tuple[Run, ...]:
    """All runs of the sweep when its waiting runs end in this order."""
    growth = Growth(SCENARIO, RUNS)
    waiting = list(growth.runs)
    while waiting:
        run = order(waiting)
        waiting.remove(run)
        waiting += growth.take(run, None if run.task.run_id in failing else row_of(run))
    assert growth.undecided_count == 0
    return growth.runs


IN_ORDER = grown(lambda waiting: waiting[0])


def counts(runs: Sequence[Run], design: str = "redo") -> list[int]:
    return [sum((run.labels["point"], run.task.design) == (point, design) for run in runs) for point in range(3)]


def test_each_point_gets_as_many_replications_as_its_ratio_takes() -> None:
    assert counts(IN_ORDER) == counts(IN_ORDER, "lock_page")
    known, few, never = counts(IN_ORDER)
    assert known == FIRST < few < never == 12
    order = [(run.labels["point"], run.labels["design"], run.task.seed.replication) for run in IN_ORDER]
    assert order == sorted(order)


def test_added_runs_are_those_that_a_longer_sweep_would_plan() -> None:
    longer = load_scenario("quickstart", [*POINTS, "sweep.replications=12"])
    planned = {run.task.run_id: (run.labels, run.work, run.task.seed) for run in plan(longer, 1)}
    assert [planned[run.task.run_id] for run in IN_ORDER] == [(run.labels, run.work, run.task.seed) for run in IN_ORDER]


@settings(max_examples=30)
@given(st.data())
def test_runs_do_not_depend_on_the_order_in_which_others_end(data: st.DataObject) -> None:
    runs = grown(lambda waiting: data.draw(st.sampled_from(waiting)))
    assert runs == IN_ORDER


@settings(max_examples=30)
@given(st.sets(st.sampled_from([run.task.run_id for run in IN_ORDER])), st.randoms())
def test_runs_do_not_depend_on_which_rows_an_interruption_has_left(stored: set[str], randomly: Any) -> None:
    """Rows that are there are taken first, those of later replications cannot be there before the first are."""
    growth = Growth(SCENARIO, RUNS)
    for run in RUNS:
        if run.task.run_id in stored:
            growth.take(run, row_of(run))
    waiting = [run for run in growth.runs if run.task.run_id not in stored]
    while waiting:
        run = waiting.pop(randomly.randrange(len(waiting)))
        waiting += [one for one in growth.take(run, row_of(run)) if one.task.run_id not in stored]
    assert growth.runs == IN_ORDER


def test_a_point_of_which_a_first_run_failed_gets_no_more() -> None:
    failed = next(run for run in RUNS if run.labels["point"] == 2)
    assert counts(grown(lambda waiting: waiting[-1], [failed.task.run_id])) == [*counts(IN_ORDER)[:2], FIRST]


def test_a_later_run_that_fails_changes_no_number() -> None:
    assert grown(lambda waiting: waiting[-1], [IN_ORDER[-1].task.run_id]) == IN_ORDER


def test_a_row_that_comes_twice_adds_nothing() -> None:
    growth = Growth(SCENARIO, RUNS)
    added = [run for first in RUNS for run in growth.take(first, row_of(first))]
    assert added
    assert [growth.take(run, row_of(run)) for run in RUNS] == [()] * len(RUNS)


def test_a_sweep_without_a_precision_does_not_grow(tiny: Tiny, runs: tuple[Run, ...]) -> None:
    growth = Growth(tiny(), runs)
    assert [growth.take(run, row_of(run)) for run in runs] == [()] * 8
    assert (growth.runs, growth.undecided_count, reached([], ("lock_page", "redo"), tiny().sweep)) == (runs, 0, [])


def first_of(logs: np.ndarray, replications: int) -> dict[int, float | None]:
    """The first figures of a design whose log ratios to one of constant 1 these are."""
    return {number: float(np.exp(log)) for number, log in enumerate(logs[:replications])}


@pytest.mark.parametrize("most", [18, MANY])
def test_intervals_of_designs_that_share_their_replications_cover_the_truth_as_often_as_they_say(most: int) -> None:
    """The ratio that takes most replications decides for both, or the maximum does. They depend on each other."""
    precision = Precision(METRIC, 20_000, most)
    sweep = SweepSpec(replications=10, precision=precision)
    generator, procedures = np.random.default_rng(20080618), 2000
    covered_counts, replications_count = [0, 0], 0
    for _ in range(procedures):
        shared, own, other = generator.standard_normal((3, MANY))
        logs = [np.zeros(MANY), 0.02 * (0.6 * shared + 0.8 * own), 0.04 * (0.6 * shared + 0.8 * other)]
        replications = replications_of([first_of(one, 10) for one in logs], precision)
        replications_count += replications
        old, *news = (first_of(one, replications) for one in logs)
        for number, new in enumerate(news):
            ratio = ratio_of(new, old, sweep)
            assert ratio is not None
            covered_counts[number] += (ratio.low or 0) <= 1 <= (ratio.high or 0)
    assert all(0.935 <= count / procedures <= 0.965 for count in covered_counts)
    assert 12 < replications_count / procedures < most


def test_a_metric_that_is_zero_or_missing_adds_nothing_unless_another_design_needs_it() -> None:
    precision = Precision(METRIC, 20_000, 40)
    old, spread = dict.fromkeys(range(5), 2.0), {0: 2.0, 1: 1.0, 2: 3.0, 3: 2.0, 4: 2.0}
    for nothing in (0.0, None):
        assert replications_of([old, old | {3: nothing}], precision) == 5
        assert replications_of([old | {3: nothing}, spread], precision) == 5
        assert replications_of([old, old | {3: nothing}, spread], precision) == 40


def test_what_fell_short_is_told_with_the_figures() -> None:
    rows = [row_of(run) for run in IN_ORDER]
    known, few, never = reached(rows, ("lock_page", "redo"), SCENARIO.sweep)
    assert known == Reached(0, "redo", FIRST, 0.0, FIRST, "")
    assert (few.lack, few.pairs, few.needed) == ("", counts(IN_ORDER)[1], counts(IN_ORDER)[1])
    assert 0.01 < (few.half_width or 0) <= 0.02
    assert never.lack.startswith(f"{100 * (never.half_width or 0):.1f}% after 12 replications, about ")
    short = lacks([known, few, never], [run.labels for run in RUNS])
    assert short == {"point 2, machine.cpus=4, redo": never.lack}


def test_a_point_without_rows_or_without_a_ratio_is_told_too() -> None:
    rows = [row_of(run, factor=run.labels["point"]) for run in IN_ORDER if run.labels["point"] != 1]
    none, missing, _ = reached(rows, ("lock_page", "redo"), SCENARIO.sweep)
    assert none == Reached(0, "redo", FIRST, None, None, f"without a ratio, for {METRIC} is zero or missing")
    assert missing == Reached(1, "redo", 0, None, None, "without all of its first runs")


@pytest.mark.parametrize(
    "metric, words",
    [
        ("reclaim_scaned_per_s", r'is no metric; .* \(did you mean "reclaim_scanned_per_s"\?\)'),
        ("wall_s", "differs when a run is repeated"),
        ("point", "is no metric"),
        ("design", "is no metric"),
        ("fault_latency_hist", "is no metric"),
    ],
)
def test_what_designs_cannot_be_compared_by_is_refused(tiny: Tiny, metric: str, words: str) -> None:
    with pytest.raises(InputError, match=rf"--set sweep.precision:\S+: sweep.precision.metric: .*{words}"):
        plan(tiny(PRECISE.replace(METRIC, metric), "sweep.replications=5"), 1)


def test_a_precision_for_one_design_or_of_less_than_a_percentile_is_known_to_is_refused(tiny: Tiny) -> None:
    with pytest.raises(InputError, match=r'^--design: .*"redo" alone has no ratio; expected two designs or more'):
        plan(tiny(PRECISE, "sweep.replications=5", designs=("redo",)), 1)
    percentile = PRECISE.replace(METRIC, "putback_latency_p99_ns").replace("2%", "1.5%")
    with pytest.raises(InputError, match=r"1.5% of a percentile, which is known to 1/64; expected 1.6% or more"):
        plan(tiny(percentile, "sweep.replications=5"), 1)


def test_the_function_sweep_adds_replications_too(tiny: Tiny) -> None:
    scenario = tiny(PRECISE.replace(METRIC, "munlock_pages_per_s"), "sweep.replications=5", "machine.cpus=4")

    async def collect() -> list[Row]:
        rows: AsyncIterator[Row] = perfsim.sweep(scenario, jobs=2, engine="simpy")
        return [row async for row in rows]

    planned = [(run.labels["design"], run.task.seed.replication, run.task.run_id) for run in plan(scenario, 1)]
    found = sorted((row["design"], row["replication"], row["run_id"]) for row in asyncio.run(collect()))
    assert found == sorted(planned)
    assert [replication for design, replication, _ in found if design == "redo"] == list(range(12))
