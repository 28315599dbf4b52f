"""A disk's queue, its congestion, and the rotate pagevec of the CPU that takes its interrupts."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import (
    CONGESTION_OFF,
    CONGESTION_ON,
    LRU_LOCK,
    NONE,
    PAGEVEC_SIZE,
    ROTATE_PVEC,
    ROTATED,
    TASK_READY,
    TASK_RUNNING,
    TASK_SLEEPING,
)
from perfsim.kernel.effects.sched import resume
from perfsim.kernel.state import State
from perfsim.machine.costs import IO
from perfsim.machine.state import BLOCKED
from tests.kernel.conftest import Do, StateMaker

DISKS = (8, 9)
DISK_CPUS = (5, 6)
"""Of the two nodes; their interrupts are those of CPUs 0 and 2."""
FAR = 600
"""A page of node 1."""


@pytest.fixture
def resting(s: State, do: Do) -> State:
    """Both disks rest, tasks 0 .. 3 run."""
    for task in (0, 1, 2, 3, *DISKS):
        do(s, "task_begin", task=task)
    for disk in DISKS:
        assert do(s, "wait_for_request", task=disk).value == BLOCKED
    return s


def test_a_request_rouses_the_disk_of_its_pages_node_at_once(resting: State, do: Do) -> None:
    do(resting, "submit_bio", FAR, now=70)
    assert [resting.tasks.state[disk] for disk in DISKS] == [TASK_SLEEPING, TASK_RUNNING]
    wakes = resting.m.wakes
    assert (wakes.length[0], wakes.cpu[0], wakes.at_ps[0]) == (1, DISK_CPUS[1], 70)
    do(resting, "submit_bio", FAR + 1, now=80)
    assert wakes.length[0] == 1, "it is roused already"
    assert resume(resting, DISKS[1], 70) == 0
    assert do(resting, "wait_for_request", task=DISKS[1], now=90).value == 0


def test_requests_are_served_in_their_order_round_and_round_the_ring(resting: State, do: Do) -> None:
    expected = []
    for number in range(3 * resting.settings.disk_slots):
        do(resting, "submit_bio", FAR + number % 400)
        expected.append(FAR + number % 400)
        if number % 3:
            assert do(resting, "complete_request", task=DISKS[1]).value == expected.pop(0)
        if len(expected) > 50:
            assert [do(resting, "complete_request", task=DISKS[1]).value for _ in range(50)] == expected[:50]
            expected = expected[50:]
    assert do(resting, "requests_queued", task=DISKS[1]).value == len(expected) > 0
    assert do(resting, "requests_queued", task=DISKS[0]).value == 0


def test_a_long_queue_is_congested_until_it_is_clearly_shorter(resting: State, do: Do) -> None:
    congested = []
    for page in range(CONGESTION_ON):
        do(resting, "submit_bio", page)
        congested.append(do(resting, "bdi_write_congested", 0).value)
    assert congested == [0] * (CONGESTION_ON - 1) + [1]
    assert do(resting, "bdi_write_congested", 1).value == 0
    while resting.disks.congested[0]:
        do(resting, "complete_request", task=DISKS[0])
    assert resting.disks.length[0] == CONGESTION_OFF - 1


def test_who_waits_for_congestion_is_woken_by_a_completion_below_it(resting: State, do: Do) -> None:
    do(resting, "submit_bio", 3)
    do(resting, "congestion_wait", 25, task=1)
    do(resting, "schedule_timeout", 25, task=2)
    do(resting, "complete_request", task=DISKS[0], now=500)
    assert (resting.tasks.state[1], resting.tasks.state[2]) == (TASK_READY, TASK_SLEEPING)
    assert (resting.timers.expires_ps[1], resting.timers.congestion[1]) == (NONE, 0)


@pytest.mark.parametrize("queued", [1, 40])
def test_requests_take_an_exponential_time_together(resting: State, do: Do, queued: int) -> None:
    """Of the profile's mean, each; so that the first of forty is done forty times as soon."""
    times_ps = []
    for page in range(queued):
        do(resting, "submit_bio", page)
    for _ in range(2_000):
        resting.m.wakes.length[0] = 0
        assert do(resting, "serve_request", task=DISKS[0], now=10**9).value == BLOCKED
        times_ps.append(resting.m.wakes.at_ps[0] - 10**9)
    mean_ps = resting.m.cost_ps[IO] // queued
    assert sum(times_ps) / len(times_ps) == pytest.approx(mean_ps, rel=0.1)
    assert sum(time_ps > mean_ps for time_ps in times_ps) / len(times_ps) == pytest.approx(0.37, abs=0.04)


def test_a_disk_that_costs_nothing_is_done_at_once(make_state: StateMaker, do: Do) -> None:
    s = make_state("machine.profile=ideal")
    do(s, "submit_bio", 3)
    assert do(s, "serve_request", task=DISKS[0]).value == 0


def test_a_disk_and_the_cpu_it_interrupts_share_one_rotate_pagevec(resting: State, do: Do) -> None:
    room = [do(resting, "rotate_pagevec_add", FAR + i, task=DISKS[1]).value for i in range(PAGEVEC_SIZE)]
    assert room == list(range(PAGEVEC_SIZE))[::-1]
    found = [do(resting, "pagevec_count", ROTATE_PVEC, task=task).value for task in (0, 1, 2, 3)]
    assert found == [0, 0, PAGEVEC_SIZE, 0]
    assert do(resting, "take_rotate_pagevec", task=2).value == PAGEVEC_SIZE
    assert [do(resting, "pagevec_page", ROTATED, i, task=2).value for i in (0, 13)] == [FAR, FAR + 13]
    assert do(resting, "take_rotate_pagevec", task=DISKS[1]).value == 0


def test_a_devices_holds_of_a_lock_count_and_its_waits_do_not(resting: State, do: Do) -> None:
    do(resting, "spin_lock", LRU_LOCK, 1, task=DISKS[1], now=100)
    assert do(resting, "spin_lock", LRU_LOCK, 1, task=1, now=200).value == BLOCKED
    do(resting, "spin_unlock", LRU_LOCK, 1, task=DISKS[1], now=10**6)
    resume(resting, 1, resting.m.wakes.at_ps[0])
    tally = resting.m.tally
    assert (tally.acquisitions[LRU_LOCK], tally.contentions[LRU_LOCK]) == (1, 1)
    assert 0 < tally.hold_total_ps[LRU_LOCK] < 10**6
