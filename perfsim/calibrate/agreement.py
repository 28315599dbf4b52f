"""Real locks beside simulated ones: the same loop, the costs of single measurements, and how far the two are apart."""

from __future__ import annotations

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from perfsim.calibrate.contention import NS_PER_S, PERCENTS, Loop, Repetition, Setting, measure_instruments, run_loop
from perfsim.calibrate.here import cores_of_largest_socket
from perfsim.calibrate.lines import transfer_now
from perfsim.calibrate.locks import BIT, LOCKS
from perfsim.calibrate.samples import NOISE, Figure, Sample, figure_of
from perfsim.calibrate.sleep import futex_works
from perfsim.errors import InputError
from perfsim.kernel.boot import Seed
from perfsim.machine.costs import CONTEXT_SWITCH, LLC_TRANSFER, SYSCALL, WAKEUP
from perfsim.machine.profile import load_profile
from perfsim.machine.profile_files import SUFFIX
from perfsim.measure.row import simulate
from perfsim.scenario.validate import load_scenario
from perfsim.units import PS_PER_NS, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfsim.calibrate.bench import Bench
    from perfsim.machine.profile import CostProfile

MEDIAN_ERROR_MAX = 0.15
WORST_ERROR_MAX = 0.4
JUDGED_MIN = 0.5
"""Share of the figures that must be no noise for the whole to be a test of anything."""

DRIFT_MAX = MEDIAN_ERROR_MAX
"""How far llc_transfer may move during the check: as far as the simulator may be off in the middle."""

SETTINGS = (
    Setting(200, 200, is_exponential=True),
    Setting(1000, 200, is_exponential=True),
    Setting(4000, 1000, is_exponential=True),
    Setting(700, 300, is_exponential=False),
)
ALGORITHMS = ("ticket", "test_and_set", "queued", "queued", "queued")
"""What the profile's spinlocks are, by the number of the lock; behind `bit` they guard the wait queue."""

SHARE = "waited"
METRICS = ("per_s", SHARE, *(f"p{percent}" for percent in PERCENTS))
PERCENTILE_METRICS = METRICS[2:]

WARMUP, DURATION = "200us", "20ms"

EDGE = "edge"
VIRTUAL = "virtual"
NO_WAIT = "no wait"
"""Beside NOISE, why a figure is not judged."""

_LONGER = {"context_switch": CONTEXT_SWITCH, "wakeup": WAKEUP}


class Compared(NamedTuple):
    """One figure of a case. ratio: simulated/real, None where there is none. why_not: it is not judged, else "".

    error: how far the ratio is from 1; of a share, the difference.
    """

    real: Figure
    simulated: float
    ratio: float | None
    error: float
    why_not: str


class Case(NamedTuple):
    """A lock, threads and a setting, with its figures by METRICS. disturbed: repetitions in which others had a CPU."""

    lock: str
    threads: int
    setting: Setting
    figures: dict[str, Compared]
    disturbed: int


class Drift(NamedTuple):
    """llc_transfer in ns: as the profile has it, and as measured right before and right after the cases."""

    profile: float
    before: float
    after: float


class Agreement(NamedTuple):
    """All cases. errors: of the figures that are judged, in order. figures_count: of those that are noise, too."""

    cases: list[Case]
    errors: list[float]
    figures_count: int
    drift: Drift | None = None

    @property
    def median(self) -> float:
        """The median error."""
        return self.errors[len(self.errors) // 2] if self.errors else math.inf

    @property
    def worst(self) -> float:
        """The largest error."""
        return self.errors[-1] if self.errors else math.inf

    @property
    def has_drifted(self) -> bool:
        """Whether the machine was another one after the cases than before."""
        return self.drift is not None and abs(self.drift.after - self.drift.before) > DRIFT_MAX * self.drift.before

    @property
    def is_noise(self) -> bool:
        """Whether too few figures could be judged, or the machine has drifted meanwhile."""
        return self.has_drifted or len(self.errors) < JUDGED_MIN * self.figures_count

    @property
    def is_accepted(self) -> bool:
        """Whether enough was judged, and all of it is near enough."""
        return not self.is_noise and self.median <= MEDIAN_ERROR_MAX and self.worst <= WORST_ERROR_MAX


def check_agreement(bench: Bench, profile: CostProfile, stated: str, tell: Callable[[str], None]) -> Agreement:
    """Run every case for real and simulated. stated: the profile's name, or the path of its file. tell: is told which
    case is next.

    Raises InputError if there is one core alone, where nobody would wait, or if the profile cannot have every lock.
    """
    cpus = [cpu.number for cpu in cores_of_largest_socket(bench.here.cpus)]
    if len(cpus) == 1:
        raise InputError(
            "--check", "there is one core to run on, where no two CPUs meet at a lock; expected two or more"
        )
    cases = []
    with TemporaryDirectory() as folder:
        paths = [_profile_file(Path(folder), kind, profile, stated) for kind in range(len(LOCKS))]
        instruments = measure_instruments(bench)
        before = transfer_now(bench)
        for kind, count, setting in _cases(len(cpus), can_sleep=futex_works(bench)):
            tell(f"{LOCKS[kind]}, {count} of {len(cpus)} threads ...")
            loop = Loop(kind, tuple(cpus[:count]), setting)
            real = run_loop(bench, instruments, loop)
            cases.append(
                _case(loop, real, simulated(paths[kind], loop), is_virtual=bench.here.is_virtual and count > 1)
            )
    drift = Drift(profile.best_ps[LLC_TRANSFER] / PS_PER_NS, before, transfer_now(bench))
    return agreement_of(cases)._replace(drift=drift)


def agreement_of(cases: list[Case]) -> Agreement:
    """The verdict's material: only figures that no reason keeps from being judged."""
    figures = [one for case in cases for one in case.figures.values()]
    judged = sorted(one.error for one in figures if not one.why_not)
    wanted = [one for one in figures if one.why_not in ("", NOISE)]
    return Agreement(cases, judged, len(wanted))


def _cases(cores: int, *, can_sleep: bool) -> list[tuple[int, int, Setting]]:
    """Every lock with every count of threads and every setting; no lock that sleeps where that is refused."""
    kinds = [kind for kind in range(len(LOCKS)) if can_sleep or kind != BIT]
    counts = sorted({2**power for power in range(cores.bit_length()) if 2**power <= cores} | {cores})
    return [(kind, count, setting) for kind in kinds for count in counts for setting in SETTINGS]


def simulated(profile: Path, loop: Loop) -> dict[str, float]:
    """The same case in the simulator, on this profile: figures by METRICS."""
    setting = loop.setting
    lock = "page_lock" if loop.kind == BIT else "lru_lock"
    sets = [f"machine.cpus={len(loop.cpus)}", "machine.nodes=1", f"tasks.cpus.lock={lock}"]
    sets += [f"measure.warmup={WARMUP}", f"measure.duration={DURATION}"]
    for name, mean_ns in (("think", setting.think_ns), ("hold", setting.hold_ns)):
        sets.append(
            f"tasks.cpus.{name}={f'{{exponential: {mean_ns}ns}}' if setting.is_exponential else f'{mean_ns}ns'}"
        )
    if loop.kind == BIT:
        sets.append("tasks.cpus.pages=1")
    scenario = load_scenario("lock_contention", sets, profile=str(profile))
    row = simulate(scenario, scenario.kernel.designs[0], Seed(1, 0))
    acquisitions = row[f"{lock}_acquisitions"]
    found = {
        "per_s": acquisitions * NS_PER_S / row["simulated_ns"],
        SHARE: row[f"{lock}_contentions"] / max(1, acquisitions),
    }
    return found | {name: row[f"{lock}_wait_latency_{name}_ns"] or 0.0 for name in PERCENTILE_METRICS}


def _profile_file(folder: Path, kind: int, profile: CostProfile, stated: str) -> Path:
    """The profile with the algorithm of one lock. Raises InputError if it cannot have that.

    The real sleeping lock sleeps by a system call, and so does the wake-up; its wait queue's lock leaves interrupts on.
    The simulator's lock_page() is in the kernel already, and switches them off. So here each of the former costs a
    system call more, and the latter nothing.
    """
    base = str(Path(stated).resolve()) if stated.endswith(SUFFIX) else stated
    lines = [
        f"name: {json.dumps(profile.name)}",
        f"extends: {json.dumps(base)}",
        f"spinlock: {{algorithm: {ALGORITHMS[kind]}}}",
    ]
    if kind == BIT:
        cost = profile.best_ps
        costs = {name: format_duration(cost[index] + cost[SYSCALL]) for name, index in _LONGER.items()}
        costs |= {"irq_save": "0ns", "irq_restore": "0ns", "irq_disable": "0ns"}
        lines.append(f"costs: {{{', '.join(f'{name}: {value}' for name, value in costs.items())}}}")
    file = folder / f"{LOCKS[kind]}.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        load_profile(str(file))
    except InputError as error:
        raise InputError("--profile", f"{profile.name} cannot be checked as {LOCKS[kind]}: {error.problem}") from error
    return file


def _case(loop: Loop, real: Sequence[Repetition], found: dict[str, float], *, is_virtual: bool) -> Case:
    figures = {}
    by_metric = zip(*((one.per_s, one.waited, *one.waits_ns) for one in real), strict=True)
    for metric, values in zip(METRICS, by_metric, strict=True):
        figure = figure_of([Sample(value) for value in values])
        figures[metric] = compared(metric, figure, found[metric], is_virtual=is_virtual and loop.kind == BIT)
    disturbed = sum(one.was_disturbed for one in real)
    return Case(LOCKS[loop.kind], len(loop.cpus), loop.setting, figures, disturbed)


def compared(metric: str, real: Figure, simulated_value: float, *, is_virtual: bool) -> Compared:
    """A figure beside its simulation, with the reason if it is not judged.

    A percentile at which one of both waits and the other does not lies at the edge between those who do and those who
    do not; how many do is a figure of its own.
    """
    ratio = simulated_value / real.best if real.best and simulated_value else None
    error, spread = math.inf if ratio is None else abs(ratio - 1), real.spread
    if metric == SHARE:
        error, spread = abs(simulated_value - real.best), real.high - real.low
    if real.best == simulated_value == 0:
        why = NO_WAIT
    elif is_virtual:
        why = VIRTUAL
    elif spread > WORST_ERROR_MAX and real.best:
        why = NOISE
    elif metric in PERCENTILE_METRICS and ratio is None:
        why = EDGE
    else:
        why = ""
    return Compared(real, simulated_value, ratio, error, why)
