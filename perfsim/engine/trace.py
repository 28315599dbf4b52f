"""What a run tells while it goes on: every primitive, and the invariants in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from perfsim.engine.budget import UNLIMITED, Limits
from perfsim.kernel.primitives import Primitive

TraceRow = tuple[int, int, str, tuple[int, ...]]
"""(time in ps, CPU, primitive, arguments)"""

Trace = Callable[[TraceRow], None]


def told_by_nobody(_: TraceRow) -> None:
    """The trace that makes the compiled engine keep a buffer of events, which is read as it stands."""
    raise AssertionError("events are taken from the buffer, not told")


class Watch(NamedTuple):
    """trace: called with every event: when a primitive took effect, where, and with which arguments. check_every: after
    so many events the invariants are looked at; 0 for never. limits: what ends the run before its time.
    """

    trace: Trace | None = None
    check_every: int = 0
    limits: Limits = UNLIMITED


UNWATCHED = Watch()


class Observer(Protocol):
    """Is told of every step of every task by the reference engine, right after it, and may look at anything meanwhile:
    at the state, and at the frames of the task's paths, which are those that called it. It changes nothing.
    """

    def performed(self, task: int, now: int, primitive: Primitive, arguments: tuple[int, ...], result: int) -> None:
        """A primitive, shared or local, has taken effect. result: its value, or BLOCKED."""

    def resumed(self, task: int, now: int, result: int) -> None:
        """A blocked task's CPU has been resumed. result: the value of what had blocked it, or BLOCKED once more."""
