"""Whether what was simulated is what was expected: intervals, one family of tests, and a verdict on each figure.

A figure is the mean over independent replications, with Student's t interval at 99 %. A figure that must be met exactly
misses if a t test says so, corrected by Holm's method over all such figures at 1 %: of all runs in which every truth
holds, in 99 of 100 nothing misses. So that none holds by being vague, the interval has to be narrow too.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from scipy.special import stdtr, stdtrit

from perfsim.stats.ratios import holm
from perfsim.truth.expectations import Expected, Form, is_exact
from perfsim.truth.figures import figure, resolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfsim.truth.case_files import Case

Row: TypeAlias = "Mapping[str, Any]"
Rows: TypeAlias = "Mapping[str, Sequence[Row]]"

LEVEL = 0.01
ROUNDING = 5e-6
"""Relative error of a mean by whole picoseconds, and of expected figures that are printed with six digits."""

ROUNDING_OF_FLOATS = 1e-12

HALF_WIDTH_MAX = {"X": 0.005, "U": 0.005}
HALF_WIDTH_MAX_OF_OTHERS = 0.01
"""Relative: what an exact figure must be known to."""

NOT_WIDENED = ("sd(W)",)
"""What follows from the rest and would take far longer; percentiles, known to a cell, are of that kind too."""


class Verdict(Enum):
    """What is said of a figure. The first two are of figures that must be met, the others of findings."""

    HOLDS = "holds"
    WIDE = "wide"
    MISSES = "MISSES"
    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_RUN = "not run"


class Figure(NamedTuple):
    """One expected figure beside what was simulated.

    mean: over the replications; NaN without a value. low, high: its 99 % interval, of this figure for itself. p: of
    missing as far by chance, not corrected.
    """

    expected: Expected
    mean: float
    low: float
    high: float
    p: float

    @property
    def error(self) -> float | None:
        """How far from what is expected, relative to that; None where that is no single figure, or 0."""
        target = self.expected.low if is_exact(self.expected) else self.expected.centre
        return (self.mean - target) / target if target and math.isfinite(target) else None

    @property
    def half_width(self) -> float:
        """Half the interval relative to the mean."""
        return (self.high - self.low) / 2 / abs(self.mean) if self.mean else 0.0


def figures_of(case: Case, rows: Rows) -> list[Figure]:
    """Every figure that a case expects, as its rows have it."""
    return [_figure(expected, case, rows) for expected in case.expected]


def verdicts(case_figures: Sequence[tuple[Case, Figure]]) -> list[Verdict]:
    """The verdict on each figure of all cases: those that must be met exactly are one family."""
    exact = [figure_ for case, figure_ in case_figures if is_exact(figure_.expected)]
    adjusted = iter(holm(np.array([one.p for one in exact])).tolist() if exact else ())
    found = []
    for case, one in case_figures:
        is_met = next(adjusted) >= LEVEL if is_exact(one.expected) else _is_within(one)
        if not case.is_exact:
            found.append(Verdict.REPRODUCED if is_met else Verdict.NOT_REPRODUCED)
        elif not is_met:
            found.append(Verdict.MISSES)
        else:
            found.append(Verdict.WIDE if is_exact(one.expected) and _too_wide(one) > 1 else Verdict.HOLDS)
    return found


def wideness(case: Case, rows: Rows, *, is_quick: bool) -> float:
    """How many times too wide the widest interval of a case is. is_quick: only rates are asked for, no waits."""
    figures = [one for one in figures_of(case, rows) if is_exact(one.expected)]
    wanted = [one for one in figures if not is_quick or one.expected.expression.text in HALF_WIDTH_MAX]
    return max(map(_too_wide, wanted), default=0.0)


def _too_wide(one: Figure) -> float:
    """How many times; 0 of what no longer run would mend, such as a figure without a value."""
    quantity = one.expected.expression.text
    if math.isnan(one.mean) or quantity in NOT_WIDENED or resolution(quantity):
        return 0.0
    return one.half_width / HALF_WIDTH_MAX.get(quantity, HALF_WIDTH_MAX_OF_OTHERS)


def _figure(expected: Expected, case: Case, rows: Rows) -> Figure:
    values = _values(expected, case, rows)
    if not values:
        return Figure(expected, math.nan, math.nan, math.nan, 0.0)
    count = len(values)
    mean = math.fsum(values) / count
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1) / count)
    if error <= ROUNDING_OF_FLOATS * abs(mean):
        error = 0.0
    margin = float(stdtrit(count - 1, 1 - LEVEL / 2)) * error
    found = Figure(expected, mean, mean - margin, mean + margin, 0.0)
    edges = max(
        row["cpus"] / max(1, row[f"{lock}_acquisitions"]) for name, lock in case.locks.items() for row in rows[name]
    )
    return found._replace(p=_p(found, error, count, edges))


def _values(expected: Expected, case: Case, rows: Rows) -> list[float]:
    """The figure of each replication; none if a replication has no value."""
    locks = case.locks
    of_terms = [
        [figure(row, term.quantity, locks[term.run]) for row in rows[term.run]] for term in expected.expression.terms
    ]
    if any(value is None for values in of_terms for value in values):
        return []
    if len(of_terms) == 1:
        return [value for value in of_terms[0] if value is not None]
    pairs = list(zip(*of_terms, strict=True))
    return (
        [] if any(not under for _, under in pairs) else [(over or 0.0) / (under or math.nan) for over, under in pairs]
    )


def _p(figure_: Figure, error: float, count: int, edges: float) -> float:
    """How likely a mean is so far from what it must be, by Student's t; 1 or 0 where replications do not vary.

    edges: by what part the ends of the window may move a figure of rounds that are all alike.
    """
    target, expression = figure_.expected.low, figure_.expected.expression
    allowed = ROUNDING + (edges if error == 0 else 0.0)
    above = allowed + resolution(expression.over.quantity)
    below = allowed + (0.0 if expression.under is None else resolution(expression.under.quantity))
    away = max(figure_.mean - target - above * abs(target), target - figure_.mean - below * abs(target), 0.0)
    if error == 0 or away == 0:
        return 1.0 if away == 0 else 0.0
    return 2 * float(stdtr(count - 1, -away / error))


def _is_within(one: Figure) -> bool:
    """Whether a figure is where it is expected: a band asks for the mean, a side for the whole interval."""
    if one.expected.form is Form.BAND:
        return one.expected.low <= one.mean <= one.expected.high
    return one.low > one.expected.low if one.expected.form is Form.ABOVE else one.high < one.expected.high
