"""What a report is made of: results, read and compared by every figure that has a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perfsim.report.comparison import Asked, checked_margin, matched_of
from perfsim.report.pictures.subjects import FIGURES, LATENCIES, LOCKS, SHARES
from perfsim.stats.comparison import columns_for, families
from perfsim.stats.matching import label_in, single
from perfsim.sweep.outcome import read_results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.stats.comparison import Family
    from perfsim.stats.matching import Matched, Results, Side
    from perfsim.stats.ratios import Floats


class Series(NamedTuple):
    """Runs that are drawn in one colour. results, design: where they come from."""

    side: Side
    results: str
    design: str


class Material(NamedTuple):
    """Results that are to be shown.

    series: old ones first. families: the comparisons of each figure, `metrics` first; none of a design by itself.
    metrics: by which the verdict is given. margin: the largest log ratio that counts as the same.
    """

    matched: Matched
    series: tuple[Series, ...]
    families: tuple[Family, ...]
    metrics: tuple[str, ...]
    margin: float


def gather(asked: Asked) -> Material:
    """Read results and compare them. Raises InputError for whatever is wrong with them or with what is asked."""
    margin = checked_margin(asked)
    found = [read_results(name, (), _welcome(asked.metrics)) for name in asked.names()]
    if asked.other is None and len(found[0].designs) == 1 and not (asked.base or asked.designs):
        matched, side = single(found[0])
        series = [Series(side, found[0].name, side.label)]
    else:
        matched = matched_of(asked, found)
        series = _series(matched, found)
    metrics = [metric for metric in dict.fromkeys([*asked.metrics, *FIGURES]) if _is_told(series, metric)]
    compared = [metric for metric in metrics if set(columns_for([metric])) <= _columns(series)]
    return Material(matched, tuple(series), families(matched, compared, margin), tuple(asked.metrics), margin)


def told_figures(material: Material, columns: Sequence[str]) -> list[str]:
    """Those of some columns of which there is a value other than 0."""
    return [column for column in columns if _is_told(material.series, column)]


def figures_of(series: Series, column: str) -> Floats:
    """A column of one series. [point, draw], NaN where there is no run."""
    side = series.side
    figures: Floats = np.where(side.has_run, side.values[column], np.nan)
    return figures


def _welcome(metrics: Sequence[str]) -> list[str]:
    shares = [column for share in SHARES for column in share.columns()]
    counts = [f"{latency}_latency_count" for latency in LATENCIES]
    locks = [f"{lock}_{what}" for lock in LOCKS for what in ("utilization", "wait_total_ns", "acquisitions")]
    return list(dict.fromkeys([*columns_for([*metrics, *FIGURES]), *shares, *counts, *locks]))


def _series(matched: Matched, found: Sequence[Results]) -> list[Series]:
    """The sides of all pairs, each once, the old ones first."""
    places = {
        design if len(found) == 1 else label_in(results, design): (results.name, design)
        for results in found
        for design in results.designs
    }
    olds = [old for _, old in matched.pairs]
    sides = {side.label: side for side in [*olds, *(new for new, _ in matched.pairs)]}
    return [Series(side, *places[label]) for label, side in sides.items()]


def _columns(series: Sequence[Series]) -> set[str]:
    """The columns that all series have: results of an older perfsim may lack some."""
    return set.intersection(*(set(one.side.values) for one in series))


def _is_told(series: Sequence[Series], column: str) -> bool:
    if column not in _columns(series):
        return False
    return any(bool((np.nan_to_num(figures_of(one, column)) != 0).any()) for one in series)
