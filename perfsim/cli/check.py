"""`perfsim check`: have results become worse than a baseline?"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsim.cli.app import app
from perfsim.cli.output import file_to_write, tell, write_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.report.check import Check
    from perfsim.report.limits import Allowed

REGRESSED_STATUS = 1


class CheckFormat(StrEnum):
    """How a check prints its answer."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    CSV = "csv"
    GITHUB = "github"


@app.command("check")
def check_results(
    results: Annotated[
        str, typer.Argument(metavar="RESULTS", help="A directory that perfsim sweep wrote.", show_default=False)
    ],
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            metavar="BASELINE",
            help="What to check against: a file that --update-baseline wrote, or a directory of results.",
            show_default=False,
        ),
    ],
    max_regressions: Annotated[
        list[str] | None,
        typer.Option(
            "--max-regression",
            metavar="[METRIC=]PERCENT",
            help="How much worse a metric may become, or every one, instead of what the workload says. Repeatable.",
            show_default=False,
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update-baseline", help="Make RESULTS the baseline: write BASELINE, and check nothing.")
    ] = False,
    junit: Annotated[
        str | None,
        typer.Option("--junit", metavar="FILE", help="Write the answer as JUnit XML too.", show_default=False),
    ] = None,
    output_format: Annotated[
        CheckFormat,
        typer.Option(
            "--format",
            help="How to print the answer. github: annotations, and the tables as the summary of the workflow's step.",
        ),
    ] = CheckFormat.TABLE,
) -> None:
    """Judge results against a baseline: has anything regressed?

    The answers are regressed, fine, or cannot tell: of each point, design and metric, and of all points together. Runs
    pair by point, seed and replication. Exit status 1 if anything has regressed; what cannot be told is no failure.

    \b
    Examples:
      perfsim check results/mlock_heavy --baseline baseline.json --update-baseline
      perfsim check results/mlock_heavy --baseline baseline.json
      perfsim check results/after --baseline results/before --max-regression reclaim_scanned_per_s=2%
      perfsim check results/mlock_heavy --baseline baseline.json --junit check.xml --format github
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.report.check import check
    from perfsim.report.limits import parse_allowed

    asked = [parse_allowed(text) for text in max_regressions or ()]
    if update:
        _update(baseline, results, asked)
        return
    junit_path = None if junit is None else file_to_write("--junit", junit, "perfsim.xml")
    found = check(results, baseline, asked)
    if junit_path is not None:
        _write_junit(junit_path, found)
    write_data(_text(found, output_format))
    if found.is_regressed:
        raise typer.Exit(REGRESSED_STATUS)


def _update(baseline: str, results: str, asked: Sequence[Allowed]) -> None:
    from perfsim.report.check import limits_of
    from perfsim.stats.comparison import columns_for
    from perfsim.sweep.baseline import update_baseline
    from perfsim.units import format_count

    columns = columns_for([limit.metric for limit in limits_of(results, asked)])
    written = update_baseline(baseline, results, columns)
    size = Path(baseline).stat().st_size
    tell(f"{baseline}: {format_count(len(written.runs))} runs of {written.workload}, {format_count(size)} bytes")


def _write_junit(path: Path, found: Check) -> None:
    from perfsim.report.junit import junit
    from perfsim.store.atomic import replacing

    with replacing(path) as file:
        file.write(junit(found))


def _text(found: Check, form: CheckFormat) -> str:
    from perfsim.report.annotations import annotated

    if form is not CheckFormat.GITHUB:
        return found.text(form.value)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        _append(Path(summary), found.text("markdown"))
    return annotated(found)


def _append(path: Path, text: str) -> None:
    from perfsim.store.atomic import unwritable

    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise unwritable(path, error) from error
