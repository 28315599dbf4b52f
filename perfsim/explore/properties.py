"""What may not happen: the kernel's own checks, what must hold when all is done, and that all is done at last."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.kernel import constants as k


class Property(NamedTuple):
    """name: for --property; meaning: one sentence."""

    name: str
    meaning: str


PROPERTIES: tuple[Property, ...] = (
    Property("stranded", "at rest an evictable page is on the unevictable list, where nobody will look for it"),
    Property("vm_bug_on", "a VM_BUG_ON of page flags, or of a page count, hits"),
    Property("double_unlock", "unlock_page() finds the page unlocked: BUG at mm/filemap.c:575"),
    Property("unlock_not_held", "a spinlock is released by who does not hold it"),
    Property("freed_locked", "a page is freed while it is locked"),
    Property("freed_in_use", "a page is freed while it is on a list, mapped, referenced or in a page cache"),
    Property("freed_mlocked", "a page is freed with PG_mlocked set: NR_MLOCK leaks"),
    Property("count_from_zero", "get_page() of a page that is free or frozen: BUG at include/linux/mm.h:297"),
    Property("count_below_zero", "a reference is dropped that is not there"),
    Property("lost_page", "at rest a page is neither free nor on an LRU list"),
    Property("list_flag", "at rest flags, lists and ptes do not agree"),
    Property("counter_drift", "at rest a counter is not what it counts: _count, NR_MLOCK, the lengths of the lists"),
    Property("lock_left", "at rest a lock is held, or somebody is queued for one"),
    Property("deadlock", "nobody can go on, and not all are done"),
    Property("lost_wakeup", "nobody can go on, and one sleeps on a page lock that is free"),
    Property("livelock", "from here on the end cannot be reached any more"),
    Property("scheduling_while_atomic", "a CPU goes to sleep while it holds a spinlock"),
    Property("recursion", "a CPU takes a spinlock that it holds"),
    Property("corruption", "a list, a vector or an argument is none"),
    Property("outcome", "the outcome that the scenario asks for is reached"),
)
"""By number."""

NUMBERS = {one.name: number for number, one in enumerate(PROPERTIES)}
STRANDED = NUMBERS["stranded"]
VM_BUG_ON = NUMBERS["vm_bug_on"]
DOUBLE_UNLOCK = NUMBERS["double_unlock"]
UNLOCK_NOT_HELD = NUMBERS["unlock_not_held"]
FREED_LOCKED = NUMBERS["freed_locked"]
FREED_IN_USE = NUMBERS["freed_in_use"]
FREED_MLOCKED = NUMBERS["freed_mlocked"]
COUNT_FROM_ZERO = NUMBERS["count_from_zero"]
COUNT_BELOW_ZERO = NUMBERS["count_below_zero"]
LOST_PAGE = NUMBERS["lost_page"]
LIST_FLAG = NUMBERS["list_flag"]
COUNTER_DRIFT = NUMBERS["counter_drift"]
LOCK_LEFT = NUMBERS["lock_left"]
DEADLOCK = NUMBERS["deadlock"]
LOST_WAKEUP = NUMBERS["lost_wakeup"]
LIVELOCK = NUMBERS["livelock"]
SCHEDULING_WHILE_ATOMIC = NUMBERS["scheduling_while_atomic"]
RECURSION = NUMBERS["recursion"]
CORRUPTION = NUMBERS["corruption"]
OUTCOME = NUMBERS["outcome"]

_OF_VIOLATION = {
    k.BUG_VM: VM_BUG_ON,
    k.BUG_UNLOCKED_PAGE: DOUBLE_UNLOCK,
    k.BAD_PAGE: FREED_IN_USE,
    k.BAD_PAGE_MLOCKED: FREED_MLOCKED,
    k.BAD_PAGE_LOCKED: FREED_LOCKED,
    k.BUG_GET_PAGE: COUNT_FROM_ZERO,
    k.BUG_PUT_PAGE: COUNT_BELOW_ZERO,
    k.BUG_PAGE_COUNT: VM_BUG_ON,
    k.BUG_ATOMIC: SCHEDULING_WHILE_ATOMIC,
    k.BUG_RECURSION: RECURSION,
}
PROPERTY_OF = tuple(_OF_VIOLATION[violation] for violation in range(k.VIOLATIONS))
"""The property that each of the kernel's own checks is a breach of, by the check's number."""
