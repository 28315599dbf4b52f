"""One run, from scenario to row: prepared, simulated, measured, checked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from perfsim.engine import ENGINES
from perfsim.engine.budget import Limits
from perfsim.engine.engines import Engine, begin
from perfsim.engine.prepare import design_of, profile_of, run_id
from perfsim.engine.trace import UNWATCHED, Watch
from perfsim.errors import PerfsimError
from perfsim.kernel import constants as k
from perfsim.kernel.boot import Seed
from perfsim.kernel.defects import Defect
from perfsim.kernel.designs import Design, failure
from perfsim.kernel.sizes import machine_size
from perfsim.kernel.state import State
from perfsim.kernel.violations import VIOLATION_NAMES
from perfsim.machine.tally import CATEGORIES, Tally
from perfsim.measure.columns import PERCENTILES
from perfsim.measure.counts import Counts, counts_of
from perfsim.measure.record import RATES, SLICES, Record, Recorder
from perfsim.measure.steady import Steadiness, steadiness
from perfsim.measure.warmup import pass_warm_up
from perfsim.numeric.buckets import CELLS, upper
from perfsim.scenario.schema import MeasureSpec, Scenario
from perfsim.units import PS_PER_NS

Row = dict[str, Any]

PS_PER_S = 10**12

_COUNTERS = {
    "page_lock_sleeps": k.PAGE_LOCK_SLEEPS,
    "page_lock_steals": k.PAGE_LOCK_STEALS,
    "redo_retries": k.REDO_RETRIES,
    "pgscan": k.PGSCAN,
    "pgsteal": k.PGSTEAL,
    "pgactivate": k.PGACTIVATE,
    "pgdeactivate": k.PGDEACTIVATE,
    "unevictable_pgs_culled": k.UNEVICTABLE_PGCULLED,
    "unevictable_pgs_rescued": k.UNEVICTABLE_PGRESCUED,
    "unevictable_pgs_scanned": k.UNEVICTABLE_PGSCANNED,
    "unevictable_pgs_mlocked": k.UNEVICTABLE_PGMLOCKED,
    "unevictable_pgs_munlocked": k.UNEVICTABLE_PGMUNLOCKED,
    "unevictable_pgs_cleared": k.UNEVICTABLE_PGCLEARED,
    "unevictable_pgs_stranded": k.UNEVICTABLE_PGSTRANDED,
    "oom_kills": k.OOM_KILL,
}
_HISTOGRAMS = {
    "lru_lock_wait": k.LRU_LOCK,
    "page_lock_wait": k.PAGE_LOCK,
    **{name: probe for probe, name in k.PROBE_NAMES.items()},
}


class Result(NamedTuple):
    """What a run gives: its row, the kernel's own counters, which are more than a row has columns for, and what was
    seen of it in time.
    """

    row: Row
    counts: Counts
    record: Record


def simulate(
    scenario: Scenario,
    design: str,
    seed: Seed,
    engine: str = ENGINES[0],
    watch: Watch = UNWATCHED,
) -> Row:
    """Run one scenario (its own values, no axes) under one design and return its row.

    The keys are the names of measure/columns.py, without what a sweep adds (point and axes). watch: what is told and
    looked at meanwhile; it changes no figure but those of violations. Raises InputError for a scenario that cannot run
    or a user's design that fails, StuckError when nobody can run any more, LimitError if it takes more than it may.
    """
    return simulate_counted(scenario, design, seed, engine, watch).row


def simulate_counted(
    scenario: Scenario,
    design: str,
    seed: Seed,
    engine: str = ENGINES[0],
    watch: Watch = UNWATCHED,
) -> Result:
    """The same run, with the kernel's own counters beside its row."""
    started = time.perf_counter()
    profile = profile_of(scenario)
    chosen = design_of(scenario, design)
    measure = _measure(scenario, design, seed, engine, watch.limits)
    run = begin(engine, scenario, chosen, seed, watch.trace)
    if watch.check_every:
        run.check_every(watch.check_every)
    run.limit(watch.limits)
    with failures_of(chosen):
        row, counts, record = _run(run, measure)
    row |= _verdict(run, chosen.defects)
    cpus, nodes = machine_size(scenario, profile)
    identity: Row = {
        "run_id": run_id(scenario, design, seed),
        "design": chosen.name,
        "profile": profile.name,
        "cpus": cpus,
        "nodes": nodes,
        "replication": seed.replication,
        "seed": seed.seed,
        "engine": engine,
    }
    return Result(identity | row | {"wall_s": time.perf_counter() - started}, counts, record)


def _measure(scenario: Scenario, design: str, seed: Seed, engine: str, limits: Limits) -> MeasureSpec:
    """What to measure of a design's run: after the first design's warm-up, if it is to be found out."""
    first = scenario.kernel.designs[0]
    if not scenario.measure.is_auto or design == first:
        return scenario.measure
    pilot = design_of(scenario, first)
    run = begin(engine, scenario, pilot, seed)
    run.limit(limits)
    with failures_of(pilot):
        warmup_ps = pass_warm_up(Recorder(run, scenario.measure.duration_ps), scenario.measure)
    return MeasureSpec(warmup_ps, scenario.measure.duration_ps)


@contextmanager
def failures_of(design: Design) -> Iterator[None]:
    """What a user's design raises by itself is told as its failure."""
    try:
        yield
    except PerfsimError:
        raise
    except Exception as error:
        raise failure(design, error) from None


def _run(run: Engine, measure: MeasureSpec) -> Result:
    """Let a run pass through warm-up, window and wind-down; the figures of the window."""
    recorder = Recorder(run, measure.duration_ps)
    drift = -_nr_unevictable(run.counts())
    warmup_ps = pass_warm_up(recorder, measure)
    drift -= _culled(run.counts())
    recorder.begin_window()
    recorder.advance(recorder.slice_end_ps(warmup_ps, number) for number in range(1, SLICES + 1))
    end_ps = warmup_ps + measure.duration_ps
    run.end_window(end_ps)
    s = run.counts()
    record, counts = recorder.record(SLICES), counts_of(s)
    row = _measured(s, measure.duration_ps) | _steadiness(warmup_ps, steadiness(record)) | {"events": run.events()}
    run.finish(end_ps)
    drift += _nr_unevictable(run.counts()) - _culled(run.counts())
    return Result(row | {"unevictable_list_drift": drift}, counts, record)


def _steadiness(warmup_ps: int, found: Steadiness) -> Row:
    return {
        "warmup_ns": warmup_ps / PS_PER_NS,
        "warmup_detected_ns": None if found.warmup_ps is None else found.warmup_ps / PS_PER_NS,
        "unsteady": found.fault,
        "unsteady_rate": found.rate.name if found.rate else None,
        "unsteady_rate_change": found.rate.change if found.rate else None,
        "unsteady_list": found.lru.name if found.lru else None,
        "unsteady_list_change": found.lru.change if found.lru else None,
    }


def _nr_unevictable(s: State) -> int:
    """Pages on unevictable lists."""
    return sum(s.zones.lru_length[k.LRU_UNEVICTABLE :: k.LRU_LISTS])


def _culled(s: State) -> int:
    """Pages that putbacks moved to unevictable lists, less those that they moved from there."""
    return s.events[k.UNEVICTABLE_PGCULLED] - s.events[k.UNEVICTABLE_PGRESCUED]


def _measured(s: State, duration_ps: int) -> Row:
    """The figures of the window, at its end."""
    row: Row = {name: s.events[event] * PS_PER_S / duration_ps for name, event in RATES.items()}
    for name, histogram in _HISTOGRAMS.items():
        row |= _latency(s.m.tally, name, histogram)
    for probe, name in k.PROBE_NAMES.items():
        row |= _spent(s.m.tally, name, probe)
    for lock_class, name in enumerate(k.LOCK_NAMES):
        row |= _lock(s, lock_class, name, duration_ps)
    row |= {name: s.events[event] for name, event in _COUNTERS.items()}
    row["nr_mlock"] = sum(s.zones.nr_mlock)
    row["nr_unevictable"] = _nr_unevictable(s)
    row |= _cpu_time(s)
    row["simulated_ns"] = duration_ps / PS_PER_NS
    return row


def _latency(tally: Tally, name: str, histogram: int) -> Row:
    """Count, mean, percentiles, maximum and histogram of one latency; no value, no percentile."""
    prefix = f"{name}_latency"
    count = tally.latency_count[histogram]
    cells = tally.cells[histogram * CELLS : (histogram + 1) * CELLS]
    filled = [(cell, number) for cell, number in enumerate(cells) if number]
    row: Row = {f"{prefix}_count": count}
    row[f"{prefix}_mean_ns"] = tally.latency_total_ps[histogram] / count / PS_PER_NS if count else None
    largest_ps = tally.latency_max_ps[histogram]
    for label, per_mille in PERCENTILES:
        row[f"{prefix}_{label}_ns"] = _percentile_ps(filled, count, per_mille, largest_ps) if count else None
    row[f"{prefix}_max_ns"] = largest_ps / PS_PER_NS if count else None
    row[f"{prefix}_hist"] = [{"upper_ns": upper(cell) / PS_PER_NS, "count": number} for cell, number in filled]
    return row


def _spent(tally: Tally, name: str, probe: int) -> Row:
    """Where the time of a measured path went, in ps: all, the kinds that are booked, and work, which is the rest."""
    total_ps = tally.latency_total_ps[probe]
    booked_ps = tally.latency_spent_ps[probe * k.KINDS : (probe + 1) * k.KINDS]
    spent_ps = {f"{name}_spent_{kind}_ps": booked_ps[number] for number, kind in k.KIND_NAMES.items()}
    return {f"{name}_spent_total_ps": total_ps, f"{name}_spent_work_ps": total_ps - sum(booked_ps)} | spent_ps


def _percentile_ps(filled: list[tuple[int, int]], count: int, per_mille: int, largest_ps: int) -> float:
    """Upper bound in ns of the cell that holds the smallest value with at least this share of all at or below it."""
    rank = -(-count * per_mille // 1000)
    seen = 0
    for cell, number in filled:
        seen += number
        if seen >= rank:
            return min(upper(cell), largest_ps) / PS_PER_NS
    raise AssertionError(f"{seen} values in the cells, {count} counted")


def _lock(s: State, lock_class: int, name: str, duration_ps: int) -> Row:
    tally = s.m.tally
    hold_ps = tally.hold_total_ps[lock_class]
    return {
        f"{name}_acquisitions": tally.acquisitions[lock_class],
        f"{name}_contentions": tally.contentions[lock_class],
        f"{name}_wait_total_ns": tally.wait_total_ps[lock_class] / PS_PER_NS,
        f"{name}_wait_max_ns": tally.wait_max_ps[lock_class] / PS_PER_NS,
        f"{name}_hold_total_ns": hold_ps / PS_PER_NS,
        f"{name}_hold_max_ns": tally.hold_max_ps[lock_class] / PS_PER_NS,
        f"{name}_utilization": hold_ps / (duration_ps * _locks_of_class(s, lock_class)),
    }


def _locks_of_class(s: State, lock_class: int) -> int:
    """How many locks share the figure: for page locks the pages that lock_loop tasks use, else every page."""
    if lock_class != k.PAGE_LOCK:
        return s.m.lock_class.count(lock_class)
    of_the_workload = [task for task, kind in enumerate(s.tasks.kind) if 0 <= kind < len(k.TASK_KINDS)]
    loops = [task for task in of_the_workload if s.tasks.kind[task] == k.LOCK_LOOP]
    pages = max((s.tasks.page_count[task] for task in loops), default=0)
    return pages if pages and len(loops) == len(of_the_workload) else s.settings.pages


def _cpu_time(s: State) -> Row:
    """Shares of all CPUs' time; every picosecond has one owner, so they sum to 1. Devices are behind the CPUs."""
    cpu_ps = s.m.tally.cpu_ps[: s.m.rules.cpus * CATEGORIES]
    total_ps = sum(cpu_ps)
    names = ("user", "kernel", "spin", "switch", "idle")
    return {f"cpu_{name}_fraction": sum(cpu_ps[i::CATEGORIES]) / total_ps for i, name in enumerate(names)}


def _verdict(run: Engine, defects: tuple[Defect, ...]) -> Row:
    """What was violated, at quiescence and before: by the defect's name where the design declares it, else by its own.

    A stranded page is counted from the end of the run.
    """
    declared = {defect.violation: defect.name for defect in defects}
    hits: Counter[str] = Counter()
    undeclared: list[Row] = []
    s = run.counts()
    for violation, count in enumerate(s.violations):
        if violation in declared:
            hits[declared[violation]] += count
        elif count:
            undeclared.append(_check(VIOLATION_NAMES[violation], count, s.bugs.time_ps[violation]))
    undeclared += [_check(found.name, found.most, found.first_ps) for found in run.found()]
    undeclared += [_check(name, count, None) for name, count in run.violated().items()]
    stranded_ps = run.stranded_for_ps()
    return {
        "stranded_pages": run.stranded_pages(),
        "stranded_longest_ns": None if stranded_ps is None else stranded_ps / PS_PER_NS,
        "invariant_violations": sum(one["count"] for one in undeclared),
        "violated_checks": undeclared,
        "defect_hits": [{"defect": name, "count": count} for name, count in sorted((+hits).items())],
    }


def _check(name: str, count: int, first_ps: int | None) -> Row:
    return {"check": name, "count": count, "first_ns": None if first_ps is None else first_ps / PS_PER_NS}
