"""Scenarios from a few lines of YAML."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perfsim.scenario.schema import Scenario
from perfsim.scenario.validate import load_scenario

ScenarioMaker = Callable[..., Scenario]

WORKLOAD = """\
name: small
machine: {profile: x86_64, cpus: 4, nodes: 2}
memory: {pages_per_node: 512, file_fraction: 0.5, mlocked_fraction: 0.25, referenced_fraction: 0.2, dirty_fraction: 0.1}
kernel: {designs: [lock_page, redo], memcg: true}
tasks:
  - {name: kswapd, kind: kswapd}
  - {name: reclaimers, kind: direct_reclaim, count: 2, think: {exponential: 5us}}
  - {name: lockers, kind: mlock, count: 2, range_pages: 8, hold: {exponential: 10us}, think: {exponential: 5us}}
measure: {warmup: 20us, duration: 100us}
"""


@pytest.fixture
def workload() -> str:
    return WORKLOAD


@pytest.fixture
def scenario_of(tmp_path: Path) -> ScenarioMaker:
    """A scenario of a text; further arguments are as for --set."""

    def make(text: str = WORKLOAD, *sets: str, name: str = "w.yaml") -> Scenario:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return load_scenario(str(file), sets)

    return make


@pytest.fixture
def design_file(tmp_path: Path) -> Callable[[str], str]:
    """A user's design with the given paths, on top of redo. Returns its path."""

    def write(text: str) -> str:
        file = tmp_path / "mine.py"
        file.write_text(f'"""A design of mine."""\n\nextends = "redo"\n\n{text}', encoding="utf-8")
        return str(file)

    return write
