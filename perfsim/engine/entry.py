"""What Python asks of compiled code, by number: every act on a run whose columns are arrays."""

from __future__ import annotations

from perfsim.engine.loop import Run, advance, stop
from perfsim.kernel.fill import fill_memory
from perfsim.kernel.invariants import stranded_pages, stranded_since_ps, violated
from perfsim.kernel.run import begin_window, end_window

FILL_MEMORY = 0
ADVANCE = 1
BEGIN_WINDOW = 2
END_WINDOW = 3
STOP = 4
STRANDED_PAGES = 5
STRANDED_SINCE = 6
VIOLATED = 7
"""And above: of the invariant of this number more."""


def act(r: Run, what: int, now: int) -> int:
    """Do one of the above at an instant (of ADVANCE: before it). Returns what the function returns, 0 if nothing."""
    if what == ADVANCE:
        return advance(r, now)
    if what == FILL_MEMORY:
        fill_memory(r.s)
    elif what == BEGIN_WINDOW:
        begin_window(r.s, now)
    elif what == END_WINDOW:
        end_window(r.s, now)
    elif what == STOP:
        stop(r, now)
    elif what == STRANDED_PAGES:
        return stranded_pages(r.s)
    elif what == STRANDED_SINCE:
        return stranded_since_ps(r.s)
    elif what >= VIOLATED:
        return violated(r.s, what - VIOLATED)
    return 0
