"""What was violated, as people read it: invariants while a run went on, and the first hit with its path's lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfsim.kernel.constants import NONE
from perfsim.kernel.violations import VIOLATION_NAMES, flag_names
from perfsim.units import PS_PER_NS, format_count

if TYPE_CHECKING:
    from perfsim.engine.trap import Line, Violation

Row = dict[str, Any]

_KERNELS = set(VIOLATION_NAMES.values())
_SHIPPED = Path("perfsim", "kernel", "paths").parts


def under_way_text(row: Row) -> str:
    """A line for each invariant that was violated while a row's run went on: when first, and how often at once."""
    found = [one for one in row["violated_checks"] if one["first_ns"] is not None and one["check"] not in _KERNELS]
    return "".join(
        f"{row['design']}: {one['check']} is violated first at {_time(one['first_ns'])}, at most "
        f"{format_count(one['count'])} at once\n"
        for one in found
    )


def violation_text(design: str, caught: Violation) -> str:
    """The first hit of a run: which check, when, where, of which page, and the lines of the path from inside out."""
    when = f"at {_time(caught.time_ps / PS_PER_NS)} on CPU {caught.cpu}, in {caught.task}"
    lines = [f"{design}: the first violation is {caught.check}", f"  {when}{_page(caught)}"]
    places = [f"{_file(line.file)}:{line.line}" for line in caught.lines]
    paths = [f"{line.path}()" for line in caught.lines]
    columns = max(map(len, paths), default=0), max(map(len, places), default=0)
    lines += [_line(*row, columns) for row in zip(caught.lines, paths, places, strict=True)]
    return "".join(f"{line}\n" for line in lines)


def _page(caught: Violation) -> str:
    if caught.page == NONE:
        return ""
    mapcount = caught.mapcount - 1  # as the kernel prints it: -1 for a page that nobody maps
    state = f"flags {flag_names(caught.flags)}, _count {caught.refcount}, _mapcount {mapcount}"
    return f", page {caught.page} ({state})"


def _line(line: Line, path: str, place: str, columns: tuple[int, int]) -> str:
    return f"    {path.ljust(columns[0])}  {place.ljust(columns[1])}  {line.source}".rstrip()


def _file(name: str) -> str:
    """A shipped path's file from its design's folder on; any other from where the command runs, if it is below."""
    parts = Path(name).parts
    for at in range(len(parts) - len(_SHIPPED)):
        if parts[at : at + len(_SHIPPED)] == _SHIPPED:
            return "/".join(parts[at + len(_SHIPPED) :])
    here = Path.cwd()
    return str(Path(name).relative_to(here)) if Path(name).is_relative_to(here) else name


def _time(ns: float) -> str:
    return f"{ns:,.3f} ns"
