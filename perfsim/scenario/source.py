"""YAML in, nodes with FILE:LINE:COLUMN out: the small, harmless part of YAML that our files use.

Read at the level of events (`yaml.parse`), because both ready-made loaders accept what we must refuse (duplicate keys,
alias bombs, merge keys, object tags, nesting that ends the process) and read `no`, `017` and `12:30` as YAML 1.1 did.
Scalars follow the core schema of YAML 1.2: only plain (unquoted) text can be null, true, false or a number.
Source: ecosystem §2, where each trap was tried.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from perfsim.errors import InputError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

BYTES_MAX = 256 * 1024
DEPTH_MAX = 64
NODES_MAX = 20_000
SCALAR_CHARACTERS_MAX = 4096
INTEGER_DIGITS_MAX = 19
FLOAT_CHARACTERS_MAX = 40
FILE_NAME_CHARACTERS_MAX = 160

Scalar = None | bool | int | float | str

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NOT_A_NUMBER = re.compile(r"\.(nan|NaN|NAN)")
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document and where it stands.

    value: None, bool, int, float or str; a tuple of nodes for a list; a dict of nodes, in file order, for a mapping.
    place: FILE:LINE:COLUMN of its first character; lines and columns count from 1, columns in characters.
    style: how it is written: "plain", "quoted" (with ' or "), "block" (| or >), or "" for lists and mappings.
    key_places: for a mapping, the place of each key.
    """

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    place: str
    style: str = ""
    key_places: dict[str, str] = field(default_factory=dict)


def read_document(path: str | PathLike[str]) -> Node:
    """The document in a file. Raises InputError with the place of the first thing that is not plain YAML."""
    return parse_document(read_text(path), os.fspath(path))


def read_text(path: str | PathLike[str]) -> str:
    """A file's text, read strictly as UTF-8 and at most 256 KiB of it; a byte order mark is dropped.

    Raises InputError if there is no such regular file or it is not such a text. Never waits for a pipe's other end.
    """
    name = shown_name(os.fspath(path))
    data = _read_bytes(path, name)
    if len(data) > BYTES_MAX:
        raise InputError(name, f"the file is too large; expected at most {BYTES_MAX // 1024} KiB of YAML")
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        raise InputError(f"{name}:1:1", "the file is UTF-16 or UTF-32; expected UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The offset counts from behind a byte order mark, but those three bytes are no characters either.
        body = data.removeprefix(b"\xef\xbb\xbf")
        place = _place_at(name, body[: error.start].decode("utf-8", errors="replace"))
        raise InputError(place, f"byte 0x{body[error.start]:02x} is not UTF-8; expected UTF-8 text") from None


def parse_document(text: str, name: str) -> Node:
    """The document in a text; `name` stands for the file in its places, such as "--set machine.cpus".

    Raises InputError for whatever is not plain YAML: see the module's text.
    """
    name = shown_name(name)
    if len(text) > BYTES_MAX:
        raise InputError(name, f"{len(text):,} characters; expected at most {BYTES_MAX:,}")
    unreadable = _UNREADABLE.search(text)
    if unreadable:
        place = _place_at(name, text[: unreadable.start()])
        raise InputError(place, f"control character U+{ord(unreadable[0]):04X}; expected plain text")
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        return _document(_Events(yaml.parse(text, Loader=loader), name))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = name if mark is None else f"{name}:{mark.line + 1}:{mark.column + 1}"
        told = ", ".join(part for part in (error.context, error.problem) if part)
        raise InputError(place, f"not YAML: {told}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The pure-Python scanner lets chr() and int() fail bare, for "\UFFFFFFFF" and %YAML with 5,000 digits.
        raise InputError(name, f"not YAML: {quoted(error, 80)}") from None


def earlier(first: str, second: str) -> str:
    """Where the first of two equal things stands, for the message about the second."""
    name, line, column = first.rsplit(":", 2)
    same_file = second.rsplit(":", 2)[0] == name
    return f"the first is at {f'line {line}, column {column}' if same_file else first}"


def shown_name(name: str) -> str:
    """A file name as places show it: a very long one keeps its end."""
    return name if len(name) <= FILE_NAME_CHARACTERS_MAX else "…" + name[-FILE_NAME_CHARACTERS_MAX:]


class _Events:
    """The event stream, with the file's name for places and a count against floods of small nodes."""

    def __init__(self, events: Iterator[yaml.Event], name: str) -> None:
        self._events = events
        self._nodes_left = NODES_MAX
        self.name = name

    def take(self) -> yaml.Event:
        """The next event; refused on sight if it is an alias, an anchor or a tag."""
        event = next(self._events)
        if isinstance(event, yaml.AliasEvent):
            alias = quoted(f"*{event.anchor}")
            raise InputError(self.place(event), f"alias {alias}; expected the value written out")
        if isinstance(event, yaml.NodeEvent):
            self._check_node(event)
        return event

    def place(self, event: yaml.Event) -> str:
        mark = event.start_mark
        assert mark is not None, f"{event} has no place"
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}"

    def _check_node(self, event: yaml.NodeEvent) -> None:
        self._nodes_left -= 1
        if self._nodes_left < 0:
            raise InputError(self.place(event), f"too many values; expected at most {NODES_MAX:,}")
        if event.anchor is not None:
            anchor = quoted(f"&{event.anchor}")
            raise InputError(self.place(event), f"anchor {anchor}; expected plain values, no aliases")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise InputError(self.place(event), f"tag {quoted(tag)}; expected plain values, no object tags")


def _document(events: _Events) -> Node:
    """The one document of a stream."""
    events.take()  # the stream's start
    start = events.take()
    if not isinstance(start, yaml.DocumentStartEvent):
        raise InputError(f"{events.name}:1:1", "it is empty; expected a value or `key: value` lines")
    if start.version is not None or start.tags:
        raise InputError(events.place(start), "a % directive; expected plain YAML without directives")
    root = _node(events, events.take(), depth=1)
    events.take()  # the document's end
    after = events.take()
    if not isinstance(after, yaml.StreamEndEvent):
        raise InputError(events.place(after), "a second document begins; expected one")
    return root


def _node(events: _Events, event: yaml.Event, depth: int) -> Node:
    """The node that begins with this event."""
    place = events.place(event)
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event, place)
    if depth > DEPTH_MAX:
        raise InputError(place, f"nested too deeply; expected at most {DEPTH_MAX} levels")
    if isinstance(event, yaml.SequenceStartEvent):
        return Node(tuple(_items(events, depth)), place)
    return _mapping(events, place, depth)


def _items(events: _Events, depth: int) -> Iterator[Node]:
    while not isinstance(event := events.take(), yaml.SequenceEndEvent):
        yield _node(events, event, depth + 1)


def _mapping(events: _Events, place: str, depth: int) -> Node:
    values: dict[str, Node] = {}
    key_places: dict[str, str] = {}
    while not isinstance(event := events.take(), yaml.MappingEndEvent):
        key_place = events.place(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise InputError(key_place, "a list or mapping as a key; expected a name")
        key = event.value
        if not isinstance(_scalar(event, key_place).value, str):
            raise InputError(key_place, f"the key {quoted(key)} is no name; expected a name, in quotes if it must be")
        if key in values:
            raise InputError(key_place, f"duplicate key {quoted(key)}; {earlier(key_places[key], key_place)}")
        key_places[key] = key_place
        values[key] = _node(events, events.take(), depth + 1)
    return Node(values, place, key_places=key_places)


def _scalar(event: yaml.ScalarEvent, place: str) -> Node:
    if len(event.value) > SCALAR_CHARACTERS_MAX:
        problem = f"a value of {len(event.value):,} characters; expected at most {SCALAR_CHARACTERS_MAX:,}"
        raise InputError(place, problem)
    if any("\ud800" <= letter <= "\udfff" for letter in event.value):
        raise InputError(place, f"{quoted(event.value)} escapes half a character; expected whole characters")
    # A plain style is None in the pure-Python parser and "" in libyaml's.
    if not event.style:
        return Node(_resolved(event.value, place), place, "plain")
    return Node(event.value, place, "block" if event.style in "|>" else "quoted")


def _resolved(text: str, place: str) -> Scalar:
    """A plain scalar's value by the core schema of YAML 1.2, decimal integers only."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        if len(text.lstrip("+-")) > INTEGER_DIGITS_MAX:
            problem = f"{quoted(text)} is too long a number; expected at most {INTEGER_DIGITS_MAX} digits"
            raise InputError(place, problem)
        return int(text)
    return _resolved_float(text, place)


def _resolved_float(text: str, place: str) -> float | str:
    if _FLOAT.fullmatch(text):
        if len(text) > FLOAT_CHARACTERS_MAX:
            problem = f"{quoted(text)} is too long a number; expected at most {FLOAT_CHARACTERS_MAX} characters"
            raise InputError(place, problem)
        return float(text)
    infinite = _INFINITE.fullmatch(text)
    if infinite:
        return float(f"{infinite[1]}inf")
    return float("nan") if _NOT_A_NUMBER.fullmatch(text) else text


def _read_bytes(path: str | PathLike[str], name: str) -> bytes:
    """At most one byte more than the limit, from a regular file."""
    try:
        # Not blocking: a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _check_regular(os.fstat(descriptor).st_mode, name)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(BYTES_MAX + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        told = (error.strerror or "unknown error").lower()
        raise InputError(name, f"cannot read it: {told}; expected a YAML file") from None
    except ValueError:
        raise InputError(name, "it is no file name; expected the path of a YAML file") from None


def _check_regular(mode: int, name: str) -> None:
    if stat.S_ISDIR(mode):
        raise InputError(name, "it is a directory; expected a YAML file")
    if not stat.S_ISREG(mode):
        raise InputError(name, "it is a device or a pipe; expected a YAML file")


def _place_at(name: str, text_before: str) -> str:
    """The place of the character that follows this text."""
    lines = _LINE_BREAK.split(text_before)
    return f"{name}:{len(lines)}:{len(lines[-1]) + 1}"
