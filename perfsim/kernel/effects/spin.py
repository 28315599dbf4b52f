"""Spinlocks as the kernel takes them (include/linux/spinlock.h)."""

from __future__ import annotations

from perfsim.kernel.constants import BUG_RECURSION, NONE
from perfsim.kernel.effects.bug import bug
from perfsim.kernel.state import State, spinlock
from perfsim.machine import locks
from perfsim.machine.account import synchronize
from perfsim.machine.costs import BARRIER_FULL, IRQ_ENABLE, IRQ_RESTORE
from perfsim.machine.state import work


def spin_lock(s: State, task: int, now: int, lock_class: int, index: int) -> int:
    """spin_lock(); also the forms that switch interrupts off, whose cost passes before.

    Who takes what it holds spins for itself, for ever (I12).
    """
    cpu = s.tasks.cpu[task]
    lock = spinlock(s, lock_class, index)
    if s.m.lock_owner[lock] == cpu:
        bug(s, task, now, NONE, BUG_RECURSION)
    return locks.acquire(s.m, cpu, now, lock)


def spin_unlock(s: State, task: int, now: int, lock_class: int, index: int) -> int:
    """spin_unlock(): a plain store with release meaning."""
    return locks.release(s.m, s.tasks.cpu[task], now, spinlock(s, lock_class, index))


def spin_unlock_irq(s: State, task: int, now: int, lock_class: int, index: int) -> int:
    """spin_unlock_irq(): and interrupts on again."""
    spin_unlock(s, task, now, lock_class, index)
    work(s.m, s.tasks.cpu[task], IRQ_ENABLE)
    return 0


def spin_unlock_irqrestore(s: State, task: int, now: int, lock_class: int, index: int) -> int:
    """spin_unlock_irqrestore(): and interrupts as they were."""
    spin_unlock(s, task, now, lock_class, index)
    work(s.m, s.tasks.cpu[task], IRQ_RESTORE)
    return 0


def smp_mb(s: State, task: int, now: int) -> int:
    """smp_mb(), smp_mb__before_clear_bit(), smp_mb__after_clear_bit()."""
    synchronize(s.m, s.tasks.cpu[task], BARRIER_FULL)
    return 0
