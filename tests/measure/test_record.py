"""A run that is looked at is the run it would have been, and what is seen of it adds up to what it counts."""

from collections.abc import Iterator

import numpy as np
import pytest

from perfsim.engine.engines import begin
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import LRU_LISTS
from perfsim.kernel.designs import load_design
from perfsim.measure.record import ACQUISITIONS, RATES, SLICES, Recorder
from perfsim.measure.row import simulate, simulate_counted
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario

SEED = Seed(3, 0)
WARMUP_PS, DURATION_PS = 123 * 10**6 + 1, 300 * 10**6 + 7


@pytest.fixture
def scenario() -> Scenario:
    sets = [f"measure.warmup={WARMUP_PS}ps", f"measure.duration={DURATION_PS}ps", "memory.pages_per_node=1024"]
    return load_scenario("everything", [*sets, "machine.cpus=4"])


def test_a_run_looked_at_has_the_events_and_the_state_of_one_in_one_go(scenario: Scenario, engine: str) -> None:
    whole, seen = (begin(engine, scenario, load_design("redo"), SEED) for _ in range(2))
    whole.advance(WARMUP_PS)
    whole.begin_window(WARMUP_PS)
    whole.advance(WARMUP_PS + DURATION_PS)
    recorder = Recorder(seen, DURATION_PS)
    recorder.advance(recorder.slice_end_ps(WARMUP_PS, -left) for left in range(50, -1, -1))
    recorder.begin_window()
    recorder.advance(recorder.slice_end_ps(WARMUP_PS, number) for number in range(1, SLICES + 1))
    assert seen.events() == whole.events() > 1000
    assert seen.counts() == whole.counts()
    for run in (whole, seen):
        run.end_window(WARMUP_PS + DURATION_PS)
        run.finish(WARMUP_PS + DURATION_PS)
    assert seen.events() == whole.events()
    assert seen.counts() == whole.counts()
    assert seen.violated() == whole.violated()


def test_the_slices_of_the_window_add_up_to_what_the_row_counts(scenario: Scenario, engine: str) -> None:
    row, counts, record = simulate_counted(scenario, "redo", SEED, engine)
    window = record.rates[-record.window :].sum(axis=0).tolist()
    assert window[:-1] == [round(row[name] * DURATION_PS / 10**12) for name in RATES]
    assert window[-1] == sum(lock.acquisitions for lock in counts.locks) > 0
    lists = record.lengths[-1].reshape(-1, LRU_LISTS).sum(axis=0)
    assert tuple(lists.tolist()) == counts.lru_pages
    assert ACQUISITIONS not in row


def test_both_engines_see_the_same(scenario: Scenario) -> None:
    one, other = (simulate_counted(scenario, "redo", SEED, engine).record for engine in ("compiled", "simpy"))
    assert one.ends_ps == other.ends_ps
    assert np.array_equal(one.rates, other.rates)
    assert np.array_equal(one.lengths, other.lengths)
    assert (one.pages_per_node, one.window) == (other.pages_per_node, other.window) == (1024, SLICES)


def test_slices_are_equal_and_end_where_the_window_begins_and_ends(scenario: Scenario) -> None:
    record = simulate_counted(scenario, "redo", SEED).record
    widths = {later - earlier for earlier, later in zip(record.ends_ps, record.ends_ps[1:], strict=False)}
    assert widths == {DURATION_PS // SLICES, DURATION_PS // SLICES + 1}
    assert record.ends_ps[-1] == WARMUP_PS + DURATION_PS
    assert record.ends_ps[-SLICES - 1] == WARMUP_PS
    assert 0 <= record.ends_ps[0] < DURATION_PS // SLICES + 1
    assert len(record.rates) == len(record.lengths) == len(record.ends_ps) - 1


@pytest.mark.parametrize("warmup", ["0us", "1ps", "20ms"])
def test_of_a_warm_up_no_more_is_looked_at_than_a_window(warmup: str) -> None:
    sets = ["memory.pages_per_node=64", "measure.duration=100us", f"measure.warmup={warmup}"]
    record = simulate_counted(load_scenario("lock_contention", sets), "lock_page", SEED).record
    assert len(record.rates) == SLICES * (2 if warmup == "20ms" else 1)


def steadiness_columns(rows: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    for row in rows:
        yield {name: value for name, value in row.items() if name.startswith(("warmup", "unsteady"))}


def test_both_engines_judge_a_run_alike() -> None:
    sets = ["machine.cpus=2", "memory.pages_per_node=512", "measure.duration=1ms", "measure.warmup=0us"]
    scenario = load_scenario("reclaim_only", [*sets, "machine.nodes=1"])
    one, other = steadiness_columns([simulate(scenario, "redo", SEED, name) for name in ("compiled", "simpy")])
    assert one == other
    assert len(one) == 7
    assert one["unsteady"] is not None
