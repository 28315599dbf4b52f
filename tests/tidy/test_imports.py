"""What an import costs: the command's first words, and `import perfsim`, load nothing heavy."""

import ast
import subprocess
import sys

import pytest

from tests.tidy.modules import ROOT, Module, complaints, parse

HEAVY = (
    "asyncio",
    "distributed",
    "multiprocessing",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "simpy",
    "vl_convert",
    "yaml",
)

REPORT = "import sys; sys.stdout.write(' '.join(name for name in sys.argv[1:] if name in sys.modules))"


def heavy_after(statement: str) -> str:
    """The heavy modules that a fresh Python holds after a statement."""
    fresh = [sys.executable, "-c", f"{statement}; {REPORT}", *HEAVY]
    return subprocess.run(fresh, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60).stdout


def hides_the_function(module: Module) -> list[str]:
    """Imports of the form `import perfsim.sweep...`: the name `perfsim.sweep` is the public function."""
    return [
        module.at(node, f"write `from {alias.name} import ...`: perfsim.sweep is a function")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.startswith("perfsim.sweep")
    ]


@pytest.mark.parametrize("module", ["perfsim", "perfsim.cli.main"])
def test_an_import_leaves_heavy_modules_out(module: str) -> None:
    assert heavy_after(f"import {module}") == ""


def test_a_heavy_import_is_found() -> None:
    assert heavy_after("import simpy, yaml") == "simpy yaml"


def test_the_sweep_folder_is_imported_by_from() -> None:
    assert complaints(hides_the_function, "perfsim", "tests") == []


def test_a_plain_import_of_the_sweep_folder_is_found() -> None:
    assert len(hides_the_function(parse("import perfsim.sweep.driver as driver", "perfsim/cli/sweep.py"))) == 1
    assert hides_the_function(parse("from perfsim.sweep import driver", "perfsim/cli/sweep.py")) == []
