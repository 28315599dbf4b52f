"""What values must be to one another: ranges and those who share them, tasks and what they do, workload and machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.scenario import schema
from perfsim.scenario.schema import place
from perfsim.scenario.tasks import task_count
from perfsim.units import format_count

if TYPE_CHECKING:
    from perfsim.scenario.schema import Scenario, TaskSpec

_NEVER_ALLOCATE = ("kswapd", "lock_loop")
_SHARED_KINDS = "mlock, migrate, truncate, shm_lock, or fault with range_pages"


def check_relations(scenario: Scenario) -> None:
    """Raise InputError if values do not fit each other, or the machine as far as the workload says what it is."""
    limit = scenario.memory.pages_per_node
    for task in scenario.tasks:
        _check_shares(scenario, task)
        for key, pages in (("range_pages", task.range_pages), ("pages", task.pages)):
            if pages > limit:
                expected = f"expected at most memory.pages_per_node, {format_count(limit)}"
                _refuse(scenario, f"tasks.{task.name}.{key}", f"{format_count(pages)} pages; {expected}")
    _check_kswapds(scenario)
    cpus, nodes = scenario.machine.cpus, scenario.machine.nodes
    if nodes is not None:
        _check_nodes(scenario, cpus, nodes)
    if cpus is not None:
        _check_task_count(scenario, cpus, nodes or 1)


def check_machine(scenario: Scenario, cpus: int, nodes: int) -> None:
    """Raise InputError if the workload does not fit a machine of this size, which may be the profile's own."""
    _check_nodes(scenario, cpus, nodes)
    _check_task_count(scenario, cpus, nodes)


def _refuse(scenario: Scenario, path: str, problem: str) -> NoReturn:
    raise InputError(place(scenario, path), f"{path}: {problem}")


def _check_shares(scenario: Scenario, task: TaskSpec) -> None:
    """Whether the group whose ranges the task works on has any, of its own, and large enough."""
    if not task.shares:
        return
    path = f"tasks.{task.name}.shares"
    if task.shares == task.name:
        _refuse(scenario, path, f"{quoted(task.name)} is this group itself; expected another one")
    groups = {other.name: other for other in scenario.tasks}
    if task.shares not in groups:
        having = [other.name for other in scenario.tasks if _has_ranges(other) and other.name != task.name]
        expected = f"expected one of {', '.join(map(quoted, having[:8])) or 'none, for no group has ranges'}"
        hint = did_you_mean(task.shares, having)
        _refuse(scenario, path, f"no group of tasks is named {quoted(task.shares)}; {expected}{hint}")
    other = groups[task.shares]
    if other.shares == task.name:
        _refuse(scenario, path, f"{task.name} and {other.name} share each other's ranges; expected one with its own")
    if other.shares:
        problem = f"{quoted(other.name)} has no ranges, it shares those of {quoted(other.shares)}"
        _refuse(scenario, path, f"{problem}; expected a group with its own")
    if not _has_ranges(other):
        problem = f"{quoted(other.name)} has no ranges, for it is {other.kind}"
        _refuse(scenario, path, f"{problem}; expected a group of {_SHARED_KINDS}")
    if task.range_pages > other.range_pages:
        problem = f"{format_count(task.range_pages)} pages of a range of {other.name}"
        expected = f"expected at most its {format_count(other.range_pages)}"
        _refuse(scenario, f"tasks.{task.name}.range_pages", f"{problem}; {expected}")
    if task.kind == "mlock" and task.range_pages < other.range_pages:  # the vma would be split in two: it never is
        problem = f"{format_count(task.range_pages)} pages of a range of {other.name}, which mlock locks whole"
        expected = f"expected its {format_count(other.range_pages)}, or no range_pages"
        _refuse(scenario, f"tasks.{task.name}.range_pages", f"{problem}; {expected}")


def _has_ranges(task: TaskSpec) -> bool:
    return task.range_pages > 0 and not task.shares


def _check_kswapds(scenario: Scenario) -> None:
    """Whether somebody wakes kswapd, and each zone has one at most: only that one is ever woken."""
    kswapds = [task for task in scenario.tasks if task.kind == "kswapd"]
    if kswapds and all(task.kind in _NEVER_ALLOCATE for task in scenario.tasks):
        problem = "nothing to do, for no task allocates pages; expected for example a fault or direct_reclaim task too"
        _refuse(scenario, f"tasks.{kswapds[0].name}", problem)
    if len(kswapds) > 1:
        problem = f"nothing to do, for {quoted(kswapds[0].name)} is kswapd already; expected one group of this kind"
        _refuse(scenario, f"tasks.{kswapds[1].name}", problem)


def _check_nodes(scenario: Scenario, cpus: int | None, nodes: int) -> None:
    """Whether there is a node for everyone who needs one. cpus: None if that is the profile's."""
    has = "the machine has 1 node" if nodes == 1 else f"the machine has {nodes} nodes"
    for task in scenario.tasks:
        if task.kind == "migrate" and nodes == 1:
            problem = f"{has}, and migration needs a second; expected machine.nodes of 2 or more"
            _refuse(scenario, f"tasks.{task.name}.kind", problem)
        if task.target_node >= nodes:
            problem = f"no node {task.target_node}, for {has}; expected a whole number from 0 to {nodes - 1}, or next"
            _refuse(scenario, f"tasks.{task.name}.target_node", problem)
        kswapds = cpus if task.per == "cpu" else task.count
        if task.kind == "kswapd" and (kswapds or 0) > nodes:
            problem = f"{kswapds} kswapds, and {has}; expected at most one a node"
            _refuse(scenario, f"tasks.{task.name}.{'per' if task.per else 'count'}", problem)


def _check_task_count(scenario: Scenario, cpus: int, nodes: int) -> None:
    total = sum(task_count(task, cpus, nodes) for task in scenario.tasks)
    if total > schema.TASK_COUNT_MAX:
        problem = f"{format_count(total)} tasks in all; expected at most {format_count(schema.TASK_COUNT_MAX)}"
        _refuse(scenario, "tasks", problem)
