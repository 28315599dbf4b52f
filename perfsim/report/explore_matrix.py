"""What `explore` answers: scenario x design x memory model, each safe, broken, or not exhaustively explored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfsim.explore.columns import MODELS
from perfsim.explore.properties import PROPERTIES
from perfsim.report.render import Head, Kind, Table, records_table, render
from perfsim.units import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.explore.search import Outcome
    from perfsim.report.render import Cell

Record = dict[str, Any]

SAFE, BROKEN, NOT_EXHAUSTIVE = "safe", "broken", "not_exhaustive"
_MEANINGS = {one.name: one.meaning for one in PROPERTIES}
_CAPTION = (
    "every interleaving: safe, or the property that is broken and the fewest steps there, or ? and the states seen"
)


def outcome_record(outcome: Outcome, replay: str) -> Record:
    """One search by the keys of `explore --format json`. property, steps, defect, replay: None unless it is broken.

    others: what else can be broken, each with its steps, as text. why: of what is not exhaustive.
    """
    broken = outcome.verdict == BROKEN
    return {
        "scenario": outcome.scenario,
        "design": outcome.design,
        "memory_model": outcome.memory_model,
        "flags": outcome.flags,
        "verdict": outcome.verdict,
        "property": outcome.property if broken else None,
        "steps": outcome.steps if broken else None,
        "states": outcome.states,
        "seconds": round(outcome.seconds, 3),
        "defect": (outcome.defect or None) if broken else None,
        "others": ", ".join(f"{name} {steps}" for name, steps in outcome.others) or None,
        "transitions": outcome.transitions,
        "final_states": outcome.final_states,
        "why": outcome.why or None,
        "replay": replay if broken else None,
    }


def matrix_text(records: Sequence[Record], form: str) -> str:
    """The records as a table of scenarios, designs and memory models; as they are in CSV.

    form: table, markdown or csv. There is one record at least.
    """
    if form == "csv":
        return render(records_table("results", _CAPTION, records), form)
    return render(_matrix(records), form)


def totals_text(records: Sequence[Record], seconds: float) -> str:
    """A line on how it went: how many searches of each verdict, their states, and the time."""
    counts = {
        verdict: sum(1 for one in records if one["verdict"] == verdict) for verdict in (SAFE, BROKEN, NOT_EXHAUSTIVE)
    }
    said = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in counts.items() if count)
    states = format_count(sum(one["states"] for one in records))
    searches = "search" if len(records) == 1 else "searches"
    return f"{len(records)} {searches}: {said}; {states} states in {seconds:.1f} s"


def _matrix(records: Sequence[Record]) -> Table:
    models = [model for model in MODELS if any(one["memory_model"] == model for one in records)]
    heads = (
        Head("scenario", "scenario"),
        Head("design", "design"),
        *(Head(model, model) for model in models),
        Head("states", "states", "all models", Kind.EXACT),
        Head("seconds", "seconds", "all models"),
    )
    rows = tuple(_row(records, scenario, design, models) for scenario, design in _pairs(records))
    return Table("results", _CAPTION + _flags(records), heads, rows, _notes(records))


def _pairs(records: Sequence[Record]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((one["scenario"], one["design"]) for one in records))


def _row(records: Sequence[Record], scenario: str, design: str, models: Sequence[str]) -> tuple[Cell, ...]:
    own = {one["memory_model"]: one for one in records if (one["scenario"], one["design"]) == (scenario, design)}
    cells = (_cell(own[model]) if model in own else None for model in models)
    states = format_count(sum(one["states"] for one in own.values()))
    return (scenario, design, *cells, states, sum(one["seconds"] for one in own.values()))


def _cell(record: Record) -> str:
    if record["verdict"] == SAFE:
        return SAFE
    if record["verdict"] == NOT_EXHAUSTIVE:
        return f"? {format_count(record['states'])}"
    known = f" ({record['defect']})" if record["defect"] else ""
    others = f", {record['others']}" if record["others"] else ""
    return f"{record['property']} {record['steps']}{known}{others}"


def _flags(records: Sequence[Record]) -> str:
    return "; each flag of a page a location of its own" if records[0]["flags"] == "bits" else ""


def _notes(records: Sequence[Record]) -> tuple[str, ...]:
    """What the words in the cells mean, and why something was given up."""
    said = [word for one in records if one["property"] for word in _cell(one).replace(",", "").split()]
    meant = [f"{name}: {meaning}" for name, meaning in _MEANINGS.items() if name in said]
    given_up = [
        f"? {one['scenario']}, {one['design']}, {one['memory_model']}: not exhaustive, {one['why']}"
        for one in records
        if one["verdict"] == NOT_EXHAUSTIVE
    ]
    declared = sorted({one["defect"] for one in records if one["defect"]})
    shown = [f"({', '.join(declared)}): a defect that the design declares shows like this"] if declared else []
    return (*meant, *shown, *given_up)
