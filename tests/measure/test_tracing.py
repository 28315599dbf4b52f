"""A timeline tells what the run's own counters tell: the reference engine is asked, the compiled one has counted."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from perfsim.kernel import constants as k
from perfsim.kernel.boot import Seed
from perfsim.measure.counts import LockCounts
from perfsim.measure.row import Result, simulate_counted
from perfsim.measure.timeline import Timeline
from perfsim.measure.tracing import timeline_of
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.measure.shown import Shown, shown

US = 1_000_000
SEED = Seed(1, 0)
STORM = ("measure.warmup=100us", "measure.duration=1ms")
SPINLOCKS = {k.LRU_LOCK: "lru_lock", k.MZ_LOCK: "memcg_lock", k.WAIT_BUCKET: "wait_bucket"}


@cache
def storm(design: str = "redo", profile: str = "x86_64", *sets: str) -> tuple[Result, Timeline, list[Shown]]:
    """A run of munlock_storm by the compiled engine, and the timeline of its measured window."""
    scenario = load_scenario("munlock_storm", (*STORM, *sets), profile=profile)
    return simulate_counted(scenario, design, SEED), *traced(scenario, design)


def traced(scenario: Scenario, design: str) -> tuple[Timeline, list[Shown]]:
    begin_ps = scenario.measure.warmup_ps
    timeline = timeline_of(scenario, design, SEED, (begin_ps, begin_ps + scenario.measure.duration_ps))
    return timeline, shown(timeline)


def waits_of(slices: list[Shown], name: str) -> list[int]:
    """The spins for locks of a class that have ended, in ps."""
    spins = [one.slice.facts for one in slices if str(one.slice.facts.get("lock", "")).startswith(name)]
    return [int(facts["wait_ps"]) for facts in spins if "wait_ps" in facts]


@pytest.mark.parametrize("machine", [(), ("redo", "ia64"), ("redo", "x86_64_modern", "measure.duration=200us")])
def test_every_wait_for_a_spinlock_is_a_slice_of_its_length(machine: tuple[str, ...]) -> None:
    """Of ticket locks, of test-and-set locks, and of queued ones. The disk, which spins too, is no CPU."""
    result, _, slices = storm(*machine)
    slices = [one for one in slices if one.lane[0].startswith("CPU")]
    for lock_class, name in SPINLOCKS.items():
        counted: LockCounts = result.counts.locks[lock_class]
        waits = waits_of(slices, name)
        assert (len(waits), sum(waits)) == (counted.contentions, counted.wait_total_ps)
        assert max(waits, default=0) == counted.wait_max_ps
    assert result.counts.locks[k.LRU_LOCK].contentions > 100


def test_the_lanes_of_locks_are_busy_as_long_as_the_locks_are_held() -> None:
    result, _, slices = storm()
    for lock_class in (k.LRU_LOCK, k.MZ_LOCK):
        held = [one for one in slices if one.lane[0] == f"{SPINLOCKS[lock_class]} 0"]
        assert sum(one.length_ps for one in held) == result.counts.locks[lock_class].hold_total_ps > 0
        assert all(not one.outer for one in held)


def test_every_redo_has_an_arrow_from_the_munlock_that_raced_it() -> None:
    result, _, slices = storm()
    redos = [one for one in slices if one.name.startswith("redo: page")]
    assert len(redos) == result.row["redo_retries"] > 0
    left = {arrow: one for one in slices for arrow in one.slice.leaves}
    for redo in redos:
        [arrow] = redo.slice.enters
        munlock = left[arrow]
        assert munlock.name == f"TestClearPageMlocked: page {redo.slice.facts['page']}"
        assert munlock.outer[0] == redo.slice.facts["raced by"]
        assert "munlock_vma_page" in munlock.outer
        assert munlock.lane != redo.lane
        assert redo.outer[-1] == "putback_lru_page"
        [putback] = [
            one
            for one in slices
            if one.name == "putback_lru_page" and one.lane == redo.lane and one.begin_ps <= redo.begin_ps < one.end_ps
        ]
        assert putback.begin_ps < munlock.begin_ps < redo.begin_ps < redo.end_ps == putback.end_ps


def test_tasks_that_sleep_for_a_page_lock_say_which_page_and_who_has_it() -> None:
    result, timeline, slices = storm("lock_page")
    asleep = [one for one in slices if one.name.startswith("asleep on the lock of page")]
    begun = [one for one in asleep if one.begin_ps > timeline.begin_ps]
    assert len(begun) == result.row["page_lock_sleeps"] > 0
    assert all(str(one.slice.facts["holder"]) in one.name for one in asleep)
    pages = {one.name.split(",")[0].removeprefix("asleep on the lock of ") for one in asleep}
    held = {one.name for one in slices if one.lane[-1] == "holds"}
    assert pages <= held


def test_a_task_that_was_woken_has_an_arrow_from_who_woke_it() -> None:
    _, timeline, slices = storm("lock_page")
    left = {arrow: one for one in slices for arrow in one.slice.leaves}
    woken = [one for one in slices if one.slice.enters]
    assert len(woken) == timeline.arrows == len(left)
    wakers = Counter(left[arrow].name for one in woken for arrow in one.slice.enters)
    assert wakers["wake_up_page"] > 3


@pytest.mark.parametrize("workload", ["munlock_storm", "everything"])
def test_cpus_spend_their_time_as_the_row_says(workload: str) -> None:
    """In user mode, idle, changing tasks, and spinning, which in the row is of CPUs alone, not of devices."""
    scenario = load_scenario(workload, ("measure.warmup=101us", "measure.duration=400us", "machine.cpus=8"))
    row = simulate_counted(scenario, "redo", SEED).row
    timeline, slices = traced(scenario, "redo")
    spent_ps: Counter[str] = Counter()
    for one in slices:
        if one.lane[0].startswith("CPU") and len(one.lane) == 1:
            spent_ps[one.name.split(":")[0]] += one.length_ps
    whole_ps = 8 * (timeline.end_ps - timeline.begin_ps)
    kinds = {"user mode": "user", "idle": "idle", "context switch": "switch", "spin": "spin"}
    found = {kind: spent_ps[name] / whole_ps for name, kind in kinds.items()}
    assert found == pytest.approx({kind: row[f"cpu_{kind}_fraction"] for kind in kinds.values()}, rel=1e-9)


def test_an_idle_cpu_says_where_the_task_is_that_it_has_left() -> None:
    _, _, slices = storm("lock_page")
    idle = [one for one in slices if one.name.startswith("idle: lockers[7] asleep on the lock of page ")]
    assert idle
    for one in idle:
        [asleep] = [
            other
            for other in slices
            if other.lane[-1] == "lockers[7]" and other.begin_ps <= one.begin_ps < other.end_ps
        ]
        assert one.name == f"idle: lockers[7] {asleep.name}"


def test_a_window_within_another_shows_the_same_part_of_the_run() -> None:
    """What is open when a window begins is found from the state; it must be what a longer trace has seen begin."""
    scenario = load_scenario("munlock_storm", STORM)
    whole = storm()[2]
    begin_ps, end_ps = 500 * US, 600 * US
    part = shown(timeline_of(scenario, "redo", SEED, (begin_ps, end_ps)))
    # When it begins a CPU may have the cost of a path to pay that its task has left already: see a step later.
    assert seen(part, begin_ps + 2 * US, end_ps) == seen(whole, begin_ps + 2 * US, end_ps)
    assert len(part) > 1000


def seen(slices: list[Shown], begin_ps: int, end_ps: int) -> Counter[tuple[object, ...]]:
    """What a window shows, without the facts; of what lasts no time, nothing, and of a spin not for whom."""
    return Counter(
        (one.lane, max(one.begin_ps, begin_ps), min(one.end_ps, end_ps), one.outer, one.name.split(",")[0])
        for one in slices
        if max(one.begin_ps, begin_ps) < min(one.end_ps, end_ps)
    )


def test_lists_and_waiters_are_counted_as_the_state_has_them() -> None:
    result, timeline, slices = storm()
    names = {number: counter.path[-1] for counter, number in timeline.counters.items()}
    last = {names[one.counter]: one.value for one in timeline.values}
    assert {f"zone 0: {name}" for name in ("free", "inactive_anon", "unevictable", "mlocked")} <= last.keys()
    assert abs(last["zone 0: unevictable"] - result.row["nr_unevictable"]) <= 1
    spinning = [one.value for one in timeline.values if names[one.counter] == "lru_lock 0: CPUs that spin"]
    begun = sum(one.name.startswith("spin: lru_lock 0") for one in slices)
    assert len(spinning) >= 2 * begun - max(spinning) - 1
    assert 4 < max(spinning) <= 16


@pytest.mark.parametrize("workload", ["everything", "shm_lock", "migration", "lock_contention"])
def test_every_workload_has_a_timeline_whose_slices_nest(workload: str) -> None:
    sets = ("measure.warmup=50us", "measure.duration=150us", "machine.cpus=8")
    timeline, slices = traced(load_scenario(workload, sets), "redo")
    assert len(slices) == timeline.slices() > 100
    assert {f"CPU {cpu}" for cpu in range(8)} <= {one.lane[0] for one in slices}
