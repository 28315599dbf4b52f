"""Test-and-set spinlocks by hand: a race after each release, which the releaser may win.

CPU 4n .. 4n+3 are of node n.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from perfsim.machine.locks import acquire, release, resume_spin
from perfsim.machine.state import ATTEMPTING, BLOCKED, NONE, RUNNING, SPINNING, Machine
from tests.machine.conftest import MachineMaker
from tests.machine.locking import (
    ATOMIC,
    FAR,
    HOP,
    LATER,
    LOCK,
    NEAR,
    RELEASE,
    SERVICE,
    pass_on,
    pay,
    queue_up,
    take,
    wakes,
)


def race(make_machine: MachineMaker, *waiters: int, **changes: Any) -> tuple[Machine, int]:
    """A test_and_set lock that CPU 0 has just released at LATER, and the poller on its way to it."""
    m = make_machine(algorithm="test_and_set", **changes)
    take(m, 0, 0)
    queue_up(m, *waiters)
    release(m, 0, LATER, LOCK)
    return m, m.lock_attempt[LOCK]


@pytest.mark.parametrize("poller, distance_ps", [(1, NEAR), (4, HOP), (12, FAR)])
def test_a_test_and_set_release_frees_the_lock_and_a_poller_tries_its_atomic(
    make_machine: MachineMaker, poller: int, distance_ps: int
) -> None:
    m, attempting = race(make_machine, poller)
    assert (attempting, m.lock_owner[LOCK], m.cpu_state[poller]) == (poller, NONE, ATTEMPTING)
    released_ps = LATER + distance_ps
    arrives_ps = released_ps + SERVICE + distance_ps + ATOMIC
    assert wakes(m) == [(poller, arrives_ps)]
    assert pay(m, 0) == distance_ps + RELEASE
    assert resume_spin(m, poller, arrives_ps) == 0
    assert (m.lock_owner[LOCK], m.lock_since_ps[LOCK], m.cpu_state[poller]) == (poller, arrives_ps, RUNNING)


@pytest.mark.parametrize("releaser, near, far", [(0, 1, (4, 8, 12)), (4, 5, (0, 8, 12)), (12, 13, (0, 4, 8))])
def test_a_test_and_set_winner_is_drawn_with_the_weights_of_the_profile(
    make_machine: MachineMaker, releaser: int, near: int, far: tuple[int, ...]
) -> None:
    winners: Counter[int] = Counter()
    for number in range(2_100):
        m = make_machine(algorithm="test_and_set", bias_same_node=4, bias_other_node=1)
        m.lock_draws[LOCK] = number
        take(m, releaser, 0)
        queue_up(m, near, *far)
        release(m, releaser, LATER, LOCK)
        winners[m.lock_attempt[LOCK]] += 1
    # Of weights 4, 1, 1, 1 and 2100 draws: 1200 and 300 each, with standard deviations of 23 and 16.
    assert abs(winners[near] - 1_200) < 4 * 23
    assert all(abs(winners[cpu] - 300) < 4 * 16 for cpu in far)


def test_the_releaser_barges_when_its_weight_is_overwhelming(make_machine: MachineMaker) -> None:
    m, winner = race(make_machine, 4, bias_releaser=1 << 20)
    back_ps = LATER + pay(m, 0)
    assert back_ps == LATER + HOP + RELEASE
    assert take(m, 0, back_ps) == ATOMIC
    assert m.lock_owner[LOCK] == 0
    ((_, arrives_ps),) = wakes(m)
    assert resume_spin(m, winner, arrives_ps) == BLOCKED
    assert (m.cpu_state[winner], m.lock_attempt[LOCK], m.lock_waiters[LOCK]) == (SPINNING, NONE, 1)
    assert pass_on(m, 0, 2 * LATER)[0] == winner


@pytest.mark.parametrize("late_ps, expected", [(HOP, 0), (HOP + 1, BLOCKED), (LATER, BLOCKED)])
def test_the_releaser_comes_too_late_one_transfer_after_its_store(
    make_machine: MachineMaker, late_ps: int, expected: int
) -> None:
    m, _ = race(make_machine, 4, bias_releaser=1 << 20)
    store_ps = HOP
    assert acquire(m, 0, LATER + store_ps + late_ps, LOCK) == expected


def test_the_releaser_without_weight_never_barges(make_machine: MachineMaker) -> None:
    m, _ = race(make_machine, 4, bias_releaser=0)
    assert acquire(m, 0, LATER, LOCK) == BLOCKED


def test_nobody_but_the_releaser_barges(make_machine: MachineMaker) -> None:
    m, winner = race(make_machine, 4, bias_releaser=1 << 20)
    assert acquire(m, 1, LATER, LOCK) == BLOCKED
    ((_, arrives_ps),) = wakes(m)
    assert resume_spin(m, winner, arrives_ps) == 0
    assert m.lock_owner[LOCK] == winner


@pytest.mark.parametrize("same, share", [(4, 8 / 12), (1, 8 / 9)])
def test_the_releaser_barges_as_often_as_its_weight_says(make_machine: MachineMaker, same: int, share: float) -> None:
    m = make_machine(cpus=2, nodes=1, node_hops=((0,),), algorithm="test_and_set", bias_releaser=8, bias_same_node=same)
    take(m, 0, 0)
    queue_up(m, 1)
    barged, now, holder, other = 0, LATER, 0, 1
    for _ in range(2_000):
        release(m, holder, now, LOCK)
        ((_, arrives_ps),) = wakes(m)
        won = acquire(m, holder, now, LOCK) == 0
        assert resume_spin(m, other, arrives_ps) == (BLOCKED if won else 0)
        barged += won
        holder, other = (holder, other) if won else (other, holder)
        now = arrives_ps + LATER
    assert abs(barged / 2_000 - share) < 4 * (share * (1 - share) / 2_000) ** 0.5


def test_a_lock_released_while_a_poller_is_on_its_way_starts_no_second_race(make_machine: MachineMaker) -> None:
    m, winner = race(make_machine, 4, 8, bias_releaser=1 << 20)
    ((_, arrives_ps),) = wakes(m)
    take(m, 0, LATER)
    release(m, 0, LATER + 1, LOCK)
    assert wakes(m) == []
    assert resume_spin(m, winner, arrives_ps) == 0
    assert m.lock_owner[LOCK] == winner


def test_a_test_and_set_release_behind_the_losers_atomics_waits_for_them(make_machine: MachineMaker) -> None:
    m, winner = race(make_machine, 1, 2, 3)
    ((_, arrives_ps),) = wakes(m)
    resume_spin(m, winner, arrives_ps)
    release(m, winner, arrives_ps + 500, LOCK)
    assert pay(m, winner) == 2 * SERVICE - 500 + NEAR + RELEASE


def test_a_failed_attempt_waits_on_from_when_it_first_asked(make_machine: MachineMaker) -> None:
    m, winner = race(make_machine, 4, bias_releaser=1 << 20)
    ((_, arrives_ps),) = wakes(m)
    take(m, 0, LATER)
    resume_spin(m, winner, arrives_ps)
    _, start_ps = pass_on(m, 0, 2 * LATER)
    assert m.tally.wait_max_ps[0] == start_ps
    assert (m.tally.acquisitions[0], m.tally.contentions[0]) == (3, 1)
