"""The shipped workloads are good, say what they ask, and are what the contract and the theory need."""

import pytest

from perfsim.engine import ENGINES
from perfsim.engine.prepare import check_fits
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import TASK_KINDS
from perfsim.kernel.defects import DEFECTS
from perfsim.kernel.designs import SHIPPED
from perfsim.measure.row import Row, simulate
from perfsim.numeric.random import EXPONENTIAL
from perfsim.scenario.locate import shipped_workloads
from perfsim.scenario.points import jobs, points
from perfsim.scenario.schema import Duration
from perfsim.scenario.validate import load_scenario

NAMES = sorted(shipped_workloads())

OF_THE_CONTRACT = {
    *("mlock_heavy", "quickstart", "reclaim_only", "munlock_storm", "migration", "truncate_mix", "shm_lock"),
    *("lock_contention", "everything"),
}
SHORT = ("measure.warmup=50us", "measure.duration=200us")
PAGES_PER_NODE_MAX = 8192
"""More is more to fill, and no other way through the kernel in so short a run."""


def test_the_workloads_of_the_contract_are_shipped_and_no_others() -> None:
    assert set(NAMES) == OF_THE_CONTRACT


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workload_is_valid_at_every_point_and_goes_by_its_file_name(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert len(jobs(scenario)) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_every_point_of_a_shipped_workload_fits_its_machine(name: str) -> None:
    for point in points(load_scenario(name)):
        check_fits(point.scenario, point.scenario.kernel.designs, "compiled")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workload_runs_alike_on_both_engines_without_undeclared_violations(name: str) -> None:
    pages = min(load_scenario(name).memory.pages_per_node, PAGES_PER_NODE_MAX)
    scenario = load_scenario(name, (*SHORT, f"memory.pages_per_node={pages}"))
    rows = {
        engine: [figures(simulate(scenario, design, Seed(1, 0), engine)) for design in scenario.kernel.designs]
        for engine in ENGINES
    }
    assert rows["compiled"] == rows["simpy"]
    for row in rows["compiled"]:
        assert row["events"] > 1000
        assert (row["violated_checks"], row["invariant_violations"], row["stranded_pages"]) == ([], 0, 0)
        assert {hit["defect"] for hit in row["defect_hits"]} <= {defect.name for defect in DEFECTS[row["design"]]}


def figures(row: Row) -> Row:
    """What a row says of the run, whichever engine ran it."""
    return {name: value for name, value in row.items() if name not in ("engine", "wall_s")}


def test_everything_is_of_every_kind_and_design() -> None:
    scenario = load_scenario("everything")
    assert {task.kind for task in scenario.tasks} == {*TASK_KINDS}
    assert scenario.kernel.designs == SHIPPED
    assert len({task.shares for task in scenario.tasks}) > 2


@pytest.mark.parametrize(
    "name, metric",
    [
        ("migration", "migrated_per_s"),
        ("munlock_storm", "munlock_pages_per_s"),
        ("truncate_mix", "unevictable_pgs_cleared"),
        ("shm_lock", "unevictable_pgs_scanned"),
        ("reclaim_only", "reclaim_freed_per_s"),
        ("mlock_heavy", "mlock_pages_per_s"),
    ],
)
def test_a_shipped_workload_does_what_it_asks_about(name: str, metric: str) -> None:
    scenario = load_scenario(name, ("measure.warmup=0us", "measure.duration=3ms"))
    for design in scenario.kernel.designs:
        if design != "no_unevictable_lru":
            assert simulate(scenario, design, Seed(1, 0))[metric] > 0, design


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_workload_opens_with_the_question_it_asks(name: str) -> None:
    comment = load_scenario(name).text.partition("name:")[0]
    assert comment.startswith("# ")
    assert "?" in comment


def test_mlock_heavy_is_the_sweep_of_the_contract() -> None:
    scenario = load_scenario("mlock_heavy")
    assert [(axis.path, [value.column for value in axis.values]) for axis in scenario.sweep.axes] == [
        ("machine.profile", ["ia64", "x86_64"]),
        ("machine.cpus", [1, 2, 4, 8, 16, 32, 64]),
        ("memory.mlocked_fraction", [0.1, 0.5, 0.9]),
    ]
    assert len(jobs(scenario)) == 2 * 7 * 3 * 2 * 5
    assert scenario.kernel.designs == ("lock_page", "redo")
    assert [rule.max_regression_ppm for rule in scenario.check] == [30_000, 50_000]


def test_lock_contention_takes_the_options_of_the_comparison_with_theory() -> None:
    sets = [
        "machine.cpus=8",
        "machine.nodes=1",
        "tasks.cpus.think={exponential: 900ns}",
        "tasks.cpus.hold={exponential: 100ns}",
        "measure.warmup=100us",
        "measure.duration=400ms",
    ]
    scenario = load_scenario("lock_contention", sets, profile="ideal")
    (point,) = points(scenario)
    (task,) = point.scenario.tasks
    assert (task.think, task.hold) == (Duration(EXPONENTIAL, 900_000, 0), Duration(EXPONENTIAL, 100_000, 0))
    assert (task.lock, task.per) == ("lru_lock", "cpu")
    assert scenario.measure.duration_ps == 400 * 10**9


def test_lock_contention_compares_one_design_at_growing_numbers_of_cpus() -> None:
    scenario = load_scenario("lock_contention")
    assert scenario.machine.profile == "ideal"
    assert scenario.kernel.designs == ("lock_page",)
    assert [point.scenario.machine.cpus for point in points(scenario)] == [1, 2, 4, 8, 16, 32, 64]


def test_quickstart_stays_small_enough_for_a_first_try() -> None:
    scenario = load_scenario("quickstart")
    assert len(jobs(scenario)) <= 30
    assert scenario.memory.pages_per_node <= 2048
    assert scenario.measure.duration_ps <= 3 * 10**9
