"""Accesses to cache lines: what one costs is charged to the task's CPU, and paid with its next shared step."""

from __future__ import annotations

from perfsim.kernel.state import State
from perfsim.machine.coherence import atomic_on_line, read_line, write_line


def charge_read(s: State, task: int, line: int) -> None:
    """A plain load."""
    cpu = s.tasks.cpu[task]
    s.m.pending_ps[cpu] += read_line(s.m, cpu, line)


def charge_write(s: State, task: int, line: int) -> None:
    """A plain store."""
    cpu = s.tasks.cpu[task]
    s.m.pending_ps[cpu] += write_line(s.m, cpu, line)


def charge_atomic(s: State, task: int, line: int) -> None:
    """An atomic read-modify-write."""
    cpu = s.tasks.cpu[task]
    s.m.pending_ps[cpu] += atomic_on_line(s.m, cpu, line)
