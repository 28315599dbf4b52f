"""The page caches of files and of shared memory (mm/filemap.c, migrate.c, shmem.c).

What C does under the mapping's tree_lock is one step here: the lock is part of the figure radix_delete.
"""

from __future__ import annotations

from perfsim.kernel.constants import (
    AS_UNEVICTABLE,
    CONTENT,
    FROZEN,
    LRU_ACTIVE,
    LRU_FILE,
    NO_MAPPING,
    NONE,
    PG_DIRTY,
    PG_SWAPBACKED,
    PG_UPTODATE,
)
from perfsim.kernel.effects.lines import charge_atomic, charge_read, charge_write
from perfsim.kernel.effects.memcontrol import mem_cgroup_charge
from perfsim.kernel.effects.sched import draw_of
from perfsim.kernel.state import State, cache_index, is_of_object, object_of
from perfsim.machine.costs import RADIX_DELETE
from perfsim.machine.state import work
from perfsim.numeric.random import chance


def mapped_object(s: State, task: int, now: int, slot: int) -> int:
    """vma->vm_file: 1 if a pte is of a range that maps an object, 0 for anonymous memory and for a plain file."""
    return 0 if slot < 0 or object_of(s, slot) == NONE else 1


def within_i_size(s: State, task: int, now: int, slot: int) -> int:
    """i_size_read(): whether the page at a pte's offset lies within the file; a mapping without a file has no end."""
    object_ = object_of(s, slot)
    if object_ == NONE:
        return 1
    return 1 if slot % s.settings.range_pages < s.objects.size[object_] else 0


def i_size_write(s: State, task: int, now: int, range_: int, size: int) -> int:
    """i_size_write(), in pages, of the file that a range maps."""
    s.objects.size[range_ - s.settings.first_object_range] = size
    return 0


def find_get_page(s: State, task: int, now: int, slot: int) -> int:
    """find_get_page(), at a pte's offset: the page with a reference taken, or NONE; FROZEN if it has no references now.

    Whoever has frozen it holds the tree_lock in C.
    """
    work(s.m, s.tasks.cpu[task], RADIX_DELETE)
    page = s.objects.cached[cache_index(s, slot)]
    if page == NONE:
        return NONE
    charge_atomic(s, task, page)
    if s.pages.refcount[page] == 0:
        return FROZEN
    s.pages.refcount[page] += 1
    return page


def page_index(s: State, task: int, now: int, page: int) -> int:
    """page->index, as the number of the pte that would map it; NONE if it is in no page cache."""
    charge_read(s, task, page)
    return s.pages.slot[page]


def page_cached_at(s: State, task: int, now: int, page: int, slot: int) -> int:
    """page->mapping == mapping && page->index == offset: whether a page is still at a pte's offset."""
    charge_read(s, task, page)
    return 1 if s.objects.cached[cache_index(s, slot)] == page else 0


def add_to_page_cache(s: State, task: int, now: int, page: int, slot: int) -> int:
    """add_to_page_cache(), at a pte's offset: 1 with the cache's reference taken, 0 for EEXIST.

    Whether the program will write to the page, by which it is dirty, is a draw.
    """
    work(s.m, s.tasks.cpu[task], RADIX_DELETE)
    index = cache_index(s, slot)
    if s.objects.cached[index] != NONE:
        return 0
    charge_atomic(s, task, page)
    range_ = slot // s.settings.range_pages
    is_file = s.ranges.file[range_]
    s.objects.cached[index] = page
    s.pages.refcount[page] += 1
    s.pages.mapping[page] = 2 * _mapping(s, range_)
    s.pages.slot[page] = slot
    mem_cgroup_charge(s, page, LRU_FILE if is_file else LRU_ACTIVE)
    dirty = chance(draw_of(s, task, CONTENT), s.settings.dirty_ppm)
    s.pages.flags[page] |= PG_UPTODATE | (PG_DIRTY if dirty else 0) | (0 if is_file else PG_SWAPBACKED)
    return 1


def remove_from_page_cache(s: State, task: int, now: int, page: int) -> int:
    """page->mapping = NULL: the page has left the page cache."""
    charge_write(s, task, page)
    if is_of_object(s, page):
        s.objects.cached[cache_index(s, s.pages.slot[page])] = NONE
        s.pages.slot[page] = NONE
    s.pages.mapping[page] = NO_MAPPING
    return 0


def replace_slot(s: State, task: int, now: int, page: int, newpage: int) -> int:
    """radix_tree_replace_slot() of migrate_page_move_mapping()."""
    work(s.m, s.tasks.cpu[task], RADIX_DELETE)
    slot = s.pages.slot[page]
    if slot >= 0 and object_of(s, slot) != NONE:
        charge_write(s, task, newpage)
        s.objects.cached[cache_index(s, slot)] = newpage
        s.pages.slot[newpage] = slot
    return 0


def mapping_set_unevictable(s: State, task: int, now: int, range_: int) -> int:
    """mapping_set_unevictable(): set_bit in the word of the mapping of a range's object."""
    _charge_mapping(s, task, range_)
    s.mapping_flags[_mapping(s, range_)] |= AS_UNEVICTABLE
    return 0


def mapping_clear_unevictable(s: State, task: int, now: int, range_: int) -> int:
    """mapping_clear_unevictable(): clear_bit."""
    _charge_mapping(s, task, range_)
    s.mapping_flags[_mapping(s, range_)] &= ~AS_UNEVICTABLE
    return 0


def _mapping(s: State, range_: int) -> int:
    """Number of the mapping of a range's object: those of the zones' plain files and anonymous pages come first."""
    return s.settings.nodes + 1 + range_ - s.settings.first_object_range


def _charge_mapping(s: State, task: int, range_: int) -> None:
    charge_atomic(s, task, s.settings.first_mapping_line + _mapping(s, range_))
