"""A litmus test's accesses, read from the very files that the explorer runs: its scenario, and a design's paths."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

from perfsim.explore.scenario import ExploreScenario, load_explore_scenario, script_of

FOLDER = Path(__file__).resolve().parents[2] / "perfsim" / "explore" / "litmus"


class Op(NamedTuple):
    """kind: load, store, update or fence. word: its name. value: to be stored, or added. register: of a load.

    order: acquire, release or nothing. An update has a value before it is read: an exchange, or an addition to 0.
    """

    kind: str
    word: str = ""
    value: int = 0
    register: str = ""
    order: str = ""


class Program(NamedTuple):
    """threads: what each CPU does, in order. seen: by word, the registers that it keeps, and of which CPU.

    exists: the values of words that are asked for.
    """

    threads: tuple[tuple[Op, ...], ...]
    seen: dict[str, tuple[int, tuple[str, ...]]]
    exists: dict[str, int]


def read_program(name: str, variant: str) -> Program:
    """The test of a scenario file with the accesses of a variant."""
    scenario = load_explore_scenario(str(FOLDER / f"{name}.yaml"))
    paths = {
        node.name: node for node in ast.parse((FOLDER / f"{variant}.py").read_text()).body if hasattr(node, "name")
    }
    threads = []
    seen: dict[str, tuple[int, tuple[str, ...]]] = {}
    for cpu in range(len(scenario.cpus)):
        path, words = _call(scenario, cpu)
        function = paths[path]
        assert isinstance(function, ast.AsyncFunctionDef), f"{path} is no path"
        bound = dict(zip([one.arg for one in function.args.args[1:]], words, strict=True))
        ops = []
        for line in (ast.unparse(statement) for statement in function.body[1:]):
            kept = re.fullmatch(r"await cpu\.observe\((\w+), (.*)\)", line)
            if kept:
                seen[bound[kept[1]]] = (cpu, tuple(re.findall(r"[a-z]", kept[2])))
            else:
                ops.append(_op(line, bound))
        threads.append(tuple(ops))
    return Program(tuple(threads), seen, {word: int(str(value)) for word, value in scenario.exists.items()})


def _call(scenario: ExploreScenario, cpu: int) -> tuple[str, list[str]]:
    [call] = script_of(scenario, cpu, "otherwise")
    return call.path, [str(argument) for argument in call.arguments]


def _op(line: str, bound: dict[str, str]) -> Op:
    if line == "await cpu.smp_mb()":
        return Op("fence")
    load = re.fullmatch(r"(\w) = await cpu\.read_word(_acquire)?\((\w+)\)", line)
    if load:
        return Op("load", bound[load[3]], register=load[1], order=(load[2] or "").strip("_"))
    write = re.fullmatch(r"await cpu\.(write_word|write_word_release|xchg_word|add_word)\((\w+), (\d+)\)", line)
    assert write, f"{line} is no access"
    kind = "store" if write[1].startswith("write") else "update"
    return Op(kind, bound[write[2]], int(write[3]), order="release" if write[1].endswith("release") else "")
