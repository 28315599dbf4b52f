"""The hashed wait queues of page locks: queueing, sleeping, waking, and the ways a wake-up could get lost."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    NONE,
    PAGE_LOCK,
    PAGE_LOCK_SLEEPS,
    PG_LOCKED,
    PG_WRITEBACK,
    TASK_READY,
    TASK_RUNNING,
    TASK_SLEEPING,
)
from perfsim.kernel.state import State, bucket_of
from perfsim.machine.costs import BARRIER_FULL, DRAM_LOCAL, IPI_SEND, L1_HIT, LLC_TRANSFER, WAKEUP
from perfsim.machine.state import BLOCKED
from tests.kernel.conftest import Do

PAGE = 11


@pytest.fixture
def running(s: State, do: Do) -> State:
    """Tasks 0 .. 3 run on their CPUs, and PAGE is locked."""
    for task in range(4):
        do(s, "task_begin", task=task)
    s.pages.flags[PAGE] |= PG_LOCKED
    return s


def queue_of(s: State, page: int) -> list[int]:
    """Tasks in the queue of a page's bucket, from the head."""
    found = []
    task = s.queues.head[bucket_of(s, page)]
    while task != NONE:
        found.append(task)
        task = s.queues.next[task]
    return found


def wait(s: State, do: Do, *tasks: int, page: int = PAGE) -> None:
    """Let tasks queue for a page's lock and sleep."""
    for task in tasks:
        do(s, "page_lock_contended", page, task=task)
        do(s, "prepare_to_wait_exclusive", page, task=task)
        assert do(s, "io_schedule", task=task).value == BLOCKED


def unlock(s: State, do: Do, page: int = PAGE) -> None:
    """Clear the bit and wake a waiter, by task 3."""
    s.pages.flags[page] &= ~PG_LOCKED
    do(s, "wake_up_bit", page, PG_LOCKED, task=3)


def neighbour_in_bucket(s: State) -> int:
    """Another page whose waiters share the queue of PAGE."""
    return next(page for page in range(512) if page != PAGE and bucket_of(s, page) == bucket_of(s, PAGE))


def test_a_page_has_the_bucket_of_its_hash_in_its_own_zone(s: State, do: Do) -> None:
    buckets = [do(s, "page_waitqueue", page).value for page in range(1024)]
    assert set(buckets[:512]) == set(range(4))
    assert set(buckets[512:]) == set(range(4, 8))


def test_waiters_queue_at_the_tail_once_each(running: State, do: Do) -> None:
    s = running
    for task in (2, 0, 1, 2, 0):
        do(s, "prepare_to_wait_exclusive", PAGE, task=task)
    assert queue_of(s, PAGE) == [2, 0, 1]
    assert s.queues.queued[:4] == [1, 1, 1, 0]


def test_queueing_costs_a_barrier_and_a_store_to_the_buckets_line(running: State, do: Do) -> None:
    costs = running.m.cost_ps
    first = do(running, "prepare_to_wait_exclusive", PAGE).cost_ps
    assert first == costs[BARRIER_FULL] + costs[DRAM_LOCAL]
    assert do(running, "prepare_to_wait_exclusive", PAGE).cost_ps == costs[BARRIER_FULL]
    assert do(running, "prepare_to_wait_exclusive", PAGE, task=1).cost_ps == costs[BARRIER_FULL] + costs[LLC_TRANSFER]


def test_a_waiter_sleeps_and_leaves_its_cpu(running: State, do: Do) -> None:
    s = running
    wait(s, do, 1)
    assert (s.tasks.state[1], s.run.current[1], s.events[PAGE_LOCK_SLEEPS]) == (TASK_SLEEPING, NONE, 1)


def test_a_wake_up_between_queueing_and_sleeping_is_not_lost(running: State, do: Do) -> None:
    s = running
    do(s, "page_lock_contended", PAGE, task=1)
    do(s, "prepare_to_wait_exclusive", PAGE, task=1)
    s.pages.flags[PAGE] &= ~PG_LOCKED
    woken = do(s, "wake_up_bit", PAGE, PG_LOCKED, task=3)
    assert woken.cost_ps > s.m.cost_ps[WAKEUP]
    assert (s.m.wakes.length[0], s.tasks.state[1]) == (0, TASK_RUNNING)
    assert do(s, "io_schedule", task=1).value == 0
    assert (s.tasks.state[1], s.events[PAGE_LOCK_SLEEPS]) == (TASK_RUNNING, 0)


def test_an_old_wake_up_does_not_keep_a_waiter_from_sleeping_again(running: State, do: Do) -> None:
    s = running
    s.queues.woken[1] = 1
    do(s, "prepare_to_wait_exclusive", PAGE, task=1)
    assert do(s, "io_schedule", task=1).value == BLOCKED


def test_the_first_waiter_alone_is_woken_and_taken_off_the_queue(running: State, do: Do) -> None:
    s = running
    wait(s, do, 2, 0)
    unlock(s, do)
    assert queue_of(s, PAGE) == [0]
    assert (s.queues.woken[:3], s.queues.queued[:3]) == ([0, 0, 1], [1, 0, 0])
    assert (s.tasks.state[2], s.tasks.state[0]) == (TASK_READY, TASK_SLEEPING)
    assert (s.m.wakes.length[0], s.m.wakes.cpu[0]) == (1, 2)


def test_waking_costs_the_waker_the_queues_line_a_wake_up_and_an_interrupt(running: State, do: Do) -> None:
    s = running
    wait(s, do, 1)
    do(s, "prepare_to_wait_exclusive", PAGE, task=0)
    s.pages.flags[PAGE] &= ~PG_LOCKED
    costs = s.m.cost_ps
    assert do(s, "wake_up_bit", PAGE, PG_LOCKED, task=0).cost_ps == costs[L1_HIT] + costs[WAKEUP] + costs[IPI_SEND]


def test_waiters_of_another_page_in_the_bucket_are_passed_over(running: State, do: Do) -> None:
    s = running
    other = neighbour_in_bucket(s)
    wait(s, do, 2, page=other)
    wait(s, do, 0)
    unlock(s, do)
    assert queue_of(s, PAGE) == [2]
    assert (s.queues.woken[0], s.queues.woken[2]) == (1, 0)
    unlock(s, do, page=other)
    assert queue_of(s, PAGE) == []
    assert s.queues.woken[2] == 1


def test_nobody_is_woken_when_the_lock_is_taken_again_meanwhile(running: State, do: Do) -> None:
    s = running
    wait(s, do, 2, 0)
    assert do(s, "wake_up_bit", PAGE, PG_LOCKED, task=3) == (0, 0)
    assert queue_of(s, PAGE) == [2, 0]
    assert s.m.wakes.length[0] == 0


def wait_until_clear(s: State, do: Do, task: int, flag: int) -> None:
    """Let a task sleep until a bit of PAGE is clear."""
    do(s, "prepare_to_wait", PAGE, flag, task=task)
    assert do(s, "io_schedule", task=task).value == BLOCKED


def test_who_only_waits_to_see_a_bit_clear_queues_at_the_head_once(running: State, do: Do) -> None:
    s = running
    do(s, "prepare_to_wait_exclusive", PAGE, task=2)
    costs = s.m.cost_ps
    assert do(s, "prepare_to_wait", PAGE, PG_WRITEBACK, task=3) == (0, costs[BARRIER_FULL] + costs[LLC_TRANSFER])
    for task in (1, 3):
        do(s, "prepare_to_wait", PAGE, PG_WRITEBACK, task=task)
    assert queue_of(s, PAGE) == [1, 3, 2]
    assert do(s, "prepare_to_wait", PAGE, PG_WRITEBACK, task=1).cost_ps == costs[BARRIER_FULL]


def test_all_who_wait_for_the_bit_to_be_clear_are_woken_and_the_first_who_wants_to_set_it(
    running: State, do: Do
) -> None:
    s = running
    do(s, "task_begin", task=5)  # behind task 0 on its CPU
    wait(s, do, 2, 1)
    wait_until_clear(s, do, 0, PG_LOCKED)
    assert queue_of(s, PAGE) == [0, 2, 1]
    unlock(s, do)
    assert queue_of(s, PAGE) == [1]
    assert s.queues.woken[:3] == [1, 0, 1]


def test_nobody_is_woken_for_another_bit_than_he_waits_for(running: State, do: Do) -> None:
    s = running
    s.pages.flags[PAGE] |= PG_WRITEBACK
    wait(s, do, 2)
    for task in (0, 1):
        wait_until_clear(s, do, task, PG_WRITEBACK)
    do(s, "wake_up_bit", PAGE, PG_WRITEBACK, task=3)
    assert queue_of(s, PAGE) == [1, 0, 2], "it is still being written"
    s.pages.flags[PAGE] &= ~(PG_WRITEBACK | PG_LOCKED)
    do(s, "wake_up_bit", PAGE, PG_WRITEBACK, task=3)
    assert queue_of(s, PAGE) == [2]
    assert s.queues.woken[:3] == [1, 1, 0]
    do(s, "wake_up_bit", PAGE, PG_LOCKED, task=3)
    assert queue_of(s, PAGE) == []


def test_a_sleep_until_a_page_is_written_is_no_sleep_on_its_lock(running: State, do: Do) -> None:
    running.pages.flags[PAGE] |= PG_WRITEBACK
    wait_until_clear(running, do, 1, PG_WRITEBACK)
    assert running.events[PAGE_LOCK_SLEEPS] == 0
    wait_until_clear(running, do, 2, PG_LOCKED)
    assert running.events[PAGE_LOCK_SLEEPS] == 1


@pytest.mark.parametrize("leaver, left", [(2, [0, 1]), (0, [2, 1]), (1, [2, 0])])
def test_a_waiter_can_leave_the_queue_from_anywhere(running: State, do: Do, leaver: int, left: list[int]) -> None:
    s = running
    for task in (2, 0, 1):
        do(s, "prepare_to_wait_exclusive", PAGE, task=task)
    assert do(s, "wait_queued", task=leaver).value == 1
    do(s, "remove_wait_queue", PAGE, task=leaver)
    assert queue_of(s, PAGE) == left
    assert do(s, "wait_queued", task=leaver).value == 0


def test_an_empty_queue_is_seen_by_a_read_of_its_line(running: State, do: Do) -> None:
    s = running
    bucket = bucket_of(s, PAGE)
    assert do(s, "waitqueue_active", bucket) == (0, s.m.cost_ps[DRAM_LOCAL])
    do(s, "prepare_to_wait_exclusive", PAGE)
    assert do(s, "waitqueue_active", bucket) == (1, s.m.cost_ps[L1_HIT])


def test_a_wait_for_a_page_lock_bounces_if_another_cpu_has_it(s: State, do: Do) -> None:
    """Task 4 runs on the CPU of task 0."""
    do(s, "test_and_set", PAGE, PG_LOCKED, task=0)
    do(s, "page_lock_contended", PAGE, task=4)
    assert s.m.tally.con_bounces[PAGE_LOCK] == 0
    do(s, "page_lock_contended", PAGE, task=1)
    assert s.m.tally.con_bounces[PAGE_LOCK] == 1
