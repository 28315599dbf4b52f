"""What a run counts: CPU time by category, lock statistics by class, latency histograms.

Everything is cleared when the warm-up ends, so a row describes the measured window alone.
"""

from __future__ import annotations

from typing import NamedTuple

from perfsim.numeric.buckets import CELLS, bucket
from perfsim.numeric.columns import Ints

USER = 0
KERNEL = 1
SPIN = 2
SWITCH = 3
IDLE = 4
CATEGORIES = 5

LEAST_OF_NONE = 1 << 62
"""The shortest time where there has been none."""


class Tally(NamedTuple):
    """Counts of the measured window. Times in ps.

    cpus, lock_classes, histograms, kinds: numbers of each. window_start: [ps].
    cpu_ps: [cpu * CATEGORIES + category]; cpu_category, cpu_since: [cpu].
    con_bounces .. hold_max_ps: [lock class]; a bounce is a contention or an acquisition on another CPU than that of the
    lock's last holder; a *_min_ps is LEAST_OF_NONE until there is a time. cells: [histogram * CELLS + cell];
    latency_*: [histogram]; latency_spent_ps: [histogram * kinds + kind], the part of the total that went to a kind.
    """

    cpus: int
    lock_classes: int
    histograms: int
    kinds: int
    window_start: Ints
    cpu_ps: Ints
    cpu_category: Ints
    cpu_since: Ints
    con_bounces: Ints
    contentions: Ints
    wait_min_ps: Ints
    wait_max_ps: Ints
    wait_total_ps: Ints
    acq_bounces: Ints
    acquisitions: Ints
    hold_min_ps: Ints
    hold_max_ps: Ints
    hold_total_ps: Ints
    cells: Ints
    latency_count: Ints
    latency_total_ps: Ints
    latency_max_ps: Ints
    latency_spent_ps: Ints


def new_tally(cpus: int, lock_classes: int, histograms: int, kinds: int) -> Tally:
    """An empty tally; every CPU idle since time 0."""
    return Tally(
        cpus=cpus,
        lock_classes=lock_classes,
        histograms=histograms,
        kinds=kinds,
        window_start=[0],
        cpu_ps=[0] * (cpus * CATEGORIES),
        cpu_category=[IDLE] * cpus,
        cpu_since=[0] * cpus,
        con_bounces=[0] * lock_classes,
        contentions=[0] * lock_classes,
        wait_min_ps=[LEAST_OF_NONE] * lock_classes,
        wait_max_ps=[0] * lock_classes,
        wait_total_ps=[0] * lock_classes,
        acq_bounces=[0] * lock_classes,
        acquisitions=[0] * lock_classes,
        hold_min_ps=[LEAST_OF_NONE] * lock_classes,
        hold_max_ps=[0] * lock_classes,
        hold_total_ps=[0] * lock_classes,
        cells=[0] * (histograms * CELLS),
        latency_count=[0] * histograms,
        latency_total_ps=[0] * histograms,
        latency_max_ps=[0] * histograms,
        latency_spent_ps=[0] * (histograms * kinds),
    )


def spend(tally: Tally, cpu: int, now: int, category: int) -> None:
    """Book the CPU's time since its last change of category, then change to another."""
    start = tally.cpu_since[cpu]
    tally.cpu_ps[cpu * CATEGORIES + tally.cpu_category[cpu]] += now - start
    tally.cpu_since[cpu] = now
    tally.cpu_category[cpu] = category


def latency(tally: Tally, histogram: int, value_ps: int) -> None:
    """Record one latency. Values are never negative."""
    tally.cells[histogram * CELLS + bucket(value_ps)] += 1
    tally.latency_count[histogram] += 1
    tally.latency_total_ps[histogram] += value_ps
    if value_ps > tally.latency_max_ps[histogram]:
        tally.latency_max_ps[histogram] = value_ps


def contended(tally: Tally, lock_class: int, bounced: int) -> None:
    """Record that somebody begins to wait. The contention itself counts when it ends with the lock taken."""
    tally.con_bounces[lock_class] += bounced


def acquired(tally: Tally, lock_class: int, bounced: int, waited: int, wait_ps: int) -> None:
    """Record one acquisition; a wait of zero counts as a wait. Histogram number = lock class."""
    tally.acquisitions[lock_class] += 1
    tally.acq_bounces[lock_class] += bounced
    latency(tally, lock_class, wait_ps)
    if not waited:
        return
    tally.contentions[lock_class] += 1
    tally.wait_total_ps[lock_class] += wait_ps
    if wait_ps > tally.wait_max_ps[lock_class]:
        tally.wait_max_ps[lock_class] = wait_ps
    if wait_ps < tally.wait_min_ps[lock_class]:
        tally.wait_min_ps[lock_class] = wait_ps


def held(tally: Tally, lock_class: int, since_ps: int, now: int) -> None:
    """Record one hold that ends now, clipped to the measured window; the shortest is one of those that are whole."""
    held_so_far(tally, lock_class, since_ps, now)
    if since_ps >= tally.window_start[0] and now - since_ps < tally.hold_min_ps[lock_class]:
        tally.hold_min_ps[lock_class] = now - since_ps


def held_so_far(tally: Tally, lock_class: int, since_ps: int, now: int) -> None:
    """Record the part of a hold that is in the measured window, up to now."""
    start = since_ps
    if start < tally.window_start[0]:
        start = tally.window_start[0]
    hold_ps = now - start
    if hold_ps < 0:
        hold_ps = 0
    tally.hold_total_ps[lock_class] += hold_ps
    if hold_ps > tally.hold_max_ps[lock_class]:
        tally.hold_max_ps[lock_class] = hold_ps


def start_window(tally: Tally, now: int) -> None:
    """The warm-up is over: forget what was counted; intervals that are open go on from here."""
    for cpu in range(tally.cpus):
        tally.cpu_since[cpu] = now
    for share in range(tally.cpus * CATEGORIES):
        tally.cpu_ps[share] = 0
    for lock_class in range(tally.lock_classes):
        tally.con_bounces[lock_class] = tally.contentions[lock_class] = 0
        tally.acq_bounces[lock_class] = tally.acquisitions[lock_class] = 0
        tally.wait_total_ps[lock_class] = tally.wait_max_ps[lock_class] = 0
        tally.hold_total_ps[lock_class] = tally.hold_max_ps[lock_class] = 0
        tally.wait_min_ps[lock_class] = tally.hold_min_ps[lock_class] = LEAST_OF_NONE
    for histogram in range(tally.histograms):
        tally.latency_count[histogram] = tally.latency_total_ps[histogram] = tally.latency_max_ps[histogram] = 0
    for part in range(tally.histograms * tally.kinds):
        tally.latency_spent_ps[part] = 0
    for cell in range(tally.histograms * CELLS):
        tally.cells[cell] = 0
    tally.window_start[0] = now
