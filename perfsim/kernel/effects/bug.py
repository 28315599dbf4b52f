"""The kernel's own checks: a hit is noted and counted, and the kernel goes on, as one without debugging does (D3)."""

from __future__ import annotations

from perfsim.kernel.constants import NONE
from perfsim.kernel.state import State


def bug(s: State, task: int, now: int, page: int, violation: int) -> None:
    """A check of the kernel's does not hold. page: the one that it is about, or NONE.

    Where a trap is set, the run ends here: the assert is what the engines tell.
    """
    first = s.bugs
    if s.violations[violation] == 0:
        first.time_ps[violation] = now
        first.task[violation] = task
        first.page[violation] = page
        if page != NONE:
            first.flags[violation] = s.pages.flags[page]
            first.refcount[violation] = s.pages.refcount[page]
            first.mapcount[violation] = s.pages.mapcount[page]
    s.violations[violation] += 1
    if first.trap[violation] and first.sprung[0] == NONE:
        first.sprung[0] = violation
    assert not first.trap[violation], f"violation {violation} of page {page}"
