"""Figures of a row as truths name them: X, U, W and their kin, or any column; and ratios of two of them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.stats.metrics import METRICS, VARYING
from perfsim.truth.theory import FRACTIONS, NS_PER_US

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Row: TypeAlias = "Mapping[str, Any]"

RUN_MARK = "."
RATIO_MARK = " / "
GRANTS = ("grant_ratio", "node_streak")
"""What is counted from the events of a run, and is in no column: how often the CPU that had the lru_lock most had it
for once of the CPU that had it least, and how many times in turn it stayed in a node at most.
"""


class Term(NamedTuple):
    """A quantity of one of a case's runs."""

    run: str
    quantity: str


class Expression(NamedTuple):
    """text: as it is written. under: what `over` is divided by, None for a plain quantity."""

    text: str
    over: Term
    under: Term | None = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """The quantities in it."""
        return (self.over,) if self.under is None else (self.over, self.under)


def quantities() -> tuple[str, ...]:
    """Every name that a quantity may have, columns last."""
    return (*_DERIVED, *GRANTS, *(name for name in METRICS if name != VARYING))


def figure(row: Row, quantity: str, lock: str) -> float | None:
    """A quantity of a row; None if the row has no value of it. lock: whose X, U and W it is."""
    if quantity in _DERIVED:
        return _DERIVED[quantity](row, lock)
    value = row[quantity]
    return None if value is None else float(value)


def expression_of(text: str, runs: Sequence[str], place: str) -> Expression:
    """What an expression says: `X`, `many.W`, `many.X / few.X`.

    runs: names of the case's runs, "" for the only one. Raises InputError at `place` for what is none.
    """
    parts = text.split(RATIO_MARK)
    if len(parts) > 2 or not all(parts):
        raise InputError(place, f"{quoted(text)} is no quantity; expected one such as X, or a ratio such as a.X / b.X")
    terms = [_term(part, runs, place) for part in parts]
    return Expression(text, *terms)


def _term(text: str, runs: Sequence[str], place: str) -> Term:
    text = text.strip()
    run, mark, quantity = text.partition(RUN_MARK)
    if runs == ("",):
        run, quantity = "", text
    elif not mark or run not in runs:
        problem = f"{quoted(text)} names no run of this case; expected one of {', '.join(runs)}, as in {runs[0]}.X"
        raise InputError(place, problem + did_you_mean(run, runs))
    if quantity not in quantities():
        derived = ", ".join((*_DERIVED, *GRANTS))
        hint = did_you_mean(quantity, quantities())
        problem = f"{quoted(quantity)} is no quantity; expected {derived}, or a column of the results{hint}"
        raise InputError(place, problem)
    return Term(run, quantity)


def resolution(quantity: str) -> float:
    """By what part a figure may be too large because histograms report the upper ends of their cells."""
    is_percentile = re.search(r"(^|_)p\d+(_ns)?( given wait)?$", quantity) is not None
    return 1 / 64 if is_percentile or quantity == "sd(W)" else 0.0


def _per_us(row: Row, lock: str) -> float:
    return float(row[f"{lock}_acquisitions"] / row["simulated_ns"] * NS_PER_US)


def _utilization(row: Row, lock: str) -> float:
    return float(row[f"{lock}_utilization"])


def _wait(row: Row, lock: str) -> float | None:
    return _over(row[f"{lock}_wait_total_ns"], row[f"{lock}_acquisitions"])


def _wait_given_wait(row: Row, lock: str) -> float | None:
    return _over(row[f"{lock}_wait_total_ns"], row[f"{lock}_contentions"])


def _contended(row: Row, lock: str) -> float | None:
    return _over(row[f"{lock}_contentions"], row[f"{lock}_acquisitions"])


def _round(row: Row, lock: str) -> float | None:
    return _over(row["simulated_ns"] * row["cpus"], row[f"{lock}_acquisitions"])


def _over(over: float, under: float) -> float | None:
    return over / under if under else None


def _deviation(row: Row, lock: str) -> float | None:
    """Of the waits, by the upper ends of the histogram's cells."""
    cells = [(cell["upper_ns"], cell["count"]) for cell in row[f"{lock}_wait_latency_hist"]]
    count = sum(number for _, number in cells)
    if not count:
        return None
    mean = math.fsum(upper * number for upper, number in cells) / count
    return math.sqrt(math.fsum((upper - mean) ** 2 * number for upper, number in cells) / count)


def _percentile(name: str) -> Callable[[Row, str], float | None]:
    def of(row: Row, lock: str) -> float | None:
        value = row[f"{lock}_wait_latency_{name}_ns"]
        return None if value is None else float(value)

    return of


def _percentile_given_wait(fraction: float) -> Callable[[Row, str], float | None]:
    """Of the waits that are no zero: the histogram without so many of its smallest values."""

    def of(row: Row, lock: str) -> float | None:
        waited = row[f"{lock}_contentions"]
        rank = row[f"{lock}_acquisitions"] - waited + math.ceil(fraction * waited)
        seen = 0
        for cell in row[f"{lock}_wait_latency_hist"]:
            seen += cell["count"]
            if waited and seen >= rank:
                return float(cell["upper_ns"])
        return None

    return of


_DERIVED: Mapping[str, Callable[[Row, str], float | None]] = {
    "X": _per_us,
    "U": _utilization,
    "W": _wait,
    "P(wait)": _contended,
    "sd(W)": _deviation,
    **{name: _percentile(name) for name in FRACTIONS},
    "W given wait": _wait_given_wait,
    **{f"{name} given wait": _percentile_given_wait(fraction) for name, fraction in FRACTIONS.items()},
    "round": _round,
}
"""X: acquisitions a microsecond. U: share of the time that a lock is held. W, sd(W), percentiles: ns from asking to
owning, zeros included; given wait: without them. P(wait): share of acquisitions that waited. round: mean ns from one
acquisition of a CPU to its next.
"""
