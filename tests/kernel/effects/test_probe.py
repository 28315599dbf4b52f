"""How long a path takes on its task's own clock, and where that time goes."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    KINDS,
    LRU_LOCK,
    MLOCK_CALL,
    PAGE_LOCK,
    PG_LOCKED,
    PG_WRITEBACK,
    PGSCAN,
    PUTBACK,
    PUTBACKS,
    REDO,
    REDO_RETRIES,
    SLEEP,
    WAKE_UP,
)
from perfsim.kernel.effects.probe import probe_begin, probe_end
from perfsim.kernel.effects.sched import resume, wake_task
from perfsim.kernel.state import State
from perfsim.machine.account import ATOMIC, TRANSFER, WAIT
from perfsim.machine.costs import ATOMIC_LOCAL, BARRIER_FULL, CONTEXT_SWITCH, DRAM_LOCAL, LLC_TRANSFER
from perfsim.machine.state import BLOCKED
from tests.kernel.conftest import Do

PAGE = 7
FAULTER = 4
"""The second task of CPU 0."""


@pytest.fixture
def running(s: State, do: Do) -> State:
    """The first task of each CPU runs, since time 0."""
    for task in range(4):
        do(s, "task_begin", task=task)
    return s


def spent(s: State, probe: int) -> dict[int, int]:
    """Where the time of a probe's paths went, by kind, without kinds that have none."""
    times = s.m.tally.latency_spent_ps[probe * KINDS : (probe + 1) * KINDS]
    return {kind: time_ps for kind, time_ps in enumerate(times) if time_ps}


def test_events_of_a_kind_add_up(s: State, do: Do) -> None:
    do(s, "count_vm_event", PGSCAN, 32)
    do(s, "count_vm_event", PGSCAN, 7)
    assert s.events[PGSCAN] == 39


def test_a_probe_measures_the_tasks_own_clock_with_work_that_is_not_yet_paid(s: State) -> None:
    s.m.pending_ps[0] = 50
    probe_begin(s, 0, 1_000, MLOCK_CALL)
    s.m.pending_ps[0] = 400
    probe_end(s, 0, 9_000, MLOCK_CALL)
    assert (s.m.tally.latency_count[MLOCK_CALL], s.m.tally.latency_total_ps[MLOCK_CALL]) == (1, 9_400 - 1_050)


def test_nested_probes_are_one_latency_and_probes_of_tasks_their_own(s: State, do: Do) -> None:
    do(s, "probe_begin", PUTBACK, now=1_000)
    do(s, "probe_begin", PUTBACK, now=2_000)
    do(s, "probe_begin", PUTBACK, task=1, now=2_500)
    do(s, "probe_end", PUTBACK, now=3_000)
    assert (s.m.tally.latency_count[PUTBACK], s.events[PUTBACKS]) == (0, 0)
    do(s, "probe_end", PUTBACK, now=4_000)
    assert (s.m.tally.latency_max_ps[PUTBACK], s.events[PUTBACKS]) == (3_000, 1)
    do(s, "probe_end", PUTBACK, task=1, now=5_000)
    assert (s.m.tally.latency_total_ps[PUTBACK], s.events[PUTBACKS]) == (5_500, 2)


def test_only_putback_counts_putbacks(s: State, do: Do) -> None:
    do(s, "probe_begin", MLOCK_CALL)
    do(s, "probe_end", MLOCK_CALL)
    assert s.events[PUTBACKS] == 0


def test_a_path_has_what_was_booked_between_its_ends_and_no_more(running: State, do: Do) -> None:
    costs = running.m.cost_ps
    do(running, "set_flag", PAGE, PG_LOCKED)
    do(running, "probe_begin", PUTBACK)
    do(running, "set_flag", PAGE, PG_WRITEBACK)
    do(running, "set_flag", PAGE + 1, PG_WRITEBACK)
    do(running, "smp_mb")
    do(running, "set_flag", PAGE, PG_LOCKED, task=1)
    do(running, "probe_end", PUTBACK)
    do(running, "set_flag", PAGE + 2, PG_LOCKED)
    assert spent(running, PUTBACK) == {
        ATOMIC: 2 * costs[ATOMIC_LOCAL] + costs[BARRIER_FULL],
        TRANSFER: costs[DRAM_LOCAL],
    }


def test_nested_probes_both_have_the_same_time(running: State, do: Do) -> None:
    costs = running.m.cost_ps
    do(running, "probe_begin", MLOCK_CALL)
    do(running, "set_flag", PAGE, PG_LOCKED, task=1)
    do(running, "probe_begin", PUTBACK)
    do(running, "set_flag", PAGE, PG_LOCKED)
    do(running, "probe_end", PUTBACK)
    do(running, "probe_end", MLOCK_CALL)
    expected = {ATOMIC: costs[ATOMIC_LOCAL], TRANSFER: costs[LLC_TRANSFER]}
    assert (spent(running, PUTBACK), spent(running, MLOCK_CALL)) == (expected, expected)


def test_another_task_of_the_cpu_spends_its_own_time(s: State, do: Do) -> None:
    """Task 0 gives way for 9,000 ps to one that has a miss: all that it sees of that is the wait for its turn."""
    costs = s.m.cost_ps
    do(s, "task_begin")
    do(s, "probe_begin", MLOCK_CALL)
    do(s, "task_begin", task=FAULTER)
    assert do(s, "sched_yield", now=1_000).value == BLOCKED
    assert resume(s, FAULTER, 1_000 + costs[CONTEXT_SWITCH]) == 0
    do(s, "set_flag", PAGE, PG_LOCKED, task=FAULTER, now=5_000)
    assert do(s, "sched_yield", task=FAULTER, now=6_000).value == BLOCKED
    assert resume(s, 0, 10_000) == 0
    do(s, "probe_end", MLOCK_CALL, now=10_000)
    assert spent(s, MLOCK_CALL) == {WAKE_UP: 9_000}


@pytest.mark.parametrize("flag, kind", [(PG_LOCKED, WAIT + PAGE_LOCK), (PG_WRITEBACK, SLEEP)])
def test_a_sleep_ends_with_the_wake_up_and_that_with_running(running: State, do: Do, flag: int, kind: int) -> None:
    s = running
    do(s, "probe_begin", PUTBACK, task=1, now=500)
    do(s, "prepare_to_wait", PAGE, flag, task=1, now=500)
    booked = dict(enumerate(s.m.spent_ps[KINDS : 2 * KINDS]))
    do(s, "io_schedule", task=1, now=1_000)
    wake_task(s, 3, 8_000, 1)
    assert resume(s, 1, 20_000) == 0
    do(s, "probe_end", PUTBACK, task=1, now=20_000)
    expected = booked | {kind: 7_000, WAKE_UP: 12_000}
    assert spent(s, PUTBACK) == {kind: time_ps for kind, time_ps in expected.items() if time_ps}


def test_what_follows_a_retry_is_redo_whatever_it_is(running: State, do: Do) -> None:
    s, costs = running, running.m.cost_ps
    do(s, "probe_begin", MLOCK_CALL, now=500)
    do(s, "probe_begin", PUTBACK, now=1_000)
    do(s, "set_flag", PAGE, PG_LOCKED, now=2_000)
    do(s, "count_vm_event", REDO_RETRIES, 1, now=3_000)
    do(s, "spin_lock", LRU_LOCK, 0, now=4_000)
    do(s, "count_vm_event", REDO_RETRIES, 1, now=5_000)
    do(s, "probe_end", PUTBACK, now=9_000)
    do(s, "smp_mb", now=9_000)
    do(s, "probe_end", MLOCK_CALL, now=9_500)
    once = {ATOMIC: costs[ATOMIC_LOCAL], TRANSFER: costs[DRAM_LOCAL], REDO: 6_000}
    assert spent(s, PUTBACK) == once
    assert spent(s, MLOCK_CALL) == once | {ATOMIC: costs[ATOMIC_LOCAL] + costs[BARRIER_FULL]}


def test_the_putback_after_a_redone_one_starts_afresh(running: State, do: Do) -> None:
    do(running, "probe_begin", PUTBACK)
    do(running, "count_vm_event", REDO_RETRIES, 1, now=1_000)
    do(running, "probe_end", PUTBACK, now=3_000)
    do(running, "probe_begin", PUTBACK, now=4_000)
    do(running, "probe_end", PUTBACK, now=9_000)
    assert spent(running, PUTBACK) == {REDO: 2_000}


def test_a_retry_that_is_counted_outside_of_a_putback_is_no_redo(running: State, do: Do) -> None:
    do(running, "count_vm_event", REDO_RETRIES, 1, now=1_000)
    do(running, "probe_begin", PUTBACK, now=2_000)
    do(running, "probe_end", PUTBACK, now=9_000)
    assert spent(running, PUTBACK) == {}
