"""What a sweep has left, read as arrays: figures by point, design and draw of random numbers.

A sweep that is not finished is used as far as it is: rows that wait in runs.parts count too. A baseline that was made
of a sweep is read as the sweep would be.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perfsim.errors import InputError
from perfsim.measure.columns import COLUMNS
from perfsim.stats.matching import VIOLATIONS, Results, positions
from perfsim.store.baseline import IDENTITY, Baseline, is_baseline, read_baseline
from perfsim.store.manifest import Manifest, read_manifest
from perfsim.store.parquet import column_names, read_columns
from perfsim.store.parts import read_parts
from perfsim.sweep.directory import MANIFEST, PARTS, RUNS

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from numpy.typing import NDArray

_IDENTITY = ("run_id", "point", "design", "seed", "replication")
_OURS = {column.name for column in COLUMNS}
_EXPECTED = "expected results that perfsim sweep wrote"


def read_results(name: str, wanted: Sequence[str], welcome: Sequence[str] = ()) -> Results:
    """Read a directory of results, a file of runs, or a baseline, with the columns that are wanted of it.

    welcome: further columns, which results of an older perfsim may lack.

    Raises InputError, in one line, for what is missing, damaged, foreign, of a newer form, empty, or has other columns.
    """
    if is_baseline(_path(name)):
        return _of_baseline(name, Path(name), (VIOLATIONS, *wanted), welcome)
    return _arranged(name, *_opened(name, tuple(dict.fromkeys((VIOLATIONS, *wanted))), welcome))


def read_tables(name: str, welcome: Sequence[str]) -> list[pa.Table]:
    """The runs of a directory or a file of results as they are stored, with those columns of `welcome` that all have.

    Each table has the columns that say which run it is, too. None of a baseline, which keeps figures alone. Raises
    InputError as `read_results` does.
    """
    if is_baseline(_path(name)):
        return []
    tables, manifest = _opened(name, (), welcome)
    return [_without_strangers(table, manifest) for table in tables]


def _path(name: str) -> Path:
    if not name:
        raise InputError("RESULTS", f"is empty; {_EXPECTED}")
    return Path(name)


def _opened(name: str, wanted: Sequence[str], welcome: Sequence[str]) -> tuple[list[pa.Table], Manifest | None]:
    """The columns of every file of runs, and the manifest if there is one."""
    path = Path(name)
    if not path.is_dir():
        wanted = _with_those_there(wanted, welcome, [column_names(path)])
        return [_finished(path, wanted)], _manifest(path.parent) if path.name == RUNS else None
    waiting = read_parts(path / PARTS).rows
    finished = [column_names(path / RUNS)] if (path / RUNS).exists() else []
    wanted = _with_those_there(wanted, welcome, [*finished, *waiting])
    tables = [_finished(path / RUNS, wanted)] if (path / RUNS).exists() else []
    if waiting:
        tables.append(_unfinished(path / PARTS, waiting, wanted))
    if not tables:
        raise InputError(name, f"no results in it, neither {RUNS} nor {PARTS}; {_EXPECTED}")
    return tables, _manifest(path)


def _of_baseline(name: str, path: Path, wanted: Sequence[str], welcome: Sequence[str]) -> Results:
    baseline = read_baseline(path)
    wanted = _with_those_there(wanted, welcome, [baseline.figures])
    if not _OURS.isdisjoint(baseline.axes):
        raise InputError(name, f"damaged: a column of every run is no axis; {_EXPECTED}")
    for column in wanted:
        if column not in baseline.figures:
            kept = ", ".join(figure for figure in baseline.figures if figure != VIOLATIONS)
            raise InputError(
                name, f'there is no "{column}" in the baseline, only {kept}; expected it, or an updated one'
            )
    if not baseline.runs:
        raise InputError(name, f"no run in it; {_EXPECTED}")
    try:
        table = _table(baseline, wanted)
    except pa.ArrowException as error:
        raise InputError(name, f"damaged: an axis has values of several types; {_EXPECTED}") from error
    return _arranged(name, [table], None)._replace(first_draws=baseline.first_draws)


def _table(baseline: Baseline, wanted: Sequence[str]) -> pa.Table:
    """A baseline as a file of runs would be read. Points are numbered as they come."""
    names = (*IDENTITY, *baseline.axes, *baseline.figures)
    values = dict(zip(names, zip(*baseline.runs, strict=True), strict=True))
    points = list(zip(*(values[axis] for axis in baseline.axes), strict=True)) or [()] * len(baseline.runs)
    numbers = {point: number for number, point in enumerate(dict.fromkeys(points))}
    columns = {name: pa.array(values[name]) for name in (*IDENTITY, *baseline.axes)}
    columns["point"] = pa.array([numbers[point] for point in points])
    for name in wanted:
        columns[name] = pa.array([None if value is None else float(value) for value in values[name]], pa.float64())
    return pa.table(columns, metadata={"workload_name": baseline.workload})


def _manifest(directory: Path) -> Manifest | None:
    return read_manifest(directory / MANIFEST) if (directory / MANIFEST).exists() else None


def _with_those_there(
    wanted: Sequence[str], welcome: Sequence[str], all_names: Sequence[Container[str]]
) -> tuple[str, ...]:
    """What is wanted, and of what is welcome besides what is everywhere."""
    return tuple(dict.fromkeys([*wanted, *(one for one in welcome if all(one in names for names in all_names))]))


def _finished(path: Path, wanted: Sequence[str]) -> pa.Table:
    """The wanted columns of runs.parquet, with those that say which run it is."""
    there = column_names(path)
    _check_columns(path, there, wanted)
    return read_columns(path, (*_IDENTITY, *wanted, *_axes(there)))


def _unfinished(path: Path, rows: Sequence[dict[str, Any]], wanted: Sequence[str]) -> pa.Table:
    """The same of runs.parts."""
    axes = _axes(rows[0])
    for row in rows:
        _check_columns(path, row, (*wanted, *axes))
    columns = {name: [row[name] for row in rows] for name in (*_IDENTITY, *wanted, *axes)}
    for axis in axes:  # one of numbers and texts is text, as in runs.parquet
        if any(isinstance(value, str) for value in columns[axis]):
            columns[axis] = list(map(str, columns[axis]))
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def _axes(names: Sequence[str] | dict[str, Any]) -> tuple[str, ...]:
    """A column that is none of a run's own is an axis of the sweep."""
    return tuple(name for name in names if name not in _OURS)


def _check_columns(path: Path, there: Sequence[str] | dict[str, Any], needed: Sequence[str]) -> None:
    for name in (*_IDENTITY, *needed):
        if name not in there:
            raise InputError(str(path), f'there is no column "{name}"; {_EXPECTED}, of this version')


def _arranged(name: str, tables: Sequence[pa.Table], manifest: Manifest | None) -> Results:
    """The rows of all tables, each put where it belongs; a run that is in two of them is the same in both."""
    tables = [own for table in tables if len(own := _without_strangers(table, manifest))]
    if not tables:
        raise InputError(name, f"no run in it; {_EXPECTED}")
    if len({frozenset(table.column_names) for table in tables}) > 1:
        raise InputError(name, f"{RUNS} and {PARTS} have other axes; {_EXPECTED}, with its {MANIFEST}")
    columns = {column: np.concatenate([_array(table, column) for table in tables]) for column in tables[0].column_names}
    _, first_rows, point_of = np.unique(columns["point"], return_index=True, return_inverse=True)
    axes = _axes(tables[0].column_names)
    designs = _in_order(columns["design"].tolist(), manifest)
    keys = list(zip(columns["seed"].tolist(), columns["replication"].tolist(), strict=True))
    draws = tuple(sorted(set(keys)))
    at = (point_of, positions(columns["design"].tolist(), designs), positions(keys, draws))
    shape = (len(first_rows), len(designs), len(draws))
    has_run = np.zeros(shape, dtype=np.bool_)
    has_run[at] = True
    values = {}
    for column in columns.keys() - {*_IDENTITY, *axes}:
        values[column] = np.full(shape, np.nan)
        values[column][at] = columns[column]
    metadata = tables[0].schema.metadata or {}
    return Results(
        name=name,
        workload=manifest.workload if manifest else metadata.get(b"workload_name", b"").decode(),
        axes=axes,
        points=tuple(tuple(columns[axis][row] for axis in axes) for row in first_rows.tolist()),
        designs=designs,
        draws=draws,
        has_run=has_run,
        values=values,
        runs_total=len(manifest.run_ids) if manifest else None,
        first_draws=manifest.replications if manifest and manifest.precision else None,
    )


def _without_strangers(table: pa.Table, manifest: Manifest | None) -> pa.Table:
    """The rows of the sweep that the manifest tells of: after a change of the workload others may still be there."""
    if manifest is None:
        return table
    return table.filter(pc.is_in(table["run_id"], value_set=pa.array(manifest.run_ids)))


def _array(table: pa.Table, name: str) -> NDArray[Any]:
    """A column: figures as floats, NaN for null; what names a run as Python has it."""
    column = table[name]
    if name in _OURS and name not in _IDENTITY:
        figures: NDArray[Any] = column.cast(pa.float64(), safe=False).to_numpy()
        return figures
    exact = np.empty(len(column), dtype=object)
    exact[:] = column.to_pylist()
    return exact.astype(np.int64) if name == "point" else exact


def _in_order(designs: Sequence[str], manifest: Manifest | None) -> tuple[str, ...]:
    """The designs as the workload lists them, or as rows meet them, which have that order unless some are missing."""
    found = dict.fromkeys(designs)
    listed = (
        [Path(design).stem if design.endswith(".py") else design for design in manifest.designs] if manifest else []
    )
    return tuple(dict.fromkeys([*(design for design in listed if design in found), *found]))
