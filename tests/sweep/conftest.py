"""A sweep of eight short runs: two points, both designs, two replications."""

from collections.abc import Callable

import pytest

from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario
from perfsim.sweep import gather, results
from perfsim.sweep.plan import Run, plan
from tests.sweep.into import outcomes_here

TINY = (
    "memory.pages_per_node=256",
    "measure.warmup=10us",
    "measure.duration=100us",
    "sweep.replications=2",
    "sweep.axes.machine.cpus=[1, 2]",
)


@pytest.fixture
def tiny() -> Callable[..., Scenario]:
    """The small sweep, changed by further `--set` texts."""

    def load(*sets: str, designs: tuple[str, ...] = ()) -> Scenario:
        return load_scenario("quickstart", (*TINY, *sets), designs=designs)

    return load


@pytest.fixture
def runs(tiny: Callable[..., Scenario]) -> tuple[Run, ...]:
    """The runs of the small sweep."""
    return plan(tiny(), 1)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without worker processes: they have tests of their own, and these are quicker."""
    for module in (results, gather):
        monkeypatch.setattr(module, "outcomes", outcomes_here)
