"""LRU lists, private lists and vectors of pages (include/linux/mm_inline.h, list.h, pagevec.h).

Lists of a zone are touched by the holder of its lru_lock alone, private ones and vectors by their task alone: these
steps are local, their cost passes with the next shared one.
"""

from __future__ import annotations

from perfsim.kernel.constants import (
    CPU_VECTORS,
    LRU_FILE,
    LRU_LISTS,
    NONE,
    PG_SWAPBACKED,
    PRIVATE_LISTS,
    VECTOR_SLOTS,
)
from perfsim.kernel.effects.lines import charge_write
from perfsim.kernel.state import State, cpu_vector, list_head, page_lru, stack_vector
from perfsim.machine.account import TRANSFER, book
from perfsim.machine.coherence import own_line
from perfsim.machine.costs import L1_HIT, LRU_ADD_PAGE, LRU_ISOLATE_PAGE, PER_MILLE, PREFETCH_HIDDEN
from perfsim.machine.locks import write_beside_lock
from perfsim.machine.state import work
from perfsim.numeric.columns import fetch_early


def page_is_file_cache(s: State, task: int, now: int, page: int) -> int:
    """page_is_file_cache(): LRU_FILE, or 0 for a page backed by swap. A flag that does not change while on the LRU."""
    return 0 if s.pages.flags[page] & PG_SWAPBACKED else LRU_FILE


def page_lru_list(s: State, task: int, now: int, page: int) -> int:
    """page_lru(): under lru_lock."""
    return page_lru(s.pages.flags[page])


def lru_length(s: State, task: int, now: int, zone: int, lru: int) -> int:
    """zone_page_state(zone, NR_LRU_BASE + lru): per-CPU folded counters, read without a lock."""
    return s.zones.lru_length[zone * LRU_LISTS + lru]


def add_page_to_lru_list(s: State, task: int, now: int, zone: int, page: int, lru: int) -> int:
    """add_page_to_lru_list(): link at the head. Writes the head, the page and its new neighbour."""
    work(s.m, s.tasks.cpu[task], LRU_ADD_PAGE)
    _link_after(s, task, now, list_head(s, zone, lru), page)
    s.zones.lru_length[zone * LRU_LISTS + lru] += 1
    return 0


def del_page_from_lru_list(s: State, task: int, now: int, zone: int, page: int, lru: int) -> int:
    """del_page_from_lru_list(): unlink. Writes both neighbours."""
    work(s.m, s.tasks.cpu[task], LRU_ISOLATE_PAGE)
    _unlink(s, task, now, page)
    s.zones.lru_length[zone * LRU_LISTS + lru] -= 1
    return 0


def lru_to_page(s: State, task: int, now: int, zone: int, lru: int) -> int:
    """lru_to_page(): the page at the tail, or NONE."""
    head = list_head(s, zone, lru)
    page = s.pages.before[head]
    work(s.m, s.tasks.cpu[task], L1_HIT)
    return NONE if page == head else page


def prefetchw_prev_lru_page(s: State, task: int, now: int, page: int) -> int:
    """prefetchw_prev_lru_page(): fetch the next victim's line early; part of the miss hides (cost-profiles §0.7)."""
    cpu = s.tasks.cpu[task]
    neighbour = s.pages.before[page]
    if neighbour < s.settings.first_head:
        cost_ps = own_line(s.m, cpu, neighbour)
        hidden_ps = cost_ps * s.m.cost_ps[PREFETCH_HIDDEN] // PER_MILLE
        s.m.pending_ps[cpu] += cost_ps - hidden_ps
        book(s.m, cpu, TRANSFER, -hidden_ps)
        _fetch_early(s, s.pages.before[neighbour])
    return 0


def list_move_to_lru_head(s: State, task: int, now: int, zone: int, page: int, lru: int) -> int:
    """list_move(&page->lru, &zone->lru[lru].list): rotate a page that is not to be had, or is unevictable still."""
    _unlink(s, task, now, page)
    _link_after(s, task, now, list_head(s, zone, lru), page)
    return 0


def list_move_to_lru_tail(s: State, task: int, now: int, zone: int, page: int, lru: int) -> int:
    """list_move_tail(&page->lru, &zone->lru[lru].list): the next page that reclaim looks at."""
    _unlink(s, task, now, page)
    _link_after(s, task, now, s.pages.before[list_head(s, zone, lru)], page)
    return 0


def list_add(s: State, task: int, now: int, page: int, which: int) -> int:
    """list_add(&page->lru, list) on a private list of the task."""
    _link_after(s, task, now, _private(s, task, which), page)
    return 0


def list_del(s: State, task: int, now: int, page: int) -> int:
    """list_del(&page->lru) from a private list."""
    _unlink(s, task, now, page)
    return 0


def list_last(s: State, task: int, now: int, which: int) -> int:
    """lru_to_page(list) on a private list: its last page, or NONE when it is empty."""
    head = _private(s, task, which)
    work(s.m, s.tasks.cpu[task], L1_HIT)
    page = s.pages.before[head]
    return NONE if page == head else page


def list_prev(s: State, task: int, now: int, page: int, which: int) -> int:
    """list_entry(page->lru.prev): the page before one on a private list, or NONE after the last."""
    work(s.m, s.tasks.cpu[task], L1_HIT)
    before = s.pages.before[page]
    return NONE if before == _private(s, task, which) else before


def list_splice(s: State, task: int, now: int, source: int, target: int) -> int:
    """list_splice(): move all pages of one private list to the head of another, in order."""
    head, other = _private(s, task, source), _private(s, task, target)
    first, last = s.pages.next[head], s.pages.before[head]
    if first == head:
        return 0
    follower = s.pages.next[other]
    s.pages.next[other], s.pages.before[first] = first, other
    s.pages.next[last], s.pages.before[follower] = follower, last
    s.pages.next[head] = s.pages.before[head] = head
    work(s.m, s.tasks.cpu[task], L1_HIT)
    return 0


def pagevec_add(s: State, task: int, now: int, vector: int, page: int) -> int:
    """pagevec_add(): returns the room left, of the workload's pagevec_size."""
    place = _vector(s, task, vector)
    assert s.vectors.length[place] < VECTOR_SLOTS, f"page {page} is added to a full vector, {vector}"
    return add_to_vector(s, task, place, page)


def pagevec_count(s: State, task: int, now: int, vector: int) -> int:
    """pagevec_count(): pages in the vector."""
    return s.vectors.length[_vector(s, task, vector)]


def pagevec_page(s: State, task: int, now: int, vector: int, index: int) -> int:
    """pvec->pages[index]."""
    return s.vectors.pages[_vector(s, task, vector) * VECTOR_SLOTS + index]


def pagevec_reinit(s: State, task: int, now: int, vector: int) -> int:
    """pagevec_reinit(): empty the vector; its pages keep their references."""
    s.vectors.length[_vector(s, task, vector)] = 0
    return 0


def _vector(s: State, task: int, vector: int) -> int:
    """The place of a vector among all: a pagevec is the CPU's, any other is on the task's stack."""
    return cpu_vector(s.tasks.cpu[task], vector) if vector < CPU_VECTORS else stack_vector(s, task, vector)


def add_to_vector(s: State, task: int, place: int, page: int) -> int:
    """Append a page to the vector of a place, which is not full. Returns the room left."""
    count = s.vectors.length[place]
    s.vectors.pages[place * VECTOR_SLOTS + count] = page
    s.vectors.length[place] = count + 1
    work(s.m, s.tasks.cpu[task], L1_HIT)
    return s.settings.pagevec_size - count - 1


def _fetch_early(s: State, page: int) -> None:
    """What the simulator's own machine needs for a page, while other CPUs have their turns."""
    fetch_early(s.pages.before, page)
    fetch_early(s.m.line_holders, page)


def _private(s: State, task: int, which: int) -> int:
    return s.settings.first_private + task * PRIVATE_LISTS + which


def _link_after(s: State, task: int, now: int, head: int, page: int) -> None:
    first = s.pages.next[head]
    s.pages.next[page], s.pages.before[page] = first, head
    s.pages.next[head] = s.pages.before[first] = page
    _charge_link(s, task, now, page)
    _charge_link(s, task, now, first)
    if head != first:
        _charge_link(s, task, now, head)


def _unlink(s: State, task: int, now: int, page: int) -> None:
    before, after = s.pages.before[page], s.pages.next[page]
    assert min(before, after) > NONE, f"page {page} is on no list"
    s.pages.next[before], s.pages.before[after] = after, before
    s.pages.next[page] = s.pages.before[page] = NONE
    _charge_link(s, task, now, before)
    if after != before:
        _charge_link(s, task, now, after)


def _charge_link(s: State, task: int, now: int, node: int) -> None:
    """One store to a list link: a page's line, a zone's line (which its lock shares), or a hot private head."""
    cpu = s.tasks.cpu[task]
    if node < s.settings.first_head:
        charge_write(s, task, node)
    elif node < s.settings.first_private:
        s.m.pending_ps[cpu] += write_beside_lock(s.m, cpu, now, (node - s.settings.first_head) // LRU_LISTS)
    else:
        work(s.m, cpu, L1_HIT)
