"""What `calibrate` measured: every key with its figure, how it was had, or why it was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.calibrate.calibration import PASSES
from perfsim.calibrate.samples import Figure
from perfsim.machine.costs import COST_NAMES, PREFETCH_HIDDEN
from perfsim.report.render import Cell, Head, Kind, Table
from perfsim.units import PS_PER_NS, counted

if TYPE_CHECKING:
    from perfsim.calibrate.calibration import Calibration
    from perfsim.calibrate.findings import Finding

HEADS = (
    Head("key", "key"),
    Head("low_ns", "low", "ns"),
    Head("best_ns", "best", "ns"),
    Head("high_ns", "high", "ns"),
    Head("spread", "spread", kind=Kind.PERCENTAGE),
    Head("from", "from"),
    Head("how", "how, or why not"),
)


def calibration_table(done: Calibration) -> Table:
    """One line a cost of the profile, and below those what was measured for comparison."""
    here = done.bench.here
    keys = [key for index, key in enumerate(COST_NAMES) if index != PREFETCH_HIDDEN]
    rows = [_line(done, key) for key in keys]
    rows += [_compared(key, finding) for key, finding in done.findings.items() if key not in COST_NAMES]
    caption = f"{here.name}: {counted(len(here.cpus), 'CPU')} at {done.bench.clock_hz / 1e9:.2f} GHz"
    return Table("costs", caption, HEADS, tuple(rows), tuple(_notes(done)))


def _line(done: Calibration, key: str) -> tuple[Cell, ...]:
    """The range that the profile has; beside it what was measured, if that is no figure."""
    kept = done.result.ranges[key]
    finding = done.findings.get(key)
    figures = [ps / PS_PER_NS for ps in kept[:3]]
    if finding is not None and finding.figure is not None:
        return (key, *figures, finding.figure.spread, "measured", _joined(finding.how, finding.figure.note))
    if finding is None:
        return (key, *figures, None, done.base.name, "cannot be measured in user mode")
    return (key, *figures, None, done.base.name, _why(finding))


def _why(finding: Finding) -> str:
    assert not isinstance(finding.answer, Figure)
    kind, why, figure = finding.answer
    if figure is None:
        return f"{kind}: {why}"
    came_out = f"[{figure.low:,.4g}, {figure.best:,.4g}, {figure.high:,.4g}] ns"
    return f"{kind}: {why}; {came_out} by {finding.how}"


def _compared(key: str, finding: Finding) -> tuple[Cell, ...]:
    if finding.figure is None:
        return (key, None, None, None, None, "-", _why(finding))
    figure = finding.figure
    return (key, figure.low, figure.best, figure.high, figure.spread, "measured", _joined(finding.how, figure.note))


def _joined(how: str, note: str) -> str:
    return f"{how}; {note}" if note else how


def _notes(done: Calibration) -> list[str]:
    here = done.bench.here
    measured = [key for key in COST_NAMES if (one := done.findings.get(key)) is not None and one.figure is not None]
    notes = [
        f"{len(measured)} of {len(COST_NAMES)} costs are measured; all else is from {done.base.name}",
        f"low, best, high: minimum, median and 90th percentile in the middle of {PASSES} passes at most, and as wide "
        "as the medians are apart; spread: (high - low) / best",
    ]
    if here.left_out:
        notes.append(here.left_out)
    if len(here.cpus) == 1:
        notes.append("one CPU: nothing between CPUs can be measured")
    return [*notes, *done.result.gave_way]
