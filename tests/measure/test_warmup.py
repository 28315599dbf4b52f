"""A warm-up that is too short is found in real workloads, and one that is found out is long enough."""

import pytest

from perfsim.engine.budget import Limits
from perfsim.engine.prepare import run_id
from perfsim.engine.trace import Watch
from perfsim.errors import LimitError
from perfsim.kernel.boot import Seed
from perfsim.measure.row import Row, simulate
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario

MS_NS = 10**6
SMALL = ("memory.pages_per_node=2048", "machine.nodes=1", "machine.cpus=2")


def reclaim(warmup: str, duration: str) -> Scenario:
    """reclaim_only on little memory, whose active list of file pages empties in the first millisecond."""
    return load_scenario("reclaim_only", [*SMALL, f"measure.warmup={warmup}", f"measure.duration={duration}"])


def shm_lock(warmup: str, duration: str) -> Scenario:
    """The shipped one: file pages give way to anonymous ones for some tens of milliseconds."""
    return load_scenario("shm_lock", [f"measure.warmup={warmup}", f"measure.duration={duration}"])


def without_identity(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("run_id", "engine", "wall_s")}


def test_a_cold_start_is_a_warm_up_that_is_too_short() -> None:
    for seed in (1, 2):
        row = simulate(shm_lock("0us", "100ms"), "redo", Seed(seed, 0))
        assert row["unsteady"] == "warm-up"
        assert 20 * MS_NS < row["warmup_detected_ns"] < 50 * MS_NS
        assert row["unsteady_list"].startswith("inactive_file of node ")
        assert row["unsteady_list_change"] < -0.5


def test_after_the_warm_up_that_was_found_the_same_run_is_steady() -> None:
    for seed in (1, 2):
        row = simulate(shm_lock("60ms", "40ms"), "redo", Seed(seed, 0))
        assert [row[name] for name in row if name.startswith("unsteady")] == [None] * 5
        assert row["warmup_detected_ns"] <= row["warmup_ns"] == 60 * MS_NS


def test_a_run_that_is_cut_off_in_its_transient_drifts() -> None:
    for seed in range(5):
        row = simulate(reclaim("0us", "500us"), "redo", Seed(seed, 0))
        assert (row["unsteady"], row["warmup_detected_ns"]) == ("drift", None)
        assert row["unsteady_list"] == "active_file of node 0"
        assert row["unsteady_list_change"] < -0.2


def test_auto_takes_as_many_windows_as_it_needs_and_the_row_is_that_of_this_warm_up(engine: str) -> None:
    duration = "5ms" if engine == "compiled" else "500us"
    row = simulate(reclaim("auto", duration), "lock_page", Seed(1, 0), engine)
    windows = row["warmup_ns"] / row["simulated_ns"]
    assert windows in (1, 2, 4, 8)
    assert windows > 1
    fixed = simulate(reclaim(f"{row['warmup_ns']:.0f}ns", duration), "lock_page", Seed(1, 0), engine)
    assert without_identity(row) == without_identity(fixed)
    assert row["run_id"] != fixed["run_id"]


def test_both_engines_find_the_same_warm_up() -> None:
    one, other = (simulate(reclaim("auto", "300us"), "redo", Seed(2, 0), engine) for engine in ("compiled", "simpy"))
    assert without_identity(one) == without_identity(other)


def test_all_designs_of_a_seed_have_the_warm_up_of_the_first() -> None:
    scenario = load_scenario("quickstart", ["measure.warmup=auto", "kernel.designs=[redo, lock_page, redo_merged]"])
    found = set()
    for seed in range(8):
        rows = [simulate(scenario, design, Seed(seed, 0)) for design in scenario.kernel.designs]
        assert len({row["warmup_ns"] for row in rows}) == 1
        found.add(rows[0]["warmup_ns"])
    assert len(found) > 1


def test_a_steady_workload_has_the_least_warm_up() -> None:
    sets = ["measure.warmup=auto", "measure.duration=200us", "memory.pages_per_node=64"]
    row = simulate(load_scenario("lock_contention", sets), "lock_page", Seed(1, 0))
    assert row["warmup_ns"] == row["simulated_ns"] == 200_000
    assert (row["warmup_detected_ns"], row["unsteady"]) == (0, None)


def test_what_never_settles_begins_after_eight_windows_and_says_so() -> None:
    row = simulate(shm_lock("auto", "2ms"), "redo", Seed(1, 0))
    assert row["warmup_ns"] == 8 * row["simulated_ns"]
    assert (row["unsteady"], row["warmup_detected_ns"]) == ("drift", None)


def test_the_identity_of_a_run_has_the_first_design_in_it_if_that_decides_the_warm_up() -> None:
    one, other = (
        load_scenario("quickstart", ["measure.warmup=auto", f"kernel.designs={designs}"])
        for designs in ("[lock_page, redo]", "[redo, lock_page]")
    )
    assert run_id(one, "redo", Seed(1, 0)) != run_id(other, "redo", Seed(1, 0))
    more = load_scenario("quickstart", ["measure.warmup=auto", "kernel.designs=[redo, redo_merged]"])
    assert run_id(other, "redo", Seed(1, 0)) == run_id(more, "redo", Seed(1, 0))


def test_the_look_at_the_first_design_is_limited_as_the_run_is() -> None:
    watch = Watch(limits=Limits(events_max=100))
    with pytest.raises(LimitError):
        simulate(reclaim("auto", "1ms"), "redo", Seed(1, 0), watch=watch)
