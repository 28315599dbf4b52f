"""A check as GitHub's annotations: lines on stdout of which a workflow's page makes errors and warnings.

GitHub shows ten of a kind and drops the rest without a word, so nine are told, and then how many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfsim.report.answers import evidence, subject, verdict_of
from perfsim.stats.regression import Answer
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.report.answers import CheckedPoint
    from perfsim.report.check import Check

SHOWN_MAX = 9


def annotated(check: Check) -> str:
    """The lines: an error for what has regressed, a warning for what cannot be told or is missing, then the answer."""
    errors = _of(check.points, Answer.REGRESSED)
    warnings = [_line("warning", "perfsim check", note) for note in check.notes]
    warnings += _of(check.points, Answer.CANNOT_TELL)
    notices = [_line("notice", "perfsim check", line) for line in check.summary()]
    return "".join(line + "\n" for line in (*_cut("error", errors), *_cut("warning", warnings), *notices))


def _of(points: Sequence[CheckedPoint], answer: Answer) -> list[str]:
    """All points together first: they say more than any one of them."""
    level = "error" if answer is Answer.REGRESSED else "warning"
    found = [one for one in points if one.judged.answer is answer]
    return [
        _line(level, f"{one.judged.metric} {answer.value}", f"{subject(one)}: {verdict_of(one)}; {evidence(one)}")
        for one in sorted(found, key=lambda one: not one.is_together)
    ]


def _cut(level: str, lines: list[str]) -> list[str]:
    left_count = len(lines) - SHOWN_MAX
    if left_count <= 0:
        return lines
    return [*lines[:SHOWN_MAX], _line(level, "perfsim check", f"and {format_count(left_count)} more")]


def _line(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_message(message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
