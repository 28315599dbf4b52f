"""Flags, references and mapping of a page (include/linux/page-flags.h, mm.h)."""

from __future__ import annotations

from perfsim.kernel.constants import (
    AS_UNEVICTABLE,
    BUG_GET_PAGE,
    BUG_PAGE_COUNT,
    BUG_PUT_PAGE,
    BUG_UNLOCKED_PAGE,
    BUG_VM,
    MAPPING_ANON,
    NO_MAPPING,
    NONE,
    PAGE_LOCK,
    PAGE_LOCK_STEALS,
    PG_LOCKED,
    PG_MLOCKED,
    PG_SWAPBACKED,
)
from perfsim.kernel.effects.bug import bug
from perfsim.kernel.effects.lines import charge_atomic, charge_read, charge_write
from perfsim.kernel.state import State, zone_of
from perfsim.machine.tally import acquired, held


def page_zone(s: State, task: int, now: int, page: int) -> int:
    """Zone of a page: bits of its flags that never change."""
    return zone_of(s, page)


def test_flag(s: State, task: int, now: int, page: int, flag: int) -> int:
    """Page##Flag(): a plain read. Returns 1 or 0."""
    charge_read(s, task, page)
    return 1 if s.pages.flags[page] & flag else 0


def set_flag(s: State, task: int, now: int, page: int, flag: int) -> int:
    """SetPage##Flag(): set_bit."""
    charge_atomic(s, task, page)
    s.pages.flags[page] |= flag
    return 0


def clear_flag(s: State, task: int, now: int, page: int, flag: int) -> int:
    """ClearPage##Flag(): clear_bit."""
    charge_atomic(s, task, page)
    s.pages.flags[page] &= ~flag
    return 0


def clear_flag_nonatomic(s: State, task: int, now: int, page: int, flag: int) -> int:
    """__ClearPage##Flag(): a plain store, by the only holder of the page."""
    charge_write(s, task, page)
    s.pages.flags[page] &= ~flag
    return 0


def test_and_set(s: State, task: int, now: int, page: int, flag: int) -> int:
    """TestSetPage##Flag(). Returns the old value. With PG_LOCKED it is the page lock's attempt."""
    charge_atomic(s, task, page)
    old = 1 if s.pages.flags[page] & flag else 0
    s.pages.flags[page] |= flag
    if flag == PG_LOCKED:
        _page_lock_tried(s, task, now, page, old)
    elif flag == PG_MLOCKED and not old:
        s.zones.nr_mlock[zone_of(s, page)] += 1
    return old


def test_and_clear(s: State, task: int, now: int, page: int, flag: int) -> int:
    """TestClearPage##Flag(). Returns the old value."""
    charge_atomic(s, task, page)
    old = 1 if s.pages.flags[page] & flag else 0
    s.pages.flags[page] &= ~flag
    if flag == PG_LOCKED:
        if old:
            held(s.m.tally, PAGE_LOCK, s.pages.locked_ps[page], now)
        else:
            bug(s, task, now, page, BUG_UNLOCKED_PAGE)
    elif flag == PG_MLOCKED and old:
        s.zones.nr_mlock[zone_of(s, page)] -= 1
    return old


def page_mapping(s: State, task: int, now: int, page: int) -> int:
    """page_mapping(): the file mapping's number, 0 for anonymous and truncated pages.

    Also 0 in the swap cache, for swapper_space, which is never unevictable.
    """
    charge_read(s, task, page)
    mapping = s.pages.mapping[page]
    return 0 if mapping & MAPPING_ANON else mapping >> 1


def page_has_mapping(s: State, task: int, now: int, page: int) -> int:
    """page->mapping != NULL: anonymous pages have one too."""
    charge_read(s, task, page)
    return 1 if s.pages.mapping[page] else 0


def page_anon(s: State, task: int, now: int, page: int) -> int:
    """PageAnon(): bit 0 of page->mapping."""
    charge_read(s, task, page)
    return s.pages.mapping[page] & MAPPING_ANON


def page_mapped(s: State, task: int, now: int, page: int) -> int:
    """page_mapcount(): number of ptes."""
    charge_read(s, task, page)
    return s.pages.mapcount[page]


def mapping_unevictable(s: State, task: int, now: int, mapping: int) -> int:
    """mapping_unevictable(): AS_UNEVICTABLE in the mapping's own word."""
    if mapping == 0:
        return 0
    charge_read(s, task, s.settings.first_mapping_line + mapping)
    return s.mapping_flags[mapping] & AS_UNEVICTABLE


def page_count(s: State, task: int, now: int, page: int) -> int:
    """page_count(): number of references."""
    charge_read(s, task, page)
    return s.pages.refcount[page]


def get_page(s: State, task: int, now: int, page: int) -> int:
    """get_page(): atomic_inc(_count). On a free or frozen page it is a BUG (mm.h:297)."""
    charge_atomic(s, task, page)
    if s.pages.refcount[page] == 0:
        bug(s, task, now, page, BUG_GET_PAGE)
    s.pages.refcount[page] += 1
    return 0


def get_page_unless_zero(s: State, task: int, now: int, page: int) -> int:
    """get_page_unless_zero(). Returns 1 with a reference taken, else 0."""
    charge_atomic(s, task, page)
    if s.pages.refcount[page] == 0:
        return 0
    s.pages.refcount[page] += 1
    return 1


def put_page_testzero(s: State, task: int, now: int, page: int) -> int:
    """put_page_testzero(): drop a reference. Returns 1 when it was the last; below 0 it does not go."""
    charge_atomic(s, task, page)
    if s.pages.refcount[page] <= 0:
        bug(s, task, now, page, BUG_PUT_PAGE)
        return 0
    s.pages.refcount[page] -= 1
    return 1 if s.pages.refcount[page] == 0 else 0


def page_freeze_refs(s: State, task: int, now: int, page: int, expected: int) -> int:
    """page_freeze_refs(): cmpxchg(_count, expected, 0). Returns 1 when it succeeded."""
    charge_atomic(s, task, page)
    if s.pages.refcount[page] != expected:
        return 0
    s.pages.refcount[page] = 0
    return 1


def page_unfreeze_refs(s: State, task: int, now: int, page: int, count: int) -> int:
    """page_unfreeze_refs(): a store with release meaning."""
    charge_write(s, task, page)
    s.pages.refcount[page] = count
    return 0


def copy_mapping(s: State, task: int, now: int, newpage: int, page: int) -> int:
    """newpage->index = page->index, newpage->mapping = page->mapping, and PG_swapbacked with them."""
    charge_read(s, task, page)
    charge_write(s, task, newpage)
    s.pages.mapping[newpage] = s.pages.mapping[page]
    s.pages.flags[newpage] |= s.pages.flags[page] & PG_SWAPBACKED
    return 0


def clear_mapping(s: State, task: int, now: int, page: int) -> int:
    """page->mapping = NULL: a store."""
    charge_write(s, task, page)
    s.pages.mapping[page] = NO_MAPPING
    return 0


def VM_BUG_ON(s: State, task: int, now: int, page: int, flags: int) -> int:  # noqa: N802 - the kernel's name
    """VM_BUG_ON(Page##Flag(page)) for any of the flags. Counted, not fatal: a kernel without CONFIG_DEBUG_VM (D3)."""
    if s.pages.flags[page] & flags:
        bug(s, task, now, page, BUG_VM)
    return 0


def VM_BUG_ON_NOT(s: State, task: int, now: int, page: int, flag: int) -> int:  # noqa: N802 - the kernel's name
    """VM_BUG_ON(!Page##Flag(page))."""
    if not s.pages.flags[page] & flag:
        bug(s, task, now, page, BUG_VM)
    return 0


def VM_BUG_ON_COUNT_NOT(s: State, task: int, now: int, page: int, count: int) -> int:  # noqa: N802 - like the two above
    """VM_BUG_ON(page_count(page) != count)."""
    if s.pages.refcount[page] != count:
        bug(s, task, now, page, BUG_PAGE_COUNT)
    return 0


def _page_lock_tried(s: State, task: int, now: int, page: int, was_locked: int) -> None:
    """Statistics of one attempt. A waiter that was woken and finds the bit set again has lost it to a barger."""
    since_ps = s.queues.since_ps[task]
    woken = s.queues.woken[task]
    s.queues.woken[task] = 0
    if was_locked:
        s.events[PAGE_LOCK_STEALS] += woken if since_ps >= 0 else 0
        return
    cpu = s.tasks.cpu[task]
    bounced = 1 if s.pages.locked_ps[page] != NONE and s.tasks.cpu[s.pages.locker[page]] != cpu else 0
    s.pages.locker[page] = task
    s.pages.locked_ps[page] = now + s.m.pending_ps[cpu]
    waited = 1 if since_ps >= 0 else 0
    acquired(s.m.tally, PAGE_LOCK, bounced, waited, now - since_ps if waited else 0)
    s.queues.since_ps[task] = NONE
