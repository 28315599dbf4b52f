"""`perfsim schema`: workload files for editors."""

from __future__ import annotations

from perfsim.cli.app import app
from perfsim.cli.output import write_data


@app.command()
def schema() -> None:
    """Print the JSON Schema of workload files, for editors.

    An editor that speaks YAML's language server completes keys and marks mistakes in a file whose first line is

    \b
        # yaml-language-server: $schema=workload.schema.json

    \b
    Examples:
      perfsim schema > workload.schema.json
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.report.render import json_text
    from perfsim.scenario.json_schema import workload_schema

    write_data(json_text(workload_schema()))
