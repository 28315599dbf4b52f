"""What `run` answers: the designs of one scenario side by side, with the ratio of each to the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfsim.measure.columns import COLUMNS
from perfsim.report.cautions import correctness, dropped_lock
from perfsim.report.render import Cell, Head, Kind, Table
from perfsim.report.steadiness import run_notes, warm_up_text
from perfsim.stats.paired import paired_ratio
from perfsim.units import counted, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]

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

_UNITS = {column.name: column.unit for column in COLUMNS}
_NOTE_WIDTH = ("+-: half the 95 % interval, by batch means of this one run; replications say more, see sweep",)


def run_table(rows: Sequence[Row], half_widths: Sequence[Mapping[str, float]] = ()) -> Table:
    """The designs of one scenario side by side, with the ratio of each to the first.

    rows: one a design, at least one, all of one scenario and seed. There is no ratio with a zero or a missing value.
    half_widths: of each row those of its figures whose interval is known from the run alone, relative to the figure.
    """
    old, *news = rows
    known_widths = half_widths if any(half_widths) else ()
    heads = [Head("metric", "metric"), Head("unit", "unit")]
    for row in rows:
        heads += _design_heads(row["design"], old["design"], is_one_of_many=len(news) > 1, has_width=bool(known_widths))
    lines: list[tuple[Cell, ...]] = []
    for metric in RUN_METRICS:
        cells: list[Cell] = [metric, _UNITS[metric]]
        for number, row in enumerate(rows):
            cells += [row[metric], *(one.get(metric) for one in known_widths[number : number + 1])]
            if row is not old:
                ratio = paired_ratio([row[metric]], [old[metric]])
                cells.append(ratio.estimate if ratio else None)
        lines.append(tuple(cells))
    caption = (
        f"{old['profile']}, {counted(old['cpus'], 'CPU')}, {counted(old['nodes'], 'node')}, seed {old['seed']}, "
        f"{format_duration(round(old['simulated_ns'] * 1000))} simulated after {warm_up_text(rows)} of warm-up"
    )
    notes = (*(_NOTE_WIDTH if known_widths else ()), *dropped_lock(rows), *run_notes(rows), *correctness(rows))
    return Table("metrics", caption, tuple(heads), tuple(lines), notes)


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
