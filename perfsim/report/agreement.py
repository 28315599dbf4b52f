"""What `calibrate --check` found: real locks beside simulated ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from perfsim.calibrate.agreement import EDGE, MEDIAN_ERROR_MAX, METRICS, NO_WAIT, VIRTUAL, WORST_ERROR_MAX
from perfsim.calibrate.samples import NOISE
from perfsim.report.render import Cell, Head, Kind, Table
from perfsim.units import counted, format_duration

if TYPE_CHECKING:
    from perfsim.calibrate.agreement import Agreement, Case, Drift
    from perfsim.calibrate.contention import Setting

GROUPS = {"per_s": "acquisitions/s", "waited": "share that waits"}
NOTE_OF = {
    NOISE: f"noise: the repetitions of the real loop are more than {100 * WORST_ERROR_MAX:.0f} % apart",
    VIRTUAL: "virtual: in a virtual machine a wake-up measures the hypervisor, and the profile has none of that",
    EDGE: "edge: at this percentile one of both does not wait; how many do is the share that waits",
}


def agreement_table(found: Agreement, profile: str) -> Table:
    """Every case with its figures, real, simulated and their ratio. profile: its name."""
    heads = [Head("lock", "lock"), Head("threads", "threads"), Head("think", "think"), Head("hold", "hold")]
    for metric in METRICS:
        group = GROUPS.get(metric, f"wait {metric} in ns")
        heads += [Head(f"{metric}_real", "real", group), Head(f"{metric}_simulated", "simulated", group)]
        heads += [Head(f"{metric}_ratio", "ratio", group, Kind.RATIO)]
        heads += [Head(f"{metric}_spread", "+-", group, Kind.PERCENTAGE)]
    heads.append(Head("not_judged", "not judged"))
    caption = f"real locks and simulated ones on {profile}; ratio: simulated/real; +-: spread of the real repetitions"
    return Table("cases", caption, tuple(heads), tuple(_line(case) for case in found.cases), tuple(_notes(found)))


def verdict(found: Agreement) -> str:
    """The answer in a line."""
    if found.has_drifted and found.drift is not None:
        drift = f"llc_transfer went from {found.drift.before:.3g} to {found.drift.after:.3g} ns meanwhile"
        return f"cannot tell: {drift}; expected a machine that stays the same"
    if found.is_noise:
        counts = f"{len(found.errors)} of {found.figures_count} figures are no noise"
        return f"cannot tell: {counts}; expected half of them, on a machine with nobody else at work"
    said = "accepted" if found.is_accepted else "not accepted"
    return (
        f"{said}: median error {100 * found.median:.1f} % (at most {100 * MEDIAN_ERROR_MAX:.0f} %), worst "
        f"{100 * found.worst:.1f} % (at most {100 * WORST_ERROR_MAX:.0f} %), of {len(found.errors)} figures"
    )


def case_text(case: Case) -> str:
    """What a lock was put to, such as: 2 threads, 1us exp / 200ns exp."""
    return f"{counted(case.threads, 'thread')}, {' / '.join(_setting_texts(case.setting))}"


def _setting_texts(setting: Setting) -> tuple[str, str]:
    """Think and hold in words."""
    kind = " exp" if setting.is_exponential else ""
    think, hold = (f"{format_duration(ns * 1000)}{kind}" for ns in (setting.think_ns, setting.hold_ns))
    return think, hold


def _line(case: Case) -> tuple[Cell, ...]:
    cells: list[Cell] = [case.lock, case.threads, *_setting_texts(case.setting)]
    for metric in METRICS:
        one = case.figures[metric]
        spread = one.real.spread if one.real.best else None
        cells += [one.real.best, one.simulated, one.ratio, spread]
    left_out = [f"{metric} {one.why_not}" for metric, one in case.figures.items() if one.why_not not in ("", NO_WAIT)]
    disturbed = [f"others had a CPU in {counted(case.disturbed, 'repetition')}"] if case.disturbed else []
    return (*cells, ", ".join([*left_out, *disturbed]))


def _drift_text(drift: Drift) -> str:
    text = (
        f"llc_transfer: {drift.profile:.3g} ns in the profile, {drift.before:.3g} ns right before, {drift.after:.3g} ns"
    )
    furthest = max(abs(now / drift.profile - 1) if drift.profile else math.inf for now in (drift.before, drift.after))
    moved = "; the machine is not as the profile has it, or drifts" if furthest > MEDIAN_ERROR_MAX else ""
    return f"{text} right after{moved}"


def _notes(found: Agreement) -> list[str]:
    reasons = {one.why_not for case in found.cases for one in case.figures.values()}
    worst = [
        f"{case.lock}, {case_text(case)}, {metric}: error {100 * one.error:.0f} %"
        for case in found.cases
        for metric, one in case.figures.items()
        if not one.why_not and one.error > WORST_ERROR_MAX
    ]
    beyond = [f"beyond {100 * WORST_ERROR_MAX:.0f} %: {text}" for text in worst]
    adjusted = (
        "bit: simulated with a system call more in context_switch and wakeup, which the real one needs to sleep and to "
        "wake, and without switching interrupts off, which its wait queue does not"
    )
    how = (
        "error: how far the ratio is from 1; of the share that waits, how far the shares are apart, and so is its noise"
    )
    drift = [] if found.drift is None else [_drift_text(found.drift)]
    return [
        how,
        *drift,
        *(text for reason, text in NOTE_OF.items() if reason in reasons),
        adjusted,
        *beyond,
        verdict(found),
    ]
