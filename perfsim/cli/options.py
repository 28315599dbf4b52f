"""The options that several commands share, and what completes them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from perfsim.engine import ENGINES

DEFAULT_ENGINE = ENGINES[0]
DEFAULT_MARGIN = "1%"


class Format(StrEnum):
    """How a command prints its answer."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    CSV = "csv"


def workloads_like(incomplete: str) -> list[str]:
    """Names of shipped workloads that complete a word in the shell."""
    from perfsim.scenario.locate import shipped_workloads

    return [name for name in shipped_workloads() if name.startswith(incomplete)]


def designs_like(incomplete: str) -> list[str]:
    """Names of designs that complete a word in the shell."""
    from perfsim.kernel.designs import design_names

    return [name for name in design_names() if name.startswith(incomplete)]


def profiles_like(incomplete: str) -> list[str]:
    """Names of cost profiles that complete a word in the shell."""
    from perfsim.machine.profile import profile_names

    return [name for name in profile_names() if name.startswith(incomplete)]


def metrics_like(incomplete: str) -> list[str]:
    """Columns of results, those that are figures, that complete a word in the shell."""
    from perfsim.stats.metrics import METRICS

    return [name for name in METRICS if name.startswith(incomplete)]


def engines_like(incomplete: str) -> list[str]:
    """Names of engines that complete a word in the shell."""
    return [name for name in ENGINES if name.startswith(incomplete)]


Workload = Annotated[
    str,
    typer.Argument(
        metavar="WORKLOAD",
        help="A YAML file, or the name of a shipped workload.",
        autocompletion=workloads_like,
        show_default=False,
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change any key of the workload, a task by its name: machine.cpus=64, tasks.lockers.hold=100us. "
        "The value is YAML. Repeatable.",
        show_default=False,
    ),
]
Designs = Annotated[
    list[str] | None,
    typer.Option(
        "--design",
        metavar="DESIGN",
        help="A design's name or .py file, instead of those of the workload. Repeatable; the first is the old one.",
        autocompletion=designs_like,
        show_default=False,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="PROFILE",
        help="A cost profile's name or .yaml file, instead of the workload's.",
        autocompletion=profiles_like,
        show_default=False,
    ),
]
Other = Annotated[
    str | None,
    typer.Argument(
        metavar="OTHER",
        help="A second one: each design in RESULTS is compared with itself in OTHER.",
        show_default=False,
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="COLUMN",
        help="What to compare, instead of reclaim throughput and the 99th percentile of putback. Repeatable.",
        autocompletion=metrics_like,
        show_default=False,
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="DESIGN",
        help="What the other designs are compared with, instead of the workload's first.",
        autocompletion=designs_like,
        show_default=False,
    ),
]
NewDesigns = Annotated[
    list[str] | None,
    typer.Option(
        "--design",
        metavar="DESIGN",
        help="A design to compare, instead of all. Repeatable.",
        autocompletion=designs_like,
        show_default=False,
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="What runs the simulation: compiled, or simpy, a hundred times slower. Same rows.",
        autocompletion=engines_like,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", metavar="N", help="Seed of the random numbers, instead of the workload's.", show_default=False
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", help="Worker processes, instead of one for each CPU here.", show_default=False),
]
Margin = Annotated[
    str, typer.Option("--margin", metavar="PERCENT", help="The largest difference that counts as the same.")
]
OutputFormat = Annotated[Format, typer.Option("--format", help="How to print the answer.")]
