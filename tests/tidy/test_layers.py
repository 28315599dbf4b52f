"""The one order of the layers: a module imports its own layer and those to its left, and the loops stay where they are.

errors, units, numeric > scenario > machine > kernel > engine > explore > measure > calibrate > store > stats > sweep >
report > truth > cli
"""

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.modules import Module, complaints, parse

LAYERS = (
    *("errors", "units", "numeric", "scenario", "machine", "kernel", "engine", "explore"),
    *("measure", "calibrate", "store", "stats", "sweep", "report", "truth", "cli"),
)

# The package itself imports every layer, inside functions; the layers may ask it for this name alone.
FROM_THE_PACKAGE = {"__version__"}

# A library that only one place may import: the path of the place, as a prefix.
CONFINED = {
    "simpy": "perfsim/engine/reference.py",
    "numba": "perfsim/engine/",
    "llvmlite": "perfsim/engine/",
    "asyncio": "perfsim/sweep/",
    "distributed": "perfsim/sweep/",
}


def layer_of(path: str) -> str:
    """The layer of a file; "" for the package's own __init__ and __main__."""
    name = path.removeprefix("perfsim/").split("/")[0].removesuffix(".py")
    return "" if name in {"__init__", "__main__"} else name


def imported_names(tree: ast.AST) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Every module that a file imports, at its head, inside functions, for types, or by import_module("...")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            yield from ((node, f"{source}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            literal = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
            yield from ((node, str(name)) for name in literal)


def wrong_direction(module: Module) -> list[str]:
    """Imports that go to the right, to an unknown layer, to the package itself, or by a relative path."""
    own = layer_of(module.path)
    if own and own not in LAYERS:
        return [f"{module.path}:1: {own!r} is no layer; the layers are {' > '.join(LAYERS)}"]
    found = []
    for node, name in imported_names(module.tree):
        parts = name.split(".")
        if name.startswith("."):
            found.append(module.at(node, f"relative import {name}; write the whole name"))
        elif parts[0] == "perfsim" and own and not may_import(own, parts[1:]):
            found.append(module.at(node, f"layer {own} imports {name}, which is not to its left"))
    return found


def may_import(own: str, names: list[str]) -> bool:
    """Whether a layer may import perfsim.<names>."""
    if names and names[0] in LAYERS:
        return LAYERS.index(names[0]) <= LAYERS.index(own)
    return len(names) == 1 and names[0] in FROM_THE_PACKAGE


def out_of_place(module: Module) -> list[str]:
    """Imports of a library outside the one place that may use it."""
    return [
        module.at(node, f"{name} is imported in {CONFINED[library]} alone")
        for node, name in imported_names(module.tree)
        if (library := name.split(".")[0]) in CONFINED and not module.path.startswith(CONFINED[library])
    ]


def test_no_module_imports_a_layer_to_its_right() -> None:
    assert complaints(wrong_direction, "perfsim") == []


def test_simpy_and_asyncio_stay_where_they_belong() -> None:
    assert complaints(out_of_place, "perfsim") == []


@pytest.mark.parametrize(
    "statement",
    [
        "from perfsim.engine.reference import Cpu",
        "import perfsim.cli.main",
        "from perfsim import cli",
        "from perfsim import run",
        "import perfsim",
        "from . import sibling",
        "def later():\n    from perfsim.sweep import driver",
        "importlib.import_module('perfsim.store.parquet')",
    ],
)
def test_an_import_to_the_right_is_found_wherever_it_stands(statement: str) -> None:
    assert len(wrong_direction(parse(statement, "perfsim/kernel/state.py"))) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "from perfsim.kernel.paths.shared import swap",
        "from perfsim.errors import InputError",
        "from perfsim import __version__",
        "import json",
    ],
)
def test_an_import_to_the_left_is_allowed(statement: str) -> None:
    assert wrong_direction(parse(statement, "perfsim/kernel/state.py")) == []


def test_a_folder_outside_the_order_is_found() -> None:
    assert len(wrong_direction(parse("", "perfsim/extras/thing.py"))) == 1


def test_a_library_outside_its_place_is_found() -> None:
    assert len(out_of_place(parse("import simpy.events", "perfsim/engine/prepare.py"))) == 1
    assert len(out_of_place(parse("from asyncio import run", "perfsim/cli/sweep.py"))) == 1
    assert out_of_place(parse("import asyncio", "perfsim/sweep/driver.py")) == []
