"""The instants of a run: what counts in its window, and who is woken at its end."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import BUG_VM, LRU_LOCK, PAGE_LOCK, PG_LOCKED, PGSCAN, TASK_READY
from perfsim.kernel.run import ask_to_stop, begin_window, end_window
from perfsim.kernel.state import State
from perfsim.kernel.waits import unfinished
from perfsim.machine.costs import CONTEXT_SWITCH, IDLE_EXIT, IPI, WAKEUP
from perfsim.machine.tally import CATEGORIES, IDLE, KERNEL, SWITCH
from tests.kernel.conftest import Do

US = 10**6


def test_the_window_begins_with_nothing_counted_but_violations(running: State, do: Do) -> None:
    do(running, "count_vm_event", PGSCAN, 32)
    do(running, "test_and_set", 9, PG_LOCKED)
    running.violations[BUG_VM] = 2
    begin_window(running, 10 * US)
    tally = running.m.tally
    assert set(running.events) == set(tally.cpu_ps) == set(tally.acquisitions) == set(tally.cells) == {0}
    assert running.violations[BUG_VM] == 2
    assert tally.window_start == [10 * US]


def test_cpu_time_of_a_window_adds_up_to_its_length_on_every_cpu(s: State, do: Do) -> None:
    for task in (0, 1, 2):
        do(s, "task_begin", task=task, now=US)
    do(s, "task_exit", task=1, now=2 * US)
    begin_window(s, 5 * US)
    do(s, "task_exit", task=2, now=7 * US)
    end_window(s, 25 * US)
    times = [s.m.tally.cpu_ps[cpu * CATEGORIES : (cpu + 1) * CATEGORIES] for cpu in range(4)]
    assert [sum(time) for time in times] == [20 * US] * 4
    assert (times[0][KERNEL], times[1][IDLE], times[3][IDLE]) == (20 * US, 20 * US, 20 * US)
    switch_ps = s.m.cost_ps[CONTEXT_SWITCH]
    assert (times[2][KERNEL], times[2][SWITCH], times[2][IDLE]) == (2 * US, switch_ps, 18 * US - switch_ps)


def test_a_window_that_begins_while_a_cpu_still_switches_has_the_rest_of_the_switch(s: State, do: Do) -> None:
    switch_ps = s.m.cost_ps[CONTEXT_SWITCH]
    do(s, "task_begin", task=2)
    do(s, "task_exit", task=2, now=US)
    begin_window(s, US + 400)
    end_window(s, 21 * US)
    times = s.m.tally.cpu_ps[2 * CATEGORIES : 3 * CATEGORIES]
    assert (times[SWITCH], times[IDLE]) == (switch_ps - 400, 20 * US - switch_ps)


@pytest.mark.parametrize("edge", ["idle", "switch"])
def test_a_window_that_ends_while_a_cpu_is_woken_has_no_more_of_the_switch_than_that(
    s: State, do: Do, edge: str
) -> None:
    costs = s.m.cost_ps
    do(s, "task_begin", task=6)
    do(s, "kswapd_sleep", task=6, now=10 * US)
    do(s, "wakeup_kswapd", 1, task=0, now=100 * US)
    switch_in_ps = 100 * US + costs[WAKEUP] + costs[IPI] + costs[IDLE_EXIT]
    cut_ps = switch_in_ps + (costs[CONTEXT_SWITCH] // 2 if edge == "switch" else -400)
    end_window(s, cut_ps)
    times = s.m.tally.cpu_ps[2 * CATEGORIES : 3 * CATEGORIES]
    switch_ps = costs[CONTEXT_SWITCH] + max(0, cut_ps - switch_in_ps)
    assert (times[KERNEL], times[SWITCH], times[IDLE]) == (10 * US, switch_ps, cut_ps - 10 * US - switch_ps)


def test_holds_that_are_under_way_count_up_to_the_end_of_the_window(running: State, do: Do) -> None:
    do(running, "spin_lock", LRU_LOCK, 0, task=0, now=US)
    do(running, "test_and_set", 9, PG_LOCKED, task=1, now=US)
    begin_window(running, 5 * US)
    end_window(running, 8 * US)
    tally = running.m.tally
    assert (tally.hold_total_ps[LRU_LOCK], tally.hold_total_ps[PAGE_LOCK]) == (3 * US, 3 * US)


def test_a_kswapd_asleep_is_woken_to_see_that_the_run_is_over(s: State, do: Do) -> None:
    do(s, "task_begin", task=6)
    do(s, "kswapd_sleep", task=6, now=US)
    ask_to_stop(s, 50 * US)
    costs = s.m.cost_ps
    assert s.stop == [1]
    assert (s.m.wakes.length, s.m.wakes.cpu[0]) == ([1], 2)
    assert s.m.wakes.at_ps[0] == 50 * US + costs[IPI] + costs[IDLE_EXIT] + costs[CONTEXT_SWITCH]
    assert s.tasks.state[6] == TASK_READY


def test_a_disk_at_rest_is_roused_if_it_left_pages_to_be_rotated(s: State, do: Do) -> None:
    do(s, "task_begin", task=8)
    do(s, "task_begin", task=9)
    do(s, "wait_for_request", task=8)
    do(s, "wait_for_request", task=9)
    do(s, "rotate_pagevec_add", 600, task=9)
    ask_to_stop(s, 50 * US)
    assert (s.m.wakes.length[0], s.m.wakes.cpu[0], s.m.wakes.at_ps[0]) == (1, 6, 50 * US)
    assert unfinished(s)[-2:] == [7, 9], "the timer has not begun, the other disk rests"


def test_a_kswapd_that_sleeps_for_something_else_is_left_alone(s: State, do: Do) -> None:
    do(s, "task_begin", task=6)
    do(s, "congestion_wait", 25, task=6, now=US)
    do(s, "wakeup_kswapd", 1, task=0, now=US)
    ask_to_stop(s, 50 * US)
    assert s.m.wakes.length[0] == 0


def test_tasks_that_do_not_sleep_are_left_alone_at_the_end(running: State) -> None:
    ask_to_stop(running, 50 * US)
    assert (running.stop, running.m.wakes.length) == ([1], [0])
