"""A baseline made of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfsim.errors import InputError, quoted
from perfsim.stats.matching import VIOLATIONS
from perfsim.store.baseline import Baseline, is_baseline, read_baseline, write_baseline
from perfsim.sweep.origin import read_origin
from perfsim.sweep.outcome import read_results
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfsim.stats.matching import Results
    from perfsim.store.baseline import Value


def update_baseline(name: str, results: str, columns: Sequence[str]) -> Baseline:
    """Write a file with these columns of results, which must be whole, for later checks; it replaces a former one.

    Raises InputError if the results are not finished, or the file is something else or cannot be written.
    """
    path = Path(name)
    found = read_results(results, columns)
    _check_place(name, path)
    _check_whole(results, int(found.has_run.sum()), found.runs_total)
    origin = read_origin(results)
    baseline = Baseline(
        workload=found.workload,
        settings=origin.settings,
        first_draws=found.first_draws,
        axes=found.axes,
        figures=tuple(dict.fromkeys((*columns, VIOLATIONS))),
        runs=tuple(_runs(found, (*columns, VIOLATIONS))),
        perfsim_version=origin.perfsim_version,
    )
    write_baseline(path, baseline)
    return baseline


def _check_whole(results: str, runs_count: int, runs_total: int | None) -> None:
    if runs_total == runs_count:
        return
    problem = "no sweep.json beside it says whether it is whole"
    if runs_total is not None:
        problem = f"unfinished, {format_count(runs_count)} of {format_count(runs_total)} runs are there"
    raise InputError(results, f"{problem}; expected a finished sweep to make a baseline of")


def _check_place(name: str, path: Path) -> None:
    """Nothing but a former baseline is written over."""
    if not name:
        raise InputError("--baseline", "is empty; expected a file to write")
    if path.is_dir():
        problem = f"a directory; expected a file to write, such as {quoted(str(path / 'mlock_heavy.json'))}"
        raise InputError(name, problem)
    if path.exists() and path.stat().st_size:
        if not is_baseline(path):
            raise InputError(name, "a file that is no baseline; expected one, or no such file")
        read_baseline(path)


def _runs(found: Results, columns: Sequence[str]) -> Iterator[tuple[Value, ...]]:
    """Each run, point by point, then design by design."""
    for at in np.argwhere(found.has_run).tolist():
        point, design, draw = at
        figures = [float(found.values[name][point, design, draw]) for name in columns]
        known = [None if np.isnan(figure) else figure for figure in figures]
        yield (found.designs[design], *found.draws[draw], *found.points[point], *known)
