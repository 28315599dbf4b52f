"""Contention points: as many as there were waits, and where the reference engine has seen them."""

from __future__ import annotations

import inspect
from collections import Counter

import pytest

from perfsim.kernel import constants as k
from perfsim.kernel.boot import Seed
from perfsim.kernel.paths.shared import memcontrol
from perfsim.measure.contention import Point, contention_points
from perfsim.measure.row import simulate_counted
from perfsim.measure.tracing import timeline_of
from perfsim.scenario.validate import load_scenario
from tests.measure.shown import shown

US = 1_000_000
SEED = Seed(1, 0)
SPINLOCKS = {k.LRU_LOCK: "lru_lock", k.MZ_LOCK: "memcg_lock", k.WAIT_BUCKET: "wait_bucket"}
WINDOW = ("measure.warmup=100us", "measure.duration=400us")


@pytest.mark.parametrize("design", ["lock_page", "redo"])
@pytest.mark.parametrize("profile", ["ia64", "x86_64", "x86_64_modern"])
@pytest.mark.parametrize("workload", ["munlock_storm", "everything", "lock_contention"])
def test_every_wait_of_a_run_has_its_point_and_nothing_else_has(workload: str, profile: str, design: str) -> None:
    """Of test-and-set locks, whose last holder may come back before who waits; of ticket locks; of queued ones."""
    scenario = load_scenario(workload, WINDOW, profile=profile)
    counts = simulate_counted(scenario, design, SEED).counts
    found = contention_points(scenario, design, SEED, (100 * US, 500 * US))
    for lock_class in SPINLOCKS:
        contentions = counts.locks[lock_class].contentions
        assert (lock_class in found) == bool(contentions)
        if contentions:
            assert found[lock_class].waiting.total() == found[lock_class].waited_for.total() == contentions


@pytest.mark.parametrize("profile", ["ia64", "x86_64"])
def test_the_points_are_the_paths_that_the_reference_engine_sees_spin(profile: str) -> None:
    scenario = load_scenario("munlock_storm", WINDOW, profile=profile)
    found = contention_points(scenario, "redo", SEED, (100 * US, 500 * US))
    seen: dict[str, Counter[str]] = {name: Counter() for name in SPINLOCKS.values()}
    for one in shown(timeline_of(scenario, "redo", SEED, (100 * US, 500 * US))):
        if "wait_ps" in one.slice.facts and one.lane[0].startswith("CPU"):
            seen[str(one.slice.facts["lock"]).split()[0]][one.outer[-1]] += 1
    for lock_class, name in SPINLOCKS.items():
        by_path: Counter[str] = Counter()
        for point, count in found[lock_class].waiting.items() if lock_class in found else ():
            by_path[point.path] += count
        assert by_path == seen[name]
    assert len(seen["lru_lock"]) > 3


def test_a_point_is_a_line_of_its_path() -> None:
    scenario = load_scenario("munlock_storm", WINDOW)
    points = contention_points(scenario, "redo", SEED, (100 * US, 500 * US))[k.MZ_LOCK].waiting
    [point] = points
    source = inspect.getsource(memcontrol.mem_cgroup_move_lists).splitlines()
    assert point == Point("mem_cgroup_move_lists", point.line, len(source))
    assert "spin_lock_irqsave(MZ_LOCK" in source[point.line]
