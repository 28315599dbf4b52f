"""What a run tells while it goes on: every primitive, and the invariants in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from perfsim.engine.budget import UNLIMITED, Limits

TraceRow = tuple[int, int, str, tuple[int, ...]]
"""(time in ps, CPU, primitive, arguments)"""

Trace = Callable[[TraceRow], None]


class Watch(NamedTuple):
    """trace: called with every event: when a primitive took effect, where, and with which arguments. check_every: after
    so many events the invariants are looked at; 0 for never. limits: what ends the run before its time.
    """

    trace: Trace | None = None
    check_every: int = 0
    limits: Limits = UNLIMITED


UNWATCHED = Watch()
