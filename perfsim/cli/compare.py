"""`perfsim compare`: which design is faster at which point, by how much, how surely, and where that turns over."""

from __future__ import annotations

from typing import Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import write_data


@app.command("compare")
def compare_results(
    results: Annotated[
        str, typer.Argument(metavar="RESULTS", help="A directory that perfsim sweep wrote.", show_default=False)
    ],
    other: options.Other = None,
    metrics: options.Metrics = None,
    base: options.Base = None,
    designs: options.NewDesigns = None,
    margin: options.Margin = options.DEFAULT_MARGIN,
    output_format: options.OutputFormat = options.Format.TABLE,
) -> None:
    """Compare designs, or two sweeps, with intervals and verdicts.

    A verdict is faster, slower, the same, each of them shown, or "cannot tell" with the replications that would do.
    Where it turns over along an axis is told too, and why: the kinds of time of which a design is shown to spend more
    or less. Runs pair by point, seed and replication; of an unfinished sweep, those that there are.

    \b
    Examples:
      perfsim compare results/mlock_heavy
      perfsim compare results/mlock_heavy --metric mlock_call_latency_mean_ns --margin 2%
      perfsim compare results/everything --base redo_merged --design redo_barrier --format csv
      perfsim compare results/after results/before
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.report.comparison import Asked, compare
    from perfsim.stats.metrics import USUAL

    asked = Asked(results, other, tuple(metrics or USUAL), base, tuple(designs or ()), margin)
    write_data(compare(asked).text(output_format.value))
