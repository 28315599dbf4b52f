"""Cases are run: by one engine for as long as their figures need, and a beginning of each by both.

A case of lock loops that must come out exactly is run in replications, first short ones, which tell how much its
figures vary, then others as long as that takes. Each stage meets random numbers of its own, so that the interval of the
last one knows nothing of how its length was found. The seed is the workload's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from perfsim.engine import ENGINES
from perfsim.engine.prepare import profile_of, run_ids
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import LRU_LOCK
from perfsim.kernel.primitives import SPIN_UNLOCK, SPIN_UNLOCK_IRQ, SPIN_UNLOCK_IRQRESTORE
from perfsim.kernel.sizes import machine_size
from perfsim.scenario.schema import DURATION_MAX_PS, MeasureSpec
from perfsim.scenario.tasks import task_count
from perfsim.sweep.driver import make_ready
from perfsim.sweep.gather import gathered
from perfsim.sweep.plan import Run
from perfsim.sweep.worker import Failure, Task, work
from perfsim.truth.expectations import needs_events
from perfsim.truth.figures import GRANTS
from perfsim.truth.judging import wideness
from perfsim.truth.laws import violated_laws
from perfsim.truth.queueing import mean_ns
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from perfsim.engine.trace import TraceRow
    from perfsim.scenario.schema import Scenario
    from perfsim.sweep.gather import Crew
    from perfsim.truth.case_files import Case, CaseRun

Row: TypeAlias = "dict[str, Any]"

REPLICATIONS = 20
"""Of a case that is as long as it must be."""

FIXED_REPLICATIONS = 2
"""Of a case in which each round is like the last."""

STAGES = 5
STAGE_SEEDS = 1000
PILOT_ACQUISITIONS = 200_000
"""Of all replications of the first stage: about what makes the interval of X 0.5 % wide (n_X of validation A1)."""

ACQUISITIONS_MAX = {"compiled": 60_000_000, "simpy": 1_000_000}
"""Of a case and stage: 12 s of a CPU, or half a minute. W of a lock that is hardly ever waited for would take more."""

DOUBT = 1.6
"""How much longer than the last stage says: its 20 replications know a variance to within so much."""

GROWTH_MAX = 300
TWIN_ACQUISITIONS = 4000
"""Of the beginning that both engines run."""

ROUNDS_OF_WARM_UP = 50
FIXED_ROUNDS = 2000
"""Rounds of such a case in one replication, so that the edges of its window are 0.05 % of it."""

UNLOCKS = (SPIN_UNLOCK.name, SPIN_UNLOCK_IRQ.name, SPIN_UNLOCK_IRQRESTORE.name)

ENGINE_OWN = ("engine", "wall_s")
"""Columns that say which engine made a row, not what happened."""


@dataclass(slots=True)
class Tried:
    """What a case has done. rows: of each of its runs by name, by replication. twins: what both engines did with its
    beginning, a pair a run. broken: laws that a row breaks, by how many.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    twins: list[tuple[Row, Row]] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    rows_count: int = 0


class _Wanted(NamedTuple):
    """A run of a case. scenario: with the length of this stage. twin: an engine's name, for a beginning by both."""

    case: Case
    run: CaseRun
    scenario: Scenario
    seed: Seed
    twin: str


def tried(cases: Sequence[Case], crew: Crew, *, with_twins: bool) -> dict[str, Tried]:
    """Run cases, by name. with_twins: those that must come out exactly are begun by both engines too.

    Raises PerfsimError if a run fails.
    """
    make_ready(crew.engine)
    found: dict[str, Tried] = defaultdict(Tried)
    wanted = [one for case in cases for one in _first_stage(case)]
    twins = [one for case in cases if with_twins and case.is_sized for one in _twins(case)]
    for stage in range(STAGES):
        _run([*wanted, *twins], crew, found)
        twins = []
        wanted = [
            one for case in cases if case.is_sized for one in _longer(case, found[case.name], stage + 1, crew.engine)
        ]
        if not wanted:
            break
    return found


def _first_stage(case: Case) -> Iterable[_Wanted]:
    for run in case.runs:
        scenario, count = run.scenario, case.replications
        if case.is_sized:
            count = FIXED_REPLICATIONS if case.theory is not None and case.theory.is_fixed else REPLICATIONS
            scenario = _lasting(run.scenario, _first_duration_ps(case, run.scenario) // count)
        yield from (_Wanted(case, run, scenario, _seed(run, number), "") for number in range(count))


def _twins(case: Case) -> Iterable[_Wanted]:
    for run in case.runs:
        duration_ps = _duration_ps(run.scenario, TWIN_ACQUISITIONS)
        scenario = replace(run.scenario, measure=MeasureSpec(duration_ps // 10, duration_ps))
        yield from (_Wanted(case, run, scenario, _seed(run, 0), engine) for engine in ENGINES)


def _longer(case: Case, found: Tried, stage: int, engine: str) -> Iterable[_Wanted]:
    """The runs of the next stage, if the last one has left an interval too wide and there is a longer one to try."""
    lasted = {run.name: round(found.rows[run.name][0]["simulated_ns"] * PS_PER_NS) for run in case.runs}
    taken = sum(row[f"{lock}_acquisitions"] for name, lock in case.locks.items() for row in found.rows[name])
    growth_max = min(GROWTH_MAX, ACQUISITIONS_MAX[engine] / max(1, taken), DURATION_MAX_PS / max(lasted.values()))
    times_too_wide = wideness(case, found.rows, is_quick=engine != ENGINES[0])
    if stage == STAGES or times_too_wide <= 1 or growth_max < DOUBT:
        return
    growth = min(times_too_wide**2 * DOUBT, growth_max)
    found.rows.clear()
    for run in case.runs:
        scenario = _lasting(run.scenario, round(lasted[run.name] * growth))
        seeds = (_seed(run, stage * STAGE_SEEDS + number) for number in range(REPLICATIONS))
        yield from (_Wanted(case, run, scenario, seed, "") for seed in seeds)


def _seed(run: CaseRun, number: int) -> Seed:
    return Seed(run.scenario.sweep.seed, number)


def _first_duration_ps(case: Case, scenario: Scenario) -> int:
    """Of all replications together."""
    if case.theory is None or not case.theory.is_fixed:
        return _duration_ps(scenario, PILOT_ACQUISITIONS)
    acquisitions = FIXED_REPLICATIONS * FIXED_ROUNDS * _loops_count(scenario)
    return min(DURATION_MAX_PS, round(acquisitions / case.theory.steady.acquisitions_per_ns * PS_PER_NS))


def _lasting(scenario: Scenario, duration_ps: int) -> Scenario:
    """The scenario measured for so long, after a warm-up of many rounds and a part of that."""
    warmup_ps = ROUNDS_OF_WARM_UP * _round_ps(scenario) + duration_ps // 20
    return replace(scenario, measure=MeasureSpec(warmup_ps, max(1, duration_ps)))


def _duration_ps(scenario: Scenario, acquisitions: int) -> int:
    """The least time in which locks can be taken so often."""
    _, nodes = machine_size(scenario, profile_of(scenario))
    locks = max(task.pages for task in scenario.tasks) or nodes
    hold_ps = max(1.0, min(mean_ns(task.hold) for task in scenario.tasks) * PS_PER_NS)
    per_ps = min(locks / hold_ps, _loops_count(scenario) / _round_ps(scenario))
    return min(DURATION_MAX_PS, round(acquisitions / per_ps))


def _loops_count(scenario: Scenario) -> int:
    cpus, nodes = machine_size(scenario, profile_of(scenario))
    return sum(task_count(task, cpus, nodes) for task in scenario.tasks)


def _round_ps(scenario: Scenario) -> int:
    """The longest round of a task without a wait."""
    return round(max(mean_ns(task.think) + mean_ns(task.hold) for task in scenario.tasks) * PS_PER_NS)


def _run(wanted: Sequence[_Wanted], crew: Crew, found: dict[str, Tried]) -> None:
    """Run what is wanted; rows go to their cases, in the order in which they were wanted."""
    for is_counted, group in groupby(sorted(wanted, key=_counts_grants), key=_counts_grants):
        some = list(group)
        rows: dict[int, Row] = {}

        def take(run: Run, row: Row, rows: dict[int, Row] = rows) -> None:
            rows[run.labels["number"]] = row

        gathered(_numbered(some, crew.engine), crew, take, counted_work if is_counted else work)
        for number, one in enumerate(some):
            _keep(found[one.case.name], one, rows[number])


def _counts_grants(one: _Wanted) -> bool:
    return any(map(needs_events, one.case.expected))


def _numbered(wanted: Sequence[_Wanted], engine: str) -> list[Run]:
    runs = []
    for (_, name), group in groupby(enumerate(wanted), key=lambda pair: (pair[1].case.name, pair[1].run.name)):
        several = list(group)
        by_length: dict[MeasureSpec, Callable[[Seed], str]] = {}
        for number, one in several:
            ids = by_length.setdefault(one.scenario.measure, run_ids(one.scenario, one.run.design))
            labels = {"point": number, "number": number, "design": one.run.design, f"case.{one.case.name}": name or "-"}
            task = Task(ids(one.seed), one.scenario, one.run.design, one.seed, one.twin or engine)
            slowness = 100 if task.engine != ENGINES[0] else 1
            runs.append(Run(task, labels, slowness * one.scenario.measure.duration_ps))
    return runs


def _keep(tried_one: Tried, one: _Wanted, row: Row) -> None:
    if one.twin == ENGINES[0]:
        tried_one.twins.append((row, row))
        return
    if one.twin:
        tried_one.twins[-1] = (tried_one.twins[-1][0], row)
        return
    tried_one.rows.setdefault(one.run.name, []).append(row)
    tried_one.rows_count += 1
    tried_one.broken.update(violated_laws(row, one.scenario))


def counted_work(task: Task) -> Row | Failure:
    """As `work`, and counts from the events to whom the lru_lock was granted: `figures.GRANTS` are in the row too."""
    from perfsim.engine.trace import Watch
    from perfsim.measure.row import simulate

    releases: list[int] = []

    def look(event: TraceRow) -> None:
        _, cpu, primitive, arguments = event
        if primitive in UNLOCKS and arguments[0] == LRU_LOCK:
            releases.append(cpu)

    row = simulate(task.scenario, task.design, task.seed, task.engine, Watch(look))
    return row | dict(zip(GRANTS, _grants(releases, row["cpus"], row["nodes"]), strict=True))


def _grants(releases: Sequence[int], cpus: int, nodes: int) -> tuple[float, float]:
    """Of the CPUs, in the order in which they have had the lock: how often the one that had it most for once that the
    other had it least (once, if it never had it), and the most times in turn that it stayed in a node.
    """
    counts = Counter(releases)
    fewest = min(counts[cpu] for cpu in range(cpus))
    longest = max((sum(1 for _ in run) for _, run in groupby(releases, key=lambda cpu: cpu * nodes // cpus)), default=0)
    return max(counts.values(), default=0) / max(1, fewest), float(longest)


def first_difference(one: Row, other: Row) -> str:
    """The first column in which two rows of one run by two engines differ; "" if they are equal."""
    return next((name for name in one if name not in ENGINE_OWN and one[name] != other[name]), "")
