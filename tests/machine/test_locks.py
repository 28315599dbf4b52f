"""Spinlocks by hand, to the picosecond: what a take costs, who is next, and when the next owner starts.

CPU 4n .. 4n+3 are of node n. One lock, at home on node 0; figures as in conftest.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from perfsim.machine.coherence import read_line, take_line
from perfsim.machine.locks import acquire, release, write_beside_lock
from perfsim.machine.state import BLOCKED, NONE, RUNNING, Machine
from perfsim.machine.tally import CATEGORIES, SPIN
from tests.machine.conftest import MachineMaker
from tests.machine.locking import (
    ATOMIC,
    FAR,
    HIT,
    HOP,
    IN_ORDER,
    LATER,
    LOCAL,
    LOCK,
    NEAR,
    REAL,
    RELEASE,
    REMOTE,
    SERVICE,
    next_place,
    pass_on,
    pay,
    queue_up,
    take,
    wakes,
)


@pytest.mark.parametrize("algorithm", REAL)
@pytest.mark.parametrize("cpu, fetch_ps", [(0, LOCAL), (4, REMOTE)])
def test_a_cold_free_lock_costs_its_line_and_an_atomic(
    make_machine: MachineMaker, algorithm: str, cpu: int, fetch_ps: int
) -> None:
    m = make_machine(algorithm=algorithm)
    assert take(m, cpu, 0) == fetch_ps + ATOMIC
    assert (m.lock_owner[LOCK], m.locks_held[cpu]) == (cpu, 1)
    assert m.lock_since_ps[LOCK] == fetch_ps + ATOMIC


@pytest.mark.parametrize("algorithm", REAL)
@pytest.mark.parametrize("last, fetch_ps", [(0, 0), (1, NEAR), (4, HOP), (12, FAR)])
def test_a_free_lock_costs_the_way_from_who_had_it_last(
    make_machine: MachineMaker, algorithm: str, last: int, fetch_ps: int
) -> None:
    m = make_machine(algorithm=algorithm)
    take(m, last, 0)
    release(m, last, LATER, LOCK)
    pay(m, last)
    assert take(m, 0, 2 * LATER) == fetch_ps + ATOMIC


@pytest.mark.parametrize("algorithm", REAL)
def test_an_uncontended_release_costs_a_hit_and_the_release_barrier(make_machine: MachineMaker, algorithm: str) -> None:
    m = make_machine(algorithm=algorithm)
    take(m, 0, 0)
    assert release(m, 0, 500, LOCK) == 0
    assert (pay(m, 0), wakes(m)) == (HIT + RELEASE, [])
    assert (m.lock_owner[LOCK], m.locks_held[0], m.lock_waiters[LOCK]) == (NONE, 0, 0)


def test_an_uncontended_release_after_another_has_read_the_line_waits_for_the_reader(
    make_machine: MachineMaker,
) -> None:
    m = make_machine()
    take(m, 0, 0)
    read_line(m, 12, m.lock_line[LOCK])
    release(m, 0, 500, LOCK)
    assert pay(m, 0) == FAR + RELEASE


def test_an_uncontended_take_counts_as_a_wait_of_zero_and_its_cost_is_no_hold(make_machine: MachineMaker) -> None:
    m = make_machine()
    take(m, 0, 1_000)
    release(m, 0, 5_000, LOCK)
    tally = m.tally
    assert (tally.acquisitions[0], tally.contentions[0], tally.wait_total_ps[0]) == (1, 0, 0)
    assert tally.hold_total_ps[0] == 5_000 - (1_000 + LOCAL + ATOMIC)


@pytest.mark.parametrize("profile", IN_ORDER, ids=lambda profile: profile["algorithm"])
def test_who_came_first_is_served_first_whatever_the_node(make_machine: MachineMaker, profile: dict[str, Any]) -> None:
    m = make_machine(**profile)
    take(m, 0, 0)
    queue_up(m, 12, 1, 5, 2, 13, 4)
    order, cpu, now = [], 0, LATER
    for _ in range(6):
        cpu, start_ps = pass_on(m, cpu, now)
        order.append(cpu)
        assert (m.locks_held[cpu], m.waits_for[cpu], m.cpu_state[cpu]) == (1, NONE, RUNNING)
        now = start_ps + LATER
    assert order == [12, 1, 5, 2, 13, 4]
    assert m.lock_waiters[LOCK] == 0
    assert sum(m.queue_length) == 0


def test_ticket_hands_off_after_upgrade_transfer_and_a_place_among_the_refetches(make_machine: MachineMaker) -> None:
    m = make_machine()
    take(m, 0, 0)
    queue_up(m, 4, 1, 12)
    place = next_place(m, 3)
    assert release(m, 0, LATER, LOCK) == 0
    assert wakes(m) == [(4, LATER + FAR + HOP + SERVICE * place)]
    assert pay(m, 0) == FAR + RELEASE


@pytest.mark.parametrize(
    "waiters, upgrade_ps, transfer_ps",
    [([1], NEAR, NEAR), ([4], HOP, HOP), ([12], FAR, FAR), ([1, 12], FAR, NEAR), ([12, 1], FAR, FAR)],
)
def test_a_ticket_release_waits_for_the_farthest_poller_and_the_transfer_for_the_successor(
    make_machine: MachineMaker, waiters: list[int], upgrade_ps: int, transfer_ps: int
) -> None:
    m = make_machine(line_service=0)
    take(m, 0, 0)
    queue_up(m, *waiters)
    release(m, 0, LATER, LOCK)
    assert wakes(m) == [(waiters[0], LATER + upgrade_ps + transfer_ps)]
    assert pay(m, 0) == upgrade_ps + RELEASE


def test_a_ticket_successors_place_is_uniform_among_those_who_wait(make_machine: MachineMaker) -> None:
    m = make_machine(cpus=4, nodes=1, node_hops=((0,),))
    take(m, 0, 0)
    queue_up(m, 1, 2, 3)
    cpu, now = 0, LATER
    places: Counter[int] = Counter()
    for _ in range(3_000):
        successor, start_ps = pass_on(m, cpu, now)
        place, rest = divmod(start_ps - now - 2 * NEAR, SERVICE)
        assert rest == 0
        places[place] += 1
        now = start_ps + LATER
        queue_up(m, cpu, now=now)
        now += LATER
        cpu = successor
    assert set(places) == {0, 1, 2}
    assert all(abs(count - 1_000) < 4 * 26 for count in places.values())  # 26: standard deviation of each count


def test_a_ticket_release_within_the_refill_of_the_last_one_waits_for_what_is_left(make_machine: MachineMaker) -> None:
    m = make_machine()
    take(m, 0, 0)
    queue_up(m, 1, 2, 3)
    owner, start_ps = pass_on(m, 0, LATER)
    refilled_ps = LATER + NEAR + 3 * SERVICE
    assert owner == 1
    release(m, 1, start_ps + 5, LOCK)
    assert pay(m, 1) == refilled_ps - (start_ps + 5) + NEAR + RELEASE


def test_a_ticket_arrival_makes_the_pollers_refetch(make_machine: MachineMaker) -> None:
    m = make_machine()
    take(m, 0, 0)
    queue_up(m, 1, 2)
    queue_up(m, 4, now=LATER)
    release(m, 0, LATER + 400, LOCK)
    refill_ps = HOP + ATOMIC + 2 * SERVICE - 400
    assert pay(m, 0) == refill_ps + HOP + RELEASE


def test_a_ticket_arrival_does_not_end_a_longer_refill_under_way(make_machine: MachineMaker) -> None:
    m = make_machine()
    take(m, 0, 0)
    queue_up(m, 1, 2, 12)
    release(m, 0, LATER, LOCK)
    refill_ps = m.lock_refill_ps[LOCK]
    queue_up(m, 3, now=LATER + 1)
    assert m.lock_refill_ps[LOCK] == refill_ps > LATER + 1 + HOP + ATOMIC + 2 * SERVICE


def test_a_ticket_release_after_the_refill_waits_for_nothing_but_the_pollers(make_machine: MachineMaker) -> None:
    m = make_machine()
    take(m, 0, 0)
    queue_up(m, 1, 2)
    release(m, 0, NEAR + ATOMIC + SERVICE, LOCK)
    assert pay(m, 0) == NEAR + RELEASE


@pytest.mark.parametrize("count", [1, 2, 7, 15])
def test_a_queued_hand_off_does_not_depend_on_how_many_wait(make_machine: MachineMaker, count: int) -> None:
    m = make_machine(algorithm="queued")
    take(m, 0, 0)
    queue_up(m, *range(15, 15 - count, -1))
    release(m, 0, 1, LOCK)
    assert wakes(m) == [(15, 1 + FAR + FAR)]
    assert pay(m, 0) == FAR + RELEASE


@pytest.mark.parametrize("head, transfer_ps", [(1, NEAR), (4, HOP), (12, FAR)])
def test_a_queued_hand_off_goes_to_the_heads_own_line(make_machine: MachineMaker, head: int, transfer_ps: int) -> None:
    m = make_machine(algorithm="queued")
    take(m, 0, 0)
    queue_up(m, head, 13, 5)
    release(m, 0, LATER, LOCK)
    assert wakes(m) == [(head, LATER + 2 * transfer_ps)]


def test_an_ideal_lock_is_free_of_cost(make_machine: MachineMaker) -> None:
    m = make_machine(algorithm="ideal")
    assert take(m, 0, 0) == 0
    release(m, 0, 500, LOCK)
    assert (pay(m, 0), wakes(m), m.tally.hold_total_ps[0]) == (0, [], 500)
    take(m, 12, 600)
    queue_up(m, 1, now=650)
    release(m, 12, 700, LOCK)
    assert (pay(m, 12), wakes(m)) == (0, [(1, 700)])


def test_an_ideal_hand_off_takes_its_fixed_time_and_one_for_each_who_waits(make_machine: MachineMaker) -> None:
    m = make_machine(algorithm="ideal", handoff_fixed_ps=40, handoff_per_waiter_ps=1_000)
    take(m, 0, 0)
    queue_up(m, 1, 2, 3)
    assert pass_on(m, 0, 10_000) == (1, 10_000 + 40 + 3 * 1_000)
    assert pass_on(m, 1, 20_000) == (2, 20_000 + 40 + 2 * 1_000)
    assert pass_on(m, 2, 30_000) == (3, 30_000 + 40 + 1 * 1_000)


def test_an_ideal_lock_may_serve_the_last_one_first(make_machine: MachineMaker) -> None:
    m = make_machine(algorithm="ideal", order="lifo")
    take(m, 0, 0)
    queue_up(m, 12, 1, 5)
    assert pass_on(m, 0, 100) == (5, 100)
    queue_up(m, 9, now=150)
    assert [pass_on(m, 5, 200), pass_on(m, 9, 300), pass_on(m, 1, 400)] == [(9, 200), (1, 300), (12, 400)]


def test_an_ideal_lock_may_serve_anyone_next_with_equal_chances(make_machine: MachineMaker) -> None:
    m = make_machine(algorithm="ideal", order="random")
    take(m, 0, 0)
    queue_up(m, 1, 5, 12)
    served: Counter[int] = Counter()
    cpu = 0
    for now in range(1, 12_001):
        successor, _ = pass_on(m, cpu, now)
        queue_up(m, cpu, now=now)
        served[successor] += 1
        cpu = successor
    assert set(served) == {0, 1, 5, 12}
    assert all(abs(count - 3_000) < 4 * 48 for count in served.values())  # 48: standard deviation of each count


@pytest.mark.parametrize("algorithm", [*REAL, "ideal"])
def test_who_takes_a_lock_that_it_holds_spins_for_itself(make_machine: MachineMaker, algorithm: str) -> None:
    m = make_machine(algorithm=algorithm)
    take(m, 3, 0)
    assert acquire(m, 3, 10, LOCK) == BLOCKED
    assert (m.lock_owner[LOCK], m.waits_for[3], m.lock_waiters[LOCK], wakes(m)) == (3, LOCK, 1, [])


@pytest.mark.parametrize("algorithm", [*REAL, "ideal"])
def test_to_release_anothers_lock_is_a_bug(make_machine: MachineMaker, algorithm: str) -> None:
    m = make_machine(algorithm=algorithm)
    take(m, 3, 0)
    with pytest.raises(AssertionError, match="CPU 4 releases spinlock 0 of CPU 3"):
        release(m, 4, 10, LOCK)
    release(m, 3, 20, LOCK)
    with pytest.raises(AssertionError, match="CPU 3 releases spinlock 0 of CPU -1"):
        release(m, 3, 30, LOCK)


@pytest.mark.parametrize("algorithm", [*REAL, "ideal"])
def test_a_wait_includes_the_hand_off_and_a_hold_does_not(make_machine: MachineMaker, algorithm: str) -> None:
    m = make_machine(algorithm=algorithm, handoff_fixed_ps=5_000)
    cost_ps = take(m, 0, 0)
    queue_up(m, 4, now=300)
    successor, start_ps = pass_on(m, 0, LATER)
    assert start_ps > LATER
    release(m, successor, start_ps + 900, LOCK)
    tally = m.tally
    assert (tally.acquisitions[0], tally.contentions[0]) == (2, 1)
    assert (tally.wait_total_ps[0], tally.wait_max_ps[0]) == (start_ps - 300, start_ps - 300)
    assert tally.hold_total_ps[0] == LATER - cost_ps + 900
    assert tally.cpu_ps[4 * CATEGORIES + SPIN] == start_ps - 300


@pytest.mark.parametrize("algorithm", REAL)
def test_the_next_owner_holds_the_locks_line(make_machine: MachineMaker, algorithm: str) -> None:
    m = make_machine(algorithm=algorithm)
    take(m, 0, 0)
    queue_up(m, 12)
    pass_on(m, 0, LATER)
    assert write_beside_lock(m, 12, 2 * LATER, LOCK) == HIT


def test_a_store_beside_a_lock_that_others_poll_waits_for_the_farthest(make_machine: MachineMaker) -> None:
    m = make_machine()
    take(m, 0, 0)
    assert write_beside_lock(m, 0, LATER, LOCK) == HIT
    queue_up(m, 4, 1, now=LATER)
    refill_ps = NEAR + ATOMIC + SERVICE
    assert write_beside_lock(m, 0, LATER + 300, LOCK) == refill_ps - 300 + HOP
    m.pending_ps[0] = 700
    assert write_beside_lock(m, 0, LATER + 300, LOCK) == refill_ps - 1_000 + HOP
    assert write_beside_lock(m, 0, 2 * LATER, LOCK) == HOP


@pytest.mark.parametrize("algorithm", ["queued", "ideal"])
def test_a_store_beside_a_lock_that_nobody_polls_is_a_hit(make_machine: MachineMaker, algorithm: str) -> None:
    m = make_machine(algorithm=algorithm)
    take(m, 0, 0)
    take_line(m, 0, m.lock_line[LOCK])
    queue_up(m, 4, 1)
    assert write_beside_lock(m, 0, LATER, LOCK) == HIT


def test_two_locks_are_nothing_to_one_another(make_machine: MachineMaker) -> None:
    m = make_machine()
    take(m, 0, 0)
    take(m, 1, 0, lock=1)
    queue_up(m, 2)
    release(m, 1, 100, 1)
    assert (m.lock_owner, m.lock_waiters, wakes(m)) == ([0, NONE], [1, 0], [])
    assert (m.tally.acquisitions, m.locks_held[:3]) == ([1, 1], [1, 0, 0])


def hand_offs(m: Machine) -> list[int]:
    """How long each of five hand-offs of a contended lock takes."""
    take(m, 0, 0)
    queue_up(m, 1, 2, 3, 4, 5)
    cpu, now = 0, LATER
    spans = []
    for _ in range(5):
        cpu, start_ps = pass_on(m, cpu, now)
        spans.append(start_ps - now)
        now = start_ps + LATER
    return spans


def test_equal_machines_draw_equal_numbers_one_for_each_hand_off(make_machine: MachineMaker) -> None:
    first, second = make_machine(), make_machine()
    assert hand_offs(first) == hand_offs(second)
    assert first.lock_draws == [5, 0]


@pytest.mark.parametrize("algorithm", [*REAL, "ideal"])
def test_a_lock_that_comes_from_another_cpu_has_bounced(make_machine: MachineMaker, algorithm: str) -> None:
    m = make_machine(algorithm=algorithm)
    bounces = []
    for now, cpu in enumerate((3, 3, 4, 4, 3), 1):
        take(m, cpu, now * LATER)
        release(m, cpu, now * LATER + LATER // 2, LOCK)
        bounces.append(m.tally.acq_bounces[0])
    assert bounces == [0, 0, 1, 1, 2]
    assert m.tally.con_bounces[0] == 0


@pytest.mark.parametrize("algorithm", [*REAL, "ideal"])
def test_who_waits_has_bounced_when_it_begins_to_and_when_it_has_the_lock(
    make_machine: MachineMaker, algorithm: str
) -> None:
    m = make_machine(algorithm=algorithm)
    take(m, 0, 0)
    queue_up(m, 1, now=LATER)
    assert (m.tally.con_bounces[0], m.tally.contentions[0], m.tally.acq_bounces[0]) == (1, 0, 0)
    _, start_ps = pass_on(m, 0, 2 * LATER)
    waited_ps = start_ps - LATER
    assert (m.tally.con_bounces[0], m.tally.contentions[0], m.tally.acq_bounces[0]) == (1, 1, 1)
    assert m.tally.wait_min_ps[0] == m.tally.wait_max_ps[0] == waited_ps


def test_who_released_a_lock_and_loses_it_to_a_poller_has_not_bounced(make_machine: MachineMaker) -> None:
    """Test-and-set: the poller that was chosen is under way, and the lock's last holder is back too late to barge."""
    m = make_machine(algorithm="test_and_set", bias_releaser=0)
    take(m, 0, 0)
    queue_up(m, 1, now=LATER)
    release(m, 0, 2 * LATER, LOCK)
    queue_up(m, 0, now=2 * LATER)
    assert m.tally.con_bounces[0] == 1
