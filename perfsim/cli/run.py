"""`perfsim run`: one scenario, all its designs, one seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import tell_meanwhile, write_data, write_words
from perfsim.cli.verdict import exit_on_violations
from perfsim.errors import PerfsimError

if TYPE_CHECKING:
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
      perfsim run quickstart --design mine.py --check-every 1000
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.engine import check_engine
    from perfsim.report.tables import render, run_table
    from perfsim.scenario.validate import load_scenario

    check_engine(engine)
    scenario = load_scenario(workload, sets or (), profile=profile, designs=designs or (), seed=seed)
    rows = _rows(scenario, engine, check_every or 0)
    if output_format is options.Format.JSON:
        write_data(json.dumps({"runs": rows}, indent=2, allow_nan=False) + "\n")
    else:
        write_data(render(run_table(rows), output_format.value))
    for design, row in zip(scenario.kernel.designs, rows, strict=True):
        _tell_violations(scenario, design, engine, row)
    exit_on_violations(rows)


def _rows(scenario: Scenario, engine: str, check_every: int) -> list[dict[str, Any]]:
    """One row a design, its keys in the order of the columns. What cannot run is refused before the first run."""
    from perfsim.engine.prepare import check_fits
    from perfsim.measure.columns import COLUMNS
    from perfsim.sweep.plan import design_names

    check_fits(scenario, scenario.kernel.designs, engine)
    design_names(scenario)
    designs = scenario.kernel.designs
    rows = []
    try:
        for number, design in enumerate(designs, 1):
            tell_meanwhile(f"simulating {design}, {number} of {len(designs)} ...")
            row = _row(scenario, design, engine, check_every) | {"point": ONLY_POINT}
            rows.append({column.name: row[column.name] for column in COLUMNS})
    finally:
        tell_meanwhile("")
    return rows


def _row(scenario: Scenario, design: str, engine: str, check_every: int) -> dict[str, Any]:
    """A design's row. If the run ends before its time, what had been violated before is told first."""
    from perfsim.engine.trace import Watch
    from perfsim.kernel.boot import Seed
    from perfsim.measure.row import simulate

    try:
        return simulate(scenario, design, Seed(scenario.sweep.seed, 0), engine, Watch(check_every=check_every))
    except PerfsimError:
        _tell_first_violation(scenario, design, engine, None)
        raise


def _tell_violations(scenario: Scenario, design: str, engine: str, row: dict[str, Any]) -> None:
    """When the design has violated invariants, and the first violation that a check of the kernel's found."""
    from perfsim.report.violation import under_way_text

    if row["violated_checks"]:
        write_words(under_way_text(row))
        _tell_first_violation(scenario, design, engine, {one["check"] for one in row["violated_checks"]})


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
    try:
        caught = first_violation(engine, scenario, design, Seed(scenario.sweep.seed, 0), asked)
    except PerfsimError:  # the run's own end, again
        return
    if caught is not None:
        write_words(violation_text(chosen.name, caught))
