"""`perfsim run`: one scenario, all its designs, one seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import tell_meanwhile, write_data
from perfsim.cli.verdict import exit_on_violations

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
) -> None:
    """Run one scenario under each design, side by side.

    The scenario is the workload without its sweep, at one seed; each design is compared with the first by a ratio.

    \b
    Examples:
      perfsim run quickstart
      perfsim run mlock_heavy --profile ia64 --set machine.cpus=16 --set tasks.lockers.hold=100us
      perfsim run quickstart --seed 7 --format json > runs.json
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.engine import check_engine
    from perfsim.report.tables import render, run_table
    from perfsim.scenario.validate import load_scenario

    check_engine(engine)
    scenario = load_scenario(workload, sets or (), profile=profile, designs=designs or (), seed=seed)
    rows = _rows(scenario, engine)
    if output_format is options.Format.JSON:
        write_data(json.dumps({"runs": rows}, indent=2, allow_nan=False) + "\n")
    else:
        write_data(render(run_table(rows), output_format.value))
    exit_on_violations(rows)


def _rows(scenario: Scenario, engine: str) -> list[dict[str, Any]]:
    """One row a design, its keys in the order of the columns. What cannot run is refused before the first run."""
    from perfsim.engine.prepare import check_fits
    from perfsim.kernel.boot import Seed
    from perfsim.measure.columns import COLUMNS
    from perfsim.measure.row import simulate
    from perfsim.sweep.plan import design_names

    check_fits(scenario, scenario.kernel.designs, engine)
    design_names(scenario)
    seed, designs = Seed(scenario.sweep.seed, 0), scenario.kernel.designs
    rows = []
    try:
        for number, design in enumerate(designs, 1):
            tell_meanwhile(f"simulating {design}, {number} of {len(designs)} ...")
            row = simulate(scenario, design, seed, engine) | {"point": ONLY_POINT}
            rows.append({column.name: row[column.name] for column in COLUMNS})
    finally:
        tell_meanwhile("")
    return rows
