"""Page table entries: set, cleared, and turned into migration entries and back (mm/memory.c, rmap.c, migrate.c).

Each is one step under the pte lock, which is not modelled: a page is mapped by one pte at most (kernel-protocol §14,
D10).
"""

from __future__ import annotations

from perfsim.kernel.constants import MIGRATION_ENTRY, NONE, PTE_LOCKED
from perfsim.kernel.effects.lines import charge_atomic
from perfsim.kernel.state import State, is_of_object
from perfsim.machine.costs import GUP_PAGE, RMAP_UNMAP, TLB_FLUSH_LOCAL
from perfsim.machine.state import work


def follow_page(s: State, task: int, now: int, slot: int) -> int:
    """follow_page(FOLL_GET), under the pte lock: the page with a reference taken, or NONE when it is not present."""
    work(s.m, s.tasks.cpu[task], GUP_PAGE)
    page = s.ranges.pte[slot]
    if page < 0:
        return NONE
    charge_atomic(s, task, page)
    s.pages.refcount[page] += 1
    return page


def pte_page(s: State, task: int, now: int, slot: int) -> int:
    """pte_page(*ptep), read without the pte lock: a page without a reference, or a negative number."""
    return s.ranges.pte[slot]


def pte_lock_none(s: State, task: int, now: int, slot: int) -> int:
    """pte_offset_map_lock(), pte_none(): 1 with the pte locked until set_pte() or pte_unlock(); 0 if it is in use."""
    if s.ranges.pte[slot] != NONE:
        return 0
    s.ranges.pte[slot] = PTE_LOCKED
    return 1


def pte_unlock(s: State, task: int, now: int, slot: int) -> int:
    """pte_unmap_unlock() of a pte that stays empty."""
    s.ranges.pte[slot] = NONE
    return 0


def set_pte(s: State, task: int, now: int, page: int, slot: int) -> int:
    """page_add_new_anon_rmap() or page_add_file_rmap(), set_pte_at(), pte_unmap_unlock(). Takes no reference."""
    charge_atomic(s, task, page)
    s.ranges.pte[slot] = page
    s.pages.slot[page] = slot
    s.pages.mapcount[page] += 1
    return 0


def zap_pte(s: State, task: int, now: int, slot: int) -> int:
    """zap_pte_range() for one pte: cleared, page_remove_rmap(). Returns the page with the pte's reference, or NONE."""
    page = s.ranges.pte[slot]
    if page in (NONE, PTE_LOCKED):
        return NONE
    s.ranges.pte[slot] = NONE
    if page < 0:
        return NONE
    charge_atomic(s, task, page)
    s.pages.mapcount[page] -= 1
    if not is_of_object(s, page):
        s.pages.slot[page] = NONE
    return page


def set_migration_pte(s: State, task: int, now: int, page: int) -> int:
    """try_to_unmap(page, 1): the pte becomes a migration entry and its reference is dropped, VM_LOCKED or not."""
    cpu = s.tasks.cpu[task]
    work(s.m, cpu, RMAP_UNMAP)
    slot = s.pages.slot[page]
    if slot < 0 or s.ranges.pte[slot] != page:
        return 0
    work(s.m, cpu, TLB_FLUSH_LOCAL)
    charge_atomic(s, task, page)
    s.ranges.pte[slot] = MIGRATION_ENTRY - page
    s.pages.mapcount[page] -= 1
    s.pages.refcount[page] -= 1
    return 0


def remove_migration_pte(s: State, task: int, now: int, page: int, newpage: int) -> int:
    """remove_migration_ptes(page, newpage): the entry of page maps newpage, with get_page(); or page again."""
    work(s.m, s.tasks.cpu[task], RMAP_UNMAP)
    slot = s.pages.slot[page]
    if slot >= 0 and s.ranges.pte[slot] == MIGRATION_ENTRY - page:
        charge_atomic(s, task, newpage)
        s.pages.refcount[newpage] += 1
        s.pages.mapcount[newpage] += 1
        s.ranges.pte[slot] = newpage
        s.pages.slot[newpage] = slot
    if page != newpage:
        s.pages.slot[page] = NONE
    return 0


def pte_migration_page(s: State, task: int, now: int, slot: int) -> int:
    """is_migration_entry(), migration_entry_to_page(): the page without a reference, or NONE if it is no entry."""
    pte = s.ranges.pte[slot]
    return MIGRATION_ENTRY - pte if pte <= MIGRATION_ENTRY else NONE


def get_migration_page(s: State, task: int, now: int, slot: int) -> int:
    """As pte_migration_page(), with get_page_unless_zero(), under the pte lock; NONE also if the page is frozen."""
    page = pte_migration_page(s, task, now, slot)
    if page == NONE:
        return NONE
    charge_atomic(s, task, page)
    if s.pages.refcount[page] == 0:
        return NONE
    s.pages.refcount[page] += 1
    return page
