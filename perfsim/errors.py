"""The exceptions a user can meet, and the words their messages share.

    PerfsimError                1   something a user must know; any other exception is our bug
    ├── InputError              2   a file, an option or a value is wrong
    ├── StuckError              1   a simulation in which nobody can run
    ├── LimitError              1   a simulation that was given up because it took too much
    └── InterruptedSweep      130   a sweep was stopped; what is finished is kept

The figure is the exit status. `args` hold the raw values and the text is made in `__str__`, because pickling between
processes and SimPy both rebuild an exception as `type(error)(*error.args)`.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_CHARACTERS_MAX = 40
GUESSED_CHARACTERS_MAX = 64


class PerfsimError(Exception):
    """Base of everything that perfsim raises on purpose."""

    exit_status: ClassVar[int] = 1


class InputError(PerfsimError):
    """A file, an option or a value is wrong.

    place: where, as FILE:LINE:COLUMN or the name of an option.
    problem: what is wrong and what was expected.
    """

    exit_status: ClassVar[int] = 2

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return one_line(f"{self.place}: {self.problem}")


class StuckError(PerfsimError):
    """A simulation stopped with nobody able to run.

    lines: one a waiter: who waits for what, held by whom, since when.
    """

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__(lines)
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


class LimitError(PerfsimError):
    """A simulation was given up: `spent`, such as "600 s", was all it might take, and it had come to `at_ps`."""

    def __init__(self, spent: str, at_ps: int) -> None:
        super().__init__(spent, at_ps)
        self.spent = spent
        self.at_ps = at_ps

    def __str__(self) -> str:
        return f"given up after {self.spent}, the most that a run may take, at {self.at_ps / 10**9:g} ms simulated"


class InterruptedSweep(PerfsimError):  # noqa: N818 - not a mistake, but an end
    """A sweep was stopped after `done` of `total` runs; `resume_command` goes on with it.

    may_grow: the total is the least it can be, for a precision may take more.
    """

    exit_status: ClassVar[int] = 130

    def __init__(self, done: int, total: int, resume_command: str, may_grow: bool = False) -> None:
        super().__init__(done, total, resume_command, may_grow)
        self.done = done
        self.total = total
        self.resume_command = resume_command
        self.may_grow = may_grow

    def __str__(self) -> str:
        total = f"at least {self.total}" if self.may_grow else str(self.total)
        return f"interrupted: {self.done} of {total} runs are kept; go on with: {self.resume_command}"


def one_line(text: str) -> str:
    """The text with every control character, line break and lone surrogate escaped: safe for a terminal and a log."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def quoted(text: object, characters_max: int = SHOWN_CHARACTERS_MAX) -> str:
    """A value as messages show it: in double quotes, on one line, cut when it is long."""
    whole = str(text)
    if len(whole) <= characters_max:
        return f'"{one_line(whole)}"'
    return f'"{one_line(whole[:characters_max])}…" ({len(whole):,} characters)'


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """` (did you mean "X"?)` for the choice nearest to the word, ready to append; empty if none is near."""
    if len(word) > GUESSED_CHARACTERS_MAX:
        return ""
    by_lower_case = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(word.lower(), by_lower_case, n=1, cutoff=0.6)
    return f' (did you mean "{by_lower_case[found[0]]}"?)' if found else ""
