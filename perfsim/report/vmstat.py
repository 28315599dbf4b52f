"""/proc/vmstat of a run: one `name value` a line, pages first, then events, in the kernel's order.

Only what the model has. In the kernel events count since boot, here in the measured window; pages are those at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from perfsim.kernel import constants as k

if TYPE_CHECKING:
    from perfsim.measure.counts import Counts


class Event(NamedTuple):
    """A line of an event. less: the number of an event that this one leaves out, or None."""

    name: str
    event: int
    less: int | None = None


THEN = (
    Event("pgactivate", k.PGACTIVATE),
    Event("pgdeactivate", k.PGDEACTIVATE),
    Event("pgfault", k.PGFAULT),
    Event("pgrefill_normal", k.PGREFILL),
    Event("pgsteal_normal", k.PGSTEAL),
    Event("pgscan_kswapd_normal", k.PGSCAN_KSWAPD),
    Event("pgscan_direct_normal", k.PGSCAN_DIRECT),
    Event("kswapd_steal", k.KSWAPD_STEAL),
    Event("pageoutrun", k.PAGEOUTRUN),
    Event("allocstall", k.ALLOCSTALL),
    Event("pgrotated", k.PGROTATED),
    Event("noreclaim_pgs_culled", k.UNEVICTABLE_PGCULLED),
    Event("noreclaim_pgs_scanned", k.UNEVICTABLE_PGSCANNED),
    Event("noreclaim_pgs_rescued", k.UNEVICTABLE_PGRESCUED),
    Event("noreclaim_pgs_mlocked", k.UNEVICTABLE_PGMLOCKED),
    Event("noreclaim_pgs_munlocked", k.UNEVICTABLE_PGMUNLOCKED),
    Event("noreclaim_pgs_cleared", k.UNEVICTABLE_PGCLEARED),
    Event("noreclaim_pgs_stranded", k.UNEVICTABLE_PGSTRANDED),
)
"""2.6.26-rc5-mm3; each of the model's zones is the ZONE_NORMAL of its node."""

TODAY = (
    Event("allocstall_normal", k.ALLOCSTALL),
    Event("pgactivate", k.PGACTIVATE),
    Event("pgdeactivate", k.PGDEACTIVATE),
    Event("pgfault", k.PGFAULT),
    Event("pgrefill", k.PGREFILL),
    Event("pgsteal_kswapd", k.KSWAPD_STEAL),
    Event("pgsteal_direct", k.PGSTEAL, less=k.KSWAPD_STEAL),
    Event("pgscan_kswapd", k.PGSCAN_KSWAPD),
    Event("pgscan_direct", k.PGSCAN_DIRECT),
    Event("pageoutrun", k.PAGEOUTRUN),
    Event("pgrotated", k.PGROTATED),
    Event("oom_kill", k.OOM_KILL),
    Event("pgmigrate_success", k.PGMIGRATE_SUCCESS),
    Event("unevictable_pgs_culled", k.UNEVICTABLE_PGCULLED),
    Event("unevictable_pgs_scanned", k.UNEVICTABLE_PGSCANNED),
    Event("unevictable_pgs_rescued", k.UNEVICTABLE_PGRESCUED),
    Event("unevictable_pgs_mlocked", k.UNEVICTABLE_PGMLOCKED),
    Event("unevictable_pgs_munlocked", k.UNEVICTABLE_PGMUNLOCKED),
    Event("unevictable_pgs_cleared", k.UNEVICTABLE_PGCLEARED),
    Event("unevictable_pgs_stranded", k.UNEVICTABLE_PGSTRANDED),
)
"""Linux 6; pages are in the order that they had at first, in 2.6.28."""


def vmstat(counts: Counts, events: tuple[Event, ...] = TODAY) -> str:
    """The text, its last line ended. events: THEN or TODAY."""
    lines = [("nr_free_pages", counts.free_pages)]
    lines += [(f"nr_{name}", pages) for name, pages in zip(k.LRU_NAMES, counts.lru_pages, strict=True)]
    lines.append(("nr_mlock", counts.mlocked_pages))
    for name, event, less in events:
        lines.append((name, counts.events[event] - (0 if less is None else counts.events[less])))
    return "".join(f"{name} {value}\n" for name, value in lines)
