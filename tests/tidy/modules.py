"""The checkout's Python files, parsed, as the tidy rules read them.

A rule is a function from one Module to a list of complaints, "FILE:LINE: what is wrong". Each is run over the whole
tree, and once over a bad sample, so that no rule is one that cannot fail.
"""

import ast
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

ROOT = Path(__file__).resolve().parents[2]

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """One Python file: its path from the checkout's root, its text, its tree."""

    path: str
    text: str
    tree: ast.Module

    def at(self, node: ast.stmt | ast.expr, problem: str) -> str:
        """A complaint about one node."""
        return f"{self.path}:{node.lineno}: {problem}"


Rule: TypeAlias = Callable[[Module], list[str]]


def modules(*folders: str) -> list[Module]:
    """Every Python file under these folders of the checkout, in the order of their paths."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [parse(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))) for path in paths]


def parse(text: str, path: str) -> Module:
    """A module from its text: a file's, or a sample's, which may be indented."""
    text = textwrap.dedent(text)
    return Module(path, text, ast.parse(text, path))


def complaints(rule: Rule, *folders: str) -> list[str]:
    """What a rule finds in every file of these folders; an empty folder is our mistake, not a success."""
    found = modules(*folders)
    assert found, f"no Python file under {folders}"
    return [complaint for module in found for complaint in rule(module)]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node
