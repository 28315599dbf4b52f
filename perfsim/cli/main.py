"""The command `perfsim`, and the one place that turns an error into a line and an exit status.

Nothing heavy is imported at the head of this layer's modules, so that `perfsim --help` answers at once: a command
imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from perfsim import __version__
from perfsim.cli import (
    calibrate,
    check,
    compare,
    designs,
    explore,
    profiles,
    report,
    run,
    schema,
    sensitivity,
    sweep,
    validate,
    verify,
)
from perfsim.cli.app import app
from perfsim.cli.output import open_missing_streams, tell, write_data
from perfsim.errors import PerfsimError, one_line

__all__ = ["app", "main"]

COMMANDS = (
    run,
    sweep,
    compare,
    report,
    check,
    sensitivity,
    verify,
    validate,
    calibrate,
    explore,
    profiles,
    designs,
    schema,
)
"""The modules that add a command to `app` when they are imported."""

USAGE_STATUS = 2
INTERRUPTED_STATUS = 130

# typer offers only the leaves of its tree of usage errors; where their base lies differs between its versions.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def main() -> None:
    """Run the command line of this process and end the process with the command's exit status."""
    open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a letter is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run_command()
        if status == INTERRUPTED_STATUS:  # Ctrl-C where nothing is kept; typer has made a status of it
            tell("interrupted")
    except PerfsimError as error:
        tell(str(error))
        status = error.exit_status
    except UsageError as error:
        tell(usage_line(error))
        status = USAGE_STATUS
    except typer.Abort:
        status = 1
    sys.exit(status)


def _run_command() -> int:
    """Run the command; its exit status."""
    stdout = sys.stdout
    try:
        status: int = app(prog_name="perfsim", standalone_mode=False) or 0
    except (OSError, SystemExit):
        # Help is written by typer, which knows only broken pipes and hides those. If it was stdout that failed, what
        # it could not take is still in its buffer, and fails once more, here.
        sys.stdout = stdout
        write_data("")
        raise
    return status


def usage_line(error: Exception) -> str:
    """What typer says of a wrong command line, on one line, with the command whose help tells more."""
    message: str = error.format_message()  # type: ignore[attr-defined]  # typer's own, see UsageError
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "perfsim"
    return one_line(f"{' '.join(message.split()).rstrip('.')}; see: {command} --help")


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Which locking design of a kernel path is faster, on which machine, by how much?

    \b
    Examples:
      perfsim run quickstart                     one scenario, every design, side by side
      perfsim sweep workloads/mlock_heavy.yaml   every point, ratios with intervals
      perfsim compare results/mlock_heavy        which design is faster, where, and how surely
      perfsim report results/mlock_heavy         the same in pictures, one HTML file
      perfsim profiles show x86_64               what a machine's steps cost

    Exit status: 0 done, 1 the answer is "no", 2 bad usage or bad input, 130 interrupted.
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    if version:
        write_data(f"perfsim {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        write_data(context.get_help() + "\n")
        raise typer.Exit(USAGE_STATUS)
