"""What the benchmark measures inside this process: the engines beside each other, and beside other programs.

Every timing is of an engine's loop alone. A run is booted and let go on to START_PS, untimed; what is timed is a window
of simulated time that begins there, of a length that takes about as long as was asked for. Whatever is compared is
measured in turns, A B A B, and a ratio is the median of the ratios of the turns.
"""

from __future__ import annotations

import gc
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from perfsim import load_workload
from perfsim.engine.engines import Engine, begin
from perfsim.engine.prepare import design_of, profile_of
from perfsim.kernel.boot import Seed
from perfsim.kernel.constants import LRU_LOCK
from perfsim.kernel.sizes import machine_size
from perfsim.scenario.locate import shipped_workloads
from perfsim.scenario.schema import Scenario
from perfsim.units import PS_PER_NS
from scripts import naive, yardsticks
from scripts.bench_table import Cases, Effort, target

COMPILED = "compiled"
REFERENCE = "simpy"
SEED = 1
PS_PER_US = 10**6
START_PS = 200 * PS_PER_US
FIRST_WINDOW_PS = 20 * PS_PER_US
ROUND = (1, 1.5, 2, 3, 5, 7, 10)
"""First digits of windows, so that two runs of the benchmark mostly choose the same."""

RATIO_MIN = 50
RATIO_OF_MLOCK_HEAVY_MIN = 100
RATIO_TO_CPP_MIN = 0.8
CPUS_OF_MLOCK_HEAVY = (16, 64)
CPUS_OF_LOCKS = (16, 64)
CPUS_OF_SCALING = (1, 4, 16, 64, 256, 512)
CPUS_BESIDE = 16
PAGES_OF_SCALING = (10**4, 10**5, 10**6, 10**7)
NODES_OF_SCALING = 4
SCALING_SHARE = 0.5
"""Of the time that a timing takes elsewhere: there are many points, and each is one engine."""


class Timing(NamedTuple):
    """What one window took. number: of events, or lock operations."""

    number: int
    seconds: float

    @property
    def per_s(self) -> float:
        """Events or operations a second."""
        return self.number / self.seconds


def say(text: str) -> None:
    """A word of progress."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


# ---- compiled / reference on the workloads


def workloads(effort: Effort) -> Cases:
    """Events/s of both engines on every shipped workload, and on mlock_heavy at its larger size."""
    cases: Cases = {}
    names = [name for name in shipped_workloads() if name != "mlock_heavy"]
    for name in names:
        cases |= _both_engines(name, (), effort, RATIO_MIN)
    for cpus in CPUS_OF_MLOCK_HEAVY:
        cases |= _both_engines("mlock_heavy", (f"machine.cpus={cpus}",), effort, RATIO_OF_MLOCK_HEAVY_MIN)
    return cases


def _both_engines(workload: str, sets: Sequence[str], effort: Effort, ratio_min: float) -> Cases:
    """One row of the first table."""
    scenario = load_workload(workload, sets)
    cpus, _ = machine_size(scenario, profile_of(scenario))
    say(f"workloads: {workload} at {cpus} CPUs")
    short_ps, long_ps = (_window_of(scenario, engine, effort.seconds) for engine in (REFERENCE, COMPILED))
    long_ps = max(short_ps, long_ps)
    reference, compiled, same = [], [], []
    for _ in range(effort.repeats):
        reference.append(_stretches(scenario, REFERENCE, [short_ps])[-1])
        parts = _stretches(scenario, COMPILED, [short_ps, long_ps])
        first, there = parts[0].number, reference[-1].number
        assert first == there, f"{first} and {there} events in one window"
        same.append(parts[0].per_s / reference[-1].per_s)
        compiled.append(parts[1])
    ratios = [ours.per_s / theirs.per_s for ours, theirs in zip(compiled, reference, strict=True)]
    return {
        f"{workload}, {cpus} CPUs": {
            "design": scenario.kernel.designs[-1],
            "reference_window_us": short_ps / PS_PER_US,
            "compiled_window_us": long_ps / PS_PER_US,
            "reference_events": reference[0].number,
            "compiled_events": compiled[0].number,
            "reference_events_per_s": median(timing.per_s for timing in reference),
            "compiled_events_per_s": median(timing.per_s for timing in compiled),
            "ratio": median(ratios),
            "ratio_min": min(ratios),
            "ratio_max": max(ratios),
            "ratio_same_window": median(same),
            "target": target(median(ratios), ratio_min, at_least=True),
        }
    }


def started(scenario: Scenario, engine: str) -> Engine:
    """A run of the last design, booted and let go on to START_PS."""
    design = design_of(scenario, scenario.kernel.designs[-1])
    run = begin(engine, scenario, design, Seed(SEED, 0))
    run.advance(START_PS)
    gc.collect()
    return run


def _stretches(scenario: Scenario, engine: str, windows_ps: Sequence[int]) -> list[Timing]:
    """Events and seconds from START_PS to the end of each window, all of one run; windows grow, and all begin there."""
    run = started(scenario, engine)
    first = run.events()
    timings, seconds = [], 0.0
    for window_ps in windows_ps:
        seconds += _seconds_of(run, START_PS + window_ps)
        timings.append(Timing(run.events() - first, seconds))
    return timings


def _seconds_of(run: Engine, until_ps: int) -> float:
    begun = time.perf_counter()
    run.advance(until_ps)
    return time.perf_counter() - begun


def _window_of(scenario: Scenario, engine: str, seconds: float) -> int:
    """The window that takes an engine about so long, found by a run of its own."""
    run = started(scenario, engine)
    at_ps = START_PS

    def next_stretch(window_ps: int) -> float:
        nonlocal at_ps
        at_ps += window_ps
        return _seconds_of(run, at_ps)

    return window_for(next_stretch, seconds)


def window_for(seconds_of: Callable[[int], float], seconds: float) -> int:
    """The window, a round number of ps, that takes about so long. seconds_of: what a window of so many ps takes."""
    window_ps = FIRST_WINDOW_PS
    while (took := seconds_of(window_ps)) < seconds / 8:
        window_ps *= 2
    return rounded(window_ps * seconds / took)


def rounded(window_ps: float) -> int:
    """The nearest number of few digits, by ratio; at least FIRST_WINDOW_PS."""
    power = 10 ** math.floor(math.log10(window_ps))
    nearest = min(ROUND, key=lambda digits: abs(math.log(digits * power / window_ps)))
    return max(FIRST_WINDOW_PS, int(nearest * power))


# ---- lock operations


def locks(effort: Effort) -> Cases:
    """Lock operations/s of four programs of one queue."""
    with tempfile.TemporaryDirectory(prefix="perfsim-bench-") as directory:
        program = yardsticks.build_cpp(Path(directory))
        if isinstance(program, str):
            say(f"locks: no figure for C++: {program}")
        return {f"{cpus} CPUs": _four_programs(cpus, program, effort) for cpus in CPUS_OF_LOCKS}


def _four_programs(cpus: int, program: Path | str, effort: Effort) -> dict[str, Any]:
    """One row of the second table."""
    say(f"locks: {cpus} CPUs")
    scenario = load_workload("lock_contention", [f"machine.cpus={cpus}"])
    programs: dict[str, Callable[[int], Timing]] = {
        "naive": lambda window_ps: Timing(*naive.run(cpus, window_ps // PS_PER_NS, SEED)),
        "reference": lambda window_ps: _engine_operations(scenario, REFERENCE, window_ps),
        COMPILED: lambda window_ps: _engine_operations(scenario, COMPILED, window_ps),
    }
    windows_ps = {name: _operations_window(run, effort.seconds) for name, run in programs.items()}
    if isinstance(program, Path):
        programs["cpp"] = lambda window_ps: _cpp_operations(program, cpus, window_ps)
        windows_ps["cpp"] = windows_ps[COMPILED]
    turns = [{name: run(windows_ps[name]) for name, run in programs.items()} for _ in range(effort.repeats)]
    if "cpp" in programs:
        assert turns[0]["cpp"].number == turns[0][COMPILED].number, f"{turns[0]}: not the same queue"
    speeds = {f"{name}_per_s": median(turn[name].per_s for turn in turns) for name in programs}
    ratios = {
        f"compiled_to_{name}": median(turn[COMPILED].per_s / turn[name].per_s for turn in turns)
        for name in programs
        if name != COMPILED
    }
    return {
        **{f"{name}_window_us": window_ps / PS_PER_US for name, window_ps in windows_ps.items()},
        **speeds,
        **ratios,
        **({} if isinstance(program, Path) else {"cpp_per_s": None, "compiled_to_cpp": None, "without_cpp": program}),
        "target": target(ratios.get("compiled_to_cpp"), RATIO_TO_CPP_MIN, at_least=True),
    }


def _operations_window(run: Callable[[int], Timing], seconds: float) -> int:
    return window_for(lambda window_ps: run(window_ps).seconds, seconds)


def _engine_operations(scenario: Scenario, engine: str, window_ps: int) -> Timing:
    run = started(scenario, engine)
    run.begin_window(START_PS)
    seconds = _seconds_of(run, START_PS + window_ps)
    return Timing(run.counts().m.tally.acquisitions[LRU_LOCK], seconds)


def _cpp_operations(program: Path, cpus: int, window_ps: int) -> Timing:
    figures = yardsticks.cpp_figures(program, cpus, window_ps // PS_PER_NS, START_PS // PS_PER_NS, SEED)
    return Timing(figures["acquisitions"], figures["seconds"])


# ---- cost per event


def scaling(effort: Effort) -> Cases:
    """ns an event of the compiled engine as the machine grows, then as the memory grows; all points in turns."""
    by_cpus = {f"{cpus} CPU{'s' * (cpus > 1)}": _sized(f"machine.cpus={cpus}") for cpus in CPUS_OF_SCALING}
    by_pages = {
        f"{pages:.0e} pages".replace("e+0", "e"): _sized(f"memory.pages_per_node={pages // NODES_OF_SCALING}")
        for pages in PAGES_OF_SCALING
    }
    scenarios = by_cpus | by_pages
    seconds = effort.seconds * SCALING_SHARE
    say("scaling: finding the windows")
    windows_ps = {name: _window_of(scenario, COMPILED, seconds) for name, scenario in scenarios.items()}
    turns = []
    for number in range(effort.repeats):
        say(f"scaling: turn {number + 1} of {effort.repeats}")
        turns.append({name: _ns_per_event(scenarios[name], windows_ps[name]) for name in scenarios})
    beside = dict.fromkeys(by_cpus, f"{CPUS_BESIDE} CPUs") | dict.fromkeys(by_pages, next(iter(by_pages)))
    cases = {name: _scaled(turns, name, beside[name]) for name in scenarios}
    for name, cpus in zip(by_cpus, CPUS_OF_SCALING, strict=True):
        cases[name]["log_ratio"] = math.log(cpus) / math.log(CPUS_BESIDE)
    for name, window_ps in windows_ps.items():
        cases[name]["window_us"] = window_ps / PS_PER_US
    return cases


def _sized(setting: str) -> Scenario:
    return load_workload("mlock_heavy", [f"machine.nodes={NODES_OF_SCALING}", setting])


def _ns_per_event(scenario: Scenario, window_ps: int) -> float:
    return 1e9 / _stretches(scenario, COMPILED, [window_ps])[0].per_s


def _scaled(turns: Sequence[dict[str, float]], name: str, beside: str) -> dict[str, Any]:
    """One row of the third table. beside: the point that its cost is a multiple of."""
    costs = [turn[name] for turn in turns]
    return {
        "ns_per_event": median(costs),
        "ns_per_event_min": min(costs),
        "ns_per_event_max": max(costs),
        "beside": beside,
        "cost_ratio": median(turn[name] / turn[beside] for turn in turns),
    }
