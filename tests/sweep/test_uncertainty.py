"""Machines anywhere in a profile's ranges: the middle is the profile's own, the ends are its limits, none cannot be."""

from dataclasses import replace
from itertools import pairwise

import pytest

from perfsim.machine.costs import COST_NAMES, IDLE_EXIT, PAUSE, PREFETCH_HIDDEN, WAKEUP
from perfsim.machine.profile import load_profile, priced_profiles
from perfsim.machine.profile_values import RELATIONS
from perfsim.stats.surrogate import latin_hypercube
from perfsim.sweep.uncertainty import cost_at, costs_at, uncertain_costs

X86_64 = load_profile("x86_64")
NS = 1000
US = 1000 * NS


def test_the_middle_of_all_ranges_is_the_profile_itself() -> None:
    for profile in priced_profiles():
        costs = uncertain_costs(profile)
        assert costs_at(profile, costs, [0.5] * len(costs)) == profile.best_ps


def test_low_best_and_high_are_the_ends_and_the_middle_of_a_range() -> None:
    assert [cost_at(X86_64, IDLE_EXIT, at) for at in (0.0, 0.5, 1.0)] == [200 * NS, US, 5 * US]
    assert cost_at(X86_64, WAKEUP, 0.25) == pytest.approx(565.7 * NS, rel=1e-3)
    assert cost_at(X86_64, PAUSE, 0.25) == 2 * NS
    assert [cost_at(X86_64, PREFETCH_HIDDEN, at) for at in (0.0, 0.25, 1.0)] == [0, 250, 800]


def test_costs_of_one_value_are_not_varied() -> None:
    names = {COST_NAMES[cost] for cost in uncertain_costs(X86_64)}
    assert names == set(COST_NAMES) - {"barrier_acquire", "barrier_release"}
    assert uncertain_costs(load_profile("ideal")) == ()


def test_no_machine_contradicts_itself_or_leaves_its_ranges() -> None:
    for profile in priced_profiles():
        costs = uncertain_costs(profile)
        for places in latin_hypercube(500, len(costs), seed=1).tolist():
            found = costs_at(profile, costs, places)
            assert all(
                low <= cost <= high for low, cost, high in zip(profile.low_ps, found, profile.high_ps, strict=True)
            )
            for chain in RELATIONS:
                values = [found[COST_NAMES.index(name)] for name in chain]
                assert all(smaller <= larger for smaller, larger in pairwise(values)), chain


def test_a_cost_of_one_value_stays_where_a_smaller_one_would_pass_it() -> None:
    remote = COST_NAMES.index("dram_remote")
    fixed = [list(figures) for figures in (X86_64.low_ps, X86_64.best_ps, X86_64.high_ps)]
    for figures in fixed:
        figures[remote] = 110 * NS
    low, best, high = map(tuple, fixed)
    profile = replace(X86_64, low_ps=low, best_ps=best, high_ps=high)
    costs = uncertain_costs(profile)
    found = costs_at(profile, costs, [1.0] * len(costs))
    assert (found[COST_NAMES.index("dram_local")], found[remote]) == (110 * NS, 110 * NS)
