"""What Python asks of compiled code, by number: every act on a search whose columns are arrays."""

from __future__ import annotations

from perfsim.explore.columns import Search
from perfsim.explore.frontier import begin, expand_all, fill_table

BEGIN = 0
EXPAND = 1
FILL_TABLE = 2


def act(x: Search, what: int, amount: int) -> int:
    """Do one of the above. amount: of EXPAND, states. Returns what the function returns."""
    if what == EXPAND:
        return expand_all(x, amount)
    return begin(x) if what == BEGIN else fill_table(x)
