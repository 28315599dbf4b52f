"""What must come out of a case: figures of theory's, or of its own with a tolerance."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import did_you_mean, quoted
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, mapping, refusal, section, shown
from perfsim.truth.figures import GRANTS, Expression, Term, expression_of
from perfsim.truth.theory import GIVEN_WAIT, MEANS, SPREAD, Theory, theory_of
from perfsim.units import PPM_PER_WHOLE

if TYPE_CHECKING:
    from perfsim.scenario.schema import Scenario

EXAMPLE = "theory, or figures such as {X: 7.1084, W: [120, 130], U: {is: 0.71, within: 1%}, p99: {below: 800}}"


class Form(Enum):
    """How a figure is held against what is expected.

    EXACT: it is `low`, up to the interval of the simulation. BAND: it is from low to high. ABOVE, BELOW: its whole
    interval is above low, below high.
    """

    EXACT = "exact"
    BAND = "band"
    ABOVE = "above"
    BELOW = "below"


class Expected(NamedTuple):
    """What must come out. low, high: equal for EXACT, infinite where there is no limit. centre: of a BAND that was
    given by a value and a tolerance; NaN without one.
    """

    expression: Expression
    form: Form
    low: float
    high: float
    centre: float = math.nan


def is_exact(expected: Expected) -> bool:
    """Whether it must be met up to the interval of the simulation."""
    return expected.form is Form.EXACT


def by_theory(item: Item, scenario: Scenario) -> tuple[tuple[Expected, ...], Theory]:
    """What theory says of a scenario: of the quantities that it is asked for, or of the usual ones.

    Raises InputError if no closed form is exact for the scenario, or does not tell a quantity.
    """
    theory = theory_of(scenario)
    if isinstance(theory, str):
        raise refusal(item, f"no theory: {theory}; expected figures, or another workload")
    if not isinstance(item.node.value, dict):
        return tuple(_exactly(name, theory.expected(name)) for name in theory.quantities()), theory
    keys = section(item, ("theory",))
    found = []
    for one in fields.items(keys["theory"], "a list of quantities such as [X, W]"):
        known = (*MEANS, *SPREAD, *GIVEN_WAIT)
        name = fields.text(one, f"one of {', '.join(known)}")
        value = theory.expected(name) if name in known else None
        if value is None:
            hint = did_you_mean(name, known)
            raise refusal(
                one, f"theory does not tell {quoted(name)} of this workload; expected one of {', '.join(known)}{hint}"
            )
        found.append(_exactly(name, value))
    return tuple(found), theory


def _exactly(name: str, value: float | None) -> Expected:
    assert value is not None, name
    return Expected(Expression(name, Term("", name)), Form.EXACT, value, value)


def expected_of(item: Item, runs: tuple[str, ...]) -> tuple[Expected, ...]:
    """The figures that a case expects, by quantity or ratio. runs: the names of its runs, "" for the only one."""
    if not isinstance(item.node.value, dict):
        raise refusal(item, f"{shown(item.node)}; expected {EXAMPLE}{did_you_mean(str(item.node.value), ('theory',))}")
    entries = mapping(item, EXAMPLE)
    if not entries:
        raise refusal(item, f"nothing; expected {EXAMPLE}")
    found = []
    for text, entry in entries.items():
        expression = expression_of(text, runs, item.node.key_places[text])
        found.append(_of_value(entry, expression))
    return tuple(found)


def _of_value(item: Item, expression: Expression) -> Expected:
    value = item.node.value
    if isinstance(value, tuple):
        low, high = _limits(item)
        return Expected(expression, Form.BAND, low, high)
    if not isinstance(value, dict):
        exact = _number(item)
        return Expected(expression, Form.EXACT, exact, exact)
    keys = section(item, ("is", "within", "above", "below"))
    if set(keys) == {"is", "within"}:
        centre = _number(keys["is"])
        margin = abs(centre) * fields.percentage_ppm(keys["within"]) / PPM_PER_WHOLE
        return Expected(expression, Form.BAND, centre - margin, centre + margin, centre)
    if set(keys) == {"above"}:
        return Expected(expression, Form.ABOVE, _number(keys["above"]), math.inf)
    if set(keys) == {"below"}:
        return Expected(expression, Form.BELOW, -math.inf, _number(keys["below"]))
    found = ", ".join(keys) or "no key"
    raise refusal(item, f"{found}; expected is and within, or above, or below: {{is: 0.71, within: 1%}}")


def _limits(item: Item) -> tuple[float, float]:
    limits = [_number(one) for one in fields.items(item, "two numbers, [low, high]")]
    if len(limits) != 2:
        raise refusal(item, f"{len(limits)} numbers; expected two, [low, high]")
    if limits[0] > limits[1]:
        raise refusal(item, f"{limits[0]:g} is more than {limits[1]:g}; expected the lower limit first")
    return limits[0], limits[1]


def _number(item: Item) -> float:
    value = item.node.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        hint = ", without a unit: X is per microsecond, times are ns" if isinstance(value, str) else ""
        raise refusal(item, f"{shown(item.node)} is no number; expected one such as 7.1084{hint}")
    return float(value)


def needs_events(expected: Expected) -> bool:
    """Whether it takes the events of a run: what they tell is in no column."""
    return any(term.quantity in GRANTS for term in expected.expression.terms)
