"""What is booked on an account, by kind, beside what is charged. CPU 4n .. 4n+3 are of node n."""

from __future__ import annotations

import pytest

from perfsim.machine.account import ATOMIC, TRANSFER, WAIT, book, synchronize
from perfsim.machine.coherence import atomic_on_line, own_line, read_line, write_line
from perfsim.machine.costs import BARRIER_RELEASE
from perfsim.machine.locks import acquire, release, write_beside_lock
from perfsim.machine.state import Machine
from tests.machine.conftest import MachineMaker
from tests.machine.locking import ATOMIC as ATOMIC_PS
from tests.machine.locking import HIT, LATER, LOCAL, LOCK, NEAR, REAL, RELEASE, pass_on, queue_up, take

LINE = 3
"""A line of memory on node 0."""
KINDS = 4


@pytest.fixture
def m(make_machine: MachineMaker) -> Machine:
    """Sixteen CPUs on four nodes, nothing cached; each has an account of its own."""
    return with_accounts(make_machine())


def with_accounts(m: Machine) -> Machine:
    """Give each CPU an account."""
    m.account[:] = range(0, KINDS * len(m.account), KINDS)
    return m


def booked(m: Machine, cpu: int) -> dict[int, int]:
    """A CPU's account, without kinds that have no time."""
    times = m.spent_ps[m.account[cpu] : m.account[cpu] + KINDS]
    return {kind: time_ps for kind, time_ps in enumerate(times) if time_ps}


def test_a_time_is_booked_on_the_account_that_the_cpu_has_at_that_time(m: Machine) -> None:
    book(m, 1, WAIT, 5)
    m.account[1] = m.account[2]
    book(m, 1, WAIT, 7)
    assert (m.spent_ps[KINDS + WAIT], m.spent_ps[2 * KINDS + WAIT]) == (5, 7)


def test_an_atomic_or_a_barrier_is_charged_and_booked(m: Machine) -> None:
    synchronize(m, 1, BARRIER_RELEASE)
    assert (m.pending_ps[1], booked(m, 1)) == (RELEASE, {ATOMIC: RELEASE})


def test_a_miss_is_a_transfer_and_a_hit_is_nothing_but_work(m: Machine) -> None:
    assert [read_line(m, 0, LINE), read_line(m, 0, LINE), write_line(m, 0, LINE)] == [LOCAL, HIT, HIT]
    assert booked(m, 0) == {TRANSFER: LOCAL}
    assert [read_line(m, 1, LINE), own_line(m, 2, LINE)] == [NEAR, LOCAL]
    assert (booked(m, 1), booked(m, 2)) == ({TRANSFER: NEAR}, {TRANSFER: LOCAL})


def test_an_atomic_is_told_apart_from_the_transfer_of_its_line(m: Machine) -> None:
    assert atomic_on_line(m, 0, LINE) == LOCAL + ATOMIC_PS
    assert atomic_on_line(m, 0, LINE) == ATOMIC_PS
    assert booked(m, 0) == {ATOMIC: 2 * ATOMIC_PS, TRANSFER: LOCAL}


@pytest.mark.parametrize("algorithm", REAL)
def test_who_waited_for_a_lock_has_spun_from_asking_to_owning(make_machine: MachineMaker, algorithm: str) -> None:
    m = with_accounts(make_machine(algorithm=algorithm))
    take(m, 0, LATER)
    queue_up(m, 1, now=LATER + 20)
    cpu, start_ps = pass_on(m, 0, LATER + 500)
    assert (cpu, booked(m, 1)) == (1, {WAIT + m.lock_class[LOCK]: start_ps - LATER - 20})


@pytest.mark.parametrize("algorithm", REAL)
@pytest.mark.parametrize("waiters", [(), (1, 5)])
def test_what_taking_and_releasing_cost_is_booked_wholly(
    make_machine: MachineMaker, algorithm: str, waiters: tuple[int, ...]
) -> None:
    """But for the hit of a store to a line that the CPU has."""
    m = with_accounts(make_machine(algorithm=algorithm))
    cost_ps = take(m, 0, LATER)
    queue_up(m, *waiters, now=LATER + 20)
    assert release(m, 0, LATER + 500, LOCK) == 0
    cost_ps += m.pending_ps[0]
    hit_ps = 0 if waiters else HIT
    assert booked(m, 0) == {ATOMIC: ATOMIC_PS + RELEASE, TRANSFER: cost_ps - ATOMIC_PS - RELEASE - hit_ps}


def test_a_store_beside_a_lock_that_others_poll_is_a_transfer(m: Machine) -> None:
    take(m, 0, LATER)
    queue_up(m, 1, now=LATER + 20)
    before = booked(m, 0)
    cost_ps = write_beside_lock(m, 0, LATER + 50, LOCK)
    assert cost_ps > HIT
    assert booked(m, 0) == before | {TRANSFER: before[TRANSFER] + cost_ps}


def test_an_ideal_lock_costs_its_waiters_alone(make_machine: MachineMaker) -> None:
    m = with_accounts(make_machine(algorithm="ideal", handoff_fixed_ps=300))
    assert acquire(m, 0, 0, LOCK) == 0
    queue_up(m, 1, now=100)
    assert pass_on(m, 0, 400) == (1, 700)
    assert (booked(m, 0), booked(m, 1)) == ({}, {WAIT + m.lock_class[LOCK]: 600})
