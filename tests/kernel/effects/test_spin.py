"""Spinlocks as the kernel names them: which lock, and what interrupts add."""

from __future__ import annotations

import pytest

from perfsim.kernel.constants import LRU_LOCK, MZ_LOCK, NONE, WAIT_BUCKET
from perfsim.kernel.primitives import SPIN_LOCK, SPIN_LOCK_IRQ, SPIN_LOCK_IRQSAVE
from perfsim.kernel.state import State, spinlock
from perfsim.machine.costs import (
    ATOMIC_LOCAL,
    BARRIER_FULL,
    BARRIER_RELEASE,
    DRAM_LOCAL,
    DRAM_REMOTE,
    IRQ_DISABLE,
    IRQ_ENABLE,
    IRQ_RESTORE,
    IRQ_SAVE,
    L1_HIT,
)
from perfsim.machine.state import BLOCKED, SPINNING
from tests.kernel.conftest import Do

EVERY_LOCK = [(LRU_LOCK, 0), (LRU_LOCK, 1), (MZ_LOCK, 0), (MZ_LOCK, 1), (WAIT_BUCKET, 0), (WAIT_BUCKET, 7)]


@pytest.mark.parametrize("lock_class, index", EVERY_LOCK)
def test_a_lock_is_found_by_class_and_index(s: State, do: Do, lock_class: int, index: int) -> None:
    taken = do(s, "spin_lock", lock_class, index)
    number = spinlock(s, lock_class, index)
    assert s.m.lock_class[number] == lock_class
    assert [lock for lock, owner in enumerate(s.m.lock_owner) if owner != NONE] == [number]
    is_local = number < 1 or number == 2 or (lock_class == WAIT_BUCKET and index < s.settings.buckets_per_zone)
    fetch_ps = s.m.cost_ps[DRAM_LOCAL if is_local else DRAM_REMOTE]
    assert taken == (0, fetch_ps + s.m.cost_ps[ATOMIC_LOCAL])


def test_every_lock_has_a_number_of_its_own(s: State) -> None:
    buckets = s.settings.nodes * s.settings.buckets_per_zone
    places = [(LRU_LOCK, 0), (LRU_LOCK, 1), (MZ_LOCK, 0), (MZ_LOCK, 1)]
    places += [(WAIT_BUCKET, bucket) for bucket in range(buckets)]
    assert [spinlock(s, *where) for where in places] == list(range(len(s.m.lock_owner)))


@pytest.mark.parametrize(
    "name, irq",
    [("spin_unlock", None), ("spin_unlock_irq", IRQ_ENABLE), ("spin_unlock_irqrestore", IRQ_RESTORE)],
)
def test_an_unlock_costs_a_hit_and_switching_interrupts_on(s: State, do: Do, name: str, irq: int | None) -> None:
    do(s, "spin_lock", LRU_LOCK, 0)
    costs = s.m.cost_ps
    irq_ps = 0 if irq is None else costs[irq]
    assert do(s, name, LRU_LOCK, 0, now=10**6) == (0, costs[L1_HIT] + costs[BARRIER_RELEASE] + irq_ps)
    assert s.m.lock_owner[0] == NONE


def test_interrupts_go_off_before_the_lock_is_asked_for() -> None:
    assert (SPIN_LOCK.before, SPIN_LOCK_IRQ.before, SPIN_LOCK_IRQSAVE.before) == (-1, IRQ_DISABLE, IRQ_SAVE)
    assert SPIN_LOCK.effect is SPIN_LOCK_IRQ.effect is SPIN_LOCK_IRQSAVE.effect


@pytest.mark.parametrize("name", ["spin_lock", "spin_lock_irq", "spin_lock_irqsave"])
def test_a_lock_that_another_has_is_spun_for(s: State, do: Do, name: str) -> None:
    do(s, "spin_lock", LRU_LOCK, 1)
    assert do(s, name, LRU_LOCK, 1, task=2) == (BLOCKED, 0)
    assert (s.m.cpu_state[2], s.m.waits_for[2], s.m.lock_waiters[1]) == (SPINNING, 1, 1)


def test_a_full_barrier_costs_what_the_profile_says(s: State, do: Do) -> None:
    assert do(s, "smp_mb") == (0, s.m.cost_ps[BARRIER_FULL])
