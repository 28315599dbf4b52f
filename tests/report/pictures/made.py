"""Results with figures made for pictures: two designs whose ratio turns over along the CPUs."""

from pathlib import Path
from typing import Any

from perfsim.measure.columns import SPENT_ON
from perfsim.report.comparison import Asked
from perfsim.report.pictures.material import Material, gather
from perfsim.scenario.points import Job
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.sweep.stored import rows_of, store

Row = dict[str, Any]

AXES = "sweep.axes={machine.profile: [ia64, x86_64], machine.cpus: [1, 2, 4, 8, 16], memory.dirty_fraction: [0.1, 0.5]}"
ONE_AXIS = "sweep.axes={machine.cpus: [1, 2, 4, 8, 16]}"
NO_AXIS = "sweep.axes={}"


def scenario_of(*sets: str, designs: tuple[str, ...] = ()) -> Scenario:
    """The quick workload over two machines, CPUs and another axis, changed by further `--set` texts."""
    return load_scenario("quickstart", [AXES, "sweep.replications=3", *sets], designs=designs)


def figures(job: Job) -> Row:
    """The new design is slower on few CPUs and faster on many; no two runs are quite alike."""
    axes = dict(job.point.axes)
    cpus = int(axes.get("machine.cpus", 4))
    gain = 1 + 0.01 * (cpus - 6) if job.design == "redo" else 1.0
    scatter = 1 + 0.001 * ((job.replication * 7 + cpus * 3 + len(job.design)) % 5)
    spent = {f"putback_spent_{kind}_ps": 0 for kind in SPENT_ON}
    spent |= {"putback_spent_work_ps": 10**9, "putback_spent_lru_lock_ps": 10**9 * cpus}
    return {
        "profile": axes.get("machine.profile", "x86_64"),
        "reclaim_scanned_per_s": 1e5 * cpus * gain * scatter,
        "putback_latency_p99_ns": 900.0 * cpus / gain * scatter,
        "putback_latency_count": 20_000,
        "putback_latency_hist": [{"upper_ns": 100.0 * cpus * step, "count": 2000 // step**2} for step in range(1, 20)],
        **spent,
        "putback_spent_total_ps": 10**9 * (cpus + 1),
        "lru_lock_utilization": 0.02 * cpus,
        "lru_lock_wait_total_ns": 1e5 * cpus,
        "lru_lock_acquisitions": 1000,
    }


def results(directory: Path, scenario: Scenario | None = None, rows: list[Row] | None = None) -> str:
    """A directory of results. Returns its name."""
    made = scenario_of() if scenario is None else scenario
    return str(store(directory, made, rows_of(made, figures) if rows is None else rows))


def material_of(directory: Path, *sets: str, designs: tuple[str, ...] = ()) -> Material:
    """What a report of such results is made of."""
    return gather(Asked(results(directory, scenario_of(*sets, designs=designs))))


def of_many_designs(rows: list[Row], count: int) -> list[Row]:
    """Rows of one design as those of so many, design_00 and on."""
    return [
        row | {"design": f"design_{number:02}", "run_id": f"{row['run_id']}-{number:02}"}
        for row in rows
        for number in range(count)
    ]
