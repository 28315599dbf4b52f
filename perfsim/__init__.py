"""Which locking design of a kernel path is faster, on which machine, by how much, and whether it is still correct.

    import perfsim

    scenario = perfsim.load_workload("quickstart")
    row = perfsim.run(scenario, design="redo", seed=1)
    print(row["reclaim_scanned_per_s"], row["putback_latency_p99_ns"])

What `__all__` lists is public; anything else may change. Importing this module is cheap: what a function needs is
imported when it is called.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from importlib import import_module
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perfsim.scenario.schema import Scenario

__all__ = ["__version__", "check", "compare", "load_workload", "run", "sweep"]

__version__ = "0.1.0"

# The folder sweep/ and the function sweep() share a name. The first import of a folder binds its name in this module;
# it happens here, before the function is defined, so that no later import can put the folder in the function's place.
import_module("perfsim.sweep")


def load_workload(path: str | PathLike[str], sets: Sequence[str] = ()) -> "Scenario":
    """Read and check a workload.

    path: a YAML file, or the name of a shipped workload, such as "quickstart".
    sets: changes as on the command line, such as "machine.cpus=8" or "tasks.lockers.hold=100us".
    Raises InputError, whose text is one line with file, line and column.
    """
    from perfsim.scenario.validate import load_scenario

    return load_scenario(fspath(path), sets)


def run(
    scenario: "Scenario",
    *,
    design: str | None = None,
    seed: int | None = None,
    engine: str = "compiled",
    trace: Callable[[tuple[int, int, str, tuple[int, ...]]], None] | None = None,
    check_every: int = 0,
) -> dict[str, Any]:
    """Run a workload's own values once, its sweep aside, and return one row keyed by the names of the columns.

    design: a shipped design, an installed one, or a .py file; the first of the workload's own if left out.
    seed: of the random numbers; the workload's own if left out. Designs at one seed meet the same random numbers.
    engine: "compiled", or "simpy", which gives the same row a hundred times slower. The first use of "compiled" on a
    machine takes a minute or two to compile, and says so on stderr.
    trace: called with (time_ps, cpu, primitive, arguments) at every event, in order.
    check_every: after so many events the invariants are checked; what is found is in the row's "violated_checks". 0 is
    at the end alone.
    Raises InputError if the machine's memory does not hold the workload, a name is unknown or a number out of range,
    StuckError if the run stops with nobody able to go on.
    """
    from perfsim.engine import check_engine
    from perfsim.engine.prepare import check_fits
    from perfsim.engine.trace import Watch
    from perfsim.errors import InputError
    from perfsim.kernel.boot import Seed
    from perfsim.measure.row import simulate
    from perfsim.scenario.schema import SEED_MAX

    check_engine(engine)
    if seed is not None and not 0 <= seed <= SEED_MAX:
        raise InputError("seed", f"{seed} is out of range; expected 0 to {SEED_MAX}")
    if check_every < 0:
        raise InputError("check_every", f"{check_every} events; expected 0 or more")
    chosen = scenario.kernel.designs[0] if design is None else design
    check_fits(scenario, (chosen,), engine)
    chosen_seed = Seed(scenario.sweep.seed if seed is None else seed, 0)
    return simulate(scenario, chosen, chosen_seed, engine, Watch(trace, check_every))


async def sweep(
    scenario: "Scenario", *, jobs: int | None = None, engine: str = "compiled"
) -> AsyncIterator[dict[str, Any]]:
    """Run every point of a workload's sweep with every design and replication, and yield the rows as they come.

    jobs: worker processes; as many as this machine has CPUs if left out. No row depends on their number or order.
    engine: as for run(). Nothing is written to disk. Leaving the loop early stops the workers.
    Raises InputError before the first run if any point is wrong, PerfsimError if a run fails.
    """
    from perfsim.engine import check_engine
    from perfsim.sweep.driver import sweep as rows_of

    check_engine(engine)
    async for row in rows_of(scenario, jobs=jobs, engine=engine):
        yield row


def compare(
    results: str | PathLike[str],
    other: str | PathLike[str] | None = None,
    *,
    metrics: Sequence[str] = ("reclaim_scanned_per_s", "putback_latency_p99_ns"),
    base: str | None = None,
    designs: Sequence[str] = (),
    margin: str | float = "1%",
) -> dict[str, list[Any]]:
    """Compare the designs of a sweep, or two sweeps, and return what `perfsim compare --format json` prints.

    results: a directory that perfsim sweep wrote, or its runs.parquet.
    other: a second one; each design of `results` is then compared with itself in it.
    metrics: columns of results.
    base: the design that the others are compared with; the workload's first if left out.
    designs: those to compare; all if left out.
    margin: the largest difference that counts as the same.
    Returns "points": a dict for each metric, pair of designs and point, with the values of the axes, ratio, low and
    high (its 95 % interval), pairs, p_different and p_same (corrected by Holm's method over the points), verdict, and
    more_replications that would decide what it cannot tell; "turns": where a verdict turns along an axis, with the
    interval of that; "overall": all points of a metric together; "spent": of a metric that is made of the time of a
    path, the mean times in ns by kind at each point, of new and old; and "notes", text.
    Raises InputError, whose text is one line.
    """
    from perfsim.report.comparison import Asked
    from perfsim.report.comparison import compare as compared

    second = None if other is None else fspath(other)
    asked = Asked(fspath(results), second, tuple(metrics), base, tuple(designs), margin)
    return compared(asked).records()


def check(
    results: str | PathLike[str],
    baseline: str | PathLike[str],
    *,
    max_regression: str | float | Mapping[str, str | float] | None = None,
) -> dict[str, Any]:
    """Check results against a baseline, and return what `perfsim check --format json` prints.

    results: a directory that perfsim sweep wrote, or its runs.parquet.
    baseline: a file that perfsim check --update-baseline wrote, or other results.
    max_regression: how much worse each metric may become, such as "3%" or 0.03, or by metric; what the workload says of
    metrics that are not named. All is what the workload says if left out.
    Returns "verdict": "regressed", "cannot tell" or "fine", the worst of all; "points": a dict for each metric, design
    and point, with the values of the axes, ratio, low and high (now/baseline and its 95 % interval), allowed (the ratio
    that just is), p (of being no worse, corrected by Holm's method over the whole check), pairs, verdict, reason if
    there is no ratio, and more_replications that would decide what it cannot tell; "together": the same of all points
    of a metric and design; "unmatched": points that only one of the two has; and "notes", text.
    Raises InputError, whose text is one line.
    """
    from perfsim.report.check import check as checked
    from perfsim.report.limits import Allowed

    shares = max_regression if isinstance(max_regression, Mapping) else {"": max_regression}
    asked = [Allowed(metric, share) for metric, share in shares.items() if share is not None]
    return checked(fspath(results), fspath(baseline), asked).records()
