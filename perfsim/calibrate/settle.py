"""Figures that a machine cannot have beside one another: which of them gives way.

Measured figures stand beside those of a shipped profile, and each has its error, so that an order which must hold
(machine/profile_values.RELATIONS) may not. Then the less certain figure takes over the other's range: one of the
profile's before a measured one, of two measured ones the one with the wider spread. Each is told in a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from perfsim.machine.profile_values import RELATIONS
from perfsim.units import format_duration


class Range(NamedTuple):
    """low, best, high in ps. doubt: infinite for a figure of the profile's, else the spread of the measurement."""

    low_ps: int
    best_ps: int
    high_ps: int
    doubt: float


def settled(ranges: Mapping[str, Range]) -> tuple[dict[str, Range], list[str]]:
    """The ranges with every relation kept, and a line for each key that gave way, by its last change.

    A key that gives way takes over the doubt too, which only becomes smaller: so this ends.
    """
    kept = dict(ranges)
    lines: dict[str, str] = {}
    while (broken := _broken(kept)) is not None:
        smaller, larger = broken
        loser, winner = (smaller, larger) if kept[smaller].doubt >= kept[larger].doubt else (larger, smaller)
        lines[loser] = (
            f"{loser} gives way: {format_duration(ranges[loser].best_ps)} does not go with {winner} of "
            f"{format_duration(kept[winner].best_ps)}, which it takes over ({smaller} <= {larger})"
        )
        kept[loser] = kept[winner]
    return kept, list(lines.values())


def _broken(ranges: Mapping[str, Range]) -> tuple[str, str] | None:
    """The first relation that does not hold."""
    for smaller, larger in (pair for chain in RELATIONS for pair in pairwise(chain)):
        if ranges[smaller].best_ps > ranges[larger].best_ps:
            return smaller, larger
    return None
