"""Calls in a scenario's scripts: `munlock_vma_page(page)`, and the integers that they hand over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from perfsim.errors import did_you_mean, quoted
from perfsim.kernel import constants
from perfsim.scenario import fields
from perfsim.scenario.fields import Item, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLE = "putback_lru_page(page)"

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.ASCII | re.DOTALL)
_PLACE = re.compile(r"(pte|range)\s*\(\s*([^()\s]+)\s*\)", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_CONSTANTS = {name: value for name, value in vars(constants).items() if name.isupper() and isinstance(value, int)}


class Call(NamedTuple):
    """A path and its arguments behind `cpu`: integers, names of pages, `pte(page)` and `range(page)`.

    place: FILE:LINE:COLUMN.
    """

    path: str
    arguments: tuple[int | str, ...]
    place: str = ""


def is_constant(name: str) -> bool:
    """Whether a call would take the word for a constant of the kernel's."""
    return name in _CONSTANTS


def call_of(item: Item, pages: Mapping[str, bool]) -> Call:
    """A call as it is written. pages: by name, whether each has a range, see PageSpec.has_range.

    Raises InputError for what is no call, and for an argument that stands for no integer.
    """
    text = fields.text(item, f"a call such as {EXAMPLE}")
    found = _CALL.fullmatch(text)
    if not found or text.count("(") != text.count(")"):
        quotes = ", in quotes if it has a comma" if text.count("(") > text.count(")") else ""
        raise refusal(item, f"{quoted(text)} is no call; expected a path and its arguments, such as {EXAMPLE}{quotes}")
    path, inner = found.groups()
    words = [word.strip() for word in inner.split(",")] if inner.strip() else []
    return Call(path, tuple(_argument(item, word, pages) for word in words), item.node.place)


def _argument(item: Item, word: str, pages: Mapping[str, bool]) -> int | str:
    if word in pages:
        return word
    if _INTEGER.fullmatch(word):
        return int(word)
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    place = _PLACE.fullmatch(word)
    if place and place[2] in pages:
        if not pages[place[2]]:
            expected = "expected a page with pte: true, or mapping: file or shm"
            raise refusal(item, f"{quoted(word)} of a page that no range maps or caches; {expected}")
        return f"{place[1]}({place[2]})"
    name = place[2] if place else word
    known = ", ".join(pages)
    hint = did_you_mean(name, (*pages, *_CONSTANTS)) if name else ""
    expected = f"a page ({known}), its pte(…) or range(…), a whole number, or a constant such as PG_LOCKED"
    raise refusal(item, f"the argument {quoted(word)} stands for nothing; expected {expected}{hint}")
