"""What every part of a Cpu stands on: the one thing that an engine says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable

from perfsim.kernel.primitives import Primitive


class Performer(ABC):
    """Whoever performs primitives."""

    @abstractmethod
    def perform(self, primitive: Primitive, *arguments: int) -> Awaitable[int]:
        """Let the primitive take effect, and time pass, as the engine does it. Returns the effect's value."""
