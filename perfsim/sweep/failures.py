"""Runs whose worker did not outlive them, here or on a cluster: when they are given up, and what is said of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from perfsim.sweep.worker import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfsim.sweep.backlog import Backlog
    from perfsim.sweep.plan import Run
    from perfsim.sweep.worker import Task

ATTEMPTS_MAX = 2
"""Workers that a run may kill."""

GRACE_S = 10.0
"""How long a run has to notice that its time is over. One that does not, in a path without await, is killed with its
worker.
"""

DIED = Failure(f"the worker process died {ATTEMPTS_MAX} times in this run; is there enough memory?", is_deadly=True)


def patience_s(task: Task) -> float | None:
    """How long to wait for a run's outcome; None for ever."""
    wall_s_max = task.limits.wall_s_max
    return None if wall_s_max == math.inf else wall_s_max + GRACE_S


def overdue(task: Task) -> Failure:
    """Of a run that was waited for in vain."""
    return Failure(f"given up after {task.limits.wall_s_max:g} s, the most that a run may take, and killed")


def set_aside(backlog: Backlog, found: Iterable[tuple[Run, dict[str, Any] | Failure]]) -> list[tuple[Run, Failure]]:
    """Take the runs from the backlog that need as much memory as one that no worker outlived, and say why of each.

    found: outcomes, of which some may be of that kind.
    """
    aside: list[tuple[Run, Failure]] = []
    for run, outcome in found:
        if isinstance(outcome, Failure) and outcome.is_deadly:
            deadly = f"{run.labels['design']}, replication {run.task.seed.replication}"
            why = Failure(f"set aside, not tried: {deadly}, killed {ATTEMPTS_MAX} workers at this point")
            aside += [(other, why) for other in backlog.set_aside(run.labels["point"])]
    return aside
