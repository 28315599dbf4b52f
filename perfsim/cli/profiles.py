"""`perfsim profiles`: the machines that a workload can name, and what their steps cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app, plain_app
from perfsim.cli.output import write_data

if TYPE_CHECKING:
    from perfsim.machine.profile import CostProfile
    from perfsim.report.render import Table

HZ_PER_GHZ = 10**9

profiles = plain_app("profiles")
app.add_typer(profiles)


@profiles.callback(invoke_without_command=True)
def list_profiles(context: typer.Context, output_format: options.OutputFormat = options.Format.TABLE) -> None:
    """List the machines; `profiles show` prints one.

    \b
    Examples:
      perfsim profiles
      perfsim profiles show x86_64
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    if context.invoked_subcommand is not None:
        return
    from perfsim.machine.profile import load_profile, profile_names
    from perfsim.report.render import render

    write_data(render(_list([load_profile(name) for name in profile_names()]), output_format.value))


@profiles.command("show")
def show_profile(
    profile: Annotated[
        str, typer.Argument(metavar="PROFILE", help="A name, or a .yaml file.", autocompletion=options.profiles_like)
    ],
    output_format: options.OutputFormat = options.Format.TABLE,
) -> None:
    """Show every figure of one profile with its unit, range and source.

    \b
    Examples:
      perfsim profiles show ia64
      perfsim profiles show slow_wake.yaml --format csv
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.machine.profile import load_profile
    from perfsim.report.render import render

    write_data(render(_figures(load_profile(profile, "PROFILE")), output_format.value))


def _list(known: list[CostProfile]) -> Table:
    from perfsim.report.render import Head, Kind, Table

    names = ("profile", "nodes", "cpus_per_node", "clock_ghz", "spinlock")
    lines = ((one.name, one.nodes, one.cpus_per_node, one.clock_hz / HZ_PER_GHZ, one.algorithm) for one in known)
    return Table("profiles", "cost profiles", tuple(Head(name, name, kind=Kind.EXACT) for name in names), tuple(lines))


def _figures(profile: CostProfile) -> Table:
    from perfsim.machine.profile import Figure, describe
    from perfsim.report.render import Head, Table

    caption = f"{profile.name}: runs take the best figure"
    return Table("figures", caption, tuple(Head(name, name) for name in Figure._fields), describe(profile))
