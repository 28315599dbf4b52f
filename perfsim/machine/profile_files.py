"""Profile files: found by name or path, followed along `extends`, and laid over one another key by key.

Which keys a file may have is known here, and what they mean is not: `profile_values` reads them.
"""

from __future__ import annotations

import os
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.machine.costs import COST_NAMES
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, key_refusal, mapping, refusal, required
from perfsim.scenario.source import Node, read_document, shown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GROUP = "perfsim.profiles"
SHIPPED = ("ia64", "x86_64", "x86_64_modern", "ideal")
SUFFIX = ".yaml"
LEVELS_MAX = 8

MACHINE_KEYS = ("clock", "nodes", "cpus_per_node", "page_size", "line_size", "cache_size")
SPINLOCK_KEYS = ("algorithm", "line_service", "order", "handoff_fixed", "handoff_per_waiter")
BIAS_KEYS = ("releaser", "same_node", "other_node")
COST_KEYS = tuple(name for name in COST_NAMES if name not in SPINLOCK_KEYS)
SOURCE_KEYS = (*MACHINE_KEYS, "node_hops", *SPINLOCK_KEYS, "spinlock_bias", *COST_KEYS)
"""What a source can be given for."""

SECTION_KEYS: Mapping[str, tuple[str, ...]] = {
    "machine": MACHINE_KEYS,
    "spinlock": SPINLOCK_KEYS,
    "spinlock_bias": BIAS_KEYS,
    "costs": COST_KEYS,
    "sources": SOURCE_KEYS,
}

ROOT_KEYS = ("name", "extends", "machine", "node_hops", "spinlock", "spinlock_bias", "costs", "sources")

_LISTED_KEYS_MAX = 10
_PROBLEM_CHARACTERS_MAX = 160


class Entry(NamedTuple):
    """A key's item, and how far down its file stands: 0 is the file asked for, 1 what that extends, and so on."""

    item: Item
    level: int


class Lineage(NamedTuple):
    """A profile's files as one. names: of each level; root: of level 0; entries: by dotted key (`costs.wakeup`).

    files: of the first levels, those that were asked for by path and not by name: what was stated, and the path.
    """

    names: tuple[str, ...]
    root: Item
    entries: Mapping[str, Entry]
    files: tuple[tuple[str, Path], ...]


def profile_names() -> tuple[str, ...]:
    """Names of the profiles shipped and of those that installed packages offer."""
    offered = {point.name for point in entry_points(group=GROUP)}
    return (*SHIPPED, *sorted(offered.difference(SHIPPED)))


def read_lineage(name_or_path: str, place: str) -> Lineage:
    """The file of this name or path with all that it extends, keys checked, values not yet.

    Raises InputError: at `place` or at an `extends` for what is not there, and in the files for what they say wrongly.
    """
    asked = Item(Node(name_or_path, place, "plain"), "")
    roots: list[Item] = []
    names: list[str] = []
    seen: list[str] = []
    files: list[tuple[str, Path]] = []
    folder = Path()
    while True:
        path = _located(asked, folder)
        stated = str(asked.node.value)
        if stated.endswith(SUFFIX) and len(files) == len(roots):
            files.append((stated, path))
        root = Item(_read(path, asked), "")
        _check_line(asked, os.path.realpath(path), seen)
        keys = _section(root, ROOT_KEYS)
        roots.append(root)
        names.append(fields.name(required(root, keys, "name", "my_machine")))
        if "extends" not in keys or keys["extends"].node.value is None:
            return Lineage(tuple(names), roots[0], _overlaid(roots), tuple(files))
        asked = keys["extends"]
        folder = path.parent


def _located(asked: Item, folder: Path) -> Path:
    """The path of the file that is asked for; a relative path starts at the folder of the file that asks."""
    name = fields.name_or_file(asked, SUFFIX)
    if name.endswith(SUFFIX):
        return folder / name
    if name in SHIPPED:
        return Path(__file__).with_name("profiles") / f"{name}{SUFFIX}"
    for point in entry_points(group=GROUP, name=name):
        return _offered(point, asked)
    known = profile_names()
    raise refusal(
        asked,
        f"no profile is called {quoted(name)}; expected one of {', '.join(known)}, or the path of a {SUFFIX} file"
        f"{did_you_mean(name, known)}",
    )


def _offered(point: EntryPoint, asked: Item) -> Path:
    """The path that an installed package offers. Its module may raise anything at all."""
    offer = f"the entry point {quoted(f'{point.name} = {point.value}', _PROBLEM_CHARACTERS_MAX)} of {GROUP}"
    expected = f"expected an object that is the path of a {SUFFIX} file"
    try:
        value = point.load()
    except (Exception, SystemExit) as error:
        told = quoted(f"{type(error).__name__}: {error}", _PROBLEM_CHARACTERS_MAX)
        raise refusal(asked, f"{offer} cannot be imported: {told}; {expected}") from None
    if not isinstance(value, (str, Path)):
        raise refusal(asked, f"{offer} is of type {type(value).__name__}; {expected}")
    return Path(value)


def _check_line(asked: Item, identity: str, seen: list[str]) -> None:
    """Refuse a line of files that runs in a circle, or is too long to be meant."""
    if identity in seen:
        circle = " -> ".join(quoted(Path(path).name) for path in (*seen[seen.index(identity) :], identity))
        raise refusal(asked, f"it goes round in a circle, {circle}; expected a profile that does not lead back here")
    if len(seen) > LEVELS_MAX:
        raise refusal(asked, f"the profile stands on more than {LEVELS_MAX} others; expected at most {LEVELS_MAX}")
    seen.append(identity)


def _read(path: Path, asked: Item) -> Node:
    """The document; one that cannot be read is refused where it was asked for."""
    try:
        return read_document(path)
    except InputError as error:
        if error.place != shown_name(str(path)):
            raise
        hint = "" if os.path.lexists(path) else did_you_mean(path.stem, profile_names())
        raise refusal(asked, f"{error}{hint}") from None


def _overlaid(roots: Sequence[Item]) -> dict[str, Entry]:
    """Every key of every level by its dotted path; the upper level's wins."""
    entries: dict[str, Entry] = {}
    for level in reversed(range(len(roots))):
        keys = _section(roots[level], ROOT_KEYS)
        for name, item in keys.items():
            inner = _section(item, SECTION_KEYS[name]) if name in SECTION_KEYS else {name: item}
            entries.update({entry.path: Entry(entry, level) for entry in inner.values()})
    return entries


def _section(item: Item, known: Sequence[str]) -> dict[str, Item]:
    """The items of a mapping that may have the known keys only."""
    expected = (
        f"one of {', '.join(known)}" if len(known) <= _LISTED_KEYS_MAX else f"one of {len(known)}, such as wakeup"
    )
    keys = mapping(item, f"a mapping with keys: {expected}")
    for key in keys:
        if key not in known:
            hint = _belongs_elsewhere(key) or did_you_mean(key, known)
            raise key_refusal(item, key, f"unknown key {quoted(key)}; expected {expected}{hint}")
    return keys


def _belongs_elsewhere(key: str) -> str:
    """The hint for a key that is right, in another part of the profile."""
    homes = {
        name: f"under {section}" for section, names in SECTION_KEYS.items() for name in names if section != "sources"
    }
    homes |= dict.fromkeys(ROOT_KEYS, "at the top")
    return f" ({key} belongs {homes[key]})" if key in homes else ""
