"""What reclaim counts and decides by: struct zone's statistics, and a task's struct scan_control (mm/vmscan.c).

Statistics are read without a lock, as in C. Those that change under lru_lock lie in its line, which the holder has.
"""

from __future__ import annotations

from perfsim.kernel.constants import (
    KSWAPD,
    LRU_ACTIVE_ANON,
    LRU_ACTIVE_FILE,
    LRU_FILE,
    LRU_INACTIVE_ANON,
    LRU_INACTIVE_FILE,
    LRU_LISTS,
    LRU_LOCK,
)
from perfsim.kernel.effects.lines import charge_read, charge_write
from perfsim.kernel.state import State, spinlock
from perfsim.machine.costs import L1_HIT
from perfsim.machine.state import work


def current_is_kswapd(s: State, task: int, now: int) -> int:
    """1 for a task of kind kswapd."""
    return 1 if s.tasks.kind[task] == KSWAPD else 0


def swap_cluster_max(s: State, task: int, now: int) -> int:
    """sc->swap_cluster_max: pages of one batch, and how many are enough."""
    return s.settings.swap_cluster_max


def nr_free_pages(s: State, task: int, now: int, zone: int) -> int:
    """zone_page_state(zone, NR_FREE_PAGES)."""
    return s.zones.free_count[zone]


def pages_mark(s: State, task: int, now: int, zone: int, mark: int) -> int:
    """zone->pages_min, pages_low, pages_high."""
    return s.zones.watermark[zone * 3 + mark]


def inactive_anon_is_low(s: State, task: int, now: int, zone: int) -> int:
    """inactive_anon_is_low(): fewer inactive anonymous pages than one to inactive_ratio active ones."""
    lengths = s.zones.lru_length
    base = zone * LRU_LISTS
    active = lengths[base + LRU_ACTIVE_ANON]
    return 1 if lengths[base + LRU_INACTIVE_ANON] * s.settings.inactive_ratio < active else 0


def recent_scanned(s: State, task: int, now: int, zone: int, lru: int) -> int:
    """zone->recent_scanned[] of a list's kind."""
    return s.zones.recent_scanned[_kind(zone, lru)]


def recent_rotated(s: State, task: int, now: int, zone: int, lru: int) -> int:
    """zone->recent_rotated[] of a list's kind."""
    return s.zones.recent_rotated[_kind(zone, lru)]


def halve_recent(s: State, task: int, now: int, zone: int, lru: int) -> int:
    """Both figures of a kind count half from now on."""
    at = _kind(zone, lru)
    work(s.m, s.tasks.cpu[task], L1_HIT)
    s.zones.recent_scanned[at] //= 2
    s.zones.recent_rotated[at] //= 2
    return 0


def add_recent_scanned(s: State, task: int, now: int, zone: int, lru: int, delta: int) -> int:
    """zone->recent_scanned[file] += pages taken."""
    work(s.m, s.tasks.cpu[task], L1_HIT)
    s.zones.recent_scanned[_kind(zone, lru)] += delta
    return 0


def add_recent_rotated(s: State, task: int, now: int, zone: int, lru: int, delta: int) -> int:
    """zone->recent_rotated[file] += pages found in use."""
    work(s.m, s.tasks.cpu[task], L1_HIT)
    s.zones.recent_rotated[_kind(zone, lru)] += delta
    return 0


def pages_scanned(s: State, task: int, now: int, zone: int, delta: int) -> int:
    """zone->pages_scanned += pages looked at. Returns the sum, which the next page that is freed sets back."""
    work(s.m, s.tasks.cpu[task], L1_HIT)
    s.zones.pages_scanned[zone] += delta
    return s.zones.pages_scanned[zone]


def zone_is_all_unreclaimable(s: State, task: int, now: int, zone: int) -> int:
    """zone_is_all_unreclaimable(): a flag of the zone."""
    charge_read(s, task, _line_of_zone(s, zone))
    return s.zones.all_unreclaimable[zone]


def zone_set_all_unreclaimable(s: State, task: int, now: int, zone: int) -> int:
    """zone_set_flag(zone, ZONE_ALL_UNRECLAIMABLE)."""
    charge_write(s, task, _line_of_zone(s, zone))
    s.zones.all_unreclaimable[zone] = 1
    return 0


def sc_begin(s: State, task: int, now: int) -> int:
    """sc->nr_scanned = 0."""
    s.sc.nr_scanned[task] = 0
    return 0


def sc_scanned(s: State, task: int, now: int, delta: int) -> int:
    """sc->nr_scanned += delta. Returns the sum."""
    s.sc.nr_scanned[task] += delta
    return s.sc.nr_scanned[task]


def due_to_scan(s: State, task: int, now: int, zone: int, lru: int, delta: int) -> int:
    """zone->lru[l].nr_scan += scan + 1; what that makes is nr[l] of this shrink_zone() once it is worth a batch.

    Every reclaimer of the zone adds to the one word, without a lock; an update that C may lose is not lost here.
    """
    charge_write(s, task, _line_of_zone(s, zone))
    at = zone * LRU_LISTS + lru
    s.zones.nr_scan[at] += delta + 1
    due = s.zones.nr_scan[at]
    if due >= s.settings.swap_cluster_max:
        s.zones.nr_scan[at] = 0
    else:
        due = 0
    s.sc.nr[task * LRU_LISTS + lru] = due
    return due


def left_to_scan(s: State, task: int, now: int) -> int:
    """nr[LRU_INACTIVE_ANON] || nr[LRU_ACTIVE_FILE] || nr[LRU_INACTIVE_FILE]."""
    nr = s.sc.nr
    base = task * LRU_LISTS
    left = nr[base + LRU_INACTIVE_ANON] + nr[base + LRU_ACTIVE_FILE] + nr[base + LRU_INACTIVE_FILE]
    return 1 if left else 0


def next_batch(s: State, task: int, now: int, lru: int) -> int:
    """nr_to_scan = min(nr[l], sc->swap_cluster_max); nr[l] -= nr_to_scan. Returns it."""
    at = task * LRU_LISTS + lru
    batch = min(s.sc.nr[at], s.settings.swap_cluster_max)
    s.sc.nr[at] -= batch
    return batch


def _line_of_zone(s: State, zone: int) -> int:
    """The line of a zone's statistics, which is that of its lru_lock."""
    return s.m.lock_line[spinlock(s, LRU_LOCK, zone)]


def _kind(zone: int, lru: int) -> int:
    return zone * 2 + (1 if lru >= LRU_FILE else 0)
