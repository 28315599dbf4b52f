"""Who waits for what, in the words of a report, and which tasks are unfinished when nobody can run."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import LRU_LOCK, MZ_LOCK, PG_LOCKED, PG_WRITEBACK, TASK_DONE, WAIT_BUCKET
from perfsim.kernel.state import State
from perfsim.kernel.waits import unfinished, waits_of
from tests.kernel.conftest import Do, StateMaker

NAMES = ["lockers[0]", "lockers[1]", "lockers[2]", "lockers[3]", "faulters[0]", "kswapd[0]", "kswapd[1]"]


@pytest.mark.parametrize(
    "lock_class, index, number, text",
    [
        (LRU_LOCK, 1, 1, "zone->lru_lock"),
        (MZ_LOCK, 0, 2, "memcg zone lock"),
        (WAIT_BUCKET, 3, 7, "wait bucket lock"),
    ],
)
def test_a_spinning_task_says_for_which_lock_since_when_and_who_has_it(
    running: State, do: Do, lock_class: int, index: int, number: int, text: str
) -> None:
    since_ps = do(running, "spin_lock", lock_class, index, task=2).cost_ps
    do(running, "spin_lock", lock_class, index, task=1, now=77)
    holder = f"held by lockers[2] on CPU 2 since {since_ps} ps"
    assert waits_of(running, 1, NAMES) == f"lockers[1] on CPU 1 spins for {text} {number} since 77 ps; {holder}"


def test_a_task_asleep_on_a_page_lock_says_on_which_since_when_and_who_has_it(running: State, do: Do) -> None:
    cost_ps = do(running, "test_and_set", 9, PG_LOCKED, task=0, now=100).cost_ps
    do(running, "page_lock_contended", 9, task=1, now=2_000)
    do(running, "prepare_to_wait_exclusive", 9, task=1, now=2_000)
    do(running, "io_schedule", task=1, now=2_500)
    wait = "lockers[1] on CPU 1 sleeps on the lock of page 9 since 2500 ps"
    assert waits_of(running, 1, NAMES) == f"{wait}; held by lockers[0] since {100 + cost_ps} ps"
    do(running, "test_and_clear", 9, PG_LOCKED, task=0, now=3_000)
    assert waits_of(running, 1, NAMES) == f"{wait}; held by nobody"


def test_a_task_asleep_until_a_page_is_written_says_so_and_not_that_it_waits_for_its_lock(
    running: State, do: Do
) -> None:
    running.pages.flags[9] |= PG_WRITEBACK | PG_LOCKED
    do(running, "prepare_to_wait", 9, PG_WRITEBACK, task=1)
    do(running, "io_schedule", task=1, now=2_500)
    assert waits_of(running, 1, NAMES) == "lockers[1] on CPU 1 sleeps until page 9 is written since 2500 ps"


def test_a_task_asleep_on_mmap_sem_says_on_whose_since_when_and_who_has_it(running: State, do: Do) -> None:
    do(running, "down_write_or_queue", 3, task=0)
    for task in (1, 2):
        do(running, "down_read_or_queue", 3, task=task)
        do(running, "rwsem_schedule", task=task, now=2_500)
    wait = "lockers[1] on CPU 1 sleeps on mmap_sem 3 since 2500 ps"
    assert waits_of(running, 1, NAMES) == f"{wait}; held by lockers[0]"
    do(running, "up_write", 3, task=0)
    do(running, "down_write_or_queue", 3, task=0)
    do(running, "rwsem_schedule", task=0, now=2_500)
    assert waits_of(running, 0, NAMES) == "lockers[0] on CPU 0 sleeps on mmap_sem 3 since 2500 ps; held by 2 readers"


def test_other_tasks_say_in_which_state_they_are(running: State, do: Do) -> None:
    do(running, "task_begin", task=4, now=50)
    assert waits_of(running, 0, NAMES) == "lockers[0] on CPU 0 is running since 0 ps"
    assert waits_of(running, 4, NAMES) == "faulters[0] on CPU 0 is ready since 50 ps"
    assert waits_of(running, 6, NAMES) == "kswapd[1] on CPU 2 is not started since 0 ps"
    do(running, "task_exit", task=3, now=60)
    assert waits_of(running, 3, NAMES) == "lockers[3] on CPU 3 is done since 60 ps"


def test_a_thread_of_keventd_is_at_rest_unless_it_has_work(make_state: StateMaker, do: Do) -> None:
    s = make_state("kernel.drain_all=twice")
    for task in range(7):
        s.tasks.state[task] = TASK_DONE
    assert unfinished(s) == [7, 8, 9, 10, 11, 12, 13], "not started: threads, the timer, disks"
    for task in range(7, 14):
        do(s, "task_begin", task=task)
    assert unfinished(s) == [11, 12, 13], "threads sleep from the first instant, devices when they have looked"
    do(s, "wait_for_tick", task=11)
    for disk in (12, 13):
        do(s, "wait_for_request", task=disk)
    assert unfinished(s) == []
    s.stop[0] = 1
    assert unfinished(s) == []
    s.work.inserted[2] += 1
    assert unfinished(s) == [9]
