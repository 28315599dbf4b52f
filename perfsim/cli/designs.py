"""`perfsim designs`: the kernels that a workload can name, their paths, and their known defects."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app, plain_app
from perfsim.cli.output import shows_colour, write_data

if TYPE_CHECKING:
    from perfsim.kernel.designs import Design, PathFunction
    from perfsim.report.render import Table

DesignA = Annotated[
    str, typer.Argument(metavar="A", help="A name, or a .py file.", autocompletion=options.designs_like)
]
DesignB = Annotated[
    str, typer.Argument(metavar="B", help="A name, or a .py file.", autocompletion=options.designs_like)
]

designs = plain_app("designs")
app.add_typer(designs)


@designs.callback(invoke_without_command=True)
def list_designs(context: typer.Context, output_format: options.OutputFormat = options.Format.TABLE) -> None:
    """List the designs; `show` prints one, `diff` compares two.

    \b
    Examples:
      perfsim designs
      perfsim designs show redo
      perfsim designs diff lock_page redo
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    if context.invoked_subcommand is not None:
        return
    from perfsim.kernel.designs import design_names, load_design
    from perfsim.report.render import render

    write_data(render(_list([load_design(name) for name in design_names()]), output_format.value))


@designs.command("show")
def show_design(
    design: Annotated[
        str, typer.Argument(metavar="DESIGN", help="A name, or a .py file.", autocompletion=options.designs_like)
    ],
    output_format: options.OutputFormat = options.Format.TABLE,
) -> None:
    """Show the paths of one design, where each is written, and its known defects.

    \b
    Examples:
      perfsim designs show redo
      perfsim designs show no_cull.py
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.kernel.designs import load_design
    from perfsim.report.render import render

    write_data(render(_paths(load_design(design, "DESIGN")), output_format.value))


@designs.command("diff")
def diff_designs(a: DesignA, b: DesignB, output_format: options.OutputFormat = options.Format.TABLE) -> None:
    """Compare two designs: the source that differs, and what each way through it costs.

    For each path that differs, for the putback and each entry of the kernel that reach one: atomics, shared accesses,
    locks, barriers, sleeps on its fast and worst way, and those of an unevictable and a meanwhile munlocked page.
    Then what these cost on each shipped machine, for one CPU and for many. It is read from the source, nothing is run.

    \b
    Examples:
      perfsim designs diff lock_page redo
      perfsim designs diff redo mine.py --format markdown
      perfsim designs diff lock_page redo --format csv > costs.csv
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.kernel.designs import load_design
    from perfsim.kernel.static.compare import compare_designs
    from perfsim.machine.profile import priced_profiles
    from perfsim.report.designs import DesignsDiff

    one, other = load_design(a, "A"), load_design(b, "B")
    found = DesignsDiff((one.name, other.name), compare_designs(one, other), priced_profiles())
    write_data(found.text(output_format.value, colour=shows_colour()))


def _list(known: list[Design]) -> Table:
    from perfsim.report.render import Head, Table

    heads = (Head("design", "design"), Head("defects", "known defects"), Head("summary", "summary"))
    return Table("designs", "designs", heads, tuple((one.name, _defect_names(one), one.summary) for one in known))


def _defect_names(design: Design) -> str:
    return ", ".join(dict.fromkeys(defect.name for defect in design.defects))


def _paths(design: Design) -> Table:
    from perfsim.report.render import Head, Table

    heads = (Head("path", "path"), Head("source", "source"), Head("purpose", "purpose"))
    lines = tuple((name, _source(path), _purpose(path)) for name, path in design.paths.items())
    notes = tuple(f"known defect {defect.name}: {defect.meaning}" for defect in design.defects)
    return Table("paths", f"{design.name}: {design.summary}", heads, lines, notes)


def _source(path: PathFunction) -> str:
    """FOLDER/FILE:LINE of a path, whichever design or file it comes from."""
    code = inspect.unwrap(path).__code__
    return f"{'/'.join(Path(code.co_filename).parts[-2:])}:{code.co_firstlineno}"


def _purpose(path: PathFunction) -> str:
    return (inspect.unwrap(path).__doc__ or "").strip().split("\n")[0]
