"""Where time goes on machines on which only one thing takes any: all of it is of that kind."""

from pathlib import Path

import pytest

from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import PROBE_NAMES
from perfsim.kernel.designs import SHIPPED
from perfsim.machine import profile_values
from perfsim.machine.costs import COST_NAMES
from perfsim.measure.columns import SPENT_BY, SPENT_ON
from perfsim.measure.row import simulate
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario

# One CPU, whose tasks take turns between their rounds alone: nobody waits for anything.
ALONE = """\
name: alone
machine: {cpus: 1, nodes: 1}
memory: {pages_per_node: 512, mlocked_fraction: 0.25}
kernel: {drain_all: never}
tasks:
  - {name: reclaimer, kind: direct_reclaim, count: 1, think: 20us}
  - {name: locker, kind: mlock, count: 1, range_pages: 8, hold: 5us, think: 5us}
measure: {warmup: 0us, duration: 300us}
"""

TRANSFERS = ("dram_local", "dram_remote", "llc_transfer", "socket_transfer", "socket_transfer_far")
ATOMICS = ("atomic_local", "barrier_full", "barrier_acquire", "barrier_release")
NO_TIME = ("prefetch_hidden", "line_service")
"""A share, and a figure of spinlocks."""
MET = ("dram_local", "atomic_local", "barrier_full", "l1_hit", "irq_disable", "irq_save", "lru_add_page", "shrink_page")
"""Of the figures, those that the workload meets for sure."""


def alone(directory: Path, costs: str, text: str = ALONE) -> Scenario:
    """The workload on a machine of such costs, its spinlocks free."""
    profile, workload = directory / "p.yaml", directory / "w.yaml"
    profile.write_text(f"{{name: p, extends: ideal, costs: {{{costs}}}}}\n", encoding="utf-8")
    workload.write_text(text, encoding="utf-8")
    return load_scenario(str(workload), [], profile=str(profile))


def kinds(scenario: Scenario, design: str, engine: str) -> dict[str, int]:
    """Time in ps by kind, of all paths together, without kinds that have none."""
    row = simulate(scenario, design, Seed(1, 0), engine)
    assert min(row["reclaim_batch_latency_count"], row["mlock_call_latency_count"]) >= 3
    times = {kind: sum(row[f"{path}_spent_{kind}_ps"] for path in SPENT_BY) for kind in SPENT_ON}
    return {kind: time_ps for kind, time_ps in times.items() if time_ps}


@pytest.fixture(autouse=True)
def any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile may have what no machine has, such as hits that take longer than misses."""
    monkeypatch.setattr(profile_values, "RELATIONS", ())


@pytest.mark.parametrize("figure", [name for name in COST_NAMES if name not in NO_TIME])
def test_a_figure_is_of_one_kind(tmp_path: Path, figure: str, engine: str) -> None:
    kind = "transfer" if figure in TRANSFERS else "atomic" if figure in ATOMICS else "work"
    found = kinds(alone(tmp_path, f"{figure}: 7ns"), "lock_page", engine)
    assert found.keys() <= {kind}
    assert all(time_ps % 7_000 == 0 for time_ps in found.values())
    assert found or figure not in MET


@pytest.mark.parametrize("design", SHIPPED)
@pytest.mark.parametrize(
    "figure, kind", [("shrink_page", "work"), ("dram_local", "transfer"), ("atomic_local", "atomic")]
)
def test_that_is_so_in_every_design(tmp_path: Path, design: str, figure: str, kind: str, engine: str) -> None:
    assert kinds(alone(tmp_path, f"{figure}: 7ns"), design, engine).keys() == {kind}


def test_every_measured_path_has_its_columns() -> None:
    assert list(SPENT_BY) == list(PROBE_NAMES.values())
