"""The page on how a path is written: each of its examples runs, in every engine, and returns what it says."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import load_design
from perfsim.kernel.subset_form import EXPRESSIONS, OPERATORS, STATEMENTS
from perfsim.measure.row import simulate
from perfsim.scenario.validate import load_scenario

PAGE = Path(str(importlib.import_module("perfsim.kernel.paths").__file__)).with_name("README.md")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

ONE_TASK = """\
name: page
machine: {profile: ideal, cpus: 1, nodes: 1}
memory: {pages_per_node: 64}
tasks:
  - {name: example, kind: lock_loop, count: 1, lock: lru_lock, think: 1us, hold: 1us}
measure: {warmup: 0us, duration: 5us}
"""
AROUND = """
from perfsim.kernel.constants import PGSCAN

async def lock_loop(cpu, page_lock):
    await cpu.count_vm_event(PGSCAN, await example(cpu))
    while not await cpu.should_stop():
        await cpu.think()
"""


def design_of(example: str, folder: Path) -> str:
    """A design's file whose task runs an example once, and counts what it returns."""
    file = folder / "example.py"
    file.write_text(f'extends = "redo"\n{example}\n{AROUND}', encoding="utf-8")
    return str(file)


def stated_value(example: str) -> int:
    """What the example says that it returns."""
    stated = re.search(r"async def example\(cpu\):  # returns (\d+)\n", example)
    assert stated, example
    return int(stated.group(1))


@pytest.mark.parametrize("example", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
def test_an_example_returns_what_the_page_says_in_every_engine(example: str, tmp_path: Path, engine: str) -> None:
    workload = tmp_path / "w.yaml"
    workload.write_text(ONE_TASK, encoding="utf-8")
    row = simulate(load_scenario(str(workload)), design_of(example, tmp_path), Seed(1, 0), engine)
    assert row["pgscan"] == stated_value(example)


def test_the_examples_hold_every_form_that_a_path_may_have() -> None:
    text = "".join(EXAMPLES)
    words = [
        "and",
        "or",
        "not",
        "if",
        "elif",
        "else",
        "while True",
        "break",
        "continue",
        "for",
        "return",
        "pass",
        "await",
    ]
    signs = ["+=", "-=", "//", "%", "&", "~", "<<", ">>", "0 < a < await", "a, b = b, a", "c = d =", ": int =", ", -2)"]
    assert [form for form in [*words, *signs, "await cpu.lru_to_page(await"] if form not in text] == []


def test_an_example_is_a_design_with_every_path_of_its_base(tmp_path: Path) -> None:
    design = load_design(design_of(EXAMPLES[0], tmp_path))
    assert set(load_design("redo").paths) | {"example", "distance", "tell"} == set(design.paths)


def test_what_is_refused_stands_on_the_page() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## What is refused")[1]
    words = ["try", "raise", "assert", "with", "def", "class", "lambda", "import", "global", "nonlocal", "del", "yield"]
    assert [word for word in [*words, "match", ":=", "/", "**", "is", "in"] if f"`{word}`" not in table] == []
    assert len(STATEMENTS) + len(EXPRESSIONS) + len(OPERATORS) > len(words)
