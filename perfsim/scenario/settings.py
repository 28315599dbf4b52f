"""What a workload says of every one of its runs, as texts that can be compared and shown."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from perfsim.scenario.overrides import task_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from perfsim.scenario.schema import Scenario
    from perfsim.scenario.source import Node

_VARIED = ("name", "check", "kernel.designs")
"""What names a sweep, judges it, or lists what it varies, and changes no run."""

_OF_EVERY_RUN = "sweep.seed"
"""The one key of `sweep` that changes runs; the others say how many there are."""


def settings(scenario: Scenario) -> dict[str, str]:
    """Each key of the workload, its options applied, that holds for all of its runs: dotted path and value as written.

    A task's keys go by its name. Keys that an axis varies, and those that only say which runs there are, are left out,
    and so are defaults. Two sweeps that have runs in common may differ here in how a value is written.
    """
    axes = {axis.path for axis in scenario.sweep.axes}
    return {path: text for path, text in _entries(scenario.root, "") if path not in axes and not _is_varied(path)}


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str]]:
    """What two workloads say otherwise: dotted path, and what it was and is. Each is what `settings` gave of it."""
    was, now = (defaultdict(lambda: "not set", of_one) for of_one in (old, new))
    return [(key, f"{key} was {was[key]}, is {now[key]}") for key in {**old, **new} if was[key] != now[key]]


def _is_varied(path: str) -> bool:
    section = path.split(".")[0]
    return section in _VARIED or path in _VARIED or (section == "sweep" and path != _OF_EVERY_RUN)


def _entries(node: Node, path: str) -> Iterator[tuple[str, str]]:
    """Each key of the tree and its value's text. Values below a section's key, such as of a duration, are one text."""
    depth = len(path.split(".")) if path else 0
    is_task = path.startswith("tasks.")
    if path == "tasks" and isinstance(node.value, tuple):
        for task in node.value:
            yield from _entries(task, f"tasks.{task_name(task)}")
    elif isinstance(node.value, dict) and depth < (3 if is_task else 2):
        for key, value in node.value.items():
            yield from _entries(value, f"{path}.{key}" if path else key)
    elif not (is_task and path.endswith(".name")):
        yield path, _text(node)


def _text(node: Node) -> str:
    """A value as YAML in one line."""
    if isinstance(node.value, tuple):
        return f"[{', '.join(_text(item) for item in node.value)}]"
    if isinstance(node.value, dict):
        return f"{{{', '.join(f'{key}: {_text(item)}' for key, item in node.value.items())}}}"
    if node.value is None or isinstance(node.value, bool):
        return {None: "null", True: "true", False: "false"}[node.value]
    return str(node.value)
