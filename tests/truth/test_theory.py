"""Which closed form is exact for a workload: found from the workload alone, or told that there is none."""

from pathlib import Path

import pytest

from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.truth.queueing import (
    Group,
    Handoff,
    Locks,
    Steady,
    exponential_hold,
    exponential_think,
    fixed_rounds,
    groups_at_one_lock,
    handed_off,
    locks_in_turn,
)
from perfsim.truth.theory import Theory, theory_of
from tests.truth.durations import exponential, fixed, uniform


def profiled(folder: Path, lock: str) -> str:
    path = folder / "own.yaml"
    path.write_text(f"{{name: own, extends: ideal, spinlock: {{algorithm: ideal, {lock}}}}}\n", encoding="utf-8")
    return str(path)


def scenario(*sets: str, profile: str | None = None, workload: str = "lock_contention") -> Scenario:
    return load_scenario(workload, ["machine.cpus=8", *sets], profile=profile)


def theory(*sets: str, profile: str | None = None) -> Theory:
    found = theory_of(scenario(*sets, profile=profile))
    assert isinstance(found, Theory), found
    return found


def test_each_kind_of_time_has_the_form_that_is_exact_for_it() -> None:
    free = exponential_hold(8, exponential(900), exponential(100))
    assert theory().steady == pytest.approx(free)
    assert theory("tasks.cpus.think={uniform: [0ns, 1800ns]}").steady == pytest.approx(free)
    hold = "tasks.cpus.hold={uniform: [50ns, 150ns]}"
    assert theory(hold).steady == pytest.approx(exponential_think(8, exponential(900), uniform(50, 150)))
    same = theory("tasks.cpus.hold={uniform: [100ns, 100ns]}", "tasks.cpus.think={uniform: [600ns, 600ns]}")
    assert same.steady == pytest.approx(fixed_rounds(8, fixed(600), fixed(100)))
    assert same.is_fixed
    assert not theory().is_fixed


def test_a_hand_off_is_the_profiles_and_counts_no_order(tmp_path: Path) -> None:
    expected = handed_off(8, exponential(900), exponential(100), Handoff(10, 20))
    for order in ("fifo", "random"):
        own = profiled(tmp_path, f"order: {order}, handoff_fixed: 10ns, handoff_per_waiter: 20ns")
        found = theory(profile=own)
        assert found.steady == pytest.approx(expected)
        assert found.waits is None


def test_locks_of_nodes_and_of_pages_are_told_together() -> None:
    one = exponential_hold(4, exponential(900), exponential(100))
    both = theory("machine.nodes=2")
    assert both.steady == pytest.approx(one._replace(acquisitions_per_ns=2 * one.acquisitions_per_ns))
    assert both.expected("p90") == pytest.approx(theory("machine.cpus=4").expected("p90") or 0)
    parts = [exponential_hold(cpus, exponential(900), exponential(100)) for cpus in (3, 3, 2)]
    uneven = theory("machine.nodes=3").steady
    assert uneven.acquisitions_per_ns == pytest.approx(sum(part.acquisitions_per_ns for part in parts))
    assert uneven.utilization == pytest.approx(sum(part.utilization for part in parts) / 3)
    pages = theory("tasks.cpus.lock=page_lock", "tasks.cpus.pages=4", "machine.nodes=2").steady
    assert pages == pytest.approx(locks_in_turn(8, exponential(900), (Locks(exponential(100), 4),))[0])


def test_groups_of_other_think_share_a_lock() -> None:
    think = "{exponential: 500ns}, hold: {exponential: 100ns}"
    other = "count: 4, think: {exponential: 2us}, hold: {exponential: 100ns}"
    tasks = f"tasks=[{{name: a, kind: lock_loop, count: 4, think: {think}}}, {{name: b, kind: lock_loop, {other}}}]"
    parts = groups_at_one_lock((Group(4, exponential(500)), Group(4, exponential(2000))), exponential(100))
    found = theory(tasks).steady
    assert found.acquisitions_per_ns == pytest.approx(sum(part.acquisitions_per_ns for part in parts))
    assert found.utilization == pytest.approx(sum(part.utilization for part in parts))
    one_think = tasks.replace("2us", "500ns")
    assert theory(one_think).steady == pytest.approx(exponential_hold(8, exponential(500), exponential(100)))


def test_a_cpu_alone_never_waits_whatever_it_draws() -> None:
    found = theory("machine.cpus=1", "tasks.cpus.think={uniform: [0ns, 2us]}", "tasks.cpus.hold=250ns")
    assert found.steady == pytest.approx(Steady(1 / 1250, 0.2, 0, 0))


def test_the_last_in_first_out_of_a_lock_that_is_never_free_has_no_mean_wait_in_any_run(tmp_path: Path) -> None:
    own = profiled(tmp_path, "order: lifo")
    assert theory("machine.cpus=16", profile=own).expected("W") == pytest.approx(617.881633)
    starved = theory("machine.cpus=32", profile=own)
    assert starved.quantities() == ("X", "U", "P(wait)")
    assert starved.expected("p50") is None


def test_waits_are_told_with_and_without_the_zeros() -> None:
    found = theory()
    assert found.expected("W given wait") == pytest.approx(196.464620)
    assert found.expected("p90 given wait") == pytest.approx(438.0466, abs=1e-3)
    assert theory("machine.cpus=1").expected("W given wait") is None


@pytest.mark.parametrize(
    "sets, told",
    [
        (
            ("tasks=[{name: a, kind: lock_loop, count: 9, think: 1us, hold: {exponential: 1us}}]",),
            "9 tasks share 8 CPUs",
        ),
        (("tasks.cpus.think=1us", "tasks.cpus.hold=1us", "tasks.cpus.lock=page_lock"), "who is first at one instant"),
        (("tasks.cpus.think=1us", "tasks.cpus.hold={uniform: [1ns, 9ns]}"), "neither think nor hold is exponential"),
        (("tasks.cpus.hold=1us", "tasks.cpus.lock=page_lock", "tasks.cpus.pages=2"), "2 page locks with a hold"),
        (("machine.profile=ia64",), "the steps of profile ia64 cost time"),
    ],
)
def test_what_has_no_closed_form_is_told_in_words(sets: tuple[str, ...], told: str) -> None:
    found = theory_of(scenario(*sets))
    assert isinstance(found, str)
    assert told in found
    assert "\n" not in found


def test_a_hand_off_of_spinlocks_says_nothing_of_page_locks(tmp_path: Path) -> None:
    own = profiled(tmp_path, "order: fifo, handoff_fixed: 10ns")
    found = theory_of(scenario("tasks.cpus.lock=page_lock", profile=own))
    assert isinstance(found, str)
    assert "is of spinlocks" in found
    assert isinstance(theory_of(scenario(workload="quickstart")), str)
