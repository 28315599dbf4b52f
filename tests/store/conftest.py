"""A sweep's scenario and its rows."""

from typing import Any

import pytest

from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from tests.measure.rows import made_rows


@pytest.fixture
def scenario() -> Scenario:
    """quickstart with axes of every type of column."""
    axes = "sweep.axes={machine.profile: [ia64, x86_64], machine.cpus: [1, 4], memory.mlocked_fraction: [0.1, 0.5]}"
    return load_scenario("quickstart", [axes, "sweep.replications=2"])


@pytest.fixture
def rows(scenario: Scenario) -> list[dict[str, Any]]:
    return made_rows(scenario)
