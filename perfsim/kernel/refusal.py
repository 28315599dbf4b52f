"""What a path may not contain, as the user reads it."""

from __future__ import annotations

import ast
from typing import NamedTuple


class Refusal(NamedTuple):
    """line and column (from 1) of what a path may not contain, and what to write instead."""

    line: int
    column: int
    problem: str


def refusal_of(node: ast.expr | ast.stmt | ast.arg | ast.keyword, problem: str) -> Refusal:
    """A refusal where a node stands."""
    return Refusal(node.lineno, node.col_offset + 1, problem)
