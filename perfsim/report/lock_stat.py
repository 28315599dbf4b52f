"""/proc/lock_stat of a run, version 0.3, to the column (C: kernel/lockdep_proc.c, seq_header() and seq_stats()).

As there: the class with the most contentions first, none that was never taken, no wait in the times but contended ones.
Differs: counts are those of the measured window; the lines under a class that name the functions which waited, and for
whom, are left out; and the page lock has a line, though lockdep does not know it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import LRU_LOCK, MZ_LOCK, PAGE_LOCK, WAIT_BUCKET

if TYPE_CHECKING:
    from perfsim.measure.counts import Counts, LockCounts

CLASS_NAMES = {
    LRU_LOCK: "&zone->lru_lock",
    PAGE_LOCK: "&page->flags#PG_locked",
    MZ_LOCK: "&mz->lru_lock",
    WAIT_BUCKET: "&q->lock",  # of every wait_queue_head_t: init_waitqueue_head() is a function with one lock class
}
HEADS = (
    *("con-bounces", "contentions", "waittime-min", "waittime-max", "waittime-total"),
    *("acq-bounces", "acquisitions", "holdtime-min", "holdtime-max", "holdtime-total"),
)
"""Of the fields of LockCounts, in their order."""
NAME_WIDTH = 40
WIDTH = 14
RULER = "-" * (NAME_WIDTH + 1 + len(HEADS) * (WIDTH + 1))

NOTE = f"{CLASS_NAMES[PAGE_LOCK]} is the page lock, which the kernel's lock_stat does not show"

PS_PER_HUNDREDTH_US = 10_000


def lock_stat(counts: Counts) -> str:
    """The text, its last line ended."""
    lines = ["lock_stat version 0.3", RULER, _header(), RULER, ""]
    taken = [lock_class for lock_class in CLASS_NAMES if counts.locks[lock_class].acquisitions]
    taken.sort(key=lambda lock_class: -counts.locks[lock_class].contentions)
    lines += [_line(CLASS_NAMES[lock_class], counts.locks[lock_class]) for lock_class in taken]
    return "".join(f"{line}\n" for line in lines)


def _header() -> str:
    return " ".join(["class name".rjust(NAME_WIDTH), *(head.rjust(WIDTH) for head in HEADS)])


def _line(name: str, lock: LockCounts) -> str:
    """A class: a colon where the header has a space."""
    values = lock._asdict().items()
    cells = [_microseconds(value) if name.endswith("_ps") else str(value) for name, value in values]
    return f"{name:>{NAME_WIDTH}}:" + " ".join(f"{cell:>{WIDTH}}" for cell in cells)


def _microseconds(ps: int) -> str:
    """With two decimals, a half rounded up."""
    hundredths = (ps + PS_PER_HUNDREDTH_US // 2) // PS_PER_HUNDREDTH_US
    return f"{hundredths // 100}.{hundredths % 100:02d}"
