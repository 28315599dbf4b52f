"""`perfsim explore --replay` and `--trace`: one way again, drawn, run on the reference engine, written as a trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perfsim.cli.options import Format
from perfsim.cli.output import file_to_write, tell, write_data
from perfsim.cli.trace import FILE_EXAMPLE, OPTION
from perfsim.errors import InputError
from perfsim.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfsim.explore.confirm import Confirmed
    from perfsim.explore.scenario import ExploreScenario
    from perfsim.explore.search import Action
    from perfsim.kernel.designs import Design
    from perfsim.measure.timeline import Timeline

DIFFERS_STATUS = 1
MODEL = "sc"
"""The memory model of the reference engine."""


def show_replay(name: str | None, designs: Sequence[str], word: str, form: Format, trace: str | None) -> None:
    """The way that a word stands for, through the scenario and design that it names unless they are given.

    trace: the file to write it to. Raises InputError for what cannot be replayed, typer.Exit where engines disagree.
    """
    from perfsim.explore.question import Question
    from perfsim.explore.replay import check_fits, read_replay
    from perfsim.explore.scenario import check_calls, load_explore_scenario
    from perfsim.explore.walk import walk
    from perfsim.kernel.designs import load_design
    from perfsim.report.explore_diagram import diagram_text

    if form not in (Format.TABLE, Format.MARKDOWN):
        raise InputError("--format", f"{form.value} of a way, which is drawn; expected table or markdown")
    replay = read_replay(word)
    check_trace(trace, [replay.memory_model])
    scenario = load_explore_scenario(name or replay.scenario)
    design = load_design(_design_named(replay.design, designs, scenario))
    check_fits(replay, scenario, design)
    check_calls(scenario, design)
    moments = walk(scenario, design, replay.actions, Question(replay.memory_model, replay.flags))
    about = {"scenario": scenario.name, "design": design.name, "memory_model": replay.memory_model}
    record = about | {"flags": replay.flags, "property": None}
    write_data(diagram_text(scenario, record, moments, fenced=form is Format.MARKDOWN))
    if replay.memory_model != MODEL:
        tell(f"the reference engine runs ways under {MODEL} alone; this one is under {replay.memory_model}")
        return
    run_way(scenario, design, replay.actions, trace)


def check_trace(file: str | None, models: Iterable[str]) -> None:
    """InputError for a trace that cannot be, before anything runs. models: of memory, those that are asked for."""
    if file is None:
        return
    file_to_write(OPTION, file, FILE_EXAMPLE)
    if MODEL not in models:
        given = " and ".join(models)
        problem = f"of a way under {given}; expected {MODEL}, which the reference engine can run"
        raise InputError(OPTION, problem)


def run_way(scenario: ExploreScenario, design: Design, actions: Iterable[Action], trace: str | None) -> None:
    """Run a way on the reference engine, say how that went, and write it to a file if there is one.

    Raises typer.Exit if the engine does anything else than the search, which is an error of perfsim's.
    """
    from perfsim.explore.confirm import confirm
    from perfsim.explore.walk import walk_to_rest
    from perfsim.report.explore_trace import StepTracer

    way = walk_to_rest(scenario, design, actions)
    tracer = None if trace is None else StepTracer(scenario, way)
    confirmed = confirm(scenario, design, way, tracer)
    if confirmed.differs:
        tell(f"an error of perfsim's: the reference engine does not do what the search did: {confirmed.differs}")
        raise typer.Exit(DIFFERS_STATUS)
    tell(f"the reference engine makes the same {counted(confirmed.steps, 'step')}, and ends {_end(confirmed)}")
    if trace is None or tracer is None:
        return
    _write(Path(trace), f"{scenario.name}, {design.name}, {MODEL}", tracer.close(confirmed.broken))


def _end(confirmed: Confirmed) -> str:
    return (
        f"in the same breach: {', '.join(confirmed.broken)}"
        if confirmed.broken
        else "in the same state: nothing is broken there"
    )


def _write(file: Path, name: str, timeline: Timeline) -> None:
    from perfsim.report.perfetto import write_perfetto
    from perfsim.store.atomic import replacing
    from perfsim.units import format_size

    with replacing(file) as opened:
        write_perfetto(opened, [(name, timeline)])
    tell(f"{file}: {format_size(file.stat().st_size)}, a microsecond a step, for ui.perfetto.dev")


def _design_named(name: str, given: Sequence[str], scenario: ExploreScenario) -> str:
    """The design of a word, by name or path: one that is given, or one of the scenario's."""
    found = [one for one in (*given, *scenario.designs) if one == name or Path(one).stem == name]
    return found[0] if found else given[0] if given else name
