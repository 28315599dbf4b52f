"""What `explore --minimize-fix` answers: the barriers that make a scenario safe, and what one costs on each machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfsim.machine.costs import BARRIER_FULL
from perfsim.report.render import Head, Kind, Table, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfsim.explore.fix import Fix
    from perfsim.machine.profile import CostProfile

Record = dict[str, Any]

_CAPTION = (
    "the fewest barriers (smp_mb) that make each safe: before which primitive, and what it costs each time, in ns"
)
NOTHING_NEEDED = "safe as it is"


def fix_record(about: Mapping[str, str], fix: Fix, profiles: Sequence[CostProfile]) -> Record:
    """A fix by the keys of `explore --minimize-fix --format json`.

    about: scenario, design, memory_model, flags. barriers: None if there is no such set, which `why` explains.
    """
    costs_ns = {profile.name: profile.best_ps[BARRIER_FULL] / 1000 for profile in profiles}
    barriers = [
        {"before": one.primitive, "path": one.path, "file": one.file, "line": one.line, "cost_ns": costs_ns}
        for one in fix.barriers
    ]
    return {**about, "barriers": None if fix.why else barriers, "searches": fix.searches, "why": fix.why or None}


def fix_text(records: Sequence[Record], profiles: Sequence[CostProfile], form: str) -> str:
    """The records as a table, a line a barrier. form: table, markdown or csv."""
    heads = (
        *(
            Head(key, key.replace("_", " "))
            for key in ("scenario", "design", "memory_model", "barrier", "path", "source")
        ),
        *(Head(profile.name, profile.name, "ns each") for profile in profiles),
        Head("searches", "searches", kind=Kind.EXACT),
    )
    rows = tuple(row for record in records for row in _rows(record, profiles))
    return render(Table("fixes", _CAPTION, heads, rows), form)


def _rows(record: Record, profiles: Sequence[CostProfile]) -> list[tuple[Any, ...]]:
    about = (record["scenario"], record["design"], record["memory_model"])
    if not record["barriers"]:
        said = record["why"] or NOTHING_NEEDED
        return [(*about, said, None, None, *(None for _ in profiles), record["searches"])]
    return [
        (
            *about,
            f"before {one['before']}()",
            f"{one['path']}()",
            f"{'/'.join(Path(one['file']).parts[-2:])}:{one['line']}",
            *(one["cost_ns"][profile.name] for profile in profiles),
            record["searches"],
        )
        for one in record["barriers"]
    ]
