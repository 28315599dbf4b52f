"""How long cases run, and what is counted from a run's events."""

import io
from pathlib import Path
from typing import Any

import pytest

from perfsim.kernel.boot import Seed
from perfsim.sweep.gather import Crew
from perfsim.sweep.worker import Task
from perfsim.truth.case_files import Case, load_cases
from perfsim.truth.figures import GRANTS
from perfsim.truth.trying import counted_work, first_difference, tried


def case_of(folder: Path, settings: str, expect: str = "theory") -> Case:
    path = folder / "cases.yaml"
    path.write_text(f"cases: [{{name: a, expect: {expect}, {settings}}}]\n", encoding="utf-8")
    (case,) = load_cases(path).cases
    return case


def rows_of(case: Case, *, with_twins: bool = False) -> dict[str, Any]:
    found = tried([case], Crew(1, "compiled", io.StringIO()), with_twins=with_twins)["a"]
    return {"rows": found.rows[""], "count": found.rows_count, "twins": found.twins, "broken": found.broken}


def test_a_case_whose_figures_vary_runs_longer_and_with_other_random_numbers(tmp_path: Path) -> None:
    found = rows_of(case_of(tmp_path, "set: {machine.cpus: 2}"))
    assert found["count"] > len(found["rows"]) == 20
    assert min(row["replication"] for row in found["rows"]) >= 1000
    assert sum(row["lru_lock_acquisitions"] for row in found["rows"]) > 500_000
    assert not found["broken"]


def test_a_case_of_equal_rounds_runs_twice_and_both_engines_begin_it(tmp_path: Path) -> None:
    case = case_of(tmp_path, "set: {machine.cpus: 3, tasks.cpus.think: 900ns, tasks.cpus.hold: 100ns}")
    found = rows_of(case, with_twins=True)
    assert found["count"] == 2
    ((compiled, simpy),) = found["twins"]
    assert (compiled["engine"], simpy["engine"]) == ("compiled", "simpy")
    assert first_difference(compiled, simpy) == ""
    assert first_difference(compiled, simpy | {"lru_lock_contentions": -1}) == "lru_lock_contentions"


def test_grants_are_counted_by_cpu_and_by_node_in_turn(tmp_path: Path) -> None:
    times = "tasks.cpus.think: 10ns, tasks.cpus.hold: 100ns, measure.warmup: 1us, measure.duration: 100us"
    case = case_of(tmp_path, f"set: {{machine.cpus: 4, {times}}}")
    run = case.runs[0]
    row = counted_work(Task("", run.scenario, run.design, Seed(1, 0), "compiled"))
    assert isinstance(row, dict)
    most, longest = (row[name] for name in GRANTS)
    assert most == pytest.approx(1, abs=0.01), "they are served in the order of arrival"
    assert longest >= row["lru_lock_acquisitions"] > 900, "all CPUs are of one node"


def test_grants_are_counted_of_a_lock_that_is_taken_with_interrupts_off_too(tmp_path: Path) -> None:
    sets = "{machine.cpus: 2, memory.pages_per_node: 256, measure.warmup: 10us, measure.duration: 100us}"
    run = case_of(tmp_path, f"workload: quickstart, set: {sets}", "{node_streak: 1}").runs[0]
    row = counted_work(Task("", run.scenario, run.design, Seed(1, 0), "compiled"))
    assert isinstance(row, dict)
    assert row["nodes"] == 1
    assert row["node_streak"] >= row["lru_lock_acquisitions"] > 0
