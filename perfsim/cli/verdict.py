"""What the rows of a command say about its exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from perfsim.cli.output import tell
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

VIOLATED_STATUS = 1


def exit_on_violations(rows: Sequence[dict[str, Any]]) -> None:
    """End the command with status 1 and a line if any row counts a violation that its design does not declare."""
    broken = [row for row in rows if row["invariant_violations"]]
    if broken:
        designs = ", ".join(dict.fromkeys(row["design"] for row in broken))
        total = sum(row["invariant_violations"] for row in broken)
        tell(
            f"{designs}: {format_count(total)} violated invariants that no design declares, in {len(broken)} of "
            f"{len(rows)} runs; their columns violated_checks name them"
        )
        raise typer.Exit(VIOLATED_STATUS)
