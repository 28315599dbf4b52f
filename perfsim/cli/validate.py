"""`perfsim validate`: the simulator against queueing theory, published measurements, and truths of the user's own."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import write_data
from perfsim.errors import InputError

MISSED_STATUS = 1


@app.command()
def validate(
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="NAME",
            help="A case, or those whose names begin so: A, A5, A5-exp-12, B3. Repeatable.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="CASES", help="A YAML file of your own truths, instead of the shipped ones."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            metavar="ENGINE",
            help="What runs all of it: compiled or simpy, a hundred times slower. If left out, compiled runs it, and "
            "both run a beginning of each exact case, whose rows must be equal.",
            autocompletion=options.engines_like,
            show_default=False,
        ),
    ] = None,
    output_format: options.OutputFormat = options.Format.TABLE,
    jobs: options.Jobs = None,
) -> None:
    """Hold the simulator against theory and published measurements.

    It prints for each figure what is expected and simulated, the interval, the error and a verdict. Exact theory (A)
    must hold within an interval that is narrow, bounds and conservation (C) and the statistics (D) must hold, published
    measurements (B) are compared as ratios and shapes. Exit status 1 if a case misses that must hold; a published
    figure that is not reproduced is told, with what was found out about it, and is no failure.

    \b
    Examples:
      perfsim validate --only A7
      perfsim validate --only A1 --only A4 --format markdown
      perfsim validate --file my_cases.yaml
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.truth.validating import Asked
    from perfsim.truth.validating import validate as validated

    if file == "":
        raise InputError("--file", "is empty; expected a YAML file of your own truths")
    found = validated(Asked(file, only or (), engine, jobs), sys.stderr)
    write_data(found.text(output_format.value))
    if found.has_missed:
        raise typer.Exit(MISSED_STATUS)
