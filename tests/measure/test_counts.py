"""The kernel's own counters are those of the state, all zones together."""

from __future__ import annotations

from perfsim.engine.prepare import profile_of
from perfsim.kernel.boot import Seed, boot
from perfsim.kernel.constants import LRU_LOCK, PAGE_LOCK, PGSCAN, VM_EVENTS
from perfsim.machine.tally import acquired, held
from perfsim.measure.counts import counts_of
from perfsim.scenario.validate import load_scenario


def test_pages_of_all_zones_are_counted_together() -> None:
    scenario = load_scenario("quickstart", ["machine.nodes=2"])
    s = boot(scenario, profile_of(scenario), Seed(1, 0))
    counts = counts_of(s)
    assert counts.free_pages + sum(counts.lru_pages) == 2 * 2048
    assert counts.mlocked_pages == counts.lru_pages[-1] == 2 * 1024


def test_events_and_locks_are_counted_by_number_and_no_time_is_no_shortest_time() -> None:
    scenario = load_scenario("quickstart")
    s = boot(scenario, profile_of(scenario), Seed(1, 0))
    s.events[PGSCAN] = 32
    acquired(s.m.tally, PAGE_LOCK, 1, 1, 700)
    held(s.m.tally, PAGE_LOCK, 0, 90)
    counts = counts_of(s)
    assert (counts.events[PGSCAN], len(counts.events)) == (32, VM_EVENTS)
    assert counts.locks[PAGE_LOCK] == (0, 1, 700, 700, 700, 1, 1, 90, 90, 90)
    assert set(counts.locks[LRU_LOCK]) == {0}
