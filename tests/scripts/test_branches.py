"""Branches are found where they are in the source, counted by operand, and watching them changes no run."""

import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

from perfsim import load_workload
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import SHIPPED, load_design
from perfsim.measure.row import simulate
from scripts import branches
from scripts.branches import SHORTENED, TOOK, Branch, Watched, recorder

SAMPLE = """\
async def example(cpu, a, b):
    turns = 0
    if a and not b:
        turns = 1
    for i in range(a):
        turns += i if i > 1 else 10
    while True:
        if turns or b:
            return a and b
        turns += 1
"""
TESTS = ["a", "b", "for i in range(a)", "i > 1", "turns", "b", "a"]


@pytest.fixture
def sample(tmp_path: Path) -> Watched:
    """The sample, watched."""
    (tmp_path / "sample.py").write_text(SAMPLE)
    return Watched(tmp_path / "sample.py", tmp_path)


def run(sample: Watched, a: int, b: int) -> tuple[int, set[tuple[int, bool]]]:
    """What the sample returns, and the ways that it took by the numbers of its tests."""
    took: set[tuple[int, bool]] = set()
    example = FunctionType(sample.codes["example"], {TOOK: recorder(took), "range": range})
    with pytest.raises(StopIteration) as ended:
        example(None, a, b).send(None)
    return ended.value.value, took


def test_every_operand_and_loop_is_a_test_and_a_constant_or_a_value_is_none(sample: Watched) -> None:
    by_place = sorted(sample.tests, key=lambda test: (test.line, test.column))
    assert [test.test for test in by_place] == TESTS
    assert by_place[1] == Branch("sample.py", "example", 3, 18, "b", way=True)
    assert len(sample.branches) == 2 * len(TESTS)


@pytest.mark.parametrize(
    "a,b,result,ways",
    [
        (0, 1, 0, {("a", False), ("for i in range(a)", False), ("turns", False), ("b", True)}),
        (
            3,
            0,
            0,
            {("a", True), ("b", False), ("for i in range(a)", True), ("for i in range(a)", False)}
            | {("i > 1", True), ("i > 1", False), ("turns", True)},
        ),
    ],
)
def test_a_run_tells_the_ways_it_took_and_returns_what_it_returned(
    sample: Watched, a: int, b: int, result: int, ways: set[tuple[str, bool]]
) -> None:
    returned, took = run(sample, a, b)
    assert returned == result
    assert {(sample.tests[number].test, way) for number, way in took} == ways


def test_a_watched_run_takes_the_branches_that_its_counters_tell_of() -> None:
    scenario = load_workload("munlock_storm", SHORTENED["munlock_storm"])
    taken = branches.taken_in(scenario, "lock_page")
    row = simulate(scenario, "lock_page", Seed(1, 0), "simpy")
    sleeps = [branch for branch in taken if branch.path == "lock_page" and branch.way]
    assert row["page_lock_sleeps"] > 0
    assert [branch.test for branch in sleeps] == ["await cpu.test_and_set(page, PG_LOCKED)"]
    assert not [branch for branch in taken if branch.file.startswith("redo")]


def test_watching_a_design_leaves_the_next_one_loaded_as_it_was() -> None:
    branches.watch(load_design("redo"))
    assert all(TOOK not in path.__globals__ for path in branches.own_paths(load_design("redo")))


def test_every_shipped_workload_is_run_and_every_design_has_branches() -> None:
    root = Path(branches.__file__).parents[1]
    assert set(SHORTENED) == {file.stem for file in (root / "workloads").glob("*.yaml")}
    folders = {Path(branch.file).parts[0] for branch in branches.every_branch()}
    assert folders == {*SHIPPED, "shared", "tasks.py"}


def test_the_command_prints_what_is_left_out_path_by_path() -> None:
    command = [sys.executable, branches.__file__, "lock_contention"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert "redo/vmscan.py: putback_lru_page()" in lines
    assert any(line.endswith("never true: page_lock") for line in lines)
    assert not any(line.endswith("never false: page_lock") for line in lines)
    total, taken, untaken = (int(word) for word in lines[-1].split() if word.isdigit())
    assert total == taken + untaken
    assert len([line for line in lines if line.startswith("    ")]) == untaken
