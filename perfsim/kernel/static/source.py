"""The source of a design's paths: their trees, the constants they see, and whether two of them are the same."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from perfsim.errors import InputError
from perfsim.kernel.designs import Design


class PathText(NamedTuple):
    """A path as written. file, line: where it begins. constants: the integers that its module knows, by name."""

    name: str
    file: str
    line: int
    tree: ast.AsyncFunctionDef
    text: str
    constants: Mapping[str, int]

    @property
    def place(self) -> str:
        """FOLDER/FILE of the source."""
        return "/".join(Path(self.file).parts[-2:])

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the arguments, `cpu` aside."""
        return tuple(parameter.arg for parameter in self.tree.args.args[1:])


def path_texts(design: Design) -> dict[str, PathText]:
    """Every path of a design by its name.

    Raises InputError for a file that has changed since the design was loaded.
    """
    return {name: _path_text(name, design) for name in design.paths}


def calls_of(path: PathText) -> frozenset[str]:
    """Names of the paths that a path calls itself."""
    calls = (node.value for node in ast.walk(path.tree) if isinstance(node, ast.Await))
    return frozenset(call.func.id for call in calls if isinstance(call, ast.Call) and isinstance(call.func, ast.Name))


def does_the_same(one: PathText, other: PathText) -> bool:
    """Whether two paths are the same but for comments, docstrings, layout and the file they stand in."""
    return _meaning(one) == _meaning(other)


def _meaning(path: PathText) -> tuple[list[str], list[tuple[str, int]]]:
    body = path.tree.body[1:] if ast.get_docstring(path.tree) is not None else path.tree.body
    names = {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    used = sorted((name, path.constants[name]) for name in names if name in path.constants)
    return [*path.parameters, *map(ast.dump, body)], used


def _path_text(name: str, design: Design) -> PathText:
    function = inspect.unwrap(design.paths[name])
    code = function.__code__
    source, trees = _file(code.co_filename)
    if (code.co_name, code.co_firstlineno) not in trees:
        raise InputError(f"{code.co_filename}:{code.co_firstlineno}:1", f"{name}() is no longer in the file")
    tree = trees[code.co_name, code.co_firstlineno]
    text = "".join(source[tree.lineno - 1 : tree.end_lineno])
    constants = {key: int(value) for key, value in function.__globals__.items() if isinstance(value, int)}
    return PathText(name, code.co_filename, tree.lineno, tree, text, constants)


@cache
def _file(name: str) -> tuple[list[str], dict[tuple[str, int], ast.AsyncFunctionDef]]:
    """The lines of a file, and the paths in it by name and line."""
    text = Path(name).read_text(encoding="utf-8")
    found = (node for node in ast.walk(ast.parse(text, name)) if isinstance(node, ast.AsyncFunctionDef))
    return text.splitlines(keepends=True), {(node.name, node.lineno): node for node in found}
