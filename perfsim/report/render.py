"""A table as text: for people with figures rounded, for scripts with all their digits."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import textwrap
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.errors import InputError, did_you_mean, one_line, quoted
from perfsim.units import format_width

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMATS = ("table", "json", "markdown", "csv")

NOTHING = "-"
STAR = "*"
GAP = "  "
GROUPED_FROM = 1000
MAIL_WIDTH = 78
MARK_WIDTH = 3
"""Of Markdown's line below the heads, a column at least."""
LIKE_AN_ITEM = re.compile(r"^( *)([-+*#>](?=\s))")
RATIO_MIN, RATIO_MAX = 0.01, 1000


class Kind(Enum):
    """How people see a column's figures: four digits, as they are, as a ratio, as an interval, as a percentage."""

    ROUNDED = "rounded"
    EXACT = "exact"
    RATIO = "ratio"
    INTERVAL = "interval"
    PERCENTAGE = "percentage"


class Head(NamedTuple):
    """A column's head. key: for scripts, unique but for an interval, which has two: `<key>_low` and `<key>_high`.

    text: for people, under the group that it shares with its neighbours; "" is no group.
    """

    key: str
    text: str
    group: str = ""
    kind: Kind = Kind.ROUNDED


class Interval(NamedTuple):
    """A confidence interval: one cell."""

    low: float
    high: float


class Short(float):
    """A figure that is not as it was asked for: people see a star beside it."""


Cell = str | int | float | Interval | None


@dataclass(frozen=True, slots=True)
class Table:
    """name: what the rows are called in JSON. caption: the line above. notes: the lines below. None: no value."""

    name: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def render(table: Table, form: str) -> str:
    """The text of a table in one of `FORMATS`, with its last line ended. CSV has neither caption nor notes.

    Raises InputError for another format.
    """
    renderers = {"table": _plain, "json": _json, "markdown": _markdown, "csv": _csv}
    if form not in renderers:
        known = ", ".join(FORMATS)
        raise InputError("--format", f"unknown format {quoted(form)}; expected {known}{did_you_mean(form, FORMATS)}")
    return renderers[form](table)


def _plain(table: Table) -> str:
    """Columns of fixed width: text to the left, figures to the right."""
    shown = [[_shown(cell, head.kind) for cell, head in zip(row, table.heads, strict=True)] for row in table.rows]
    texts = [one_line(head.text) for head in table.heads]
    widths = [max(map(len, column)) for column in zip(texts, *shown, strict=True)]
    groups = _groups(table.heads)
    for name, first, after in groups:
        missing = len(name) - _span(widths[first:after])
        widths[after - 1] += max(0, missing)
    to_left = [any(isinstance(row[i], str) for row in table.rows) for i in range(len(widths))]
    lines = [one_line(table.caption)]
    if any(name for name, _, _ in groups):
        lines.append(GAP.join(name.ljust(_span(widths[first:after])) for name, first, after in groups))
    ruler = ["-" * width for width in widths]
    for cells in [texts, ruler, *shown]:
        aligned = zip(cells, widths, to_left, strict=True)
        lines.append(GAP.join(cell.ljust(width) if left else cell.rjust(width) for cell, width, left in aligned))
    return "".join(f"{line.rstrip()}\n" for line in [*lines, *map(one_line, table.notes)])


def _groups(heads: Sequence[Head]) -> list[tuple[str, int, int]]:
    """Name of each group, its first column, and the one after its last."""
    groups: list[tuple[str, int, int]] = []
    for name, members in groupby(heads, key=lambda head: head.group):
        first = groups[-1][2] if groups else 0
        groups.append((one_line(name), first, first + len(list(members))))
    return groups


def _span(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _markdown(table: Table) -> str:
    """Also to be read as it stands, in a mail: columns are aligned, and text is broken where lines would be long."""
    texts = [f"{head.group} {head.text}".strip() for head in table.heads]
    rows = [[_shown(cell, head.kind) for cell, head in zip(row, table.heads, strict=True)] for row in table.rows]
    cells = [[_escaped(cell) for cell in row] for row in (texts, *rows)]
    widths = [max(MARK_WIDTH, *map(len, column)) for column in zip(*cells, strict=True)]
    to_left = [any(isinstance(row[i], str) for row in table.rows) for i in range(len(widths))]
    if to_left[-1]:
        widths[-1] = MARK_WIDTH  # words at the end need no room behind them: lines stay as short as they can be
    marks = ["-" * width if left else "-" * (width - 1) + ":" for width, left in zip(widths, to_left, strict=True)]
    lines = [_bars(line, widths, to_left) for line in (cells[0], marks, *cells[1:])]
    blocks = [[_broken("", table.caption)], lines, [_broken("- ", note) for note in table.notes]]
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks if block)


def _escaped(cell: str) -> str:
    return one_line(cell).replace("\\", "\\\\").replace("|", "\\|")


def _bars(cells: Sequence[str], widths: Sequence[int], to_left: Sequence[bool]) -> str:
    aligned = zip(cells, widths, to_left, strict=True)
    return f"| {' | '.join(cell.ljust(width) if left else cell.rjust(width) for cell, width, left in aligned)} |"


def _broken(mark: str, text: str) -> str:
    """A paragraph in lines that a mail has room for, what belongs to the mark set in."""
    indent = " " * len(mark)
    lines = textwrap.wrap(
        one_line(text),
        MAIL_WIDTH,
        initial_indent=mark,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    # What begins a line like a list's item is none.
    return "\n".join(lines[:1] + [LIKE_AN_ITEM.sub(r"\1\\\2", line) for line in lines[1:]])


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_keys(table.heads))
    writer.writerows(_values(row, table.heads) for row in table.rows)
    return text.getvalue()


def _json(table: Table) -> str:
    keys = _keys(table.heads)
    rows = [dict(zip(keys, _values(row, table.heads), strict=True)) for row in table.rows]
    return json_text({"caption": table.caption, table.name: rows, "notes": table.notes})


def json_text(content: Mapping[str, Any]) -> str:
    """JSON as every command prints it. A figure that is not finite is no JSON: ValueError."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def records_table(name: str, caption: str, records: Sequence[Mapping[str, Cell]]) -> Table:
    """Records of equal keys, one at least, as a table for scripts: every figure as it is."""
    heads = tuple(Head(key, key, kind=Kind.EXACT) for key in records[0])
    return Table(name, caption, heads, tuple(tuple(one.values()) for one in records))


def _keys(heads: Sequence[Head]) -> list[str]:
    """The columns for scripts: an interval is two."""
    keys: list[str] = []
    for head in heads:
        keys += [f"{head.key}_low", f"{head.key}_high"] if head.kind is Kind.INTERVAL else [head.key]
    return keys


def _values(row: Sequence[Cell], heads: Sequence[Head]) -> list[str | int | float | None]:
    """A row for scripts. A limit that is infinite is no value: JSON has none."""
    values: list[str | int | float | None] = []
    for cell, head in zip(row, heads, strict=True):
        if head.kind is Kind.INTERVAL:
            values += cell if isinstance(cell, Interval) else (None, None)
        else:
            assert not isinstance(cell, Interval), f"an interval in column {head.key}"
            values.append(cell)
    return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]


def _shown(cell: Cell, kind: Kind) -> str:
    """A cell for people."""
    if cell is None:
        return NOTHING
    if isinstance(cell, Interval):
        return f"[{_shown(cell.low, Kind.RATIO)}, {_shown(cell.high, Kind.RATIO)}]"
    if isinstance(cell, str):
        return one_line(cell)
    if kind is Kind.EXACT:
        return str(cell)
    if kind is Kind.PERCENTAGE:
        return format_width(cell) + (STAR if isinstance(cell, Short) else "")
    if kind is Kind.RATIO and RATIO_MIN <= cell < RATIO_MAX:
        return f"{cell:.3f}"
    if isinstance(cell, int) or GROUPED_FROM <= abs(cell) < math.inf:
        return f"{cell:,.0f}"
    return f"{cell:.4g}"
