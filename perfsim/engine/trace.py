"""What an engine reports of every primitive: when it took effect, where, and with which arguments."""

from __future__ import annotations

from collections.abc import Callable

TraceRow = tuple[int, int, str, tuple[int, ...]]
"""(time in ps, CPU, primitive, arguments)"""

Trace = Callable[[TraceRow], None]
