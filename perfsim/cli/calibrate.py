"""`perfsim calibrate`: what this machine costs, as a cost profile, and whether the simulator's locks are its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import tell, tell_meanwhile, write_data
from perfsim.errors import InputError, quoted

SUFFIX = ".yaml"
DEFAULT_NAME = "this_machine"


@app.command("calibrate")
def calibrate_machine(
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Write the profile into a .yaml file.", show_default=False),
    ] = None,
    output_format: options.OutputFormat = options.Format.TABLE,
) -> None:
    """Measure what this machine's steps cost, and write them as a cost profile.

    Without privileges, in half a minute, with nobody else at work if you can arrange it. What comes out too different
    each time is called noise, and that, like what cannot be measured here, is taken from the nearest shipped profile.

    \b
    Examples:
      perfsim calibrate
      perfsim calibrate --out this_machine.yaml
      perfsim run quickstart --profile this_machine.yaml
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.calibrate.calibration import calibrate
    from perfsim.report.calibration import calibration_table
    from perfsim.report.render import render
    from perfsim.store.atomic import replacing

    path = _out_path(out)
    try:
        done = calibrate(_name(path), tell_meanwhile)
    finally:
        tell_meanwhile("")
    write_data(render(calibration_table(done), output_format.value))
    if path is not None:
        with replacing(path) as file:
            file.write(done.result.text.encode())
        tell(f"{path}: the profile; perfsim run quickstart --profile {path}")


def _out_path(out: str | None) -> Path | None:
    """Where the profile goes. Raises InputError, before anything is measured, for what can be no profile's place."""
    if out is None:
        return None
    path = Path(out)
    if path.suffix != SUFFIX:
        raise InputError("--out", f"{quoted(out)} is no name of a profile; expected a {SUFFIX} file")
    if path.is_dir():
        raise InputError("--out", f"{quoted(out)} is a directory; expected a file to be written")
    if not path.parent.is_dir():
        raise InputError("--out", f"there is no directory {path.parent}; expected one that is there")
    return path


def _name(path: Path | None) -> str:
    """The profile's name: the file's, as far as it can be one."""
    name = "" if path is None else re.sub(r"[^A-Za-z0-9_]+", "_", path.stem).strip("_")
    return name if name and name[0].isalpha() else DEFAULT_NAME
