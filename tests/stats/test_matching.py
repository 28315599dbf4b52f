"""Runs that belong together, and what has no partner."""

from pathlib import Path

import pytest

from perfsim.errors import InputError
from perfsim.scenario.points import Job
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.stats.matching import VIOLATIONS, Results, between, single, unpaired_count, violations_count, within
from perfsim.sweep.outcome import read_results
from tests.sweep.stored import rows_of, store

SCANNED = "reclaim_scanned_per_s"
DESIGNS = ("lock_page", "redo", "redo_merged")


def figure(job: Job) -> dict[str, object]:
    """One that says what it is of: CPUs, design, replication."""
    cpus = dict(job.point.axes)["machine.cpus"]
    assert isinstance(cpus, int)
    return {SCANNED: float(100 * cpus + 10 * DESIGNS.index(job.design) + job.replication)}


def results(directory: Path, *sets: str, designs: tuple[str, ...] = DESIGNS, lost: int = 0) -> Results:
    """A sweep over CPUs whose last runs are lost."""
    scenario = load_scenario("quickstart", sets, designs=designs)
    rows = rows_of(scenario, figure)
    return read_results(str(store(directory, scenario, rows[: len(rows) - lost])), [SCANNED])


SMALL = ("sweep.axes={machine.cpus: [1, 2, 4]}", "sweep.replications=2")


def test_a_single_design_is_matched_with_nothing(tmp_path: Path) -> None:
    matched, side = single(results(tmp_path / "a", *SMALL, designs=("redo",), lost=1))
    assert (matched.pairs, matched.unfinished[0][1:]) == ((), (5, 6))
    assert (side.label, side.values[SCANNED][0].tolist()) == ("redo", [110.0, 111.0])


def test_of_one_sweep_each_design_is_matched_with_the_first(tmp_path: Path) -> None:
    found = within(results(tmp_path / "a", *SMALL), None, ())
    assert [(new.label, old.label) for new, old in found.pairs] == [("redo", "lock_page"), ("redo_merged", "lock_page")]
    new, old = found.pairs[1]
    assert (new.values[SCANNED][2].tolist(), old.values[SCANNED][2].tolist()) == ([420, 421], [400, 401])
    assert (found.name, found.unfinished, found.alone, unpaired_count(new, old)) == ("quickstart", (), (), 0)


def test_any_design_can_be_the_base_and_any_be_chosen(tmp_path: Path) -> None:
    found = within(results(tmp_path / "a", *SMALL), "redo_merged", ["lock_page"])
    assert [(new.label, old.label) for new, old in found.pairs] == [("lock_page", "redo_merged")]


def test_runs_that_are_missing_are_told_and_so_are_partners_left_alone(tmp_path: Path) -> None:
    found = within(results(tmp_path / "a", *SMALL, lost=3), None, ())
    assert found.unfinished == ((str(tmp_path / "a"), 15, 18),)
    assert [unpaired_count(*pair) for pair in found.pairs] == [1, 2]


def test_violations_are_counted_by_side(tmp_path: Path) -> None:
    scenario = load_scenario("quickstart", SMALL)
    rows = rows_of(scenario, lambda job: {VIOLATIONS: 5 if job.design == "redo" else 0})
    ((new, old),) = within(read_results(str(store(tmp_path / "a", scenario, rows)), []), None, ()).pairs
    assert (violations_count(new), violations_count(old)) == (30, 0)


def test_two_sweeps_are_matched_by_the_values_of_their_axes_not_by_the_numbers_of_points(tmp_path: Path) -> None:
    axes = "sweep.axes={memory.dirty_fraction: [0.1], machine.cpus: [8, 4, 2]}"
    turned = "sweep.axes={machine.cpus: [1, 2, 4], memory.dirty_fraction: [0.1, 0.2]}"
    new = results(tmp_path / "new", axes, "sweep.replications=3", designs=("redo", "redo_merged"))
    old = results(tmp_path / "old", turned, "sweep.replications=2", designs=("lock_page", "redo"))
    found = between(new, old, ())
    assert found.axes == ("machine.cpus", "memory.dirty_fraction")
    assert found.points == ((2, 0.1), (4, 0.1))
    ((new_side, old_side),) = found.pairs
    assert (new_side.label, old_side.label) == (f"redo in {tmp_path}/new", f"redo in {tmp_path}/old")
    assert new_side.values[SCANNED].tolist() == old_side.values[SCANNED].tolist() == [[210, 211], [410, 411]]
    assert found.alone == ((f"{tmp_path}/old", 4, ("lock_page",)), (f"{tmp_path}/new", 1, ("redo_merged",)))


def test_of_sweeps_of_a_precision_the_draws_that_came_first_in_both_are_the_first(tmp_path: Path) -> None:
    precision = "sweep.precision={metric: putback_per_s, relative: 1%, max_replications: 40}"
    few = results(tmp_path / "few", *SMALL[:1], "sweep.replications=3")
    many, more = (
        results(tmp_path / f"{count}", *SMALL[:1], precision, f"sweep.replications={count}") for count in (6, 8)
    )
    assert [between(few, few, ()).first_draws, within(many, None, ()).first_draws] == [None, 6]
    assert [between(few, many, ()).first_draws, between(more, many, ()).first_draws] == [3, 6]


def test_two_sweeps_that_share_no_run_are_refused(tmp_path: Path) -> None:
    old = results(tmp_path / "old", *SMALL)
    for number, other in enumerate(
        [("sweep.axes={machine.cpus: [8]}",), (*SMALL, "sweep.seed=2"), (*SMALL, "kernel.designs=[redo_barrier]")]
    ):
        scenario = load_scenario("quickstart", other)
        new = read_results(str(store(tmp_path / f"{number}", scenario, rows_of(scenario, lambda _: {}))), [SCANNED])
        with pytest.raises(InputError, match=r"no run of it has the point, design, seed and replication of one in"):
            between(new, old, ())


def test_two_sweeps_with_other_axes_are_refused(tmp_path: Path) -> None:
    scenario: Scenario = load_scenario("quickstart", ["sweep.axes={}", "sweep.replications=2"])
    new = read_results(str(store(tmp_path / "new", scenario, rows_of(scenario, lambda _: {}))), [SCANNED])
    with pytest.raises(InputError, match=r"other axes: .*old has machine.cpus; .*new has none; expected"):
        between(new, results(tmp_path / "old", *SMALL), ())


@pytest.mark.parametrize(
    "base, designs, told",
    [
        ("reod", (), r'--base: .* has no design "reod"; expected one of lock_page, redo, redo_merged .did you mean'),
        (None, ("no",), r'--design: .* has no design "no"'),
        (None, ("redo", "redo"), r'--design: "redo" is given twice'),
        ("redo", ("redo",), r'--design: "redo" is what the others are compared with'),
    ],
)
def test_designs_that_cannot_be_compared_are_refused(
    tmp_path: Path, base: str | None, designs: tuple[str, ...], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        within(results(tmp_path / "a", *SMALL), base, designs)


def test_one_design_alone_is_nothing_to_compare(tmp_path: Path) -> None:
    alone = results(tmp_path / "a", *SMALL, designs=("redo",))
    with pytest.raises(InputError, match=r"one design alone, redo; expected two to compare, or a second directory"):
        within(alone, None, ())
    with pytest.raises(InputError, match=r"--design: .* has no design"):
        between(alone, alone, ["lock_page"])
