"""Every kind of task at once, with the invariants looked at all the time: nothing breaks that no design declares.

By default a few machines and one seed, in seconds; PERFSIM_SLOW=1 takes all of them, and -s shows what it saw:

    PERFSIM_SLOW=1 .venv/bin/pytest -s tests/properties/test_everything.py
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from perfsim.engine.trace import Watch
from perfsim.kernel.boot import Seed
from perfsim.kernel.defects import DEFECTS
from perfsim.kernel.designs import SHIPPED
from perfsim.measure.row import simulate
from perfsim.scenario.validate import load_scenario
from tests.tier import SLOW

CPUS = (1, 2, 4, 8, 16, 32, 64) if SLOW else (1, 4, 64)
SEEDS = range(1, 21 if SLOW else 2)
DURATION = "10ms" if SLOW else "1ms"
WORKLOADS = sorted(Path("workloads").glob("*.yaml"))
CHECK_EVERY = 20_000
"""Events: some ten to a hundred looks a run."""


def check(workload: Path, profile: str, cpus: int) -> None:
    """Run a workload under every design and seed; only declared defects may show, each under its design."""
    sets = [
        f"machine.profile={profile}",
        f"machine.cpus={cpus}",
        "measure.warmup=100us",
        f"measure.duration={DURATION}",
    ]
    scenario = load_scenario(str(workload), sets)
    for design in SHIPPED:
        hits: Counter[str] = Counter()
        violated, events, retries = [], 0, 0
        for number in SEEDS:
            row = simulate(scenario, design, Seed(number, 0), watch=Watch(check_every=CHECK_EVERY))
            hits.update({hit["defect"]: hit["count"] for hit in row["defect_hits"]})
            violated += [(number, row["violated_checks"])] if row["invariant_violations"] else []
            events += row["events"]
            retries += row["redo_retries"]
        shown = " ".join(f"{name}={count}" for name, count in sorted(hits.items())) or "-"
        sys.stdout.write(
            f"{workload.stem:15} {profile:6} {cpus:2} CPUs  {design:18} {len(SEEDS)} runs {events:10} events  "
            f"{retries:6} retries  {len(violated)} with violations  known defects: {shown}\n"
        )
        assert violated == []
        assert set(hits) <= {defect.name for defect in DEFECTS[design]}
        assert events > 1000 * len(SEEDS)


@pytest.mark.parametrize("profile", ["x86_64", "ia64"])
@pytest.mark.parametrize("cpus", CPUS)
def test_everything_at_once_breaks_nothing(cpus: int, profile: str) -> None:
    check(Path("workloads/everything.yaml"), profile, cpus)


@pytest.mark.parametrize("profile", ["x86_64", "ia64"])
@pytest.mark.parametrize(
    "workload", [file for file in WORKLOADS if file.stem != "everything"], ids=lambda file: file.stem
)
def test_no_shipped_workload_breaks_anything(workload: Path, profile: str) -> None:
    check(workload, profile, 16)
