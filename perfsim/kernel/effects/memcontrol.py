"""The one memcg: the lists of its pages, and the word of each page that names its list (mm/memcontrol.c)."""

from __future__ import annotations

from perfsim.kernel.constants import LRU_LISTS, MZ_LOCK
from perfsim.kernel.effects.lines import charge_atomic, charge_read
from perfsim.kernel.state import State, spinlock, zone_of
from perfsim.machine.costs import MEMCG_MOVE
from perfsim.machine.locks import write_beside_lock
from perfsim.machine.state import work
from perfsim.numeric.columns import fetch_early


def memcg_enabled(s: State, task: int, now: int) -> int:
    """!mem_cgroup_subsys.disabled."""
    return s.settings.memcg


def trylock_page_cgroup(s: State, task: int, now: int, page: int) -> int:
    """try_lock_page_cgroup(): the bit spinlock in page->page_cgroup, a word of struct page. Returns 1 when taken."""
    charge_atomic(s, task, page)
    fetch_early(s.m.line_holders, s.settings.pages + page)
    if s.pages.cgroup[page] & 1:
        return 0
    s.pages.cgroup[page] |= 1
    return 1


def unlock_page_cgroup(s: State, task: int, now: int, page: int) -> int:
    """unlock_page_cgroup(): clear_bit_unlock."""
    charge_atomic(s, task, page)
    s.pages.cgroup[page] &= ~1
    return 0


def mem_cgroup_move(s: State, task: int, now: int, page: int, lru: int) -> int:
    """__mem_cgroup_move_lists(), under the memcg zone's lru_lock: nothing when the page is on that list already."""
    cpu = s.tasks.cpu[task]
    charge_read(s, task, s.settings.pages + page)
    zone = zone_of(s, page)
    old = _list_of(s, page)
    if old == lru:
        return 0
    work(s.m, cpu, MEMCG_MOVE)
    s.m.pending_ps[cpu] += write_beside_lock(s.m, cpu, now, spinlock(s, MZ_LOCK, zone))
    if old >= 0:
        s.zones.cgroup_length[zone * LRU_LISTS + old] -= 1
    s.zones.cgroup_length[zone * LRU_LISTS + lru] += 1
    s.pages.cgroup[page] = s.pages.cgroup[page] & 1 | lru + 1 << 1
    return 0


def mem_cgroup_prepare_migration(s: State, task: int, now: int, page: int, newpage: int) -> int:
    """mem_cgroup_prepare_migration(): the new page is charged as the old one is, which gives it back when freed."""
    if s.settings.memcg:
        work(s.m, s.tasks.cpu[task], MEMCG_MOVE)
        mem_cgroup_charge(s, newpage, _list_of(s, page))
    return 0


def mem_cgroup_charge(s: State, page: int, lru: int) -> None:
    """mem_cgroup_charge() onto a list of the memcg, or uncharge (NONE). Without the lock that they take in C."""
    zone = zone_of(s, page)
    old = _list_of(s, page)
    if old >= 0:
        s.zones.cgroup_length[zone * LRU_LISTS + old] -= 1
    if lru >= 0 and s.settings.memcg:
        s.zones.cgroup_length[zone * LRU_LISTS + lru] += 1
    s.pages.cgroup[page] = lru + 1 << 1 if s.settings.memcg else 0


def _list_of(s: State, page: int) -> int:
    """The list that a page is charged to, or NONE."""
    return (s.pages.cgroup[page] >> 1) - 1
