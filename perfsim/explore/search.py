"""Explore a scenario: every interleaving of what its CPUs do, on one memory model, and what goes wrong in which."""

from __future__ import annotations

import time
from typing import NamedTuple

from perfsim.engine.program import FIRST_PRIMITIVE
from perfsim.explore.columns import ACTION_CPU, ACTION_KIND, MODELS, PERFORM, Search
from perfsim.explore.livelock import no_way_out
from perfsim.explore.properties import LIVELOCK, NUMBERS, PROPERTIES, PROPERTY_OF
from perfsim.explore.question import SIMPLE, Limits, Question
from perfsim.explore.rows import ORDERED, Scripts, scripts_of
from perfsim.explore.running import Running, search_all
from perfsim.explore.scenario import ExploreScenario
from perfsim.explore.setup import Asked, new_search, unused_columns
from perfsim.explore.step import ENDLESS, TOO_FULL, TOO_LARGE, VECTOR_PAGES
from perfsim.kernel.constants import NONE
from perfsim.kernel.designs import Design

STALE_ROOM_MAX = 96
"""Overwritten values that a CPU may still read, at most: four CPUs have 424 ways then, see SUCCESSORS_MAX."""


class Action(NamedTuple):
    """kind: `step`, or `perform` for an access that becomes visible to all. choice: which value a load returns, the
    newest first, or that it is performed later; of `perform` the place in the CPU's buffer.
    """

    kind: str
    cpu: int
    choice: int


class Outcome(NamedTuple):
    """verdict: `safe`, `broken`, or `not_exhaustive`. property, steps, actions: of the shortest way to a breach; steps
    counts those of CPUs. others: the properties that are broken too, each with its steps. defect: by which the design
    declares it, or "". states: different ones; final_states: those in which all is done. why: of what is not
    exhaustive.
    """

    scenario: str
    design: str
    memory_model: str
    flags: str
    verdict: str
    property: str
    defect: str
    steps: int
    states: int
    transitions: int
    final_states: int
    seconds: float
    actions: tuple[Action, ...]
    others: tuple[tuple[str, int], ...]
    why: str


def explore(scenario: ExploreScenario, design: Design, question: Question = SIMPLE) -> Outcome:
    """Search every interleaving. Raises InputError for a script that the design cannot run."""
    begin = time.monotonic()
    scripts = scripts_of(scenario, design)
    chosen = set(question.properties) or ({"outcome"} if scenario.exists else set(NUMBERS))
    looked_for = tuple(1 if one.name in chosen else 0 for one in PROPERTIES)
    model, reduce, symmetry = MODELS[question.memory_model], question.reduce, question.symmetry
    asked = Asked(model, question.flags == "bits", question.fences, looked_for, reduce=reduce, symmetry=symmetry)
    running = _searched(scenario, design, scripts, asked, (question.limits, begin))
    breach = _shortest(running)
    if breach and question.reduce:
        whole = _searched(scenario, design, scripts, asked._replace(reduce=False), (question.limits, begin))
        breach = _shortest(whole) or breach
        if not whole.why:
            running = whole
    x = running.x
    why = running.why or _unexplored(x, scripts)
    return Outcome(
        scenario=scenario.name,
        design=design.name,
        memory_model=question.memory_model,
        flags=question.flags,
        verdict="broken" if breach else "not_exhaustive" if why else "safe",
        property=breach[0].property if breach else "",
        defect=_defect(design, breach[0].property) if breach else "",
        steps=_steps(breach[0].actions) if breach else 0,
        states=int(x.turn.states[0]),
        transitions=int(x.turn.transitions[0]),
        final_states=int(x.turn.finals[0]),
        seconds=time.monotonic() - begin,
        actions=breach[0].actions if breach else (),
        others=tuple((one.property, _steps(one.actions)) for one in breach[1:]),
        why=why,
    )


def _searched(
    scenario: ExploreScenario, design: Design, scripts: Scripts, asked: Asked, until: tuple[Limits, float]
) -> Running:
    """A search at its end, or a limit; with more room if old values had none. until: limits, and the begin."""
    limits, begin = until
    running = search_all(new_search(scenario, design, scripts, asked), unused_columns(scripts), limits, begin)
    if running.why or not running.x.turn.lost[0] or asked.stale_room >= STALE_ROOM_MAX:
        return running
    return _searched(scenario, design, scripts, asked._replace(stale_room=2 * asked.stale_room), until)


class Breach(NamedTuple):
    """A property, and a way to where it is broken."""

    property: str
    actions: tuple[Action, ...]


def _shortest(running: Running) -> list[Breach]:
    """The first breach of each property, the shortest first."""
    x = running.x
    hits = [
        (number, int(x.found.hit_state[number]), int(x.found.hit_action[number]))
        for number in range(len(PROPERTIES))
        if x.found.hit_state[number] != NONE
    ]
    trap = no_way_out(x) if not running.why and x.asked[LIVELOCK] else NONE
    if trap != NONE:
        hits.append((LIVELOCK, trap, NONE))
    found = [Breach(PROPERTIES[number].name, _way_to(x, state, action)) for number, state, action in hits]
    return sorted(found, key=lambda breach: len(breach.actions))


def _unexplored(x: Search, scripts: Scripts) -> str:
    """Why a search that came to its end has not seen all, or ""."""
    if x.turn.lost[0]:
        return "a CPU may still read more old values than are remembered"
    if x.turn.why[0] == NONE:
        return ""
    place = scripts.places[int(x.turn.why_row[0])]
    where = f"{place.path}() at {place.file}:{place.line}"
    if x.turn.why[0] == ENDLESS:
        return f"{where} goes on for ever without a step that others see"
    if x.turn.why[0] == TOO_LARGE:
        return f"{where} comes with a local of more than 8 bits"
    if x.turn.why[0] == TOO_FULL:
        return f"{where} comes with more than {VECTOR_PAGES} pages in a pagevec"
    return (
        f"{where} comes to {ORDERED[int(x.turn.why[0]) - FIRST_PRIMITIVE].name}(), which needs time, chance or a device"
    )


def _defect(design: Design, name: str) -> str:
    """The declared defect that a breach shows, or "". What a design of the user's breaks may be its own fault."""
    if not design.is_shipped:
        return ""
    return next((one.name for one in design.defects if PROPERTIES[PROPERTY_OF[one.violation]].name == name), "")


def _steps(actions: tuple[Action, ...]) -> int:
    return sum(1 for action in actions if action.kind == "step")


def _way_to(x: Search, state: int, action: int) -> tuple[Action, ...]:
    """The actions from the first state to one, and the one that broke something there, NONE for none."""
    numbers = [] if action == NONE else [action]
    while x.found.parent[state] != NONE:
        numbers.append(int(x.found.action[state]))
        state = int(x.found.parent[state])
    return tuple(_action(number) for number in reversed(numbers))


def _action(number: int) -> Action:
    kind = "perform" if number // ACTION_KIND == PERFORM else "step"
    return Action(kind, number % ACTION_KIND // ACTION_CPU, number % ACTION_CPU)
