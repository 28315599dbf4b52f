"""The benchmark's figures as tables, and beside those of another run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Case: TypeAlias = dict[str, Any]
"""One row: its figures by name, and `target` (Target.as_case()) if it has one."""

Cases: TypeAlias = dict[str, Case]
"""A section's rows by name, in order."""


class Column(NamedTuple):
    """One column of a table. form: a format specification. is_compared: whether two runs are compared by it."""

    key: str
    heading: str
    form: str = ",.0f"
    is_compared: bool = False


class Effort(NamedTuple):
    """How much is measured. seconds: what one timing is to take, roughly."""

    repeats: int = 3
    seconds: float = 1.0
    compile: bool = False


class Section(NamedTuple):
    """A table: what stands above it, its columns, and what measures its rows."""

    title: str
    columns: tuple[Column, ...]
    measure: Callable[[Effort], Cases]


def target(value: float | None, bound: float, *, at_least: bool) -> dict[str, Any]:
    """A bound and whether a figure keeps to it; no figure, no verdict."""
    is_met = None if value is None else value >= bound if at_least else value <= bound
    return {"at_least" if at_least else "at_most": bound, "is_met": is_met}


def table(section: Section, cases: Cases) -> str:
    """A section as text: a title, a line of headings, a line a case; the target at the end of the line."""
    head = ["", *(column.heading for column in section.columns), "target"]
    lines = [
        [name, *(_figure(case, column) for column in section.columns), _verdict(case)] for name, case in cases.items()
    ]
    return f"{section.title}\n{_aligned([head, *lines])}"


def compared(sections: dict[str, Section], now: dict[str, Cases], then: dict[str, Cases]) -> str:
    """The ratios of one run's figures to another's, where both have them."""
    lines = []
    for name, section in sections.items():
        for case in [case for case in now.get(name, {}) if case in then.get(name, {})]:
            lines += _ratios(section, f"{name}: {case}", now[name][case], then[name][case])
    if not lines:
        return "the two runs have no figure in common\n"
    return f"this run and the other\n{_aligned([['', 'figure', 'other', 'this', 'this / other'], *lines])}"


def _ratios(section: Section, label: str, now: Case, then: Case) -> list[list[str]]:
    """One line for each figure of a case that both runs have."""
    columns = [column for column in section.columns if column.is_compared]
    shared = [column for column in columns if _is_number(now.get(column.key)) and then.get(column.key)]
    return [
        [label, column.key, _figure(then, column), _figure(now, column), f"{now[column.key] / then[column.key]:.3f}"]
        for column in shared
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _figure(case: Case, column: Column) -> str:
    """A figure as text; what is none is a dash, and text is itself."""
    value = case.get(column.key)
    if value is None:
        return "-"
    return format(value, column.form) if _is_number(value) else str(value)


def _verdict(case: Case) -> str:
    """A case's target in words, with a word more where it is not met."""
    wanted = case.get("target")
    if wanted is None:
        return ""
    is_least = "at_least" in wanted
    words = f"at least {wanted['at_least']:g}" if is_least else f"at most {wanted['at_most']:g}"
    if wanted["is_met"] is False:
        words += ", below target" if is_least else ", above target"
    return words


def _aligned(rows: list[list[str]]) -> str:
    """Rows of text in columns: the first to the left, the last as it comes, the others to the right."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = []
    for row in rows:
        middle = [text.rjust(width) for text, width in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *middle, row[-1]]).rstrip())
    return "\n".join(lines) + "\n"
