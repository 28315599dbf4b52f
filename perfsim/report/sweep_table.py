"""What `sweep` answers: at each point old, new, and new/old with its interval."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.kernel.designs import load_design
from perfsim.report.axes import axis_heads
from perfsim.report.cautions import correctness
from perfsim.report.render import STAR, Cell, Head, Interval, Kind, Short, Table
from perfsim.report.steadiness import mark, mark_heads, mark_notes
from perfsim.scenario.schema import place
from perfsim.stats.metrics import USUAL, is_higher_faster, resolution
from perfsim.sweep.precision import Reached, asked, lacks, ratio_of, reached
from perfsim.units import counted, format_count, format_percentage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.scenario.schema import Scenario, SweepSpec
    from perfsim.stats.paired import Ratio

Row = dict[str, Any]
Line = tuple[Cell, ...]

ALONE_METRICS = (
    *USUAL,
    "lru_lock_acquisitions",
    "lru_lock_utilization",
    "lru_lock_wait_latency_mean_ns",
    "page_lock_acquisitions",
    "page_lock_utilization",
    "page_lock_wait_latency_mean_ns",
)
"""What a sweep of one design shows: of these, whatever is not zero everywhere."""

SHORT_SHOWN_MAX = 10


class _Sweep(NamedTuple):
    """The rows of a sweep: [point][design][replication]. designs: the old one first; axes: dotted paths.

    metrics: what designs are compared by. asked: the sweep as the workload has it. reached: by point and new design.
    """

    cells: dict[int, dict[str, dict[int, Row]]]
    designs: tuple[str, ...]
    axes: tuple[str, ...]
    metrics: tuple[str, ...]
    asked: SweepSpec
    reached: dict[tuple[int, str], Reached]


def sweep_table(rows: Sequence[Row], scenario: Scenario) -> Table:
    """Every point that has rows: means of the designs, and new/old with its interval over paired replications.

    rows: of this scenario's sweep, complete or not, in any order. Old is the first of kernel.designs; each other design
    is compared with it. Of a single design there is nothing to compare: its throughput and its locks are shown.
    """
    sweep = _grouped(rows, scenario)
    compares = len(sweep.designs) > 1
    heads, lines = _compared(sweep) if compares else _alone(sweep, rows)
    if marks := mark_heads(rows):
        heads = (*heads, *marks)
        lines = tuple((*line, mark(_rows_of(cell))) for line, cell in zip(lines, sweep.cells.values(), strict=True))
    notes = [*(_comparison_notes(sweep) if compares else _NOTE_ALONE), *mark_notes(rows), *correctness(rows)]
    return Table("points", _caption(rows, scenario), heads, lines, tuple(notes))


def _rows_of(cell: dict[str, dict[int, Row]]) -> list[Row]:
    return [row for of_design in cell.values() for row in of_design.values()]


def _grouped(rows: Sequence[Row], scenario: Scenario) -> _Sweep:
    cells: dict[int, dict[str, dict[int, Row]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        cells[row["point"]][row["design"]][row["replication"]] = row
    at = place(scenario, "kernel.designs")
    designs = tuple(load_design(design, at).name for design in scenario.kernel.designs)
    found = {(one.point, one.design): one for one in reached(rows, designs, scenario.sweep)}
    axes = tuple(axis.path for axis in scenario.sweep.axes)
    metrics = (*USUAL, scenario.sweep.precision.metric) if scenario.sweep.precision else USUAL
    return _Sweep(dict(sorted(cells.items())), designs, axes, tuple(dict.fromkeys(metrics)), scenario.sweep, found)


def _axis_values(sweep: _Sweep, point: int) -> list[Cell]:
    row = next(iter(next(iter(sweep.cells[point].values())).values()))
    return [row[path] for path in sweep.axes]


def _compared(sweep: _Sweep) -> tuple[tuple[Head, ...], tuple[Line, ...]]:
    heads, asked_for = axis_heads(sweep.axes), _asked_metric(sweep)
    if asked_for:
        heads.append(Head("replications", "replications", kind=Kind.EXACT))
    for metric in sweep.metrics:
        heads += _metric_heads(sweep, metric)
    lines: list[Line] = []
    for point, cell in sweep.cells.items():
        line = _axis_values(sweep, point)
        if asked_for:
            line.append(max(map(len, cell.values())))
        for metric in sweep.metrics:
            line += _metric_cells(sweep, point, metric)
        lines.append(tuple(line))
    return tuple(heads), tuple(lines)


def _asked_metric(sweep: _Sweep) -> str:
    """What is to be known as closely as asked; "" without a precision."""
    return sweep.asked.precision.metric if sweep.asked.precision else ""


def _metric_heads(sweep: _Sweep, metric: str) -> list[Head]:
    old, *news = sweep.designs
    heads = [Head(f"{metric}.{old}", old, metric)]
    for new in news:
        key = f"{metric}.{new}/{old}"
        heads += [Head(f"{metric}.{new}", new, metric), Head(key, "ratio", metric, Kind.RATIO)]
        heads.append(Head(key, "95 % interval", metric, Kind.INTERVAL))
        if metric == _asked_metric(sweep):
            heads.append(Head(f"{key}_half_width", "+-", metric, Kind.PERCENTAGE))
    return heads


def _metric_cells(sweep: _Sweep, point: int, metric: str) -> list[Cell]:
    old, *news = sweep.designs
    cells: list[Cell] = [_mean(sweep, point, old, metric)]
    for new in news:
        ratio = _ratio(sweep, point, new, metric)
        cells += [_mean(sweep, point, new, metric), ratio.estimate if ratio else None, _interval(ratio)]
        if metric == _asked_metric(sweep):
            cells.append(_half_width(sweep.reached[point, new]))
    return cells


def _half_width(one: Reached) -> float | None:
    return Short(one.half_width) if one.lack and one.half_width is not None else one.half_width


def _alone(sweep: _Sweep, rows: Sequence[Row]) -> tuple[tuple[Head, ...], tuple[Line, ...]]:
    metrics = [metric for metric in ALONE_METRICS if any(row[metric] for row in rows)]
    heads = [*axis_heads(sweep.axes), *(Head(metric, metric) for metric in metrics)]
    lines = [
        (*_axis_values(sweep, point), *(_mean(sweep, point, sweep.designs[0], metric) for metric in metrics))
        for point in sweep.cells
    ]
    return tuple(heads), tuple(lines)


def _mean(sweep: _Sweep, point: int, design: str, metric: str) -> float | None:
    """Mean over the replications that have a value."""
    values = [row[metric] for row in sweep.cells[point].get(design, {}).values() if row[metric] is not None]
    return math.fsum(values) / len(values) if values else None


def _ratio(sweep: _Sweep, point: int, design: str, metric: str) -> Ratio | None:
    """Design over old, in pairs of the replications that both have run."""
    new, old = (
        {number: row[metric] for number, row in sweep.cells[point].get(name, {}).items()}
        for name in (design, sweep.designs[0])
    )
    return ratio_of(new, old, sweep.asked)


def _interval(ratio: Ratio | None) -> Interval | None:
    return Interval(ratio.low, ratio.high) if ratio and ratio.low is not None and ratio.high is not None else None


def _caption(rows: Sequence[Row], scenario: Scenario) -> str:
    sweep = scenario.sweep
    points = math.prod(len(axis.values) for axis in sweep.axes)
    if sweep.precision is not None:
        return f"{scenario.name}: {counted(points, 'point')}, {asked(sweep)}, seed {sweep.seed}"
    replications = sweep.replications
    runs = points * len(scenario.kernel.designs) * replications
    wanted = f"{counted(points, 'point')}, {counted(replications, 'replication')}, seed {sweep.seed}"
    missing = f"; incomplete: {format_count(len(rows))} of {counted(runs, 'run')}" if len(rows) < runs else ""
    return f"{scenario.name}: {wanted}{missing}"


_NOTE_ALONE = ("Each figure is the mean over the replications.",)


def _comparison_notes(sweep: _Sweep) -> list[str]:
    """How to read the figures, then the verdict: one line a metric and a new design."""
    old, *news = sweep.designs
    ratios = f"{news[0]}/{old}" if len(news) == 1 else f"of the design to its left to {old}"
    how = "Student's t on log ratios"
    if sweep.asked.precision is not None:
        how += f" with the deviation of the first {sweep.asked.replications}"
    notes = [
        f"ratio: {ratios}, geometric mean over replications paired by their random numbers, with its 95 % interval "
        f"({how}; each point for itself). Other figures: mean over the replications. Percentiles "
        "are told apart only beyond 1/64, the width of a histogram's cell."
    ]
    verdicts = [_verdict(sweep, new, metric) for metric in sweep.metrics for new in news]
    return [*notes, *verdicts, *_precision_notes(sweep)]


def _precision_notes(sweep: _Sweep) -> list[str]:
    """How many ratios are known as closely as asked, then those that are not."""
    precision = sweep.asked.precision
    if precision is None:
        return []
    rows = (row for cell in sweep.cells.values() for row in _rows_of(cell))
    records = [{"point": row["point"]} | {path: row[path] for path in sweep.axes} for row in rows]
    short = lacks(sweep.reached.values(), records)
    known_count = len(sweep.reached) - len(short)
    limit = format_percentage(precision.relative_ppm)
    first = f"precision: {format_count(known_count)} of {counted(len(sweep.reached), 'ratio')} of {precision.metric} "
    wider = f"; {STAR}: wider than that" if short else ""
    lines = [f"short of {limit}: {name}: {lack}" for name, lack in list(short.items())[:SHORT_SHOWN_MAX]]
    if len(short) > SHORT_SHOWN_MAX:
        lines.append(
            f"short of {limit}: {format_count(len(short) - SHORT_SHOWN_MAX)} more, marked {STAR} in the column +-"
        )
    return [f"{first}known to {limit} (+-: half the interval, relative to the ratio{wider})", *lines]


def _verdict(sweep: _Sweep, design: str, metric: str) -> str:
    """At how many points the interval is on one side of 1, by more than the resolution; and the mean of all ratios."""
    ratios = [_ratio(sweep, point, design, metric) for point in sweep.cells]
    counts = Counter(_judged(ratio, metric) for ratio in ratios)
    said = ", ".join(f"{judged} at {format_count(counts[judged])}" for judged in _JUDGEMENTS if counts[judged])
    logs = [math.log(ratio.estimate) for ratio in ratios if ratio]
    overall = f"; geometric mean of its ratios {math.exp(math.fsum(logs) / len(logs)):.3f}" if logs else ""
    return f"{metric}: {design} is {said or 'compared at 0'} of {counted(len(ratios), 'point')}{overall}"


_UNDECIDED, _NO_INTERVAL, _NO_RATIO = _OPEN = (
    "not told apart",
    "without an interval (it takes 2 replications)",
    "without a ratio",
)
_JUDGEMENTS = ("better", "worse", "higher", "lower", *_OPEN)


def _judged(ratio: Ratio | None, metric: str) -> str:
    if ratio is None:
        return _NO_RATIO
    if ratio.low is None or ratio.high is None:
        return _NO_INTERVAL
    limit = math.exp(resolution(metric))
    if 1 / limit <= ratio.high and ratio.low <= limit:
        return _UNDECIDED
    is_higher, is_higher_better = ratio.low > limit, is_higher_faster(metric)
    if is_higher_better is None:
        return "higher" if is_higher else "lower"
    return "better" if is_higher == is_higher_better else "worse"
