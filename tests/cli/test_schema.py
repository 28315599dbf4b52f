"""`perfsim schema`: the JSON Schema of workload files, and nothing else."""

import json
from collections.abc import Callable

from perfsim.scenario.json_schema import workload_schema

Perfsim = Callable[..., tuple[int, str, str]]


def test_the_schema_is_printed(perfsim: Perfsim) -> None:
    status, out, err = perfsim("schema")
    assert (status, err) == (0, "")
    assert json.loads(out) == workload_schema()
