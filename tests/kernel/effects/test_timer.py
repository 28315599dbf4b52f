"""Timers: who sleeps until which tick, and the device that wakes them."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import JIFFY_PS, NONE, TASK_READY, TASK_RUNNING, TASK_SLEEPING
from perfsim.kernel.effects.sched import resume
from perfsim.kernel.state import State
from perfsim.machine.state import BLOCKED, DEVICE_WAITS, RUNNING
from tests.kernel.conftest import Do, wakes

TIMER = 7
TIMER_CPU = 4
"""Behind the four CPUs."""


@pytest.fixture
def running(s: State, do: Do) -> State:
    """Tasks 0 .. 3 run on their CPUs, the timer rests."""
    for task in (0, 1, 2, 3, TIMER):
        do(s, "task_begin", task=task)
    assert do(s, "wait_for_tick", task=TIMER).value == BLOCKED
    s.m.wakes.length[0] = 0
    return s


def test_a_timer_is_due_at_the_nth_tick_and_its_device_looks_at_the_next(running: State, do: Do) -> None:
    now = 10 * JIFFY_PS + 5
    assert do(running, "schedule_timeout", 3, task=1, now=now).value == BLOCKED
    assert running.timers.expires_ps[1] == 13 * JIFFY_PS
    assert running.tasks.state[1] == TASK_SLEEPING
    assert running.tasks.state[TIMER] == TASK_RUNNING
    assert wakes(running) == [(TIMER_CPU, 11 * JIFFY_PS)]


def test_a_second_timer_does_not_rouse_the_device_again(running: State, do: Do) -> None:
    do(running, "schedule_timeout", 25, task=1, now=1)
    wakes(running)
    do(running, "schedule_timeout", 2, task=2, now=1)
    assert wakes(running) == []
    assert running.timers.expires_ps[1:3] == [25 * JIFFY_PS, 2 * JIFFY_PS]


def test_the_device_goes_from_tick_to_tick_while_a_timer_is_set_and_then_rests(running: State, do: Do) -> None:
    do(running, "schedule_timeout", 2, task=1, now=1)
    wakes(running)
    assert running.m.cpu_state[TIMER_CPU] == DEVICE_WAITS
    assert resume(running, TIMER, JIFFY_PS) == 0
    assert running.m.cpu_state[TIMER_CPU] == RUNNING
    do(running, "run_timers", task=TIMER, now=JIFFY_PS)
    assert running.tasks.state[1] == TASK_SLEEPING, "not due yet"
    assert do(running, "wait_for_tick", task=TIMER, now=JIFFY_PS).value == BLOCKED
    assert wakes(running) == [(TIMER_CPU, 2 * JIFFY_PS)]
    do(running, "run_timers", task=TIMER, now=2 * JIFFY_PS)
    assert (running.tasks.state[1], running.timers.expires_ps[1]) == (TASK_READY, NONE)
    assert [cpu for cpu, _ in wakes(running)] == [1]
    assert do(running, "wait_for_tick", task=TIMER, now=2 * JIFFY_PS).value == BLOCKED
    assert (running.tasks.state[TIMER], wakes(running)) == (TASK_SLEEPING, [])


def test_a_timer_set_before_the_device_began_is_seen_when_it_begins(s: State, do: Do) -> None:
    do(s, "task_begin", task=1)
    do(s, "schedule_timeout", 1, task=1)
    assert s.m.wakes.length[0] == 0
    do(s, "task_begin", task=TIMER)
    assert do(s, "wait_for_tick", task=TIMER).value == BLOCKED
    assert wakes(s) == [(TIMER_CPU, JIFFY_PS)]


def test_only_a_wait_for_congestion_ends_with_it(running: State, do: Do) -> None:
    do(running, "schedule_timeout", 25, task=1)
    do(running, "congestion_wait", 25, task=2)
    assert running.timers.congestion[1:3] == [0, 1]
