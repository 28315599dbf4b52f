"""What a kernel path may contain, as far as running it needs: every call under `await`.

A coroutine that is called and not awaited does nothing, silently: the one mistake that Python would not show.
"""

from __future__ import annotations

import ast
from typing import NamedTuple


class Refusal(NamedTuple):
    """line and column (from 1) of what a path may not contain, and what to write instead."""

    line: int
    column: int
    problem: str


def refusals(tree: ast.Module) -> list[Refusal]:
    """Calls in a module's `async def` functions that are not directly under `await`; `range` of a `for` is free."""
    found = [_refusals(node) for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    return [refusal for of_function in found for refusal in of_function]


def _refusals(function: ast.AsyncFunctionDef) -> list[Refusal]:
    free = _free_calls(function)
    return [
        Refusal(call.lineno, call.col_offset + 1, f"{ast.unparse(call.func)}() is not awaited; write await before it")
        for statement in function.body
        for call in ast.walk(statement)
        if isinstance(call, ast.Call) and id(call) not in free
    ]


def _free_calls(function: ast.AsyncFunctionDef) -> set[int]:
    awaited = {id(node.value) for node in ast.walk(function) if isinstance(node, ast.Await)}
    loops = [node.iter for node in ast.walk(function) if isinstance(node, ast.For)]
    ranges = {id(it) for it in loops if isinstance(it, ast.Call) and ast.unparse(it.func) == "range"}
    return awaited | ranges
