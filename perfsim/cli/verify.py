"""`perfsim verify`: both engines, the same events?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import tell, tell_meanwhile, write_data
from perfsim.units import format_count

if TYPE_CHECKING:
    from perfsim.engine.verify import Progress
    from perfsim.scenario.schema import Scenario

DIFFERENT_STATUS = 1
DEFAULT_WORKLOAD = "quickstart"

OptionalWorkload = Annotated[
    str,
    typer.Argument(
        metavar="WORKLOAD",
        help="A YAML file, or the name of a shipped workload.",
        autocompletion=options.workloads_like,
    ),
]


@app.command()
def verify(
    workload: OptionalWorkload = DEFAULT_WORKLOAD,
    sets: options.Sets = None,
    designs: options.Designs = None,
    profile: options.Profile = None,
    seed: options.Seed = None,
    output_format: options.OutputFormat = options.Format.TABLE,
) -> None:
    """Run one scenario by both engines, and compare every event.

    The compiled engine is to be trusted as far as it does what the simple one does: the same primitives at the same
    picosecond on the same CPU, and the same state at the end. Where they part, the first difference is shown with what
    came before it. Exit status 1 if they do.

    \b
    Examples:
      perfsim verify
      perfsim verify mlock_heavy --design mine.py --set machine.cpus=16 --set measure.duration=2ms
      perfsim verify quickstart --profile ia64 --seed 7 --format json
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.report.render import json_text
    from perfsim.report.verify import verify_text
    from perfsim.scenario.validate import load_scenario

    scenario = load_scenario(workload, sets or (), profile=profile, designs=designs or (), seed=seed)
    rows = _rows(scenario)
    if output_format is options.Format.JSON:
        write_data(json_text({"results": rows}))
    else:
        write_data(verify_text(rows, output_format.value))
    different = [row["design"] for row in rows if not row["equal"]]
    if different:
        tell(f"{', '.join(different)}: the engines differ")
        raise typer.Exit(DIFFERENT_STATUS)


def _rows(scenario: Scenario) -> list[dict[str, Any]]:
    """One row a design. What cannot run is refused before the first run."""
    from perfsim.engine.prepare import check_fits, profile_of
    from perfsim.engine.verify import verify as compared
    from perfsim.kernel.boot import Seed
    from perfsim.kernel.sizes import machine_size
    from perfsim.report.verify import verify_row
    from perfsim.sweep.plan import design_names

    check_fits(scenario, scenario.kernel.designs, "simpy")
    profile = profile_of(scenario)
    cpus, _ = machine_size(scenario, profile)
    names = design_names(scenario)
    seed = Seed(scenario.sweep.seed, 0)
    rows = []
    try:
        for number, (design, name) in enumerate(names.items(), 1):
            progress = _progress(scenario, f"comparing the engines on {name}, {number} of {len(names)}")
            about = {"workload": scenario.name, "design": name, "profile": profile.name, "cpus": cpus}
            rows.append(verify_row(about, compared(scenario, design, seed, progress)))
    finally:
        tell_meanwhile("")
    return rows


def _progress(scenario: Scenario, what: str) -> Progress:
    """Shows people who wait how far a comparison has come."""
    end_ps = scenario.measure.warmup_ps + scenario.measure.duration_ps

    def show(events: int, at_ps: int) -> None:
        part = min(100, 100 * at_ps // end_ps)
        tell_meanwhile(f"{what}: {part} %, {format_count(events)} equal events ...")

    return show
