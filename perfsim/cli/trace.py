"""`perfsim run --trace`: which part of the run, into which file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from perfsim.cli.output import file_to_write, tell, tell_meanwhile
from perfsim.errors import InputError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perfsim.measure.timeline import Timeline
    from perfsim.scenario.schema import Scenario

OPTION = "--trace"
FILE_EXAMPLE = "run.pftrace"
WINDOW_OPTION = "--trace-window"
EXAMPLE = "2ms..3ms"
EVENTS_MAX = 100_000
"""Of one design, unless the user says which part to trace: 3 MB, and two seconds."""
STEPS = (5, 2, 1)


class Asked(NamedTuple):
    """file: to be written. window_ps: from when to when, counted from the run's beginning; None for the default."""

    file: Path
    window_ps: tuple[int, int] | None


def asked_trace(file: str | None, window: str | None, scenario: Scenario) -> Asked | None:
    """The trace that was asked for, None if none was. Raises InputError for what cannot be, before anything runs."""
    from perfsim.engine.prepare import check_fits

    if file is None:
        if window is not None:
            raise InputError(WINDOW_OPTION, f"{quoted(window)} of no trace; expected --trace FILE too")
        return None
    path = file_to_write(OPTION, file, FILE_EXAMPLE)
    window_ps = None if window is None else _window_ps(window, scenario)
    check_fits(scenario, scenario.kernel.designs, "simpy")
    return Asked(path, window_ps)


def write_trace(asked: Asked, scenario: Scenario, rows: list[dict[str, Any]]) -> None:
    """Run each design again, as far as it is to be traced, and write the file. rows: of the runs.

    Raises InputError if the file cannot be written, or the window lies behind the run.
    """
    from perfsim.report.perfetto import write_perfetto
    from perfsim.store.atomic import replacing
    from perfsim.units import PS_PER_NS, format_size

    warmup_ps = round(rows[0]["warmup_ns"] * PS_PER_NS)
    whole_ps = (warmup_ps, warmup_ps + scenario.measure.duration_ps)
    window_ps = asked.window_ps or default_window_ps(*whole_ps, max(row["events"] for row in rows))
    _check_end(window_ps[1], whole_ps[1])
    try:
        with replacing(asked.file) as file:
            write_perfetto(file, _timelines(scenario, window_ps))
    finally:
        tell_meanwhile("")
    size = format_size(asked.file.stat().st_size)
    left_out = "" if asked.window_ps or window_ps == whole_ps else _left_out(window_ps, whole_ps)
    tell(f"{asked.file}: {size}, {_text(window_ps)} of the run, for ui.perfetto.dev{left_out}")


def default_window_ps(begin_ps: int, end_ps: int, events: int) -> tuple[int, int]:
    """The measured window, or so much of its beginning that about EVENTS_MAX events are in it: 1, 2 or 5 of a unit.

    begin_ps, end_ps: of the measured window; the run ends with it, after so many events.
    """
    length_ps = max(1, end_ps * EVENTS_MAX // max(events, 1))
    if length_ps >= end_ps - begin_ps:
        return begin_ps, end_ps
    power = 10 ** (len(str(length_ps)) - 1)
    return begin_ps, begin_ps + next(step * power for step in STEPS if step * power <= length_ps)


def _timelines(scenario: Scenario, window_ps: tuple[int, int]) -> Iterator[tuple[str, Timeline]]:
    from perfsim.engine.prepare import design_of
    from perfsim.kernel.boot import Seed
    from perfsim.measure.tracing import timeline_of

    designs = scenario.kernel.designs
    for number, design in enumerate(designs, 1):
        name = design_of(scenario, design).name
        tell_meanwhile(f"tracing {name}, {number} of {len(designs)} ...")
        yield name, timeline_of(scenario, design, Seed(scenario.sweep.seed, 0), window_ps)


def _window_ps(window: str, scenario: Scenario) -> tuple[int, int]:
    from perfsim.units import parse_duration_ps

    begin, dots, end = window.partition("..")
    if not dots:
        raise InputError(WINDOW_OPTION, f"{quoted(window)} has no ..; expected two instants, such as {EXAMPLE}")
    try:
        begin_ps, end_ps = parse_duration_ps(begin), parse_duration_ps(end)
    except ValueError as error:
        raise InputError(WINDOW_OPTION, f"{error}, in a window such as {EXAMPLE}") from error
    if begin_ps >= end_ps:
        raise InputError(
            WINDOW_OPTION, f"{quoted(window)} ends no later than it begins; expected a window such as {EXAMPLE}"
        )
    _check_end(end_ps, scenario.measure.warmup_max_ps + scenario.measure.duration_ps)
    return begin_ps, end_ps


def _check_end(end_ps: int, run_ps: int) -> None:
    from perfsim.units import format_duration

    if end_ps > run_ps:
        problem = f"{format_duration(end_ps)} is after the run's end; expected {format_duration(run_ps)} at most"
        raise InputError(WINDOW_OPTION, problem)


def _left_out(window_ps: tuple[int, int], whole_ps: tuple[int, int]) -> str:
    percent = 100 * (window_ps[1] - window_ps[0]) / (whole_ps[1] - whole_ps[0])
    return f"; {percent:.3g} % of what was measured: {WINDOW_OPTION} {_text(whole_ps)} is all of it"


def _text(window_ps: tuple[int, int]) -> str:
    from perfsim.units import format_duration

    return "..".join(map(format_duration, window_ps))
