"""Where a CPU's time goes, beside the plain work it does: booked by kind on the account of whoever runs on it.

book() charges nobody: a time is booked where it is charged to the CPU, or where a wait has ended. The column `account`,
set by whoever puts a task on a CPU, says whose it is. Who measures takes the difference between two instants.
"""

from __future__ import annotations

from perfsim.machine.state import Machine

ATOMIC = 0
"""Atomic read-modify-writes and memory barriers, the fetch of the line aside."""
TRANSFER = 1
"""Lines fetched from another CPU's cache or from memory, or taken away from those that have a copy."""
WAIT = 2
"""WAIT + lock class: waiting for a lock of the class. Kinds of a kernel's own come behind the last class."""


def book(m: Machine, cpu: int, kind: int, time_ps: int) -> None:
    """A CPU's time of one kind, on the account of whom it runs."""
    m.spent_ps[m.account[cpu] + kind] += time_ps


def synchronize(m: Machine, cpu: int, cost: int) -> None:
    """An atomic or a barrier of one cost figure, on a line that is the CPU's own: local work, but of its own kind."""
    m.pending_ps[cpu] += m.cost_ps[cost]
    book(m, cpu, ATOMIC, m.cost_ps[cost])
