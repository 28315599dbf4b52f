"""How much a run may take before it is given up: events, which are the same everywhere, and seconds, which are not."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

from perfsim.engine.calendar import NEVER
from perfsim.errors import LimitError


class Limits(NamedTuple):
    """events_max: shared primitives, those after the measured window included. wall_s_max: real seconds, looked at now
    and then. A run within them has the row that it has without.
    """

    events_max: int = NEVER
    wall_s_max: float = math.inf


UNLIMITED = Limits()


class Budget:
    """What is left of a run's limits. limits: those set last."""

    def __init__(self) -> None:
        self.limits = UNLIMITED
        self._end_s = math.inf

    def begin(self, limits: Limits) -> None:
        """Count the seconds from now on."""
        self.limits = limits
        self._end_s = time.monotonic() + limits.wall_s_max

    def check(self, events: int, now: int) -> None:
        """Raise LimitError if this is too much. events: so far. now: the instant in ps."""
        if events > self.limits.events_max:
            raise LimitError(f"{self.limits.events_max} events", now)
        if self._end_s < math.inf and time.monotonic() > self._end_s:
            raise LimitError(f"{self.limits.wall_s_max:g} s", now)
