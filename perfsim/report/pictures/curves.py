"""Latencies whole: the histograms of a design's runs at a point, summed up, as values at falling tails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perfsim.stats.tails import Cells, tail_values
from perfsim.sweep.outcome import read_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.report.pictures.material import Material
    from perfsim.stats.ratios import Floats, Ints

TAILS_FINE = tuple(sorted({0.5, *(float(f"{10 ** (-step / 8):.4g}") for step in range(49))}, reverse=True))
"""Eight shares a decade of those that take longer, from all to one in a million."""

TAILS_COARSE = (1.0, 0.5, 0.2, 0.1, 0.02, 0.01, 1e-3, 1e-4)

FINE_MAX = 1000
"""So many series of points have fine curves: of more a page would be too large."""


def tails_for(material: Material) -> tuple[float, ...]:
    """The shares at which curves are known."""
    curves_count = len(material.series) * len(material.matched.points)
    return TAILS_FINE if curves_count <= FINE_MAX else TAILS_COARSE


def curves(material: Material, columns: Sequence[str]) -> dict[str, Floats]:
    """Of each histogram column that is stored, the values in ns. [series, point, tail], NaN where there is none."""
    tails = tails_for(material)
    series_count, points_count = len(material.series), len(material.matched.points)
    shape = (series_count, points_count, len(tails))
    found: dict[str, Floats] = {}
    for name in dict.fromkeys(series.results for series in material.series):
        table = _runs(name, columns)
        owners = _owners(table, material, name)
        for column in (column for column in columns if column in table.column_names):
            own = tail_values(_cells(table[column], owners), series_count * points_count, tails).reshape(shape)
            former = found.get(column, own)
            found[column] = np.where(np.isnan(own), former, own)
    return found


def _runs(name: str, columns: Sequence[str]) -> pa.Table:
    """Every run once: one that waits in runs.parts may be in runs.parquet too."""
    tables = read_tables(name, columns)
    if not tables:
        return pa.table({"run_id": pa.array([], pa.string())})
    table = pa.concat_tables(tables, promote_options="permissive")
    _, first = np.unique(table["run_id"].to_numpy(zero_copy_only=False).astype(str), return_index=True)
    return table.take(pa.array(np.sort(first))) if len(first) < len(table) else table


def _owners(table: pa.Table, material: Material, name: str) -> Ints:
    """The number of each run's series and point: of all points, series after series; -1 of what is not shown."""
    matched = material.matched
    numbers = {point: number for number, point in enumerate(matched.points)}
    firsts = {
        series.design: number * len(numbers) for number, series in enumerate(material.series) if series.results == name
    }
    if "design" not in table.column_names:
        return np.empty(0, dtype=np.int64)
    designs = table["design"].to_pylist()
    points = list(zip(*(table[axis].to_pylist() for axis in matched.axes), strict=True)) or [()] * len(designs)
    owners = [
        firsts[design] + numbers[point] if design in firsts and point in numbers else -1
        for design, point in zip(designs, points, strict=True)
    ]
    return np.array(owners, dtype=np.int64)


def _cells(column: pa.ChunkedArray, owners: Ints) -> Cells:
    """The cells of all runs, those of one owner and one upper end added up.

    As a sparse matrix: of 50,000 runs that takes 0.4 s, Arrow's group_by 1.3 s.
    """
    from scipy.sparse import coo_array

    lists = column.combine_chunks()
    cells = lists.flatten()
    owner = np.repeat(owners, lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    encoded = cells.field("upper_ns").dictionary_encode()
    uppers = encoded.dictionary.to_numpy()
    order = np.argsort(uppers)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    is_shown = owner >= 0
    places = (owner[is_shown], rank[encoded.indices.to_numpy()][is_shown])
    counts = cells.field("count").to_numpy()[is_shown]
    shape = (int(owners.max(initial=0)) + 1, max(1, len(uppers)))
    summed = coo_array((counts, places), shape=shape).tocsr()
    summed.sort_indices()
    owner = np.repeat(np.arange(shape[0]), np.diff(summed.indptr))
    return Cells(owner, uppers[order][summed.indices] if len(uppers) else np.empty(0), summed.data)
