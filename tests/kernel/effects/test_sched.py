"""Tasks on CPUs: who runs, who waits its turn, when a woken task is there, and how CPU time is booked."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    BUG_ATOMIC,
    CHOICE,
    NONE,
    TASK_DONE,
    TASK_NEW,
    TASK_READY,
    TASK_RUNNING,
    TASK_SLEEPING,
    THINK,
)
from perfsim.kernel.effects.sched import (
    TIMESLICE_PS,
    choose,
    draw_of,
    resume,
    wake_task,
)
from perfsim.kernel.state import State
from perfsim.machine.costs import CONTEXT_SWITCH, IDLE_EXIT, IPI, IPI_SEND, PAGE_COPY, WAKEUP
from perfsim.machine.state import BLOCKED, IN_USER, INTERRUPTED, RUNNING, SWITCHED_OUT
from perfsim.machine.tally import CATEGORIES, IDLE, KERNEL, SWITCH, USER
from tests.kernel.conftest import Do, StateMaker, wakes

US = 10**6
FAULTER = 4
"""The second task of CPU 0."""


@pytest.fixture
def costs(s: State) -> list[int]:
    """The machine's figures."""
    return s.m.cost_ps


def booked(s: State, cpu: int) -> dict[int, int]:
    """CPU time by category, without those that have none."""
    times = s.m.tally.cpu_ps[cpu * CATEGORIES : (cpu + 1) * CATEGORIES]
    return {category: time_ps for category, time_ps in enumerate(times) if time_ps}


def test_the_first_task_of_a_cpu_runs_and_the_next_waits_its_turn(s: State, do: Do) -> None:
    assert set(s.tasks.state) == {TASK_NEW}
    assert [do(s, "task_begin", task=task).value for task in (0, FAULTER, 5)] == [0, BLOCKED, BLOCKED]
    assert (s.run.current[0], s.run.head[0], s.run.tail[0], s.tasks.next_ready[FAULTER]) == (0, FAULTER, 5, 5)
    assert (s.tasks.state[0], s.tasks.state[FAULTER], s.m.cpu_state[0]) == (TASK_RUNNING, TASK_READY, RUNNING)


def test_a_task_that_ends_leaves_its_cpu_to_the_next(s: State, do: Do, costs: list[int]) -> None:
    do(s, "task_begin")
    do(s, "task_begin", task=FAULTER)
    do(s, "task_exit", now=50 * US)
    assert wakes(s) == [(0, 50 * US + costs[CONTEXT_SWITCH])]
    assert (s.tasks.state[0], s.run.current[0], s.run.head[0]) == (TASK_DONE, FAULTER, NONE)
    assert resume(s, FAULTER, 50 * US + costs[CONTEXT_SWITCH]) == 0
    assert (s.tasks.state[FAULTER], s.m.cpu_state[0]) == (TASK_RUNNING, RUNNING)
    assert booked(s, 0) == {KERNEL: 50 * US, SWITCH: costs[CONTEXT_SWITCH]}


def test_the_last_task_of_a_cpu_leaves_it_idle_after_the_switch(s: State, do: Do, costs: list[int]) -> None:
    do(s, "task_begin")
    do(s, "task_exit", now=50 * US)
    assert (wakes(s), s.run.current[0], s.run.idle_from_ps[0]) == ([], NONE, 50 * US + costs[CONTEXT_SWITCH])


def test_a_yield_goes_to_the_end_of_the_queue(s: State, do: Do) -> None:
    for task in (0, FAULTER, 5):
        do(s, "task_begin", task=task)
    order = []
    for now in (10, 20, 30, 40):
        current = s.run.current[0]
        assert do(s, "sched_yield", task=current, now=now * US).value == BLOCKED
        ((_, at_ps),) = wakes(s)
        order.append(s.run.current[0])
        assert resume(s, s.run.current[0], at_ps) == 0
    assert order == [FAULTER, 5, 0, FAULTER]


def test_a_task_alone_on_its_cpu_keeps_it(s: State, do: Do) -> None:
    do(s, "task_begin")
    assert do(s, "sched_yield", now=5).value == 0
    assert (s.run.current[0], wakes(s)) == (0, [])


@pytest.mark.parametrize(
    "need_resched, now, expected",
    [(0, TIMESLICE_PS - 1, 0), (0, TIMESLICE_PS, BLOCKED), (1, 1, BLOCKED)],
    ids=["within its slice", "slice over", "need_resched"],
)
def test_cond_resched_yields_when_it_should(s: State, do: Do, need_resched: int, now: int, expected: int) -> None:
    do(s, "task_begin")
    do(s, "task_begin", task=FAULTER)
    s.run.need_resched[0] = need_resched
    assert do(s, "cond_resched", now=now).value == expected
    assert s.run.need_resched[0] == 0


def test_a_slice_begins_when_its_task_does(s: State, do: Do) -> None:
    do(s, "task_begin", now=TIMESLICE_PS)
    do(s, "task_begin", task=FAULTER, now=TIMESLICE_PS)
    assert do(s, "cond_resched", now=2 * TIMESLICE_PS - 1).value == 0
    assert do(s, "cond_resched", now=2 * TIMESLICE_PS).value == BLOCKED


def test_to_schedule_with_a_spinlock_held_is_a_bug(s: State, do: Do) -> None:
    do(s, "task_begin")
    do(s, "spin_lock", 0, 0)
    do(s, "task_exit", now=5)
    assert s.violations[BUG_ATOMIC] == sum(s.violations) == 1
    assert (s.bugs.time_ps[BUG_ATOMIC], s.bugs.task[BUG_ATOMIC], s.bugs.page[BUG_ATOMIC]) == (5, 0, NONE)


def test_to_sleep_on_a_page_lock_with_a_spinlock_held_is_a_bug_that_names_the_page(s: State, do: Do) -> None:
    do(s, "task_begin")
    do(s, "spin_lock", 0, 0)
    do(s, "page_lock_contended", 9, now=3)
    do(s, "prepare_to_wait_exclusive", 9, now=3)
    assert do(s, "io_schedule", now=4).value == BLOCKED
    assert (s.violations[BUG_ATOMIC], s.bugs.page[BUG_ATOMIC]) == (1, 9)


@pytest.mark.parametrize(
    "task, name, length_ps", [(0, "think", 3 * US), (0, "hold_in_user", 20 * US), (FAULTER, "think", 5 * US)]
)
def test_user_time_of_the_tasks_own_length_passes_as_such(
    s: State, do: Do, task: int, name: str, length_ps: int
) -> None:
    do(s, "task_begin", task=task)
    assert do(s, name, task=task, now=2 * US) == (BLOCKED, 0)
    assert (wakes(s), s.m.cpu_state[0]) == ([(0, 2 * US + length_ps)], IN_USER)
    assert resume(s, task, 2 * US + length_ps) == 0
    assert booked(s, 0) == {KERNEL: 2 * US, USER: length_ps}


def test_no_user_time_at_all_goes_straight_on(make_state: StateMaker, do: Do) -> None:
    s = make_state("tasks.lockers.think=0us")
    do(s, "task_begin")
    assert (do(s, "think").value, wakes(s), s.m.cpu_state[0]) == (0, [], RUNNING)


def test_a_hold_is_work_on_the_tasks_own_clock(s: State, do: Do) -> None:
    assert do(s, "hold") == (0, 20 * US)


def test_think_and_hold_draw_from_streams_of_their_own(make_state: StateMaker, do: Do) -> None:
    sets = ("tasks.lockers.think={exponential: 3us}", "tasks.lockers.hold={exponential: 3us}")
    first, second = make_state(*sets), make_state(*sets)
    holds = [do(first, "hold").cost_ps for _ in range(3)]
    for _ in range(5):
        draw_of(second, 0, THINK)
    assert [do(second, "hold").cost_ps for _ in range(3)] == holds
    assert len(set(holds)) == 3


@pytest.mark.parametrize("task", [0, 1, FAULTER])
def test_each_task_thinks_as_its_own_group_says(make_state: StateMaker, do: Do, task: int) -> None:
    s = make_state("tasks.faulters.think={uniform: [40us, 50us]}", "tasks.lockers.think={uniform: [10us, 20us]}")
    low_ps, high_ps = (40 * US, 50 * US) if task == FAULTER else (10 * US, 20 * US)
    do(s, "task_begin", task=task)
    do(s, "think", task=task)
    ((_, at_ps),) = wakes(s)
    assert low_ps <= at_ps <= high_ps


def test_a_choice_is_a_draw_of_the_tasks_own_stream(s: State) -> None:
    chosen = [choose(s, 0, 10) for _ in range(200)]
    assert set(chosen) == set(range(10))
    assert s.tasks.draws[CHOICE] == 200
    assert [choose(s, 1, 10) for _ in range(200)] != chosen


def test_a_sleeper_is_woken_onto_its_idle_cpu(s: State, do: Do, costs: list[int]) -> None:
    """From the waker's wake-up, through the interrupt and the exit from idle, to the switch."""
    do(s, "task_begin", task=6)
    do(s, "task_begin", task=0)
    assert do(s, "kswapd_sleep", task=6, now=10 * US).value == BLOCKED
    assert (s.tasks.state[6], s.m.cpu_state[2], wakes(s)) == (TASK_SLEEPING, SWITCHED_OUT, [])
    woken = do(s, "wakeup_kswapd", 1, task=0, now=100 * US)
    assert woken.cost_ps == costs[WAKEUP] + costs[IPI_SEND]
    there_ps = 100 * US + costs[WAKEUP] + costs[IPI] + costs[IDLE_EXIT] + costs[CONTEXT_SWITCH]
    assert (wakes(s), s.tasks.state[6]) == ([(2, there_ps)], TASK_READY)
    assert resume(s, 6, there_ps) == 0
    assert s.tasks.state[6] == TASK_RUNNING
    idle_ps = there_ps - 10 * US - 2 * costs[CONTEXT_SWITCH]
    assert booked(s, 2) == {KERNEL: 10 * US, SWITCH: 2 * costs[CONTEXT_SWITCH], IDLE: idle_ps}


def test_a_task_woken_while_its_cpu_still_switches_waits_for_the_switch(s: State, do: Do, costs: list[int]) -> None:
    do(s, "task_begin", task=6)
    do(s, "kswapd_sleep", task=6, now=10 * US)
    do(s, "wakeup_kswapd", 1, task=0, now=10 * US)
    from_ps = 10 * US + max(costs[WAKEUP], costs[CONTEXT_SWITCH])
    assert wakes(s) == [(2, from_ps + costs[IPI] + costs[IDLE_EXIT] + costs[CONTEXT_SWITCH])]


def test_a_sleeper_of_a_busy_cpu_is_queued_and_asks_for_the_cpu(s: State, do: Do, costs: list[int]) -> None:
    do(s, "task_begin", task=5)
    do(s, "kswapd_sleep", task=5, now=US)
    do(s, "task_begin", task=0, now=2 * US)
    assert do(s, "wakeup_kswapd", 0, task=0, now=3 * US).cost_ps == costs[WAKEUP]
    assert (s.run.head[0], s.run.need_resched[0], s.tasks.state[5], wakes(s)) == (5, 1, TASK_READY, [])


@pytest.fixture
def in_user(s: State, do: Do) -> State:
    """CPU 0: task 5 sleeps, task 0 is in user mode from 2 us to 5 us, FAULTER is ready behind it."""
    do(s, "task_begin", task=5)
    do(s, "kswapd_sleep", task=5)
    do(s, "task_begin", task=0)
    do(s, "task_begin", task=FAULTER)
    do(s, "think", task=0, now=2 * US)
    assert wakes(s) == [(0, 5 * US)]
    s.m.cost_ps[WAKEUP], s.m.cost_ps[IPI], s.m.cost_ps[CONTEXT_SWITCH] = 100, 300, 50
    return s


def test_a_woken_task_preempts_user_mode_when_the_interrupt_arrives(in_user: State, do: Do) -> None:
    s = in_user
    do(s, "wakeup_kswapd", 0, task=1, now=3 * US)
    assert (wakes(s), s.m.cpu_state[0], s.run.current[0]) == ([(0, 3 * US + 400)], INTERRUPTED, 0)
    assert resume(s, 0, 3 * US + 400) == BLOCKED
    assert (wakes(s), s.run.current[0], s.tasks.state[0]) == ([(0, 3 * US + 450)], 5, TASK_READY)
    assert resume(s, 5, 3 * US + 450) == 0
    assert booked(s, 0) == {KERNEL: 2 * US, USER: US + 400, SWITCH: 50}
    assert (s.run.head[0], s.tasks.next_ready[FAULTER]) == (FAULTER, 0), "behind what waited already"


def test_a_preempted_task_continues_the_rest_of_its_user_time(in_user: State, do: Do) -> None:
    s = in_user
    s.run.head[0] = NONE
    do(s, "wakeup_kswapd", 0, task=1, now=3 * US)
    resume(s, 0, 3 * US + 400)
    resume(s, 5, 3 * US + 450)
    do(s, "kswapd_sleep", task=5, now=9 * US)
    wakes(s)
    assert resume(s, 0, 9 * US + 50) == BLOCKED
    left_ps = 2 * US - 400
    assert (s.m.wakes.late[0], wakes(s)) == (1, [(0, 9 * US + 50 + left_ps)])
    assert resume(s, 0, 9 * US + 50 + left_ps) == 0
    kernel_ps = 2 * US + (9 * US - 3 * US - 450)
    assert booked(s, 0) == {KERNEL: kernel_ps, USER: 3 * US, SWITCH: 100}


def test_a_task_may_be_preempted_several_times_and_loses_nothing(in_user: State, do: Do) -> None:
    s = in_user
    s.run.head[0] = NONE
    now = 2 * US
    for _ in range(3):
        now += US // 2
        do(s, "wakeup_kswapd", 0, task=1, now=now)
        assert resume(s, 0, now + 400) == BLOCKED
        assert resume(s, 5, now + 450) == 0
        do(s, "kswapd_sleep", task=5, now=now + 450)
        now += 500
        wakes(s)
        assert resume(s, 0, now) == BLOCKED
    ((_, end_ps),) = wakes(s)
    assert resume(s, 0, end_ps) == 0
    assert booked(s, 0) == {KERNEL: 2 * US, USER: 3 * US, SWITCH: 300}


def test_one_interrupt_brings_all_who_are_woken_before_it_arrives_in_their_order(in_user: State, do: Do) -> None:
    s = in_user
    wake_task(s, 1, 3 * US, 5)
    wake_task(s, 1, 3 * US, 6)
    s.m.pending_ps[1] = 0
    assert wakes(s)[0] == (0, 3 * US + 400)
    s.tasks.cpu[6] = 0
    wake_task(s, 1, 3 * US + 100, 6)
    assert (wakes(s), s.run.head[0]) == ([], 5)
    assert (s.tasks.next_ready[5], s.tasks.next_ready[6], s.run.tail[0]) == (6, FAULTER, FAULTER)


@pytest.mark.parametrize("late_ps", [0, 1])
def test_user_time_that_ends_before_the_interrupt_is_not_preempted(in_user: State, do: Do, late_ps: int) -> None:
    s = in_user
    do(s, "wakeup_kswapd", 0, task=1, now=5 * US - 400 + late_ps)
    assert (wakes(s), s.m.cpu_state[0], s.run.need_resched[0]) == ([], IN_USER, 1)
    assert resume(s, 0, 5 * US) == 0
    assert do(s, "cond_resched", task=0, now=5 * US).value == BLOCKED
    assert s.run.current[0] == 5


def test_kernel_mode_is_not_preempted(s: State, do: Do) -> None:
    do(s, "task_begin", task=5)
    do(s, "kswapd_sleep", task=5)
    do(s, "task_begin", task=0)
    do(s, "wakeup_kswapd", 0, task=1, now=US)
    assert (wakes(s), s.m.cpu_state[0], s.run.current[0]) == ([], RUNNING, 0)


def test_on_the_way_to_user_mode_a_woken_task_goes_first(s: State, do: Do, costs: list[int]) -> None:
    do(s, "task_begin", task=5)
    do(s, "kswapd_sleep", task=5)
    do(s, "task_begin", task=0)
    do(s, "wakeup_kswapd", 0, task=1, now=US)
    assert do(s, "think", task=0, now=2 * US) == (BLOCKED, 0)
    assert (s.run.current[0], s.run.head[0], wakes(s)) == (5, 0, [(0, 2 * US + costs[CONTEXT_SWITCH])])
    resume(s, 5, 3 * US)
    do(s, "kswapd_sleep", task=5, now=4 * US)
    wakes(s)
    assert resume(s, 0, 5 * US) == BLOCKED
    assert wakes(s) == [(0, 5 * US + 3 * US)], "its whole user time"


def test_a_preempted_task_that_is_switched_in_gives_way_to_who_was_woken_meanwhile(in_user: State, do: Do) -> None:
    s = in_user
    s.run.head[0] = NONE
    do(s, "wakeup_kswapd", 0, task=1, now=3 * US)
    resume(s, 0, 3 * US + 400)
    resume(s, 5, 3 * US + 450)
    do(s, "kswapd_sleep", task=5, now=4 * US)
    do(s, "wakeup_kswapd", 0, task=1, now=4 * US)
    wakes(s)
    assert resume(s, 0, 4 * US + 50) == BLOCKED
    assert (s.run.current[0], s.run.head[0], wakes(s)) == (5, 0, [(0, 4 * US + 100)])


def test_several_woken_by_one_waker_are_told_one_after_another(s: State, costs: list[int]) -> None:
    for task in (1, 2):
        wake_task(s, 0, 0, task)
    second_ps = 2 * costs[WAKEUP] + costs[IPI_SEND]
    there_ps = costs[IPI] + costs[IDLE_EXIT] + costs[CONTEXT_SWITCH]
    assert wakes(s) == [(1, costs[WAKEUP] + there_ps), (2, second_ps + there_ps)]


def test_a_kswapd_that_runs_or_is_not_there_is_not_woken(s: State, do: Do) -> None:
    do(s, "task_begin", task=5)
    assert do(s, "wakeup_kswapd", 0, task=0) == (0, 0)
    s.zones.kswapd[1] = NONE
    assert do(s, "wakeup_kswapd", 1, task=0) == (0, 0)
    assert wakes(s) == []


def test_kswapd_does_not_sleep_once_the_run_is_over(s: State, do: Do) -> None:
    do(s, "task_begin", task=5)
    assert do(s, "should_stop", task=5).value == 0
    s.stop[0] = 1
    assert [do(s, name, task=5).value for name in ("should_stop", "kswapd_sleep")] == [1, 0]
    assert s.tasks.state[5] == TASK_RUNNING


def test_a_cpu_resumed_that_was_not_waiting_is_a_bug(s: State, do: Do) -> None:
    do(s, "task_begin")
    with pytest.raises(AssertionError, match="CPU 0 resumed in state"):
        resume(s, 0, 5)


def test_work_is_charged_by_its_figure(s: State, do: Do, costs: list[int]) -> None:
    assert do(s, "work", PAGE_COPY) == (0, costs[PAGE_COPY])


def test_a_task_works_on_the_zone_of_its_node(s: State, do: Do) -> None:
    assert [do(s, "numa_zone", task=task) for task in range(7)] == [(zone, 0) for zone in (0, 0, 1, 1, 0, 0, 1)]
