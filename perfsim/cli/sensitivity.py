"""`perfsim sensitivity`: which cost figure decides, and whether the verdict survives what is not known of them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import write_data


@app.command()
def sensitivity(
    workload: options.Workload,
    sets: options.Sets = None,
    designs: options.Designs = None,
    profile: options.Profile = None,
    engine: options.Engine = options.DEFAULT_ENGINE,
    seed: options.Seed = None,
    output_format: options.OutputFormat = options.Format.TABLE,
    samples: Annotated[
        int,
        typer.Option("--samples", metavar="N", help="How many machines to try, each with one run of both designs."),
    ] = 256,
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            metavar="COLUMN",
            help="What the designs are compared by.",
            autocompletion=options.metrics_like,
        ),
    ] = "reclaim_scanned_per_s",
    margin: options.Margin = options.DEFAULT_MARGIN,
    jobs: options.Jobs = None,
) -> None:
    """Which cost figure decides, and does the verdict hold?

    Both designs run on many machines, each with every cost of the profile somewhere in its range. That tells how much
    each figure moves the new/old ratio, alone and with others, and in which share of the ranges the verdict holds. The
    scenario is the workload without its sweep. Nothing is written to disk.

    \b
    Examples:
      perfsim sensitivity mlock_heavy
      perfsim sensitivity mlock_heavy --profile ia64 --set machine.cpus=64 --samples 512
      perfsim sensitivity munlock_storm --design lock_page --design redo --metric mlock_call_latency_mean_ns
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.engine import check_engine
    from perfsim.report.comparison import margin_of
    from perfsim.report.sensitivity import Asked, ask
    from perfsim.scenario.validate import load_scenario
    from perfsim.sweep.trials import Trial

    check_engine(engine)
    log_margin = margin_of(margin)
    scenario = load_scenario(workload, sets or (), profile=profile, designs=designs or (), seed=seed)
    answer = ask(Asked(Trial(scenario, metric, engine, jobs), samples, log_margin), sys.stderr)
    write_data(answer.text(output_format.value))
