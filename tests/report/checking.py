"""Checks of results that nobody had to run, for tests of what is said of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from perfsim.report.check import Check, check
from perfsim.report.limits import Allowed
from perfsim.scenario.points import Job
from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.sweep.stored import rows_of, store

SCANNED = "reclaim_scanned_per_s"
P99 = "putback_latency_p99_ns"

AXES = "sweep.axes={machine.profile: [ia64, x86_64], machine.cpus: [1, 4]}"

ALIKE = (1.0, 1.0, 1.0, 1.0)
"""Figures against the baseline's, by point."""


def scenario(*sets: str) -> Scenario:
    """A workload that allows 3 % of the throughput and 5 % of the percentile."""
    return load_scenario("mlock_heavy", [AXES, "sweep.replications=3", *sets])


def figures(factors: Sequence[float], scatter: float = 0.001) -> Callable[[Job], dict[str, object]]:
    """Throughput of redo by these factors; the last point scatters by five times as much; p99 all alike."""

    def of(job: Job) -> dict[str, object]:
        factor = factors[job.point.index % 4] if job.design == "redo" else 1.0
        noise = scatter * (50 if job.point.index == 3 else 1) * (job.replication - 1)
        return {SCANNED: 1000 * factor * (1 + noise), P99: 250.0, "putback_latency_count": 5000}

    return of


def stored(directory: Path, factors: Sequence[float] = ALIKE, *sets: str, scatter: float = 0.001) -> str:
    """A directory of results with throughputs by these factors."""
    made = scenario(*sets)
    return str(store(directory, made, rows_of(made, figures(factors, scatter))))


def checked(folder: Path, factors: Sequence[float], scatter: float = 0.001) -> Check:
    """Throughputs by these factors against a baseline, every point and all together, by the workload's rules."""
    now = stored(folder / "now", factors, scatter=-2 * scatter)
    return check(now, stored(folder / "before", scatter=scatter), [])


def by_hand(folder: Path, percent: str) -> Check:
    """The same results twice, with another limit for everything."""
    now = stored(folder / "now")
    return check(now, now, [Allowed("", percent)])
