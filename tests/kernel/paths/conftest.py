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

# A file, empty at first; a segment of shared memory; a process with a thread.
OBJECTS = """
name: objects
machine: {profile: x86_64, cpus: 4, nodes: 2}
memory: {pages_per_node: 512, file_fraction: 0.5, mlocked_fraction: 0, referenced_fraction: 0, dirty_fraction: 0}
kernel: {drain_all: never}
tasks:
  - {name: writers, kind: truncate, count: 1, range_pages: 16, hold: 20us, think: 1us}
  - {name: segments, kind: shm_lock, count: 1, range_pages: 16, hold: 20us, think: 1us}
  - {name: processes, kind: fault, count: 1, range_pages: 16, hold: 20us, think: 1us}
  - {name: threads, kind: fault, count: 1, shares: processes, think: 1us}
measure: {warmup: 0us, duration: 1ms}
"""

StageMaker = Callable[..., Stage]


def stage_maker(file: Path, workload: str) -> StageMaker:
    """A maker of stages of one workload: under a design; further arguments are as for --set."""

    def make(design: str, *sets: str) -> Stage:
        file.write_text(workload)
        return new_stage(load_scenario(str(file), sets), design)

    return make


@pytest.fixture
def make_stage(tmp_path: Path) -> StageMaker:
    """Make a stage with ranges locked and ranges to lock."""
    return stage_maker(tmp_path / "stage.yaml", WORKLOAD)


@pytest.fixture
def make_objects(tmp_path: Path) -> StageMaker:
    """Make a stage of four CPUs with a file, a segment of shared memory, and a process of two threads."""
    return stage_maker(tmp_path / "objects.yaml", OBJECTS)


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
