"""Results as arrays: every figure at its place, an unfinished sweep as far as it is, and refusals in one line."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from perfsim.errors import InputError
from perfsim.scenario.points import Job
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.stats.matching import VIOLATIONS
from perfsim.store.parquet import write_runs
from perfsim.sweep.outcome import read_results, read_tables
from tests.sweep.stored import rows_of, store

SCANNED = "reclaim_scanned_per_s"
P99 = "putback_latency_p99_ns"
AXES = "sweep.axes={machine.profile: [ia64, x86_64], machine.cpus: [1, 4], tasks.lockers.hold: [5us, 20us]}"


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("quickstart", [AXES, "sweep.replications=3"])


def figure(job: Job) -> dict[str, object]:
    """One that says where it belongs."""
    return {SCANNED: 1000.0 * job.point.index + 100 * (job.design == "redo") + job.replication}


def test_every_figure_is_at_its_point_design_and_draw(tmp_path: Path, scenario: Scenario) -> None:
    found = read_results(str(store(tmp_path / "a", scenario, rows_of(scenario, figure))), [SCANNED])
    assert found.axes == ("machine.profile", "machine.cpus", "tasks.lockers.hold")
    assert found.points[:3] == (("ia64", 1, "5us"), ("ia64", 1, "20us"), ("ia64", 4, "5us"))
    assert found.designs == ("lock_page", "redo")
    assert found.draws == ((1, 0), (1, 1), (1, 2))
    assert found.has_run.shape == (8, 2, 3)
    assert found.has_run.all()
    assert found.values[SCANNED][5, 1].tolist() == [5100, 5101, 5102]
    assert (found.workload, found.runs_total) == ("quickstart", 48)


def test_a_file_of_runs_is_as_good_as_its_directory_and_elsewhere_nobody_knows_how_many_there_are_to_be(
    tmp_path: Path, scenario: Scenario
) -> None:
    path = store(tmp_path / "a", scenario, rows_of(scenario, figure)) / "runs.parquet"
    copy = tmp_path / "copy"
    copy.write_bytes(path.read_bytes())
    for name, runs_total in ((path, 48), (copy, None)):
        found = read_results(str(name), [SCANNED])
        assert found.values[SCANNED][7, 1].tolist() == [7100, 7101, 7102]
        assert (found.workload, found.runs_total, found.first_draws) == ("quickstart", runs_total, None)


def test_a_sweep_of_a_precision_says_how_many_draws_came_first(tmp_path: Path) -> None:
    precision = "sweep.precision={metric: putback_per_s, relative: 1%, max_replications: 40}"
    scenario = load_scenario("quickstart", ["sweep.replications=10", precision])
    directory = store(tmp_path / "a", scenario, rows_of(scenario, lambda _: {}))
    assert read_results(str(directory), []).first_draws == 10


@pytest.mark.parametrize("finished", [0, 20, 48])
def test_what_is_welcome_is_read_where_all_rows_have_it(tmp_path: Path, scenario: Scenario, finished: int) -> None:
    rows = rows_of(scenario, figure)
    directory = store(tmp_path / "a", scenario, rows[:finished], rows[finished:])
    found = read_results(str(directory), [SCANNED], [P99, "from_another_time"])
    assert {SCANNED, P99} <= found.values.keys()
    assert "from_another_time" not in found.values


def test_a_null_and_a_missing_run_are_no_value_but_not_the_same(tmp_path: Path, scenario: Scenario) -> None:
    rows = rows_of(scenario, figure)
    rows[0][P99] = None
    found = read_results(str(store(tmp_path / "a", scenario, rows[:-1])), [P99])
    assert np.argwhere(np.isnan(found.values[P99])).tolist() == [[0, 0, 0], [7, 1, 2]]
    assert np.argwhere(~found.has_run).tolist() == [[7, 1, 2]]


def test_rows_that_wait_in_the_parts_count_too_and_twice_is_once(tmp_path: Path, scenario: Scenario) -> None:
    rows = rows_of(scenario, figure)
    whole = read_results(str(store(tmp_path / "a", scenario, rows)), [SCANNED])
    halves = read_results(str(store(tmp_path / "b", scenario, rows[:30], rows[20:])), [SCANNED])
    parts = read_results(str(store(tmp_path / "c", scenario, [], rows)), [SCANNED])
    for found in (halves, parts):
        assert found.points == whole.points
        assert (found.values[SCANNED] == whole.values[SCANNED]).all()


def test_rows_of_a_sweep_before_a_change_of_the_workload_do_not_count(tmp_path: Path, scenario: Scenario) -> None:
    former = load_scenario("quickstart", ["sweep.axes={machine.nodes: [1, 2]}"])
    strangers = [row | {"run_id": "stranger"} for row in rows_of(former, lambda _: {})]
    directory = store(tmp_path / "a", scenario, [], rows_of(scenario, figure)[:9])
    write_runs(directory / "runs.parquet", strangers, former)
    found = read_results(str(directory), [SCANNED])
    assert (found.axes[0], int(found.has_run.sum())) == ("machine.profile", 9)
    (directory / "sweep.json").unlink()
    assert "runs.parquet and runs.parts have other axes; expected results" in refusal(directory)


def test_without_any_row_of_its_own_a_sweep_has_no_results(tmp_path: Path, scenario: Scenario) -> None:
    strangers = [row | {"run_id": "stranger"} for row in rows_of(scenario, figure)]
    assert refusal(store(tmp_path / "a", scenario, strangers)).endswith(
        "a: no run in it; expected results that perfsim sweep wrote"
    )


def test_an_axis_of_numbers_and_words_is_words_while_its_rows_wait_too(tmp_path: Path) -> None:
    scenario = load_scenario("quickstart", ["sweep.axes={kernel.min_free: [1MiB, 2MiB]}", "sweep.replications=1"])
    mixed = [row | {"kernel.min_free": "x" if row["point"] else 1} for row in rows_of(scenario, lambda _: {})]
    assert read_results(str(store(tmp_path / "a", scenario, [], mixed)), []).points == (("1",), ("x",))


def test_the_first_design_is_the_workloads_even_where_its_first_runs_are_missing(
    tmp_path: Path, scenario: Scenario
) -> None:
    late = rows_of(scenario, figure)[4:]
    assert late[0]["design"] == "redo"
    assert read_results(str(store(tmp_path / "a", scenario, late)), [SCANNED]).designs == ("lock_page", "redo")


def refusal(path: Path, column: str = SCANNED) -> str:
    with pytest.raises(InputError) as refused:
        read_results(str(path), [column])
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_is_missing_empty_foreign_or_damaged_is_refused(tmp_path: Path, scenario: Scenario) -> None:
    assert refusal(tmp_path / "nowhere").endswith("nowhere: no such file; expected results that perfsim sweep wrote")
    assert "no results in it, neither runs.parquet nor runs.parts; expected" in refusal(tmp_path)
    (tmp_path / "text").write_text("text", encoding="utf-8")
    assert "damaged, or no Parquet file at all" in refusal(tmp_path / "text")
    pq.write_table(
        pq.read_table(
            store(tmp_path / "a", scenario, rows_of(scenario, figure)) / "runs.parquet"
        ).replace_schema_metadata({}),
        tmp_path / "foreign",
    )
    assert "a Parquet file, but not of perfsim" in refusal(tmp_path / "foreign")
    content = bytearray((tmp_path / "a" / "runs.parquet").read_bytes())
    content[200] ^= 1
    (tmp_path / "flipped").write_bytes(content)
    assert "damaged" in refusal(tmp_path / "flipped", "run_id")


def test_results_without_a_column_or_a_row_are_refused(tmp_path: Path, scenario: Scenario) -> None:
    path = store(tmp_path / "a", scenario, rows_of(scenario, figure)) / "runs.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns([SCANNED]), tmp_path / "older")
    assert f'there is no column "{SCANNED}"; expected results' in refusal(tmp_path / "older")
    pq.write_table(table.drop_columns(["seed"]), tmp_path / "older")
    assert 'there is no column "seed"' in refusal(tmp_path / "older")
    pq.write_table(table.slice(0, 0), tmp_path / "empty")
    assert "no run in it" in refusal(tmp_path / "empty")
    rows = rows_of(scenario, figure)
    del rows[3][VIOLATIONS]
    assert f'there is no column "{VIOLATIONS}"' in refusal(store(tmp_path / "b", scenario, [], rows))


def test_runs_are_read_as_they_are_stored_with_the_columns_that_are_there(tmp_path: Path, scenario: Scenario) -> None:
    rows = rows_of(scenario, figure)
    name = str(store(tmp_path / "a", scenario, rows[:40], waiting=rows[40:]))
    finished, waiting = read_tables(name, ["unsteady", "putback_latency_hist", "not_a_column"])
    assert (len(finished), len(waiting)) == (40, 8)
    for table in (finished, waiting):
        assert {"run_id", "machine.cpus", "unsteady", "putback_latency_hist"} <= set(table.column_names)
        assert "not_a_column" not in table.column_names
    assert finished["putback_latency_hist"][0].as_py() == rows[0]["putback_latency_hist"]


def test_of_a_baseline_what_is_welcome_is_read_and_no_run(tmp_path: Path) -> None:
    name = str(Path(__file__).resolve().parents[2] / "results/baselines/model.json")
    found = read_results(name, [], ["reclaim_scanned_per_s", "not_a_column"])
    assert found.values.keys() == {"reclaim_scanned_per_s", VIOLATIONS}
    assert read_tables(name, ["unsteady"]) == []
