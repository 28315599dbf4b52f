"""Which branches of the kernel paths no shipped workload takes.

Runs every shipped workload, shortened, under every shipped design by the reference engine, and prints for each path the
tests that never came out true, or never false. Branches are counted as a C compiler's are: each operand of `and` and
`or` has two ways out, and so has a loop. Tracers of lines do not see the operands, and some of those are the races.
"""

from __future__ import annotations

import argparse
import ast
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

from perfsim import load_workload
from perfsim.engine.engines import ReferenceEngine
from perfsim.kernel import paths
from perfsim.kernel.boot import Seed
from perfsim.kernel.designs import SHIPPED, Design, load_design
from perfsim.scenario.schema import Scenario

ROOT = Path(str(paths.__file__)).parent
TOOK = "__took__"
SEED = Seed(1, 0)

_SMALL = ("memory.pages_per_node=1024", "measure.warmup=0us")
SHORTENED = {
    "everything": ("machine.cpus=8", "memory.pages_per_node=2048", "measure.warmup=0us", "measure.duration=1.5ms"),
    "lock_contention": (*_SMALL, "measure.duration=50us"),
    "migration": (*_SMALL, "measure.duration=1ms"),
    "mlock_heavy": (*_SMALL, "machine.nodes=2", "measure.duration=0.7ms"),
    "munlock_storm": (*_SMALL, "measure.duration=0.7ms"),
    "quickstart": (*_SMALL, "measure.duration=1ms"),
    "reclaim_only": (*_SMALL, "machine.nodes=2", "measure.duration=0.7ms"),
    "shm_lock": ("memory.pages_per_node=2048", "measure.warmup=0us", "measure.duration=1ms"),
    "truncate_mix": (*_SMALL, "measure.duration=1ms"),
}
"""The shipped workloads, and what makes each of them a run of about a second."""


class Branch(NamedTuple):
    """One way out of one test of a path. file: below kernel/paths; column: from 1; test: its source, on one line."""

    file: str
    path: str
    line: int
    column: int
    test: str
    way: bool

    def __str__(self) -> str:
        """A line of the report."""
        return f"{self.file}:{self.line}:{self.column}: never {str(self.way).lower()}: {self.test}"


class Watched(ast.NodeTransformer):
    """A file of paths, compiled so that every test tells its number and how it came out. tests: as when true."""

    def __init__(self, file: Path, below: Path) -> None:
        self.file = str(file.relative_to(below))
        self.text = file.read_text(encoding="utf-8")
        self.path = ""
        self.tests: list[Branch] = []
        tree = ast.parse(self.text)
        self.deciding = {id(test) for node in ast.walk(tree) for test in deciding(node)}
        self.visit(tree)
        module = compile(ast.fix_missing_locations(tree), str(file), "exec", dont_inherit=True)
        self.codes = {code.co_name: code for code in module.co_consts if isinstance(code, CodeType)}

    @property
    def branches(self) -> list[Branch]:
        """Both ways out of every test."""
        return [test._replace(way=way) for test in self.tests if test.path for way in (False, True)]

    def visit(self, node: ast.AST) -> ast.AST:
        """A node, or what takes its place."""
        if isinstance(node, ast.AsyncFunctionDef):
            self.path = node.name
        if isinstance(node, ast.expr) and id(node) in self.deciding:
            number = self.number(node, ast.get_source_segment(self.text, node) or "")
            return self.told(number, self.generic_visit(node))
        if isinstance(node, ast.For):
            number = self.number(node, f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}")
            self.generic_visit(node)
            node.body.insert(0, ast.Expr(self.told(number, ast.Constant(1))))
            node.orelse = [ast.Expr(self.told(number, ast.Constant(0)))]
            return node
        return self.generic_visit(node)

    def number(self, node: ast.expr | ast.stmt, text: str) -> int:
        """The number of a test that is met now."""
        line, column = node.lineno, node.col_offset + 1
        self.tests.append(Branch(self.file, self.path, line, column, " ".join(text.split()), way=True))
        return len(self.tests) - 1

    def told(self, number: int, value: ast.AST) -> ast.Call:
        """A call that tells how a test came out, and gives its value back."""
        return ast.Call(ast.Name(TOOK, ast.Load()), [ast.Constant(number), value], [])  # type: ignore[list-item]


def deciding(node: ast.AST) -> list[ast.expr]:
    """The operands that say where to go on after a node; the last one of a value of `and`, `or` is that value."""
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return operands(node.test)
    if isinstance(node, ast.BoolOp):
        return [one for value in node.values[:-1] for one in operands(value)]
    return []


def operands(test: ast.expr) -> list[ast.expr]:
    """What a test is made of, without `and`, `or`, `not` and constants."""
    if isinstance(test, ast.BoolOp):
        return [one for value in test.values for one in operands(value)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return operands(test.operand)
    return [] if isinstance(test, ast.Constant) else [test]


@functools.cache
def watched(file: str) -> Watched:
    """A file of the shipped paths, watched."""
    return Watched(Path(file), ROOT)


def own_paths(design: Design) -> list[FunctionType]:
    """Every path of a design as it is written, without probes."""
    return [function for path in design.paths.values() if isinstance(function := inspect.unwrap(path), FunctionType)]


def every_branch() -> set[Branch]:
    """The branches of all paths of the shipped designs."""
    files = {path.__code__.co_filename for name in SHIPPED for path in own_paths(load_design(name))}
    return {branch for file in files for branch in watched(file).branches}


def watch(design: Design) -> Callable[[], set[Branch]]:
    """Let a shipped design, just loaded, tell how its tests come out. Returns what tells the branches taken so far."""
    took: dict[str, set[tuple[int, bool]]] = {}
    for path in own_paths(design):
        file = path.__code__.co_filename
        path.__code__ = watched(file).codes[path.__name__]
        path.__globals__[TOOK] = recorder(took.setdefault(file, set()))
    return lambda: {
        watched(file).tests[number]._replace(way=way) for file, ways in took.items() for number, way in ways
    }


def taken_in(scenario: Scenario, design_name: str, seed: Seed = SEED) -> set[Branch]:
    """The branches that a run by the reference engine takes. design_name: a shipped one."""
    design = load_design(design_name)
    taken = watch(design)
    run = ReferenceEngine(scenario, design, seed, None)
    end_ps = scenario.measure.warmup_ps + scenario.measure.duration_ps
    run.advance(end_ps)
    run.finish(end_ps)
    return taken()


def recorder(took: set[tuple[int, bool]]) -> Callable[[int, int], int]:
    """What the tests of a file call."""

    def told(number: int, value: int) -> int:
        took.add((number, bool(value)))
        return value

    return told


def taken_by(workload: str) -> set[Branch]:
    """The branches that a shortened shipped workload takes, under whatever design."""
    scenario = load_workload(workload, SHORTENED[workload])
    return {branch for design in SHIPPED for branch in taken_in(scenario, design)}


def report(untaken: Iterable[Branch]) -> list[str]:
    """A line for each path, and one below it for each of its branches."""
    lines = []
    for (file, path), branches in groupby(sorted(untaken), lambda one: (one.file, one.path)):
        lines += [f"{file}: {path}()", *(f"    {branch}" for branch in branches)]
    return lines


def main(arguments: Sequence[str]) -> None:
    """Run the workloads, by as many processes as there are CPUs, and print what they leave out."""
    parser = argparse.ArgumentParser(prog="scripts/branches", description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="shipped workloads; all if there are none")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.workloads) - set(SHORTENED))
    if unknown:
        parser.error(f"{unknown[0]} is no shipped workload; known: {', '.join(SHORTENED)}")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        taken = set().union(*pool.map(taken_by, options.workloads or SHORTENED))
    everything = every_branch()
    untaken = everything - taken
    sys.stdout.write("".join(f"{line}\n" for line in report(untaken)))
    sys.stdout.write(f"{len(everything)} branches, {len(taken)} taken, {len(untaken)} not\n")


if __name__ == "__main__":
    main(sys.argv[1:])
