"""What `validate` answers: each truth beside what was simulated, for people and for scripts."""

from __future__ import annotations

import math
import re
import textwrap
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.report.render import Cell, Head, Interval, Kind, Table, json_text, records_table, render
from perfsim.truth.expectations import Form
from perfsim.truth.figures import RATIO_MARK
from perfsim.truth.judging import Figure, Verdict, figures_of, verdicts
from perfsim.truth.trying import first_difference
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from perfsim.truth.case_files import Case, CaseFile
    from perfsim.truth.expectations import Expected
    from perfsim.truth.trying import Tried

TEXT_WIDTH = 98
EXACT = (Verdict.HOLDS, Verdict.WIDE, Verdict.MISSES)
BROKEN_SHOWN_MAX = 5
PRINTED = 1e-4
"""Limits that are closer together are shown as one figure."""

QUANTITY_WIDTH = 18
SIMULATED_WIDTH = 9
ERROR_WIDTH = 7


class Line(NamedTuple):
    """One figure beside what was expected of it.

    low, high: the limits of what is expected, equal for a single figure, infinite where there is none. error: relative
    to a single figure, None without one. interval: of the simulation, None without one.
    """

    case: str
    quantity: str
    low: float
    high: float
    expected: str
    simulated: float | None
    interval: Interval | None
    error: float | None
    verdict: Verdict


class Chapter(NamedTuple):
    """The lines of one case file, or of the statistics. notes: what is to be said of its cases, a line each."""

    title: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    about: Mapping[str, Mapping[str, str]]


class Validation(NamedTuple):
    """All that was held against truths. runs: how many there were, for people."""

    chapters: tuple[Chapter, ...]
    runs: str

    @property
    def has_missed(self) -> bool:
        """Whether a truth that must be met is not."""
        return any(line.verdict is Verdict.MISSES for chapter in self.chapters for line in chapter.lines)

    def text(self, form: str) -> str:
        """The whole in one of render.FORMATS; CSV has the lines alone."""
        if form == "json":
            return json_text(self.records())
        if form == "csv":
            return render(records_table("results", "", self.records()["results"]), form)
        tables = [_table(chapter, form) for chapter in self.chapters]
        end = self.summary() if form == "table" else f"- {self.summary()}"
        return "\n".join([*(render(table, form) for table in tables), f"{end}\n"])

    def records(self) -> dict[str, Any]:
        """For scripts: a record of each figure, what there is to say of the cases, and the answer in words."""
        return {
            "results": [_record(chapter, line) for chapter in self.chapters for line in chapter.lines],
            "cases": {name: dict(texts) for chapter in self.chapters for name, texts in chapter.about.items()},
            "missed": self.has_missed,
            "notes": [note for chapter in self.chapters for note in chapter.notes],
            "summary": self.summary(),
        }

    def summary(self) -> str:
        """The answer in one line."""
        counts = Counter(line.verdict for chapter in self.chapters for line in chapter.lines)
        exact = f"exact: {format_count(counts[Verdict.MISSES])} miss, {format_count(counts[Verdict.HOLDS])} hold"
        if counts[Verdict.WIDE]:
            exact += f", {format_count(counts[Verdict.WIDE])} hold in an interval wider than asked"
        findings = [verdict for verdict in Verdict if verdict not in EXACT and counts[verdict]]
        told = ", ".join(f"{format_count(counts[verdict])} {verdict.value}" for verdict in findings)
        parts = [exact, f"published: {told}"] if told else [exact]
        return "; ".join([*parts, self.runs])


def answer(files: Sequence[CaseFile], found: Mapping[str, Tried], more: Sequence[Chapter]) -> Validation:
    """The answer to cases that have been run. more: chapters that come of themselves, behind them."""
    of_cases = [(case, one) for file in files for case in file.cases for one in _figures(case, found)]
    lines: dict[str, list[Line]] = defaultdict(list)
    for (case, one), verdict in zip(of_cases, verdicts(of_cases), strict=True):
        lines[case.name].append(_line(case, one, verdict))
    chapters = [_chapter(file, found, lines) for file in files]
    rows = sum(one.rows_count for one in found.values())
    twins = sum(len(one.twins) for one in found.values())
    runs = f"{format_count(rows)} runs" + (f", {format_count(twins)} begun by both engines" if twins else "")
    return Validation((*chapters, *more), runs)


def _figures(case: Case, found: Mapping[str, Tried]) -> list[Figure]:
    return figures_of(case, found[case.name].rows) if case.runs else []


def _chapter(file: CaseFile, found: Mapping[str, Tried], lines_of: Mapping[str, list[Line]]) -> Chapter:
    lines: list[Line] = []
    notes: list[str] = []
    broken: Counter[str] = Counter()
    for case in file.cases:
        if not case.runs:
            lines.append(Line(case.name, "-", -math.inf, math.inf, "-", None, None, None, Verdict.NOT_RUN))
            continue
        lines += [*lines_of[case.name], *_twin_lines(case, found[case.name], notes)]
        broken.update(found[case.name].broken)
    if any(case.runs for case in file.cases):
        lines.append(_laws_line(broken))
        notes += [f"a law is broken: {law} ({count} times)" for law, count in broken.most_common(BROKEN_SHOWN_MAX)]
    about = {case.name: _texts(case) for case in file.cases if _texts(case)}
    notes += [_told(name, texts) for name, texts in about.items() if set(texts) - {"about"}]
    return Chapter(file.title, tuple(lines), tuple(notes), about)


def _line(case: Case, one: Figure, verdict: Verdict) -> Line:
    interval = None if math.isnan(one.mean) else Interval(one.low, one.high)
    simulated = None if math.isnan(one.mean) else one.mean
    expected = one.expected
    return Line(
        case.name,
        expected.expression.text,
        expected.low,
        expected.high,
        _expected_text(expected),
        simulated,
        interval,
        None if simulated is None else one.error,
        verdict,
    )


def _twin_lines(case: Case, one: Tried, notes: list[str]) -> list[Line]:
    """Whether both engines have had the same row of a case's beginning."""
    lines = []
    for lock, (compiled, simpy) in zip(case.locks.values(), one.twins, strict=False):
        differs = first_difference(compiled, simpy)
        if differs:
            notes.append(
                f"{case.name}: the engines differ, first in {differs}: {compiled[differs]}, simpy {simpy[differs]}"
            )
        taken, by_simpy = (float(row[f"{lock}_acquisitions"]) for row in (compiled, simpy))
        verdict = Verdict.MISSES if differs else Verdict.HOLDS
        error = by_simpy / taken - 1 if taken else None
        lines.append(Line(case.name, "row by simpy", taken, taken, _figure_text(taken), by_simpy, None, error, verdict))
    return lines


def _laws_line(broken: Counter[str]) -> Line:
    count = float(broken.total())
    verdict = Verdict.MISSES if count else Verdict.HOLDS
    return Line("every run", "broken laws", 0.0, 0.0, "0", count, None, None, verdict)


def line_of(case: str, quantity: str, limits: tuple[float, float], found: float) -> Line:
    """A figure that must be within limits, both included; it has no interval of its own."""
    low, high = limits
    verdict = Verdict.HOLDS if low <= found <= high else Verdict.MISSES
    middle = (low + high) / 2
    is_single = low == high or high - low < PRINTED * abs(middle)
    text = _figure_text(middle) if is_single else _limits_text(low, high)
    error = found / middle - 1 if is_single and middle else None
    return Line(case, quantity, low, high, text, float(found), None, error, verdict)


def _texts(case: Case) -> dict[str, str]:
    texts = {
        "about": case.about,
        "source": case.source,
        "inputs": case.inputs,
        "why": case.why,
        "not_run": case.not_run,
    }
    return {name: text for name, text in texts.items() if text}


def _told(name: str, texts: Mapping[str, str]) -> str:
    """All there is to say of a case, for people."""
    words = {"about": "", "source": "Source: ", "inputs": "Inputs: ", "why": "Why: ", "not_run": "Not run: "}
    return f"{name}: " + " ".join(f"{words[key]}{text.rstrip('.')}." for key, text in texts.items())


def _expected_text(expected: Expected) -> str:
    if expected.form is Form.EXACT:
        return _figure_text(expected.low)
    if expected.form is Form.ABOVE:
        return f"above {_figure_text(expected.low)}"
    if expected.form is Form.BELOW:
        return f"below {_figure_text(expected.high)}"
    if not math.isnan(expected.centre):
        margin = (expected.high - expected.centre) / abs(expected.centre) if expected.centre else 0.0
        return f"{_figure_text(expected.centre)} +- {100 * margin:.3g}%"
    return _limits_text(expected.low, expected.high)


def _limits_text(low: float, high: float) -> str:
    return f"{_figure_text(low)} to {_figure_text(high)}"


def _figure_text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


HEADS = (
    Head("case", "case"),
    Head("quantity", "quantity"),
    Head("expected", "expected"),
    Head("simulated", "simulated"),
    Head("simulated", "99 % interval", kind=Kind.INTERVAL),
    Head("error", "error"),
    Head("verdict", "verdict"),
)


def _table(chapter: Chapter, form: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for line in chapter.lines:
        error = None if line.error is None else f"{100 * line.error:+.2f}%"
        figures = (line.expected, line.simulated, line.interval, error, line.verdict.value)
        rows.append((line.case, line.quantity, *figures))
    if form != "table":
        return Table("results", chapter.title, HEADS, tuple(rows), chapter.notes)
    heads = tuple(head._replace(kind=Kind.EXACT) for head in HEADS)
    notes = tuple(part for note in chapter.notes for part in textwrap.wrap(note, TEXT_WIDTH, subsequent_indent="    "))
    return Table("results", chapter.title, heads, tuple(_fitted(rows)), notes)


def _fitted(rows: Sequence[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    """For a terminal: a case's name on its first line alone, and long quantities on several."""
    before: Cell = None
    for case, quantity, expected, simulated, interval, error, verdict in rows:
        first, *more = _parts(str(quantity))
        shown = _figure_text(simulated) if isinstance(simulated, float) else "-"
        limits = f"[{', '.join(map(_figure_text, interval))}]" if isinstance(interval, Interval) else "-"
        figures = (expected, shown.rjust(SIMULATED_WIDTH), limits, str(error or "-").rjust(ERROR_WIDTH), verdict)
        yield ("" if case == before else case, first, *figures)
        yield from (("", f"  {part}", "", "", "", "", "") for part in more)
        before = case


def _parts(quantity: str) -> list[str]:
    """A quantity in short lines: a ratio's stroke begins one, and long names are broken behind underscores."""
    if len(quantity) <= QUANTITY_WIDTH:
        return [quantity]
    over, *under = quantity.split(RATIO_MARK)
    return [*_broken(over), *(part for one in under for part in _broken(f"/ {one}"))]


def _broken(name: str) -> list[str]:
    """As few lines as it takes, and about equally long ones."""
    words = re.findall(r"[^_]+_?", name)
    lines = _filled(words, QUANTITY_WIDTH)
    for width in range(QUANTITY_WIDTH):
        if len(narrow := _filled(words, width)) == len(lines):
            return narrow
    return lines


def _filled(words: Sequence[str], width: int) -> list[str]:
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1] + word) <= width:
            lines[-1] += word
        else:
            lines.append(word)
    return lines


def _record(chapter: Chapter, line: Line) -> dict[str, Any]:
    is_single = line.low == line.high
    return {
        "chapter": chapter.title,
        "case": line.case,
        "quantity": line.quantity,
        "expected": line.low if is_single else None,
        "expected_low": line.low if math.isfinite(line.low) else None,
        "expected_high": line.high if math.isfinite(line.high) else None,
        "simulated": line.simulated,
        "low": line.interval.low if line.interval else None,
        "high": line.interval.high if line.interval else None,
        "error": line.error,
        "verdict": line.verdict.value,
    }
