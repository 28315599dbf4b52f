"""The numbers of the costs agree with their names."""

import pytest

from perfsim.machine import costs
from perfsim.machine.costs import COST_NAMES

# Constants of the module that number no cost.
OTHERS = {"COST_NAMES", "PER_MILLE"}


def constants() -> dict[str, int]:
    """Every cost constant of the module, with its number."""
    return {name: value for name, value in vars(costs).items() if name.isupper() and name not in OTHERS}


def test_every_name_has_a_constant_that_is_its_index() -> None:
    assert constants() == {name.upper(): index for index, name in enumerate(COST_NAMES)}


def test_no_cost_is_named_twice() -> None:
    assert len(set(COST_NAMES)) == len(COST_NAMES) == 45


@pytest.mark.parametrize(
    "name, index",
    [("L1_HIT", 0), ("PREFETCH_HIDDEN", 8), ("ATOMIC_LOCAL", 9), ("IO", 43), ("LINE_SERVICE", 44)],
)
def test_the_order_is_that_of_the_table_with_the_locks_figure_last(name: str, index: int) -> None:
    assert constants()[name] == index


def test_the_one_share_among_the_costs_is_in_parts_per_mille() -> None:
    assert costs.PER_MILLE == 1000
    assert COST_NAMES[costs.PREFETCH_HIDDEN] == "prefetch_hidden"
