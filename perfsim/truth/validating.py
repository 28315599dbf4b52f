"""From case files to the answer: what was asked for is chosen, run and judged."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TextIO

from perfsim.engine import ENGINES, check_engine
from perfsim.errors import InputError, did_you_mean, quoted
from perfsim.sweep.gather import Crew
from perfsim.sweep.plan import workers_for
from perfsim.truth.answer import Chapter, Validation, answer
from perfsim.truth.case_files import load_cases, shipped_files
from perfsim.truth.statistics import STATISTICS
from perfsim.truth.trying import tried

if TYPE_CHECKING:
    from collections.abc import Sequence


class Asked(NamedTuple):
    """file: a case file of the user's, None for the shipped truths. only: names of cases or their beginnings, all if
    empty. engine: a name; None for the compiled one, with a beginning of each exact case by both. jobs_count: worker
    processes, None for as many as there are CPUs.
    """

    file: str | None
    only: Sequence[str]
    engine: str | None
    jobs_count: int | None


def validate(asked: Asked, people: TextIO) -> Validation:
    """Hold the simulator against truths. people: where progress is shown.

    Raises InputError for whatever is wrong with what was asked or with a case file, PerfsimError if a run fails.
    """
    engine = ENGINES[0] if asked.engine is None else asked.engine
    check_engine(engine)
    workers_count = workers_for(asked.jobs_count)
    is_asked = partial(_is_asked, only=asked.only)
    files = shipped_files(is_asked) if asked.file is None else (load_cases(asked.file, is_asked),)
    _check_only(asked.only, [*(name for file in files for name in file.names), *(() if asked.file else STATISTICS)])
    chosen = [file for file in files if file.cases]
    statistics = [name for name in STATISTICS if asked.file is None and is_asked(name)]
    crew = Crew(workers_count, engine, people)
    cases = [case for file in chosen for case in file.cases]
    found = tried(cases, crew, with_twins=asked.engine is None)
    return answer(chosen, found, [_statistics(statistics)] if statistics else [])


def _statistics(names: Sequence[str]) -> Chapter:
    lines = tuple(line for name in names for line in STATISTICS[name]())
    return Chapter("D. The statistics", lines, (), {})


def _is_asked(name: str, only: Sequence[str]) -> bool:
    """Whether a case is one of those asked for: by its name, or by its family, which is how its name begins."""
    return not only or any(_begins(name, one) for one in only)


def _begins(name: str, prefix: str) -> bool:
    """Whether a name begins so; "A1" is no beginning of "A10"."""
    rest = name.removeprefix(prefix)
    return bool(prefix) and rest != name and not (prefix[-1].isdigit() and rest[:1].isdigit())


def _check_only(only: Sequence[str], names: Sequence[str]) -> None:
    for one in only:
        if not any(_begins(name, one) for name in names):
            families = sorted({name.partition("-")[0] for name in names})
            expected = f"expected one such as {', '.join(families[:8])}{did_you_mean(one, (*names, *families))}"
            raise InputError("--only", f"no case is called {quoted(one)} or begins so; {expected}")
