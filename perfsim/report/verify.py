"""What `verify` answers: that the engines agree, with counts and rates, or what differs first and what led to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfsim.engine.verify import Ended, Event, EventDifference, StateDifference
from perfsim.errors import one_line
from perfsim.report.render import Cell, Head, Table, render
from perfsim.units import counted, format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.engine.trace import TraceRow
    from perfsim.engine.verify import Difference, Verified

Row = dict[str, Any]

REFERENCE, COMPILED = "simpy", "compiled"
_CAPTION = "both engines, compared event by event (time, CPU, primitive, arguments) and state by state"
_NOTE = "events/s: of the time in the engine alone, while it reports every event"
_HEADS = (
    Head("workload", "workload"),
    Head("design", "design"),
    Head("profile", "profile"),
    Head("cpus", "CPUs"),
    Head("events", "events"),
    Head("equal", "equal"),
    Head("simpy_events_per_s", REFERENCE, "events/s"),
    Head("compiled_events_per_s", COMPILED, "events/s"),
    Head("ratio", "ratio", "events/s"),
)
_DIFFERENCE = Head("difference", "difference")
_EVENT_HEADS = tuple(
    Head(key, key) for key in ("event", "time in ps", "CPU", "task", "primitive", "path", "source", "source line")
)


def verify_row(about: Row, verified: Verified) -> Row:
    """What one comparison has found, by the keys of `verify --format json`.

    about: workload, design, profile and cpus of the run. A rate is of events per second of the time in an engine, None
    if there are none, and the ratio compiled/simpy. difference: text of several lines, None when all is equal.
    """
    simpy_per_s = _rate(verified.events, verified.reference_s)
    compiled_per_s = _rate(verified.compiled_events, verified.compiled_s)
    found = verified.difference
    return about | {
        "events": verified.events,
        "equal": found is None,
        "simpy_events_per_s": simpy_per_s,
        "compiled_events_per_s": compiled_per_s,
        "ratio": compiled_per_s / simpy_per_s if compiled_per_s and simpy_per_s else None,
        "difference": None if found is None else _difference_text(about, found),
    }


def verify_text(rows: Sequence[Row], form: str) -> str:
    """The rows as a table, with every difference in full below it; CSV has it in a column.

    form: table, markdown or csv.
    """
    heads = (*_HEADS, _DIFFERENCE) if form == "csv" else _HEADS
    lines = tuple(tuple(_cell(row[head.key]) for head in heads) for row in rows)
    text = render(Table("results", _CAPTION, heads, lines, (_NOTE,)), form)
    differences = [row["difference"] for row in rows if row["difference"]]
    if form == "csv":
        return text
    fence = "```\n" if form == "markdown" else ""
    return text + "".join(f"\n{fence}{difference}{fence}" for difference in differences)


def _rate(events: int, seconds: float) -> float | None:
    return events / seconds if events and seconds > 0 else None


def _cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    cell: Cell = value
    return cell


def _difference_text(about: Row, found: Difference) -> str:
    run = one_line(f"{about['workload']}, {about['design']}, {about['profile']}, {counted(about['cpus'], 'CPU')}")
    if isinstance(found, StateDifference):
        return f"{run}: all events are equal; {_state_text(found)}\n"
    said = f"{run}: {counted(found.number, 'event')} are equal, then {_what_differs(found)}"
    differing = ((REFERENCE, found.reference), (COMPILED, found.compiled))
    lines = [_event_cells(format_count(event.number + 1), event) for event in found.before]
    lines += [_event_cells(name, one) for name, one in differing]
    notes = tuple(note for name, one in differing for note in _notes(name, one))
    table = Table("events", _before_text(found), _EVENT_HEADS, tuple(lines), notes)
    return f"{said}\n{render(table, 'table')}"


def _state_text(found: StateDifference) -> str:
    column = found.column if found.place is None else f"{found.column}[{found.place}]"
    values = ((REFERENCE, found.reference), (COMPILED, found.compiled))
    said = ", ".join(f"{'nothing' if value is None else value} in {name}" for name, value in values)
    return f"{found.when}, {column} is {said}"


def _what_differs(found: EventDifference) -> str:
    """The parts of the first event that differ; or which engine has none."""
    reference, compiled = found.reference, found.compiled
    if isinstance(reference, Ended) or isinstance(compiled, Ended):
        if isinstance(reference, Event):
            return f"only {REFERENCE} has another"
        return f"only {COMPILED} has another" if isinstance(compiled, Event) else "the engines end differently"
    parts = zip(("time", "CPU", "primitive", "arguments"), reference.row, compiled.row, strict=True)
    return f"event {format_count(found.number + 1)} differs in {' and '.join(part for part, a, b in parts if a != b)}"


def _before_text(found: EventDifference) -> str:
    cpus = sorted({one.row[1] for one in (found.reference, found.compiled) if isinstance(one, Event)})
    where = f"CPU {' and '.join(map(str, cpus))}" if cpus else "any CPU"
    return f"the last {counted(len(found.before), 'equal event')} on {where}, and what each engine does next"


def _event_cells(name: str, one: Event | Ended) -> tuple[Cell, ...]:
    if isinstance(one, Ended):
        return (name, None, None, None, "no further event", None, None, None)
    at_ps, cpu, _, _ = one.row
    source = f"{'/'.join(Path(one.place.file).parts[-2:])}:{one.place.line}"
    return (name, at_ps, cpu, one.task, _call(one.row), f"{one.place.path}()", source, one.source)


def _call(row: TraceRow) -> str:
    _, _, primitive, arguments = row
    return f"{primitive}({', '.join(map(str, arguments))})"


def _notes(name: str, one: Event | Ended) -> list[str]:
    """Where to look: the whole name of the file; of an engine that has ended, why."""
    if isinstance(one, Event):
        return [f"{name}: {one.place.file}:{one.place.line}: {one.source}"]
    return [f"{name}: {line}" for line in (one.error or "came to its end").splitlines()]
