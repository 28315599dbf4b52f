"""Columns: the plain arrays of integers that a run's state is made of, and records of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Ints = list[int]
Record = TypeVar("Record", bound=tuple[Any, ...])


class Filled(list[int]):
    """A column to be: `count` times `value`. Empty until an engine makes it, in the form that it works on."""

    def __init__(self, value: int, count: int) -> None:
        super().__init__()
        self.value = value
        self.count_ = count


def fetch_early(column: Ints, index: int) -> None:
    """Say that an element will be looked at soon. Compiled, the host fetches its cache line; no value depends on it."""


def mapped(record: Record, make: Callable[[str, Ints], Any], prefix: str = "") -> Record:
    """The record with every column made anew. make: given the column's dotted name and the column. Numbers stay."""
    values: list[Any] = []
    for name, value in zip(record._fields, record, strict=True):  # type: ignore[attr-defined]  # a NamedTuple
        if isinstance(value, tuple):
            values.append(mapped(value, make, f"{prefix}{name}."))
        else:
            values.append(value if isinstance(value, int) else make(f"{prefix}{name}", value))
    return type(record)(*values)


def leaves(record: tuple[Any, ...], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every column and number of a record of records, with its dotted name, in order."""
    for name, value in zip(record._fields, record, strict=True):  # type: ignore[attr-defined]  # a NamedTuple
        if isinstance(value, tuple):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def as_lists(record: Record) -> Record:
    """The record with its columns as lists, those to be filled filled."""
    return mapped(record, lambda _, column: _list_of(column))


def _list_of(column: Ints) -> Ints:
    return [column.value] * column.count_ if isinstance(column, Filled) else list(column)
