"""/proc/lock_stat of a run, version 0.3, to the column (C: kernel/lockdep_proc.c, seq_header() and seq_stats()).

As there: the class with the most contentions first, none that was never taken, no wait in the times but contended ones;
under a class up to four functions that waited, and up to four that had taken the lock which was waited for.
Differs: counts are those of the measured window; of the functions those with the largest counts are shown, not those
that came first; their addresses are as for whom the kernel hides them, and lines of the model's source stand for bytes;
and the page lock has a line, though lockdep does not know it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.kernel.constants import LRU_LOCK, MZ_LOCK, PAGE_LOCK, WAIT_BUCKET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfsim.measure.contention import Point, Points
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

DOTS = "." * len(RULER)
POINTS_MAX = 4
"""LOCKSTAT_POINTS."""
HIDDEN_ADDRESS = "[<0000000000000000>]"
"""As kptr_restrict has it: a path has no address."""
ADDRESS_WIDTH = 29

NOTE = f"""{CLASS_NAMES[PAGE_LOCK]} is the page lock, which the kernel's lock_stat does not show
behind a function, +LINE/LINES: the line in the model's source that takes the lock, and how many the function has"""

PS_PER_HUNDREDTH_US = 10_000


def lock_stat(counts: Counts, points: Mapping[int, Points]) -> str:
    """The text, its last line ended. points: of the classes of which they are known."""
    lines = ["lock_stat version 0.3", RULER, _header(), RULER, ""]
    taken = [lock_class for lock_class in CLASS_NAMES if counts.locks[lock_class].acquisitions]
    taken.sort(key=lambda lock_class: -counts.locks[lock_class].contentions)
    for lock_class in taken:
        lines.append(_line(CLASS_NAMES[lock_class], counts.locks[lock_class]))
        if lock_class in points:
            lines += _points(CLASS_NAMES[lock_class], points[lock_class])
    return "".join(f"{line}\n" for line in lines)


def _header() -> str:
    return " ".join(["class name".rjust(NAME_WIDTH), *(head.rjust(WIDTH) for head in HEADS)])


def _line(name: str, lock: LockCounts) -> str:
    """A class: a colon where the header has a space."""
    values = lock._asdict().items()
    cells = [_microseconds(value) if name.endswith("_ps") else str(value) for name, value in values]
    return f"{name:>{NAME_WIDTH}}:" + " ".join(f"{cell:>{WIDTH}}" for cell in cells)


def _points(name: str, points: Points) -> list[str]:
    """Who waited, and for whom; then what parts a class that has them from the next one."""
    lines = []
    for counts in points:
        most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:POINTS_MAX]
        lines += [f"{'-' * len(name):>{NAME_WIDTH}}", *(_point(name, point, count) for point, count in most)]
    return [*lines, "", DOTS, ""]


def _point(name: str, point: Point, count: int) -> str:
    symbol = f"{point.path}+{point.line:#x}/{point.lines:#x}"
    return f"{name:>{NAME_WIDTH}} {count:>{WIDTH}} {HIDDEN_ADDRESS:>{ADDRESS_WIDTH}} {symbol}"


def _microseconds(ps: int) -> str:
    """With two decimals, a half rounded up."""
    hundredths = (ps + PS_PER_HUNDREDTH_US // 2) // PS_PER_HUNDREDTH_US
    return f"{hundredths // 100}.{hundredths % 100:02d}"
