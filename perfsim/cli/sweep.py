"""`perfsim sweep`: every point, design and replication of a workload, into a directory of results."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import shows_pictures, tell, write_data
from perfsim.cli.verdict import exit_on_violations
from perfsim.errors import InputError, PerfsimError, quoted
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfsim.engine.budget import Limits
    from perfsim.sweep.plan import Run

RESULTS = Path("results")


@app.command()
def sweep(
    workload: options.Workload,
    sets: options.Sets = None,
    designs: options.Designs = None,
    profile: options.Profile = None,
    engine: options.Engine = options.DEFAULT_ENGINE,
    seed: options.Seed = None,
    output_format: options.OutputFormat = options.Format.TABLE,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="Where results go, instead of results/NAME.", show_default=False),
    ] = None,
    jobs: options.Jobs = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Run on the Dask cluster whose scheduler is at tcp://HOST:PORT, instead of here.",
            show_default=False,
        ),
    ] = None,
    max_events: Annotated[
        int | None,
        typer.Option(
            "--max-events", metavar="N", help="Give up a run that has had more events than these.", show_default=False
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(
            "--max-time", metavar="TIME", help="Give up a run that has taken longer, such as 600s.", show_default=False
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over: remove the last sweep's results from the directory.")
    ] = False,
) -> None:
    """Run a whole sweep and print its ratios.

    That is every point x design x replication; each ratio comes with a 95 % interval over paired replications.

    Rows go to runs.parquet in the directory of results as they come. Ctrl-C keeps what is done; the same command goes
    on from there, and takes over every row that is there already. A run that fails, is given up, or kills its worker
    twice is told at the end, and costs no other its row.

    \b
    Examples:
      perfsim sweep workloads/mlock_heavy.yaml
      perfsim sweep mlock_heavy --set sweep.replications=1 --out results/quick --jobs 2
      perfsim sweep quickstart --fresh --format csv > ratios.csv
      perfsim sweep mlock_heavy --scheduler tcp://127.0.0.1:8786
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.engine import check_engine
    from perfsim.report.render import render
    from perfsim.report.sweep_table import sweep_table
    from perfsim.report.terminal import throughput_lines
    from perfsim.scenario.validate import load_scenario
    from perfsim.sweep.directory import MANIFEST, RUNS
    from perfsim.sweep.results import Order, sweep_into

    check_engine(engine)
    if out == "":
        raise InputError("--out", "is empty; expected a directory for results")
    scenario = load_scenario(workload, sets or (), profile=profile, designs=designs or (), seed=seed)
    directory = RESULTS / scenario.name if out is None else Path(out)
    asked = {
        "--set": sets,
        "--design": designs,
        "--profile": profile,
        "--seed": seed,
        "--engine": None if engine == options.DEFAULT_ENGINE else engine,
        "--out": out,
        "--jobs": jobs,
        "--scheduler": scheduler,
        "--max-events": max_events,
        "--max-time": max_time,
    }
    limits = _limits(max_events, max_time)
    resume_command = _command(workload, asked)
    finished = sweep_into(
        Order(scenario, tuple(sets or ()), directory, engine, jobs, fresh, resume_command, limits, scheduler),
        sys.stderr,
    )
    if finished.rows:
        write_data(render(sweep_table(finished.rows, scenario), output_format.value))
        picture = throughput_lines(finished.rows, [axis.path for axis in scenario.sweep.axes])
        if picture is not None and output_format is options.Format.TABLE and shows_pictures():
            write_data("\n" + render(picture, output_format.value))
        tell(f"{len(finished.rows)} runs are in {directory / RUNS}")
        if finished.short:
            tell(f"ratios not known as closely as asked: {len(finished.short)}, see short in {directory / MANIFEST}")
    if finished.failures:
        raise PerfsimError(_reasons(finished.failures))
    exit_on_violations(finished.rows)


def _limits(max_events: int | None, max_time: str | None) -> Limits:
    """What each run may take. Raises InputError for a limit that lets none of them be."""
    from perfsim.engine.budget import UNLIMITED, Limits
    from perfsim.units import parse_duration_ps

    if max_events is not None and max_events < 1:
        raise InputError("--max-events", f"{max_events} events; expected at least 1")
    try:
        wall_s = UNLIMITED.wall_s_max if max_time is None else parse_duration_ps(max_time) / 10**12
    except ValueError as error:
        raise InputError("--max-time", str(error)) from error
    if wall_s <= 0:
        raise InputError("--max-time", f"{quoted(max_time)} is no time; expected more, such as 600s")
    return Limits(UNLIMITED.events_max if max_events is None else max_events, wall_s)


def _reasons(failures: Sequence[tuple[Run, str]]) -> str:
    """What went wrong, each reason once: with the first run that has it, and how many have."""
    from perfsim.sweep.driver import FAILURES_SHOWN_MAX, failures_text

    by_reason: dict[str, list[Run]] = {}
    for run, reason in failures:
        by_reason.setdefault(reason, []).append(run)
    texts = []
    for reason, runs in list(by_reason.items())[:FAILURES_SHOWN_MAX]:
        alike = f"{format_count(len(runs))} runs failed alike, the first: " if len(runs) > 1 else ""
        texts.append(alike + failures_text([(runs[0], reason)]))
    left_count = sum(len(runs) for runs in list(by_reason.values())[FAILURES_SHOWN_MAX:])
    if left_count:
        texts.append(f"{format_count(left_count)} more runs failed for other reasons")
    return "\n".join(texts)


def _command(workload: str, asked: Mapping[str, object]) -> str:
    """The command line that goes on with a sweep. Without --fresh, which would start over."""
    words = ["perfsim", "sweep", workload]
    for option, value in asked.items():
        for one in value if isinstance(value, list) else [] if value is None else [value]:
            words += [option, str(one)]
    return shlex.join(words)
