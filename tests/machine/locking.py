"""What tests of spinlocks share: figures as in conftest, and the steps of one lock by hand."""

from __future__ import annotations

from typing import Any

from perfsim.machine.locks import acquire, release, resume_spin
from perfsim.machine.state import BLOCKED, Machine
from perfsim.numeric.random import below, draw

HIT, ATOMIC, LOCAL, REMOTE, NEAR, HOP, FAR, RELEASE, SERVICE = 1, 10, 100, 150, 60, 1_000, 3_000, 7, 100_000

LOCK = 0
LATER = 10_000_000
"""Long after every refill."""

REAL = ["ticket", "test_and_set", "queued"]
IN_ORDER: list[dict[str, Any]] = [{"algorithm": "ticket"}, {"algorithm": "queued"}, {"algorithm": "ideal"}]


def take(m: Machine, cpu: int, now: int, lock: int = LOCK) -> int:
    """Take a free lock and pay for it at once. Returns what it cost."""
    assert acquire(m, cpu, now, lock) == 0
    return pay(m, cpu)


def pay(m: Machine, cpu: int) -> int:
    """What a CPU has to pay, paid."""
    cost_ps, m.pending_ps[cpu] = m.pending_ps[cpu], 0
    return cost_ps


def queue_up(m: Machine, *cpus: int, now: int = 0) -> None:
    """Let CPUs ask for the lock, which somebody has."""
    for cpu in cpus:
        assert acquire(m, cpu, now, LOCK) == BLOCKED


def wakes(m: Machine) -> list[tuple[int, int]]:
    """Resumptions asked for since the last look: (CPU, instant)."""
    count = m.wakes.length[0]
    m.wakes.length[0] = 0
    return list(zip(m.wakes.cpu[:count], m.wakes.at_ps[:count], strict=True))


def pass_on(m: Machine, cpu: int, now: int) -> tuple[int, int]:
    """Release the lock to the one who is resumed next, and let it start: (CPU, instant)."""
    assert release(m, cpu, now, LOCK) == 0
    ((successor, start_ps),) = wakes(m)
    assert resume_spin(m, successor, start_ps) == 0
    return successor, start_ps


def next_place(m: Machine, waiters: int) -> int:
    """The place among the refetches that the lock's next draw gives."""
    return below(draw(m.lock_key[LOCK], m.lock_draws[LOCK]), waiters)
