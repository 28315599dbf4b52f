"""States from which the end cannot be reached any more, however the CPUs are scheduled."""

from __future__ import annotations

from typing import Any

import numpy as np

from perfsim.explore.columns import Search
from perfsim.kernel.constants import NONE


def no_way_out(x: Search) -> int:
    """The first state from which no end can be reached, or NONE. An end is a state at rest, one that nobody gets on
    from, and one behind which something else is wrong.

    Where every state has a way to an end, a search that stays away from all ends is unfair to the CPU that would take
    the next step there: under fair scheduling all CPUs come to the end of their scripts. Those that have a way are
    found from the ends backwards. Without a transition to an older state there is no cycle, and nothing to look for.
    """
    found: Any = x.found
    if not x.turn.turns_back[0]:
        return NONE
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order

    states, edges = int(x.turn.states[0]), int(x.turn.transitions[0])
    ends = np.flatnonzero(found.ends[:states])
    came_from = np.concatenate([found.edge_to[:edges], np.full(len(ends), states)])
    edge_from = np.repeat(np.arange(states), found.edges[:states])
    leads_to = np.concatenate([edge_from, ends])
    backwards = csr_matrix((np.ones(len(came_from), bool), (came_from, leads_to)), (states + 1, states + 1))
    reached = np.zeros(states + 1, bool)
    reached[breadth_first_order(backwards, states, return_predecessors=False)] = True
    trapped = np.flatnonzero(~reached[:states])
    return int(trapped[0]) if len(trapped) else NONE
