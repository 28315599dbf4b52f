"""Stages: a small machine of three CPUs on two nodes, with ranges locked and ranges to lock on each."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.scenario.validate import load_scenario
from tests.kernel.paths.stage import Stage, new_stage

WORKLOAD = """
name: stage
machine: {profile: x86_64, cpus: 3, nodes: 2}
memory: {pages_per_node: 512, file_fraction: 0.5, mlocked_fraction: 0.25, referenced_fraction: 0, dirty_fraction: 0}
kernel: {drain_all: never}
tasks:
  - {name: lockers, kind: mlock, per: cpu, range_pages: 16, hold: 20us, think: 1us}
measure: {warmup: 0us, duration: 1ms}
"""

StageMaker = Callable[..., Stage]


@pytest.fixture
def make_stage(tmp_path: Path) -> StageMaker:
    """Make a stage under a design; further arguments are as for --set."""

    def make(design: str, *sets: str) -> Stage:
        file = tmp_path / "stage.yaml"
        file.write_text(WORKLOAD)
        return new_stage(load_scenario(str(file), sets), design)

    return make


@pytest.fixture(params=["lock_page", "redo"])
def stage(request: pytest.FixtureRequest, make_stage: StageMaker) -> Stage:
    """A stage under each design in turn: for what both do alike."""
    return make_stage(str(request.param))


@pytest.fixture
def old(make_stage: StageMaker) -> Stage:
    """A stage under the design that puts back under the page lock."""
    return make_stage("lock_page")


@pytest.fixture
def redo(make_stage: StageMaker) -> Stage:
    """A stage under the design of the rework."""
    return make_stage("redo")
