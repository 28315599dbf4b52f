"""`perfsim run`: one scenario, all its designs, one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import shows_pictures, tell, tell_meanwhile, write_data, write_words
from perfsim.cli.verdict import exit_on_violations
from perfsim.errors import InputError, PerfsimError
from perfsim.units import PS_PER_NS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfsim.measure.contention import Points
    from perfsim.measure.row import Result, Row
    from perfsim.scenario.schema import Scenario

ONLY_POINT = 0


@app.command()
def run(
    workload: options.Workload,
    sets: options.Sets = None,
    designs: options.Designs = None,
    profile: options.Profile = None,
    engine: options.Engine = options.DEFAULT_ENGINE,
    seed: options.Seed = None,
    output_format: options.OutputFormat = options.Format.TABLE,
    check_every: Annotated[
        int | None,
        typer.Option(
            "--check-every",
            metavar="N",
            min=1,
            help="Check the invariants after every N events too, not at the end alone.",
            show_default=False,
        ),
    ] = None,
    vmstat: Annotated[
        bool, typer.Option("--vmstat", help="Print /proc/vmstat of each design; the table goes to stderr.")
    ] = False,
    vmstat_then: Annotated[
        bool, typer.Option("--vmstat-2.6.26", help="The same with the names and the order of 2.6.26-rc5-mm3.")
    ] = False,
    lock_stat: Annotated[
        bool, typer.Option("--lock-stat", help="Print /proc/lock_stat of each design; the table goes to stderr.")
    ] = False,
    trace: Annotated[
        str | None,
        typer.Option(
            "--trace",
            metavar="FILE",
            help="Write what every CPU did, for ui.perfetto.dev to show; a group of tracks a design. Whatever --engine "
            "says, simpy tells it, whose runs are the compiled engine's.",
            show_default=False,
        ),
    ] = None,
    trace_window: Annotated[
        str | None,
        typer.Option(
            "--trace-window",
            metavar="FROM..TO",
            help="What of the run to trace, counted from its beginning, warm-up included: 2ms..3ms. Else the measured "
            "window, or as much of it as a file of some MB holds.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run one scenario under each design, side by side.

    The scenario is the workload without its sweep, at one seed; each design is compared with the first by a ratio.

    A design that violates what it must not is named with the check, the time, the CPU, the page and the lines of its
    path, and the exit status is 1.

    \b
    Examples:
      perfsim run quickstart
      perfsim run mlock_heavy --profile ia64 --set machine.cpus=16 --set tasks.lockers.hold=100us
      perfsim run quickstart --seed 7 --format json > runs.json
      perfsim run quickstart --design redo --lock-stat
      perfsim run munlock_storm --trace storm.pftrace --trace-window 2ms..3ms
      perfsim run quickstart --design mine.py --check-every 1000
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.cli.trace import asked_trace, write_trace
    from perfsim.engine import check_engine
    from perfsim.report.render import json_text
    from perfsim.scenario.validate import load_scenario

    asked = {"--vmstat": vmstat, "--vmstat-2.6.26": vmstat_then, "--lock-stat": lock_stat}
    kernel_files = [option for option, is_asked in asked.items() if is_asked]
    _refuse_two_answers(kernel_files, output_format)
    check_engine(engine)
    scenario = load_scenario(workload, sets or (), profile=profile, designs=designs or (), seed=seed)
    traced = asked_trace(trace, trace_window, scenario)
    results = _results(scenario, engine, check_every or 0)
    rows = [result.row for result in results]
    widths = [_half_widths(result) for result in results]
    if kernel_files:
        _write_kernel_files(kernel_files, scenario, results)
        tell(_text(rows, widths, output_format).removesuffix("\n"))
    elif output_format is options.Format.JSON:
        by_design = {row["design"]: of_run for row, of_run in zip(rows, widths, strict=True)}
        write_data(json_text({"runs": rows, "half_widths": by_design}))
    else:
        write_data(_text(rows, widths, output_format))
    if traced is not None:
        write_trace(traced, scenario, rows)
    for design, row in zip(scenario.kernel.designs, rows, strict=True):
        _tell_violations(scenario, design, engine, row)
    exit_on_violations(rows)


def _text(rows: list[Row], widths: list[dict[str, float]], output_format: options.Format) -> str:
    """The metrics, and below them, for people, where the time goes, at a terminal as bars too; CSV has one table."""
    from perfsim.report.render import render
    from perfsim.report.run_table import run_table
    from perfsim.report.spent import spent_table
    from perfsim.report.terminal import spent_bars

    tables = [run_table(rows, widths), None if output_format is options.Format.CSV else spent_table(rows)]
    if output_format is options.Format.TABLE and shows_pictures():
        tables.append(spent_bars(rows))
    return "\n".join(render(table, output_format.value) for table in tables if table)


def _half_widths(result: Result) -> dict[str, float]:
    """How surely a steady run tells its rates by itself: half the 95 % interval of each, relative to it."""
    from perfsim.measure.batches import half_widths

    return {} if result.row["unsteady"] else half_widths(result.record)


def _refuse_two_answers(kernel_files: list[str], output_format: options.Format) -> None:
    """InputError for text of the kernel's and a --format together: stdout carries one of them."""
    if kernel_files and output_format is not options.Format.TABLE:
        problem = f"{output_format.value} does not go with {kernel_files[0]}, which is printed instead; expected table"
        raise InputError("--format", problem)


def _write_kernel_files(kernel_files: list[str], scenario: Scenario, results: list[Result]) -> None:
    """Write each kernel file that was asked for to stdout, and what must be said of it to stderr."""
    from perfsim.report import lock_stat, vmstat

    for option in kernel_files:
        texts = {}
        for design, result in zip(scenario.kernel.designs, results, strict=True):
            if option == "--lock-stat":
                text = lock_stat.lock_stat(result.counts, _points(scenario, design, result))
            else:
                text = vmstat.vmstat(result.counts, vmstat.TODAY if option == "--vmstat" else vmstat.THEN)
            texts[result.row["design"]] = text
        write_data(_by_design(texts))
    if "--lock-stat" in kernel_files:
        tell(lock_stat.NOTE)


def _points(scenario: Scenario, design: str, result: Result) -> dict[int, Points]:
    """Where the run's waits were."""
    from perfsim.kernel.boot import Seed
    from perfsim.measure.contention import contention_points

    begin_ps = round(result.row["warmup_ns"] * PS_PER_NS)
    tell_meanwhile(f"looking where {result.row['design']} waits ...")
    try:
        window_ps = (begin_ps, begin_ps + scenario.measure.duration_ps)
        return contention_points(scenario, design, Seed(scenario.sweep.seed, 0), window_ps)
    finally:
        tell_meanwhile("")


def _by_design(texts: Mapping[str, str]) -> str:
    """A kernel file of each design. A single one is as in /proc; of several, each has a line `# design NAME` before."""
    if len(texts) == 1:
        return "".join(texts.values())
    return "".join(f"# design {design}\n{text}" for design, text in texts.items())


def _results(scenario: Scenario, engine: str, check_every: int) -> list[Result]:
    """One result a design, the keys of its row in the order of the columns.

    What cannot run is refused before the first run.
    """
    from perfsim.engine.prepare import check_fits
    from perfsim.measure.columns import COLUMNS
    from perfsim.sweep.plan import design_names

    check_fits(scenario, scenario.kernel.designs, engine)
    design_names(scenario)
    designs = scenario.kernel.designs
    results = []
    try:
        for number, design in enumerate(designs, 1):
            tell_meanwhile(f"simulating {design}, {number} of {len(designs)} ...")
            result = _result(scenario, design, engine, check_every)
            row = result.row | {"point": ONLY_POINT}
            results.append(result._replace(row={column.name: row[column.name] for column in COLUMNS}))
    finally:
        tell_meanwhile("")
    return results


def _result(scenario: Scenario, design: str, engine: str, check_every: int) -> Result:
    """A design's result. If the run ends before its time, what had been violated before is told first."""
    from perfsim.engine.trace import Watch
    from perfsim.kernel.boot import Seed
    from perfsim.measure.row import simulate_counted

    try:
        return simulate_counted(scenario, design, Seed(scenario.sweep.seed, 0), engine, Watch(check_every=check_every))
    except PerfsimError:
        _tell_first_violation(scenario, design, engine, None)
        raise


def _tell_violations(scenario: Scenario, design: str, engine: str, row: dict[str, Any]) -> None:
    """When the design has violated invariants, and the first violation that a check of the kernel's found."""
    from dataclasses import replace

    from perfsim.report.violation import under_way_text

    if row["violated_checks"]:
        write_words(under_way_text(row))
        as_it_was = replace(scenario.measure, warmup_ps=round(row["warmup_ns"] * PS_PER_NS), is_auto=False)
        checks = {one["check"] for one in row["violated_checks"]}
        _tell_first_violation(replace(scenario, measure=as_it_was), design, engine, checks)


def _tell_first_violation(scenario: Scenario, design: str, engine: str, checks: set[str] | None) -> None:
    """Run again up to the first hit of one of these checks of the kernel's, of all that the design does not declare."""
    from perfsim.engine.prepare import design_of
    from perfsim.engine.trap import first_violation
    from perfsim.kernel.boot import Seed
    from perfsim.kernel.violations import VIOLATION_NAMES
    from perfsim.report.violation import violation_text

    chosen = design_of(scenario, design)
    declared = {defect.violation for defect in chosen.defects}
    asked = [one for one, name in VIOLATION_NAMES.items() if one not in declared and (checks is None or name in checks)]
    if not asked:
        return
    tell_meanwhile(f"looking for the first violation of {chosen.name} ...")
    try:
        caught = first_violation(engine, scenario, design, Seed(scenario.sweep.seed, 0), asked)
    except PerfsimError:  # the run's own end, again
        return
    finally:
        tell_meanwhile("")
    if caught is not None:
        write_words(violation_text(chosen.name, caught))
