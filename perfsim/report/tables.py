"""What `run` and `sweep` answer: designs side by side, and per point old, new, and new/old with its interval."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.kernel.designs import load_design
from perfsim.measure.columns import COLUMNS
from perfsim.report.axes import axis_heads
from perfsim.report.render import FORMATS, STAR, Cell, Head, Interval, Kind, Short, Table, render
from perfsim.report.steadiness import mark, mark_heads, mark_notes, run_notes, warm_up_text
from perfsim.scenario.schema import place
from perfsim.stats.paired import Ratio, paired_ratio
from perfsim.sweep.precision import Reached, asked, lacks, ratio_of, reached
from perfsim.units import format_count, format_duration, format_percentage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from perfsim.scenario.schema import Scenario, SweepSpec

__all__ = ["FORMATS", "Table", "render", "run_table", "sweep_table"]

Row = dict[str, Any]
Line = tuple[Cell, ...]

RUN_METRICS = (
    "reclaim_scanned_per_s",
    "reclaim_freed_per_s",
    "putback_per_s",
    "mlock_pages_per_s",
    "munlock_pages_per_s",
    "faults_per_s",
    "migrated_per_s",
    "putback_latency_p50_ns",
    "putback_latency_p99_ns",
    "lru_lock_utilization",
    "lru_lock_wait_latency_mean_ns",
    "page_lock_utilization",
    "page_lock_wait_latency_mean_ns",
    "page_lock_sleeps",
    "page_lock_steals",
    "redo_retries",
    "cpu_user_fraction",
    "cpu_kernel_fraction",
    "cpu_spin_fraction",
    "cpu_switch_fraction",
    "cpu_idle_fraction",
    "stranded_pages",
    "invariant_violations",
)


class Compared(NamedTuple):
    """How designs are compared by a metric. resolution: relative difference that its way of measuring can make up.

    higher, lower: what the new design is when its figure is.
    """

    higher: str
    lower: str
    resolution: float


CELL = 1 / 64
"""The width of a histogram's cell, to which percentiles are known."""

COMPARED = {
    "reclaim_scanned_per_s": Compared("better", "worse", resolution=0),
    "putback_latency_p99_ns": Compared("worse", "better", resolution=CELL),
}
"""What a sweep compares designs by."""

ALONE_METRICS = (
    *COMPARED,
    "lru_lock_acquisitions",
    "lru_lock_utilization",
    "lru_lock_wait_latency_mean_ns",
    "page_lock_acquisitions",
    "page_lock_utilization",
    "page_lock_wait_latency_mean_ns",
)
"""What a sweep of one design shows: of these, whatever is not zero everywhere."""

SHORT_SHOWN_MAX = 10

_UNITS = {column.name: column.unit for column in COLUMNS}


class _Sweep(NamedTuple):
    """The rows of a sweep: [point][design][replication]. designs: the old one first; axes: dotted paths.

    metrics: what designs are compared by. asked: the sweep as the workload has it. reached: by point and new design.
    """

    cells: dict[int, dict[str, dict[int, Row]]]
    designs: tuple[str, ...]
    axes: tuple[str, ...]
    metrics: dict[str, Compared]
    asked: SweepSpec
    reached: dict[tuple[int, str], Reached]


def run_table(rows: Sequence[Row], half_widths: Sequence[Mapping[str, float]] = ()) -> Table:
    """The designs of one scenario side by side, with the ratio of each to the first.

    rows: one a design, at least one, all of one scenario and seed. There is no ratio with a zero or a missing value.
    half_widths: of each row those of its figures whose interval is known from the run alone, relative to the figure.
    """
    old, *news = rows
    surely = half_widths if any(half_widths) else ()
    heads = [Head("metric", "metric"), Head("unit", "unit")]
    for row in rows:
        heads += _design_heads(row["design"], old["design"], is_one_of_many=len(news) > 1, has_width=bool(surely))
    lines: list[Line] = []
    for metric in RUN_METRICS:
        cells: list[Cell] = [metric, _UNITS[metric]]
        for number, row in enumerate(rows):
            cells += [row[metric], *(one.get(metric) for one in surely[number : number + 1])]
            if row is not old:
                ratio = paired_ratio([row[metric]], [old[metric]])
                cells.append(ratio.estimate if ratio else None)
        lines.append(tuple(cells))
    caption = (
        f"{old['profile']}, {_counted(old['cpus'], 'CPU')}, {_counted(old['nodes'], 'node')}, seed {old['seed']}, "
        f"{format_duration(round(old['simulated_ns'] * 1000))} simulated after {warm_up_text(rows)} of warm-up"
    )
    notes = (*(_NOTE_WIDTH if surely else ()), *dropped_lock(rows), *run_notes(rows), *correctness(rows))
    return Table("metrics", caption, tuple(heads), tuple(lines), notes)


_NOTE_WIDTH = ("+-: half the 95 % interval, by batch means of this one run; replications say more, see sweep",)


def _design_heads(design: str, old: str, *, is_one_of_many: bool, has_width: bool) -> list[Head]:
    """The heads of a design's value and of its ratio to the old one's; of many, under its name, to keep lines short."""
    key, is_old = f"{design}/{old}", design == old
    group = design if is_one_of_many and not is_old else ""
    heads = [Head(design, "value" if group else design, group)]
    if has_width:
        heads.append(Head(f"{design}_half_width", "+-", group, Kind.PERCENTAGE))
    if not is_old:
        heads.append(Head(key, f"/{old}" if group else key, group, Kind.RATIO))
    return heads


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
    return _Sweep(dict(sorted(cells.items())), designs, axes, _metrics(scenario), scenario.sweep, found)


def _metrics(scenario: Scenario) -> dict[str, Compared]:
    """What designs are compared by: the usual, and what the precision is asked of."""
    precision = scenario.sweep.precision
    if precision is None or precision.metric in COMPARED:
        return COMPARED
    resolution = CELL if "_latency_p" in precision.metric else 0.0
    return COMPARED | {precision.metric: Compared("higher", "lower", resolution)}


def _axis_heads(sweep: _Sweep) -> list[Head]:
    return axis_heads(sweep.axes)


def _axis_values(sweep: _Sweep, point: int) -> list[Cell]:
    row = next(iter(next(iter(sweep.cells[point].values())).values()))
    return [row[path] for path in sweep.axes]


def _compared(sweep: _Sweep) -> tuple[tuple[Head, ...], tuple[Line, ...]]:
    heads, asked_for = _axis_heads(sweep), _asked_metric(sweep)
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
    heads = [*_axis_heads(sweep), *(Head(metric, metric) for metric in metrics)]
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
        return f"{scenario.name}: {_counted(points, 'point')}, {asked(sweep)}, seed {sweep.seed}"
    replications = sweep.replications
    runs = points * len(scenario.kernel.designs) * replications
    wanted = f"{_counted(points, 'point')}, {_counted(replications, 'replication')}, seed {sweep.seed}"
    missing = f"; incomplete: {format_count(len(rows))} of {_counted(runs, 'run')}" if len(rows) < runs else ""
    return f"{scenario.name}: {wanted}{missing}"


def _counted(count: int, noun: str) -> str:
    return f"{format_count(count)} {noun}" if count == 1 else f"{format_count(count)} {noun}s"


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
    first = f"precision: {format_count(known_count)} of {_counted(len(sweep.reached), 'ratio')} of {precision.metric} "
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
    counts = Counter(_judged(ratio, sweep.metrics[metric]) for ratio in ratios)
    said = ", ".join(f"{judged} at {format_count(counts[judged])}" for judged in _JUDGEMENTS if counts[judged])
    logs = [math.log(ratio.estimate) for ratio in ratios if ratio]
    overall = f"; geometric mean of its ratios {math.exp(math.fsum(logs) / len(logs)):.3f}" if logs else ""
    return f"{metric}: {design} is {said or 'compared at 0'} of {_counted(len(ratios), 'point')}{overall}"


_UNDECIDED, _NO_INTERVAL, _NO_RATIO = _OPEN = (
    "not told apart",
    "without an interval (it takes 2 replications)",
    "without a ratio",
)
_JUDGEMENTS = ("better", "worse", "higher", "lower", *_OPEN)


def _judged(ratio: Ratio | None, compared: Compared) -> str:
    if ratio is None:
        return _NO_RATIO
    if ratio.low is None or ratio.high is None:
        return _NO_INTERVAL
    limit = 1 + compared.resolution
    if ratio.low > limit:
        return compared.higher
    if ratio.high < 1 / limit:
        return compared.lower
    return _UNDECIDED


def dropped_lock(rows: Iterable[Row]) -> list[str]:
    """What to say of mlock figures that compare the rework as posted with any design but its successor."""
    lockers = {row["design"] for row in rows if row["mlock_call_latency_count"]}
    if "redo" not in lockers or len(lockers) == 1 or "redo_merged" in lockers:
        return []
    return [
        "redo: its mlock() takes no page lock, which was judged wrong within days: see mlock figures of redo_merged"
    ]


def correctness(rows: Iterable[Row]) -> list[str]:
    """One line a design of which something went wrong: violations by name, stranded pages, defects, memory out."""
    wrong: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for one in row["violated_checks"]:
            wrong[row["design"]][f"violated {one['check']}"] += one["count"]
        wrong[row["design"]]["stranded pages"] += row["stranded_pages"]
        wrong[row["design"]]["out of memory"] += row["oom_kills"]
        for hit in row["defect_hits"]:
            wrong[row["design"]][f"known defect {hit['defect']}"] += hit["count"]
    return [
        f"{design}: " + ", ".join(f"{what} {format_count(count)}" for what, count in sorted((+counts).items()))
        for design, counts in wrong.items()
        if +counts
    ]
