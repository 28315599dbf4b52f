"""When simulated locks are near enough to real ones, and when nothing can be said."""

from pathlib import Path

import pytest

from perfsim.calibrate.agreement import (
    EDGE,
    METRICS,
    NO_WAIT,
    VIRTUAL,
    agreement_of,
    check_agreement,
    compared,
    simulated,
)
from perfsim.calibrate.bench import Bench
from perfsim.calibrate.contention import Loop, Setting
from perfsim.calibrate.here import Cpu
from perfsim.calibrate.locks import BIT, TICKET
from perfsim.calibrate.samples import NOISE, Figure
from perfsim.errors import InputError
from perfsim.machine.profile import load_profile
from tests.calibrate.made import case, exact


def test_figures_that_are_near_enough_are_accepted() -> None:
    found = agreement_of([case(per_s=110.0), case(p50=139.0)])
    assert found.worst == pytest.approx(0.39)
    assert (found.median, found.is_accepted) == (0.0, True)


def test_one_figure_too_far_away_is_not_accepted_whatever_the_others_are() -> None:
    found = agreement_of([case()] * 9 + [case(p99=59.0)])
    assert (found.is_noise, found.is_accepted) == (False, False)


def test_a_median_too_far_away_is_not_accepted_though_no_figure_is_by_itself() -> None:
    assert not agreement_of([case(per_s=120.0, p50=120.0, p90=120.0, p99=120.0)]).is_accepted


def test_a_spread_wider_than_the_tolerance_is_noise_neither_hit_nor_miss() -> None:
    wide = Figure(80.0, 100.0, 121.0, 0.41)
    assert compared("p99", wide, 100.0, is_virtual=False).why_not == NOISE
    assert compared("p99", wide, 900.0, is_virtual=False).why_not == NOISE


def test_mostly_noise_is_no_acceptance_and_says_that_it_is_noise() -> None:
    wide = compared("p50", Figure(80.0, 100.0, 121.0, 0.41), 100.0, is_virtual=False)
    noisy = case()._replace(figures=dict.fromkeys(("a", "b", "c"), wide))
    found = agreement_of([noisy, noisy, case()])
    assert (found.is_noise, found.is_accepted) == (True, False)


def test_a_share_is_compared_by_its_difference() -> None:
    assert compared("waited", exact(0.01), 0.03, is_virtual=False).error == pytest.approx(0.02)
    assert compared("waited", exact(0.02), 0.5, is_virtual=False).error == pytest.approx(0.48)


def test_where_nobody_waits_in_either_there_is_nothing_to_judge() -> None:
    assert compared("p50", exact(0.0), 0.0, is_virtual=False).why_not == NO_WAIT


def test_a_percentile_between_those_who_wait_and_those_who_do_not_is_not_judged() -> None:
    assert compared("p50", exact(0.0), 150.0, is_virtual=False).why_not == EDGE
    assert compared("p50", exact(150.0), 0.0, is_virtual=False).why_not == EDGE


def test_wakes_of_a_virtual_machine_are_not_judged_and_do_not_count_as_noise() -> None:
    found = agreement_of([case("bit", is_virtual=True, per_s=900.0)] * 3 + [case()])
    assert {one.why_not for one in found.cases[0].figures.values()} == {VIRTUAL}
    assert (found.is_noise, found.is_accepted) == (False, True)


@pytest.mark.parametrize("kind", [TICKET, BIT])
def test_a_machine_so_slow_that_no_lock_is_taken_has_figures_of_nothing(kind: int, tmp_path: Path) -> None:
    file = tmp_path / "slow.yaml"
    file.write_text("{name: slow, extends: x86_64_modern, costs: {atomic_local: 1s}}", encoding="utf-8")
    found = simulated(file, Loop(kind, (0, 1), Setting(700, 300, is_exponential=False)))
    assert found == dict.fromkeys(METRICS, 0)


def test_a_profile_that_cannot_have_every_lock_is_refused_before_anything_is_measured(bench: Bench) -> None:
    two = bench._replace(here=bench.here._replace(cpus=(Cpu(0, "a", "0"), Cpu(1, "b", "0"))))
    with pytest.raises(InputError) as refused:
        check_agreement(two, load_profile("ideal"), "ideal", print)
    assert refused.value.place == "--profile"
    assert refused.value.problem.startswith("ideal cannot be checked as test_and_set: the key spinlock_bias.releaser")


@pytest.mark.parametrize("kind", [TICKET, BIT])
def test_the_simulated_loop_of_one_cpu_takes_think_hold_and_what_the_lock_costs(kind: int, tmp_path: Path) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text("{name: plain, extends: x86_64_modern, spinlock: {algorithm: ticket}}", encoding="utf-8")
    found = simulated(file, Loop(kind, (0,), Setting(700, 300, is_exponential=False)))
    assert (found["waited"], found["p99"]) == (0, 0)
    assert 1000 < 1e9 / found["per_s"] < 1050
