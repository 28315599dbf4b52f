"""`perfsim report`: results as one page of pictures, and as pictures for slides and mail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import file_to_write, tell

PAGE = "report.html"


@app.command("report")
def write_report(
    results: Annotated[
        str, typer.Argument(metavar="RESULTS", help="A directory that perfsim sweep wrote.", show_default=False)
    ],
    other: options.Other = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="The page, instead of report.html in RESULTS.", show_default=False),
    ] = None,
    png: Annotated[
        str | None,
        typer.Option(
            "--png",
            metavar="DIR",
            help="Write each picture into a directory too, as PNG and as SVG.",
            show_default=False,
        ),
    ] = None,
    metrics: options.Metrics = None,
    base: options.Base = None,
    designs: options.NewDesigns = None,
    margin: options.Margin = options.DEFAULT_MARGIN,
) -> None:
    """Show results in one HTML file, with nothing to fetch.

    The verdict of compare comes first; then throughput and latency, ratios, break-even, where the time goes and how
    the locks fare, each with its data; then how it was run. What `perfsim sensitivity --format json` answered is shown
    too if it lies in RESULTS as sensitivity.json. The same results give the same bytes.

    \b
    Examples:
      perfsim report results/mlock_heavy
      perfsim report results/mlock_heavy --out putback.html --png pictures
      perfsim report results/after results/before --metric mlock_call_latency_mean_ns
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.report.comparison import Asked
    from perfsim.report.pictures.facts import facts_of
    from perfsim.report.pictures.material import gather
    from perfsim.report.pictures.page import page_of
    from perfsim.report.pictures.static import make_directory, write_pictures
    from perfsim.stats.metrics import USUAL
    from perfsim.store.atomic import replacing
    from perfsim.units import format_size

    path = _page_path(results, out)
    material = gather(Asked(results, other, tuple(metrics or USUAL), base, tuple(designs or ()), margin))
    if png is not None:
        make_directory(Path(png))
    facts = facts_of(material)
    content = page_of(material, facts).encode(errors="backslashreplace")
    with replacing(path) as file:
        file.write(content)
    tell(f"{path}: {format_size(len(content))}, opens in any browser")
    if png is not None:
        paths = write_pictures(facts, Path(png))
        tell(f"{png}: {len(paths)} files, such as {paths[0].name}" if paths else f"{png}: nothing to show in a picture")


def _page_path(results: str, out: str | None) -> Path:
    """Where the page goes: into the directory of results, or beside the file of them. Raises InputError for none."""
    if out is not None:
        return file_to_write("--out", out, PAGE)
    place = Path(results)
    return (place if place.is_dir() else place.parent) / PAGE
