"""keventd's queues: who is woken when, and who waits for which work."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    DRAIN_NEVER,
    DRAIN_ONCE,
    DRAIN_TWICE,
    KEVENTD,
    NONE,
    TASK_READY,
    TASK_RUNNING,
    TASK_SLEEPING,
)
from perfsim.kernel.effects.sched import resume
from perfsim.kernel.state import State
from perfsim.machine.costs import ATOMIC_LOCAL, IPI_SEND, WAKEUP
from perfsim.machine.state import BLOCKED
from tests.kernel.conftest import Do, StateMaker

US = 10**6
EVENTS = 7
"""events/0; those of CPUs 1 to 3 follow."""


@pytest.fixture
def began(make_state: StateMaker, do: Do) -> State:
    """Tasks 0 .. 2 run on their CPUs, CPU 3 idles, every events/N sleeps."""
    s = make_state("kernel.drain_all=twice")
    for task in (0, 1, 2, *range(EVENTS, EVENTS + 4)):
        do(s, "task_begin", task=task)
    return s


def woken(s: State) -> list[int]:
    """CPUs that an effect asked to be resumed."""
    count = s.m.wakes.length[0]
    s.m.wakes.length[0] = 0
    return s.m.wakes.cpu[:count]


@pytest.mark.parametrize("word, number", [("never", DRAIN_NEVER), ("once", DRAIN_ONCE), ("twice", DRAIN_TWICE)])
def test_how_often_all_are_drained_is_the_workloads_word(
    make_state: StateMaker, do: Do, word: str, number: int
) -> None:
    s = make_state(f"kernel.drain_all={word}")
    assert (do(s, "drain_all").value, do(s, "nr_cpus").value) == (number, 4)


def test_a_kernel_that_never_drains_has_no_threads(make_state: StateMaker, do: Do) -> None:
    s = make_state("kernel.drain_all=never")
    assert s.work.thread == [NONE] * 4
    with pytest.raises(AssertionError, match="task 0 queues work on CPU 2, which has no thread for it"):
        do(s, "queue_work", 2)


def test_threads_sleep_from_the_first_instant_and_take_no_cpu(began: State) -> None:
    assert began.work.thread == list(range(EVENTS, EVENTS + 4))
    assert began.tasks.kind[EVENTS : EVENTS + 4] == [KEVENTD] * 4
    assert began.tasks.state[EVENTS : EVENTS + 4] == [TASK_SLEEPING] * 4
    assert (began.run.current[:4], began.run.head[:4]) == ([0, 1, 2, NONE], [NONE] * 4)


def test_a_thread_that_has_work_before_its_first_step_begins_like_any_task(make_state: StateMaker, do: Do) -> None:
    s = make_state("kernel.drain_all=twice")
    for on_cpu in (0, 3):
        do(s, "queue_work", on_cpu)
    do(s, "task_begin", task=0)
    assert [do(s, "task_begin", task=EVENTS + on_cpu).value for on_cpu in (0, 3)] == [BLOCKED, 0]
    assert (s.tasks.state[EVENTS], s.tasks.state[EVENTS + 3]) == (TASK_READY, TASK_RUNNING)


def test_work_wakes_a_thread_that_sleeps_and_no_other(began: State, do: Do) -> None:
    s = began
    costs = s.m.cost_ps
    do(s, "queue_work", 3, task=1)
    assert (woken(s), s.tasks.state[EVENTS + 3]) == ([3], TASK_READY)
    assert do(s, "queue_work", 3, task=1) == (0, costs[ATOMIC_LOCAL]), "it is awake already"
    assert s.work.inserted == [0, 0, 0, 2]
    do(s, "queue_work", 1, task=1)
    assert (woken(s), s.run.head[1], s.run.need_resched[1]) == ([], EVENTS + 1, 1)
    first = do(s, "queue_work", 2, task=1)
    assert first.cost_ps > costs[ATOMIC_LOCAL] + costs[WAKEUP] + costs[IPI_SEND], "and the line comes from memory"


def test_a_thread_does_what_is_queued_and_sleeps_again(began: State, do: Do) -> None:
    s = began
    for _ in range(2):
        do(s, "queue_work", 3, task=1)
    thread = EVENTS + 3
    assert resume(s, thread, 50 * US) == 0
    for _ in range(2):
        assert do(s, "next_work", task=thread, now=50 * US).value == 1
        do(s, "work_done", task=thread, now=51 * US)
    assert do(s, "next_work", task=thread, now=52 * US).value == 0
    assert do(s, "wait_for_work", task=thread, now=52 * US).value == BLOCKED
    assert (s.work.inserted[3], s.work.done[3], s.tasks.state[thread]) == (2, 2, TASK_SLEEPING)


def test_work_that_comes_between_the_look_and_the_sleep_is_not_slept_over(began: State, do: Do) -> None:
    s = began
    do(s, "queue_work", 3, task=1)
    thread = EVENTS + 3
    resume(s, thread, 50 * US)
    assert do(s, "wait_for_work", task=thread, now=51 * US).value == 0
    assert s.tasks.state[thread] == TASK_RUNNING


def test_who_flushes_an_empty_queue_does_not_wait(began: State, do: Do) -> None:
    assert do(began, "insert_wq_barrier", 3).value == 0
    assert do(began, "wait_for_completion").value == 0


def test_who_flushes_waits_for_what_was_queued_before_and_for_nothing_later(began: State, do: Do) -> None:
    s = began
    thread = EVENTS + 3
    do(s, "queue_work", 3, task=0)
    assert do(s, "insert_wq_barrier", 3, task=0).value == 1
    assert do(s, "wait_for_completion", task=0, now=US).value == BLOCKED
    do(s, "queue_work", 3, task=1)
    assert do(s, "insert_wq_barrier", 3, task=1).value == 1
    assert do(s, "insert_wq_barrier", 3, task=2).value == 1
    woken(s)
    assert resume(s, thread, 50 * US) == 0
    do(s, "work_done", task=thread, now=51 * US)
    assert woken(s) == [0]
    assert s.work.waits_for[:3] == [NONE, 3, 3]
    do(s, "work_done", task=thread, now=52 * US)
    assert woken(s) == [], "both are still on their way to sleep"
    assert s.work.waits_for[:3] == [NONE] * 3
    assert [do(s, "wait_for_completion", task=task).value for task in (1, 2)] == [0, 0]
