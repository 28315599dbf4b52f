"""The figures of every picture, rounded, as plain lists: what the page carries, and what the static pictures draw.

A table has figures of series, or of pairs of them, at points; each figure is one list, all points of the first series,
then of the next. What there is no value of is None.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perfsim.report.axes import axis_heads
from perfsim.report.pictures.curves import curves, tails_for
from perfsim.report.pictures.influence import read_influence
from perfsim.report.pictures.material import figures_of, told_figures
from perfsim.report.pictures.subjects import FIGURES, LATENCIES, LOCKS, SHARE, SHARES, TIME, Subject, subject
from perfsim.report.spent import WORDS
from perfsim.report.verdicts import turn_lines, turn_text, verdict_text
from perfsim.stats import ratios
from perfsim.stats.comparison import SHOWN, means
from perfsim.stats.lines import lines
from perfsim.stats.metrics import is_higher_faster
from perfsim.stats.spent import means_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfsim.report.pictures.material import Material
    from perfsim.scenario.schema import AxisColumn
    from perfsim.stats.comparison import Family
    from perfsim.stats.ratios import Floats
    from perfsim.stats.spent import Share

Facts = dict[str, Any]

DIGITS = 4
LEAST_NS = 0.2
"""A time below is that of the histogram's lowest cell: none at all."""


def facts_of(material: Material) -> Facts:
    """Everything that is drawn."""
    matched = material.matched
    axes = _axes(material)
    return {
        "name": matched.name,
        "axes": axes,
        "points": _points(material, axes),
        "series": [series.side.label for series in material.series],
        "pairs": [[new.label, old.label] for new, old in matched.pairs],
        "tables": {
            "figures": _figures(material),
            "ratios": _ratios(material),
            "curves": _curves(material),
            "spent": _spent(material),
            "utilization": _locks(material, "utilization"),
            "waits": _locks(material, "waits"),
            "influence": read_influence(Path(material.series[-1].results)),
        },
        "turns": _turns(material),
    }


def _axes(material: Material) -> list[Facts]:
    """Each axis with its values in order. scale: "log" or "linear" of numbers, None of words."""
    matched = material.matched
    numeric = {line.axis for line in lines(matched.axes, matched.points)}
    axes = []
    for column, head in enumerate(axis_heads(matched.axes)):
        values = list(dict.fromkeys(_without_point(point[column]) for point in matched.points))
        is_number = head.key in numeric and not any(isinstance(value, str) for value in values)
        if is_number:
            values.sort()
        axes.append({"text": head.text, "values": values, "scale": _scale(values) if is_number else None})
    return axes


def _without_point(value: AxisColumn) -> AxisColumn:
    """A whole number as both Python and JavaScript write it: 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _scale(values: Sequence[Any]) -> str:
    """Logarithms for what grows by factors."""
    return "log" if values[0] > 0 and values[-1] >= 8 * values[0] else "linear"


def _points(material: Material, axes: Sequence[Facts]) -> list[list[int]]:
    """Of each point, the number of its value on each axis."""
    numbers = [{value: number for number, value in enumerate(axis["values"])} for axis in axes]
    return [[of[value] for of, value in zip(numbers, point, strict=True)] for point in material.matched.points]


def _table(choices: Iterable[Subject], values: dict[str, dict[str, list[Any]]], **more: Any) -> Facts:
    """Figures to choose. values: by choice and figure."""
    listed = [one._asdict() for one in choices if one.key in values]
    return {"choices": listed, "values": values, **more}


def _figures(material: Material) -> Facts:
    """Means over the runs, with their intervals."""
    metrics = list(dict.fromkeys([*material.metrics, *(family.metric for family in material.families), *FIGURES]))
    values = {metric: _means(material, metric) for metric in told_figures(material, metrics)}
    return _table(map(subject, metrics), values)


def _means(material: Material, column: str) -> dict[str, list[Any]]:
    return _with_intervals([figures_of(series, column) for series in material.series], material.matched.first_draws)


def _with_intervals(by_series: Sequence[Floats], first_draws: int | None) -> dict[str, list[Any]]:
    """The mean of each point's runs, with its 95 % interval by Student's t."""
    of = [ratios.summed_up(figures, first_draws) for figures in by_series]
    half = [ratios.margins(one) for one in of]
    pairs = list(zip(of, half, strict=True))
    return {
        "y": _rounded(np.concatenate([one.mean for one in of])),
        "low": _rounded(np.concatenate([one.mean - width for one, width in pairs])),
        "high": _rounded(np.concatenate([one.mean + width for one, width in pairs])),
    }


def _ratios(material: Material) -> Facts:
    """Ratios of pairs with their verdicts, which are numbers of words."""
    by_metric: dict[str, list[Family]] = {}
    for family in material.families:
        by_metric.setdefault(family.metric, []).append(family)
    values = {}
    words: dict[str, int] = {}
    for metric, of in by_metric.items():
        told = [verdict_text(one, point) for one in of for point in range(len(one.verdicts))]
        values[metric] = {
            "y": _rounded(np.concatenate([one.ratio for one in of])),
            "low": _rounded(np.concatenate([one.low for one in of])),
            "high": _rounded(np.concatenate([one.high for one in of])),
            "is_shown": [int(verdict in SHOWN) for one in of for verdict in one.verdicts],
            "verdict": [words.setdefault(text, len(words)) for text in told],
        }
    directions = {metric: is_higher_faster(metric) for metric in by_metric}
    return _table(map(subject, by_metric), values, words=list(words), is_higher_faster=directions)


def _turns(material: Material) -> Facts:
    """Of each metric the turns of its verdicts, and what is said of them."""
    matched = material.matched
    found: Facts = {}
    for number, family in enumerate(material.families):
        pair = number % len(matched.pairs)
        own = found.setdefault(family.metric, {"lines": [], "turns": []})
        own["lines"] += [_of_pair(line, family, len(matched.pairs)) for line in turn_lines(matched, family)]
        for turn in family.turns:
            places = [None if place is None else float(f"{place:.4g}") for place in turn.place]
            own["turns"].append(
                {
                    "pair": pair,
                    "axis": matched.axes.index(turn.axis),
                    "point": turn.point,
                    "place": places,
                    "verdict": turn_text(matched, family, turn),
                }
            )
    return found


def _of_pair(line: str, family: Family, pairs_count: int) -> str:
    """A line about turns, with whose it is if it does not say so."""
    return line if pairs_count == 1 or line.startswith(family.new) else f"{family.new}: {line}"


def _curves(material: Material) -> Facts:
    """Values in ns at shares of those that take longer."""
    columns = {f"{latency}_latency_hist": Subject(latency, text, TIME) for latency, text in LATENCIES.items()}
    values = {}
    for column, found in curves(material, list(columns)).items():
        known = np.where(found < LEAST_NS, np.nan, found)
        if not np.isnan(known).all():
            values[columns[column].key] = {
                "curve": [_rounded(curve, 3) for curve in known.reshape(-1, known.shape[-1])]
            }
    return _table(columns.values(), values, tails=list(tails_for(material)))


def _spent(material: Material) -> Facts:
    """Where the time goes, by kind, in ns."""
    values = {}
    for share in SHARES:
        if len(told_figures(material, share.columns())) and _is_known(material, share):
            per_side = [_means_of(material, number, share) for number in range(len(material.series))]
            parts = [part for part in WORDS if any(np.nansum(one[part]) > 0 for one in per_side)]
            if parts:
                values[share.path] = {
                    WORDS[part]: _rounded(np.concatenate([one[part] for one in per_side])) for part in parts
                }
    return _table([Subject(share.path, share.per, TIME) for share in SHARES], values)


def _is_known(material: Material, share: Share) -> bool:
    return all(column in series.side.values for series in material.series for column in share.columns())


def _means_of(material: Material, number: int, share: Share) -> dict[str, Floats]:
    """Mean times of one series at each point, over the runs that have a share."""
    series = material.series[number]
    sums = {column: figures_of(series, column) for column in share.columns()}
    sums[share.among] = np.where(sums[share.among] > 0, sums[share.among], np.nan)
    return {part: means(figures) for part, figures in means_ns(share, sums).items()}


def _locks(material: Material, what: str) -> Facts:
    """The share of time that locks are held, or the mean wait for each time they are taken."""
    values = {}
    for lock in LOCKS:
        needed = [f"{lock}_{figure}" for figure in ("acquisitions", "utilization", "wait_total_ns")]
        if len(told_figures(material, needed)) < len(needed):
            continue
        if what == "utilization":
            values[lock] = _means(material, f"{lock}_utilization")
        else:
            values[lock] = _mean_waits(material, lock)
    tell, unit = (" utilisation", SHARE) if what == "utilization" else (", mean wait", TIME)
    return _table([Subject(lock, f"{text}{tell}", unit) for lock, text in LOCKS.items()], values)


def _mean_waits(material: Material, lock: str) -> dict[str, list[Any]]:
    taken = [figures_of(series, f"{lock}_acquisitions") for series in material.series]
    totals = [figures_of(series, f"{lock}_wait_total_ns") for series in material.series]
    waits = [total / np.where(count > 0, count, np.nan) for total, count in zip(totals, taken, strict=True)]
    return _with_intervals(waits, material.matched.first_draws)


def _rounded(values: Floats, digits: int = DIGITS) -> list[Any]:
    """Figures to so many digits; whole ones without a point, which makes a page smaller."""
    known = np.where(np.isfinite(values) & (values != 0), values, 1.0)
    places = digits - 1 - np.floor(np.log10(np.abs(known))).astype(np.int64)
    above, below = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
    rounded = np.where(np.isfinite(values), np.rint(values * above / below) / above * below, np.nan)
    return [None if value != value else int(value) if value.is_integer() else value for value in rounded.tolist()]
