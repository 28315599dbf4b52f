"""The directory of a sweep: what of it is ours, and the rows that can be had from it.

Every way of losing a file's bytes costs the runs whose rows they were, which are made again, and no other. What is
damaged is moved aside, not removed: that is for its owner to decide.
"""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.errors import InputError, quoted
from perfsim.store.atomic import replacing, unwritable
from perfsim.store.manifest import Manifest, read_manifest
from perfsim.store.parquet import Damaged, read_runs
from perfsim.store.parts import read_parts
from perfsim.sweep.alone import LOCK
from perfsim.units import format_count, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = dict[str, Any]

RUNS = "runs.parquet"
PARTS = "runs.parts"
MANIFEST = "sweep.json"

HASH_DIGITS = 8
ASIDE = f".old-{'[0-9a-f]' * HASH_DIGITS}"
ROW_BYTES = 32 * 1024
"""A row in runs.parts with its histograms: the mean of mlock_heavy, of whose rows the largest take twice that. In
runs.parquet it takes a twentieth.
"""

MARKS = {
    RUNS: (b"PAR1", b"perfsim_schema_version"),
    PARTS: (b"perfsim rows ", b""),
    MANIFEST: (b"{", b'"workload_sha256"'),
}
"""By these beginnings, and by what comes after them, files of ours are known, those of a newer form and damaged ones
too."""


class Stored(NamedTuple):
    """A file of rows. problem: what people must know of it, "" if it is as it was written."""

    path: Path
    rows: list[Row]
    problem: str


def stored(directory: Path, former: Manifest | None) -> Iterator[Stored]:
    """Every file of rows in the directory, former ones first.

    former: the manifest beside them: with it, what is called runs.parquet is ours. Raises InputError for a file that is
    foreign or of a newer form.
    """
    paths = [path for name in (RUNS, PARTS) for path in sorted(directory.glob(name + ASIDE))]
    paths += [directory / name for name in (RUNS, PARTS) if (directory / name).exists()]
    for path in paths:
        yield _parts(path) if path.name.startswith(PARTS) else _results(path, former)


def _results(path: Path, former: Manifest | None) -> Stored:
    try:
        return Stored(path, read_runs(path), "")
    except Damaged as error:
        if former is None:
            raise
        if path.name != RUNS:
            return Stored(path, [], f"{error}; none of its rows is used")
        aside = _named_by_content(path, "damaged")
        try:
            path.rename(aside)
        except OSError as failure:
            raise unwritable(aside, failure) from failure
        return Stored(path, [], f"{error}; it is kept as {aside.name}, and its runs are made again")


def _parts(path: Path) -> Stored:
    parts = read_parts(path)
    lines = format_count(parts.damaged_count)
    problem = f"{path}: damaged lines, {lines} of them; their runs are made again" if parts.damaged_count else ""
    return Stored(path, parts.rows, problem)


def set_aside(path: Path) -> Path:
    """A copy of the file, named by its content."""
    kept = _named_by_content(path, "old")
    with replacing(kept) as file:
        file.write(path.read_bytes())
    return kept


def _named_by_content(path: Path, word: str) -> Path:
    content_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.with_name(f"{path.name}.{word}-{content_sha256[:HASH_DIGITS]}")


def former_manifest(path: Path) -> Manifest | None:
    """The manifest that is there. Raises InputError, which says what to do, for one that cannot be read."""
    if not path.exists():
        return None
    try:
        return read_manifest(path)
    except InputError as error:
        fresh = ", or start over with --fresh" if is_ours(path) else ""
        advice = f"move it away, which keeps the rows beside it{fresh}"
        raise InputError(error.place, f"{error.problem}; {advice}") from error


def check_room(directory: Path, rows_count: int) -> None:
    """Raise InputError if the disk has no room for so many rows. A quota may still say so later."""
    needed_bytes = rows_count * ROW_BYTES
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < needed_bytes:
        problem = f"{format_count(rows_count)} rows may need {format_size(needed_bytes)}"
        raise InputError(str(directory), f"{problem}, {format_size(free_bytes)} are free; expected room, or --out DIR")


def remove_results(directory: Path) -> None:
    """Start over: the last results go; what was set aside stays. Raises InputError, with nothing gone, for others'."""
    found = [path for path in (directory / name for name in MARKS) if path.exists()]
    for path in found:
        if not is_ours(path):
            problem = "no result of perfsim, so that --fresh removes nothing"
            raise InputError(str(path), f"{problem}; expected it moved away, or another --out DIR")
    for path in found:
        try:
            path.unlink()
        except OSError as error:
            raise unwritable(path, error) from error


def is_ours(path: Path) -> bool:
    """Whether perfsim has written a file, damaged or not. One cut off within its beginning holds nothing to lose."""
    if not path.is_file():
        return False
    try:
        content = path.read_bytes()
    except OSError:
        return False
    beginning, later = MARKS[path.name]
    return beginning.startswith(content) or (content.startswith(beginning) and later in content)


def make_directory(directory: Path) -> None:
    """Make the directory of a sweep. Raises InputError if that cannot be, or if it has only what is not ours."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        names = sorted(path.name for path in directory.iterdir() if not path.name.startswith("."))
    except OSError as error:
        problem = f"{error.strerror}; expected a directory for results, or a place where one can be made"
        raise InputError(str(directory), problem) from error
    if names and not any(name.startswith((*MARKS, LOCK)) for name in names):
        problem = f"a directory with files of something else, such as {quoted(names[0])}, and no results in it"
        raise InputError(str(directory), f"{problem}; expected a new or empty directory, or one of results")
