"""`--set KEY=VALUE` and the other options that replace a value of the workload, applied to its tree of nodes.

Nothing is judged here but the way to the value: the whole tree is validated afterwards, so that a wrong key or value is
refused in the words, and with the nearest valid name, that the same key in the file would get.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.scenario.source import Node, parse_document

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_CHARACTERS_MAX = 160
AXES = "sweep.axes"


def with_set(root: Node, argument: str) -> Node:
    """The tree with one `--set` argument, KEY=VALUE, applied. VALUE is read as YAML."""
    key, equals, text = argument.partition("=")
    key = key.strip()
    if not equals or len(key) > KEY_CHARACTERS_MAX or not all(split_path(key)):
        raise InputError("--set", f"{quoted(argument)} is no KEY=VALUE; expected for example machine.cpus=64")
    return with_option(root, key, parse_document(text, f"--set {key}"))


def with_option(root: Node, path: str, value: Node) -> Node:
    """The tree with the value in its place; an axis that varies this key goes, for the user asked for one value."""
    return with_value(_without_axis(root, path), path, value)


def with_value(root: Node, path: str, value: Node) -> Node:
    """The tree with the value at a dotted path; sections on the way are made if they are missing."""
    return _replaced(root, split_path(path), value)


def without_axes(root: Node) -> Node:
    """The tree with no axes at all: one scenario."""
    sweep = _entry(root, "sweep")
    return root if sweep is None else _with_entry(root, "sweep", _without_entries(sweep, ("axes",)), sweep.place)


def split_path(path: str) -> tuple[str, ...]:
    """The keys of a dotted path. An axis's key is itself dotted: "sweep.axes.machine.cpus" is three keys."""
    if path.startswith(f"{AXES}."):
        return (*AXES.split("."), path.removeprefix(f"{AXES}."))
    return tuple(path.split("."))


def _replaced(node: Node, keys: tuple[str, ...], value: Node, done: str = "") -> Node:
    """The node with the value under these keys; `done` is the path so far, for messages."""
    if not keys:
        return value
    key, path = keys[0], f"{done}.{keys[0]}" if done else keys[0]
    if done == "tasks" and isinstance(node.value, tuple):
        return _with_task(node, keys, value)
    if not isinstance(node.value, dict):
        problem = f"{done or 'the workload'} has no keys to set; expected {done or 'it'} to be a mapping"
        raise InputError(value.place, problem)
    inner = node.value.get(key, Node({}, value.place))
    return _with_entry(node, key, _replaced(inner, keys[1:], value, path), value.place)


def _with_task(tasks: Node, keys: tuple[str, ...], value: Node) -> Node:
    """The list of tasks with the value set in the task that the first key names."""
    assert isinstance(tasks.value, tuple), "tasks are a list"
    names = [task_name(task) for task in tasks.value]
    if keys[0] not in names:
        known = [name for name in names if name is not None]
        problem = f"no task is named {quoted(keys[0])}; expected one of {', '.join(map(quoted, known[:8])) or 'none'}"
        raise InputError(value.place, problem + did_you_mean(keys[0], known))
    index = names.index(keys[0])
    changed = _replaced(tasks.value[index], keys[1:], value, f"tasks.{keys[0]}")
    return replace(tasks, value=(*tasks.value[:index], changed, *tasks.value[index + 1 :]))


def task_name(task: Node) -> str | None:
    """A task's name in the tree, if it has one already."""
    name = _entry(task, "name")
    return name.value if name is not None and isinstance(name.value, str) else None


def _entry(node: Node, key: str) -> Node | None:
    return node.value.get(key) if isinstance(node.value, dict) else None


def _with_entry(node: Node, key: str, value: Node, key_place: str) -> Node:
    assert isinstance(node.value, dict), f"{node.place} is no mapping"
    return replace(node, value={**node.value, key: value}, key_places={key: key_place, **node.key_places})


def _without_entries(node: Node, keys: Iterable[str]) -> Node:
    if not isinstance(node.value, dict):
        return node
    gone = set(keys)
    return replace(node, value={key: value for key, value in node.value.items() if key not in gone})


def _without_axis(root: Node, path: str) -> Node:
    """The tree without the axis that varies this path or what holds it."""
    sweep = _entry(root, "sweep")
    axes = _entry(sweep, "axes") if sweep is not None else None
    if sweep is None or axes is None or not isinstance(axes.value, dict):
        return root
    replaced = [axis for axis in axes.value if f"{path}.".startswith(f"{axis}.")]
    if not replaced:
        return root
    return with_value(root, AXES, _without_entries(axes, replaced))
