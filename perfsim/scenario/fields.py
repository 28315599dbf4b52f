"""Readers of single values: a node in, a checked value out, or an InputError that names place, path and expectation."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.numeric.random import EXPONENTIAL, FIXED, UNIFORM
from perfsim.scenario.schema import AUTO, DURATION_MAX_PS, Duration
from perfsim.scenario.source import Node
from perfsim.units import (
    format_count,
    format_duration,
    format_size,
    parse_duration_ps,
    parse_fraction_ppm,
    parse_percentage_ppm,
    parse_size_bytes,
    whole_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NAME_CHARACTERS_MAX = 64
PATH_CHARACTERS_MAX = 1024

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
METRIC = re.compile(r"[a-z][a-z0-9_]*")

T = TypeVar("T")


class Item(NamedTuple):
    """A node and its dotted path from the root, "" for the root itself."""

    node: Node
    path: str


def refusal(item: Item, problem: str) -> InputError:
    """The error to raise about this item."""
    return InputError(item.node.place, f"{item.path}: {problem}" if item.path else problem)


def key_refusal(parent: Item, key: str, problem: str) -> InputError:
    """The error to raise about a key of this mapping, at the key itself."""
    return refusal(Item(Node(None, parent.node.key_places[key]), parent.path), problem)


def shown(node: Node) -> str:
    """A node's value as messages show it."""
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, tuple):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return str(node.value).lower()
    return quoted(node.value) if isinstance(node.value, str) else str(node.value)


def child(parent: Item, key: str, node: Node) -> Item:
    """The item under a key of its parent."""
    return Item(node, f"{parent.path}.{key}" if parent.path else key)


def mapping(item: Item, expected: str) -> dict[str, Item]:
    """The items of a mapping whose keys the user chooses."""
    if not isinstance(item.node.value, dict):
        raise refusal(item, f"{shown(item.node)} where a mapping belongs; expected {expected}")
    return {key: child(item, key, node) for key, node in item.node.value.items()}


def section(item: Item, known: Sequence[str], elsewhere: Callable[[str], str] | None = None) -> dict[str, Item]:
    """The items of a mapping that may have the known keys only.

    elsewhere: the hint for an unknown key that belongs to another mapping, or "".
    """
    keys = mapping(item, f"the keys {', '.join(known)}")
    for key in keys:
        if key in known:
            continue
        hint = (elsewhere(key) if elsewhere else "") or did_you_mean(key, known)
        problem = f"unknown key {quoted(key)}; expected one of {', '.join(known)}{hint}"
        raise key_refusal(item, key, problem)
    return keys


def required(parent: Item, keys: dict[str, Item], key: str, example: str) -> Item:
    """The item under a key that has no default."""
    if key not in keys:
        raise refusal(parent, f"the key {key} is missing; expected for example {key}: {example}")
    return keys[key]


def optional(keys: dict[str, Item], key: str, read: Callable[[Item], T], default: T) -> T:
    """The value under a key, or its default."""
    return read(keys[key]) if key in keys else default


def items(item: Item, expected: str) -> tuple[Item, ...]:
    """The items of a list that is not empty."""
    if not isinstance(item.node.value, tuple):
        raise refusal(item, f"{shown(item.node)} where a list belongs; expected {expected}")
    if not item.node.value:
        raise refusal(item, f"an empty list; expected {expected}")
    return tuple(child(item, str(index), node) for index, node in enumerate(item.node.value))


def integer(item: Item, low: int, high: int) -> int:
    """A whole number, low and high included."""
    value = item.node.value
    expected = f"expected a whole number from {format_count(low)} to {format_count(high)}"
    if isinstance(value, bool) or not isinstance(value, int):
        without = ", without quotes" if item.node.style == "quoted" else ""
        raise refusal(item, f"{shown(item.node)} is no whole number; {expected}{without}")
    if not low <= value <= high:
        raise refusal(item, f"{value} is out of range; {expected}")
    return value


def power_of_two(item: Item, low: int, high: int) -> int:
    """A whole number that is a power of two, as low and high are, both included."""
    value = integer(item, low, high)
    if value & (value - 1):
        expected = f"expected a power of two from {format_count(low)} to {format_count(high)}"
        raise refusal(item, f"{value} is no power of two; {expected}")
    return value


def boolean(item: Item) -> bool:
    """true or false, and none of YAML 1.1's other words for them."""
    if not isinstance(item.node.value, bool):
        raise refusal(item, f"{shown(item.node)} is no truth value; expected true or false, without quotes")
    return item.node.value


def text(item: Item, expected: str) -> str:
    """A text that is not empty."""
    value = item.node.value
    if value == "":
        raise refusal(item, f"an empty text; expected {expected}")
    if not isinstance(value, str):
        quotes = ", in quotes" if isinstance(value, (int, float)) else ""
        raise refusal(item, f"{shown(item.node)} where text belongs; expected {expected}{quotes}")
    return value


def choice(item: Item, choices: Iterable[str]) -> str:
    """One of a few words."""
    names = ", ".join(choices)
    value = text(item, f"one of {names}")
    if value not in choices:
        raise refusal(item, f"{quoted(value)} is unknown; expected one of {names}{did_you_mean(value, choices)}")
    return value


def name(item: Item) -> str:
    """A name that can also be a directory's."""
    return _matching(item, NAME, "a name of letters, digits, _, - and .", "mlock_heavy")


def identifier(item: Item) -> str:
    """A name that can be a part of a dotted path."""
    return _matching(item, IDENTIFIER, "a name of letters, digits, _ and -", "lockers")


def name_or_file(item: Item, suffix: str) -> str:
    """A name, or the path of a file with this suffix; whether there is such a thing is not asked here."""
    expected = f"a name of letters, digits, _, - and ., or the path of a {suffix} file"
    value = text(item, expected)
    if value.endswith(suffix) and value.isprintable() and len(value) <= PATH_CHARACTERS_MAX:
        return value
    if len(value) > NAME_CHARACTERS_MAX or not NAME.fullmatch(value):
        raise refusal(item, f"{quoted(value)} is neither name nor {suffix} file; expected {expected}")
    return value


def fraction_ppm(item: Item) -> int:
    """A fraction of a whole, as a number from 0 to 1 or as a percentage, in parts per million."""
    value = item.node.value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise refusal(item, f"{shown(item.node)} is no fraction; expected a number from 0 to 1, or 0% to 100%")
    try:
        return parse_fraction_ppm(value)
    except ValueError as error:
        raise refusal(item, str(error)) from None


def percentage_ppm(item: Item) -> int:
    """A percentage, from 0% to 100%, in parts per million; a bare number might be meant as either."""
    return quantity(item, parse_percentage_ppm, "percentage", "2%")


def quantity(item: Item, parse: Callable[[str], int], what: str, example: str) -> int:
    """A number with its unit, as one of the readers in `units` reads it."""
    value = item.node.value
    if not isinstance(value, str):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        lack = "has no unit" if is_number else f"is no {what}"
        raise refusal(item, f"{shown(item.node)} {lack}; expected a {what} such as {example}")
    try:
        return parse(value)
    except ValueError as error:
        raise refusal(item, str(error)) from None


def power_of_two_bytes(item: Item, low: int, high: int, example: str) -> int:
    """A size that is a power of two, in bytes; low and high included."""
    size_bytes = quantity(item, parse_size_bytes, "size", example)
    if not low <= size_bytes <= high or size_bytes & (size_bytes - 1):
        problem = f"{shown(item.node)}; expected a power of two from {format_size(low)} to {format_size(high)}"
        raise refusal(item, problem)
    return size_bytes


def size_bytes(item: Item) -> int:
    """A size, in bytes."""
    return quantity(item, parse_size_bytes, "size", "4MiB")


def described_size(size_bytes: int) -> str:
    """A size, exact, as axis columns hold it."""
    count, unit = whole_size(size_bytes)
    return f"{count}{unit}"


def fixed_duration_ps(item: Item) -> int:
    """One duration with its unit, at most an hour, in picoseconds."""
    duration_ps = quantity(item, parse_duration_ps, "duration", "20ns, 20us or 20ms")
    if duration_ps > DURATION_MAX_PS:
        raise refusal(item, f"{shown(item.node)} is too long; expected at most {format_duration(DURATION_MAX_PS)}")
    return duration_ps


def duration_or_auto_ps(item: Item) -> int | None:
    """One duration as above, or None for the word auto."""
    if item.node.value == AUTO:
        return None
    if isinstance(item.node.value, str) and not any(map(str.isdigit, item.node.value)):
        raise refusal(item, f"{shown(item.node)} is no duration; expected one such as 2ms, or auto")
    return fixed_duration_ps(item)


def duration(item: Item) -> Duration:
    """A fixed duration, {exponential: MEAN}, or {uniform: [LOW, HIGH]}."""
    if not isinstance(item.node.value, dict):
        return Duration(FIXED, fixed_duration_ps(item), 0)
    expected = "20us, {exponential: 20us} or {uniform: [10us, 30us]}"
    keys = section(item, ("exponential", "uniform"))
    if len(keys) != 1:
        raise refusal(item, f"{len(keys)} distributions; expected one: {expected}")
    if "exponential" in keys:
        return Duration(EXPONENTIAL, fixed_duration_ps(keys["exponential"]), 0)
    bounds = items(keys["uniform"], "two durations: [10us, 30us]")
    if len(bounds) != 2:
        raise refusal(keys["uniform"], f"{len(bounds)} durations; expected two: [10us, 30us]")
    low_ps, high_ps = (fixed_duration_ps(bound) for bound in bounds)
    if low_ps > high_ps:
        found = f"{format_duration(low_ps)} is longer than {format_duration(high_ps)}"
        raise refusal(keys["uniform"], f"{found}; expected the shorter bound first")
    return Duration(UNIFORM, low_ps, high_ps)


def described(drawn: Duration) -> str:
    """A duration in a few words, as axis columns hold it."""
    if drawn.kind == UNIFORM:
        return f"uniform {format_duration(drawn.a_ps)} to {format_duration(drawn.b_ps)}"
    return f"{'exponential ' if drawn.kind == EXPONENTIAL else ''}{format_duration(drawn.a_ps)}"


def _matching(item: Item, pattern: re.Pattern[str], expected: str, example: str) -> str:
    whole = f"{expected}, at most {NAME_CHARACTERS_MAX} characters, such as {example}"
    value = text(item, whole)
    if len(value) > NAME_CHARACTERS_MAX or not pattern.fullmatch(value):
        raise refusal(item, f"{quoted(value)} is no such name; expected {whole}")
    return value
