"""`perfsim explore`: every interleaving of a small scenario; which one breaks a design, on which memory model?"""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import tell, tell_meanwhile, write_data
from perfsim.cli.replay import check_trace, run_way, show_replay
from perfsim.errors import InputError, did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from perfsim.explore.matrix import Job
    from perfsim.explore.question import Limits, Question
    from perfsim.explore.scenario import ExploreScenario
    from perfsim.explore.search import Outcome
    from perfsim.kernel.designs import Design
    from perfsim.report.explore_matrix import Record

BROKEN_STATUS = 1
NOT_EXHAUSTIVE_STATUS = 2


class MemoryModel(StrEnum):
    """What may be reordered."""

    SC = "sc"
    TSO = "tso"
    IA64 = "ia64"
    KERNEL = "kernel"


class Flags(StrEnum):
    """What of a page's flags is one location."""

    WORD = "word"
    BITS = "bits"


def scenarios_like(incomplete: str) -> list[str]:
    """Names of shipped scenarios that complete a word in the shell."""
    from perfsim.explore.scenario import shipped_scenarios

    return [name for name in shipped_scenarios() if name.startswith(incomplete)]


def properties_like(incomplete: str) -> list[str]:
    """Names of properties that complete a word in the shell."""
    from perfsim.explore.properties import NUMBERS

    return [name for name in NUMBERS if name.startswith(incomplete)]


@app.command()
def explore(
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCENARIO]",
            help="A YAML file, or the name of a shipped scenario; all shipped ones unless it is given.",
            autocompletion=scenarios_like,
            show_default=False,
        ),
    ] = None,
    designs: Annotated[
        list[str] | None,
        typer.Option(
            "--design",
            metavar="DESIGN",
            help="A design's name or .py file, instead of all those of the scenario. Repeatable.",
            autocompletion=options.designs_like,
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        list[MemoryModel] | None,
        typer.Option(
            "--memory-model",
            help="What may be reordered: nothing, what x86 or ia64 reorders, or what the kernel's documents allow; "
            "all four unless one is named. Repeatable.",
            show_default=False,
        ),
    ] = None,
    flags: Annotated[
        Flags, typer.Option("--flags", help="A page's flags are one word, or each bit a location of its own.")
    ] = Flags.WORD,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="PROPERTY",
            help="What to look for, instead of everything. Repeatable.",
            autocompletion=properties_like,
            show_default=False,
        ),
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            "--replay",
            metavar="WORD",
            help="Show the way that a word stands for; under sc, run it on the reference engine too.",
            show_default=False,
        ),
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(
            "--trace",
            metavar="FILE",
            help="Write that way, or the shortest one that breaks SCENARIO under sc, as a Perfetto trace, for "
            "ui.perfetto.dev: a microsecond a step.",
            show_default=False,
        ),
    ] = None,
    minimize_fix: Annotated[
        bool,
        typer.Option("--minimize-fix", help="The fewest barriers that make it safe, where they go, what they cost."),
    ] = False,
    max_states: Annotated[
        int | None,
        typer.Option("--max-states", metavar="N", min=1, help="Give a search up after N states.", show_default=False),
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option("--max-seconds", metavar="S", min=0, help="Give a search up after S seconds.", show_default=False),
    ] = None,
    jobs: options.Jobs = None,
    output_format: options.OutputFormat = options.Format.TABLE,
) -> None:
    """Explore every interleaving of a few CPUs: which one breaks?

    On each memory model: which interleaving of a small scenario breaks a design, or that none does. Without a scenario
    all shipped ones are explored, and the verdicts printed as a matrix. With one, the shortest way to break each design
    follows, CPU beside CPU, with a word that replays it.

    Exit status: 0 all is safe, 1 something is broken, 2 nothing is broken but not all was explored, or bad input.

    \b
    Examples:
      perfsim explore
      perfsim explore putback_munlock --design redo --memory-model kernel
      perfsim explore rescue_order --design redo_merged --memory-model kernel --minimize-fix
      perfsim explore my_race.yaml --design mine.py --property stranded --format json
      perfsim explore recheck --design no_recheck --memory-model sc --trace way.pftrace
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    from perfsim.explore.question import Question
    from perfsim.sweep.plan import workers_for

    workers = workers_for(jobs)
    _check_properties(properties or ())
    _refuse_two_questions(scenario, replay, minimize_fix)
    if replay is not None:
        show_replay(scenario, designs or (), replay, output_format, trace)
        return
    question = Question(flags=flags.value, properties=tuple(properties or ()), limits=_limits(max_states, max_seconds))
    chosen = [model.value for model in MemoryModel if not models or model in models]
    check_trace(trace, chosen)
    _refuse_trace_of_many(scenario, trace, minimize_fix)
    if scenario is None:
        searches = _shipped_jobs(designs or (), chosen, question)
    else:
        searches = _jobs(scenario, designs or (), chosen, question)
    if minimize_fix:
        _show_fixes(searches, output_format)
        return
    begin = time.monotonic()
    outcomes = _outcomes(searches, workers)
    _show(searches, outcomes, output_format, diagrams=scenario is not None, seconds=time.monotonic() - begin)
    if trace is not None:
        _trace_first(searches, outcomes, trace)
    _exit([outcome.verdict for outcome in outcomes])


def _check_properties(names: Sequence[str]) -> None:
    from perfsim.explore.properties import NUMBERS

    for name in names:
        if name not in NUMBERS:
            known = ", ".join(NUMBERS)
            hint = did_you_mean(name, NUMBERS)
            raise InputError("--property", f"no property is called {quoted(name)}; expected one of {known}{hint}")


def _refuse_two_questions(scenario: str | None, replay: str | None, minimize_fix: bool) -> None:
    if minimize_fix and replay is not None:
        raise InputError("--minimize-fix", "given together with --replay; expected one of them")
    if minimize_fix and scenario is None:
        raise InputError("SCENARIO", "missing; --minimize-fix expects one scenario, such as rescue_order")


def _refuse_trace_of_many(scenario: str | None, trace: str | None, minimize_fix: bool) -> None:
    if trace is not None and minimize_fix:
        raise InputError("--trace", "given together with --minimize-fix; expected one of them")
    if trace is not None and scenario is None:
        raise InputError("SCENARIO", "missing; --trace expects one scenario, such as recheck, or --replay")


def _limits(max_states: int | None, max_seconds: float | None) -> Limits:
    from perfsim.explore.question import Limits

    limits = Limits()
    if max_states is not None:
        limits = limits._replace(states_max=max_states)
    return limits if max_seconds is None else limits._replace(seconds_max=max_seconds)


def _shipped_jobs(designs: Sequence[str], models: Sequence[str], question: Question) -> list[Job]:
    """The searches of all shipped scenarios, but for those that are not for these designs, which is told."""
    from perfsim.explore.scenario import shipped_scenarios

    searches: list[Job] = []
    refusals: list[InputError] = []
    for name in shipped_scenarios():
        try:
            searches += _jobs(name, designs, models, question)
        except InputError as refusal:
            refusals.append(refusal)
    if not searches:
        raise refusals[0]
    for left_out in refusals:
        tell(f"left out: {left_out}")
    return searches


def _jobs(name: str, designs: Sequence[str], models: Sequence[str], question: Question) -> list[Job]:
    """The searches of one scenario; what cannot be searched is refused before the first one."""
    from perfsim.explore.matrix import Job
    from perfsim.explore.scenario import check_calls, load_explore_scenario
    from perfsim.kernel.designs import load_design

    scenario = load_explore_scenario(name)
    own = {Path(design).stem: design for design in scenario.designs}
    chosen = tuple(dict.fromkeys(own.get(design, design) for design in designs)) or scenario.designs
    names: set[str] = set()
    for design in map(load_design, chosen):
        if design.name in names:
            raise InputError("--design", f"a second {quoted(design.name)}; expected each name once, be it of a file")
        names.add(design.name)
        check_calls(scenario, design)
    return [Job(name, path, question._replace(memory_model=model)) for path in chosen for model in models]


def _outcomes(searches: Sequence[Job], workers: int) -> list[Outcome]:
    """The outcome of each search, in their order, however they come."""
    from perfsim.explore.matrix import run_jobs

    found: dict[int, Outcome] = {}
    try:
        for number, outcome in run_jobs(searches, workers):
            found[number] = outcome
            verdict = outcome.verdict.replace("_", " ")
            said = f"{outcome.scenario}, {outcome.design}, {outcome.memory_model}: {verdict}"
            tell_meanwhile(f"{len(found)} of {len(searches)} searches, the last {said} ...")
    finally:
        tell_meanwhile("")
    return [found[number] for number in range(len(searches))]


def _show(
    searches: Sequence[Job], outcomes: Sequence[Outcome], form: options.Format, *, diagrams: bool, seconds: float
) -> None:
    """The matrix; behind it, for people, the shortest way to break each design."""
    from perfsim.report.explore_matrix import matrix_text, totals_text
    from perfsim.report.render import json_text

    records = [_record(job, outcome) for job, outcome in zip(searches, outcomes, strict=True)]
    if form is options.Format.JSON:
        write_data(json_text({"results": records}))
    else:
        write_data(matrix_text(records, form.value))
    if diagrams and form in (options.Format.TABLE, options.Format.MARKDOWN):
        for job, outcome, record in _first_of_each_design(searches, outcomes, records):
            write_data("\n" + _diagram(job, outcome, record, form))
    tell(totals_text(records, seconds))


def _record(job: Job, outcome: Outcome) -> Record:
    from perfsim.explore.replay import replay_word
    from perfsim.report.explore_matrix import outcome_record

    if outcome.verdict != "broken":
        return outcome_record(outcome, "")
    search = (outcome.memory_model, outcome.flags)
    return outcome_record(outcome, replay_word(*_loaded(job), search, outcome.actions))


def _loaded(job: Job) -> tuple[ExploreScenario, Design]:
    from perfsim.explore.scenario import load_explore_scenario
    from perfsim.kernel.designs import load_design

    return load_explore_scenario(job.scenario), load_design(job.design)


def _first_of_each_design(
    searches: Sequence[Job], outcomes: Sequence[Outcome], records: Sequence[Record]
) -> list[tuple[Job, Outcome, Record]]:
    """What breaks each design on the strictest model that does."""
    found: dict[str, tuple[Job, Outcome, Record]] = {}
    for job, outcome, record in zip(searches, outcomes, records, strict=True):
        if outcome.verdict == "broken":
            found.setdefault(job.design, (job, outcome, record))
    return list(found.values())


def _diagram(job: Job, outcome: Outcome, record: Record, form: options.Format) -> str:
    from perfsim.explore.walk import walk
    from perfsim.report.explore_diagram import diagram_text

    scenario, design = _loaded(job)
    moments = walk(scenario, design, outcome.actions, job.question)
    return diagram_text(scenario, record, moments, fenced=form is options.Format.MARKDOWN)


def _trace_first(searches: Sequence[Job], outcomes: Sequence[Outcome], file: str) -> None:
    """Write the shortest way of the first search that the reference engine can run and that has found one."""
    for job, outcome in zip(searches, outcomes, strict=True):
        if outcome.verdict == "broken" and outcome.memory_model == MemoryModel.SC:
            run_way(*_loaded(job), outcome.actions, file)
            return
    raise InputError(
        "--trace", f"nothing is broken under {MemoryModel.SC.value}; expected a scenario or design that is"
    )


def _show_fixes(searches: Sequence[Job], form: options.Format) -> None:
    from perfsim.explore.fix import minimize_fix
    from perfsim.machine.profile import priced_profiles
    from perfsim.report.explore_fix import fix_record, fix_text
    from perfsim.report.render import json_text

    profiles = priced_profiles()
    records, verdicts = [], []
    try:
        for number, job in enumerate(searches, 1):
            tell_meanwhile(f"{number} of {len(searches)}: {job.design}, {job.question.memory_model} ...")
            scenario, design = _loaded(job)
            fix = minimize_fix(scenario, design, job.question)
            about = {"scenario": scenario.name, "design": design.name}
            asked = {"memory_model": job.question.memory_model, "flags": job.question.flags}
            records.append(fix_record(about | asked, fix, profiles))
            verdicts.append(fix.verdict)
    finally:
        tell_meanwhile("")
    if form is options.Format.JSON:
        write_data(json_text({"fixes": records}))
    else:
        write_data(fix_text(records, profiles, form.value))
    _exit(verdicts)


def _exit(verdicts: Collection[str]) -> None:
    """End with the status of the worst verdict, unless all is safe."""
    if "broken" in verdicts:
        raise typer.Exit(BROKEN_STATUS)
    if "not_exhaustive" in verdicts:
        raise typer.Exit(NOT_EXHAUSTIVE_STATUS)
