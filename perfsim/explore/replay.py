"""A way through a scenario as one word that can be mailed, and read again by the same version alone.

    1/putback_munlock/redo/kernel/word/5d41402a/0x5.1x3.0=1.p1

The form's version; scenario, design, memory model, flags; a fingerprint of all that the way depends on; the actions, in
order: a CPU's step as its number, `=choice` where it has one, `p` before that of an access which becomes visible, and
`xTIMES` for a repetition.
"""

from __future__ import annotations

import hashlib
import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from perfsim import __version__
from perfsim.errors import InputError, quoted
from perfsim.explore.columns import MODELS
from perfsim.explore.question import FLAGS
from perfsim.explore.search import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.explore.scenario import ExploreScenario
    from perfsim.kernel.designs import Design

FORM = "1"
PLACE = "--replay"
CHARACTERS_MAX = 100_000
ACTIONS_MAX = 10_000
NO_ACTION = "0x0"
"""Of a way whose first state is its last."""

_PARTS = ("form", "scenario", "design", "memory model", "flags", "fingerprint", "actions")
_ACTION = re.compile(r"(p?)([0-9])(?:=([0-9]{1,3}))?(?:x([0-9]{1,4}))?", re.ASCII)


class Replay(NamedTuple):
    """What a word says: of which search the actions are, and by what fingerprint."""

    scenario: str
    design: str
    memory_model: str
    flags: str
    fingerprint: str
    actions: tuple[Action, ...]


def replay_word(scenario: ExploreScenario, design: Design, search: tuple[str, str], actions: Sequence[Action]) -> str:
    """The word of a way. search: memory model and flags."""
    parts = (scenario.name, design.name, *search, fingerprint(scenario, design), _written(actions))
    return "/".join((FORM, *parts))


def fingerprint(scenario: ExploreScenario, design: Design) -> str:
    """Eight digits that change with the version, the design's source, and what the scenario says."""
    said = scenario._replace(meaning="", designs=(), expect={}, file="", cpus=())
    scripts = [
        (cpu.name, {name: [call[:2] for call in script] for name, script in cpu.scripts.items()})
        for cpu in scenario.cpus
    ]
    text = f"{__version__}\n{design.source_sha256}\n{said!r}\n{scripts!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def read_replay(word: str) -> Replay:
    """What a word says. Raises InputError for one of another version, and for one that is damaged."""
    parts = word.strip().split("/") if len(word) <= CHARACTERS_MAX else []
    if parts and parts[0] != FORM and len(parts) == len(_PARTS):
        problem = (
            f"{quoted(parts[0])} is another version of the form; expected {FORM}/…, as perfsim {__version__} prints"
        )
        raise InputError(PLACE, problem)
    if len(parts) != len(_PARTS) or not all(parts):
        expected = "/".join((FORM, *(part.upper().replace(" ", "_") for part in _PARTS[1:])))
        raise InputError(PLACE, f"{quoted(word)} is no way to replay; expected {expected}, as explore prints it")
    runs = [_read(text) for text in parts[-1].split(".")]
    count = sum(times for _, times in runs)
    if count > ACTIONS_MAX:
        raise InputError(PLACE, f"{count} actions; expected at most {ACTIONS_MAX}")
    actions = tuple(action for action, times in runs for _ in range(times))
    _, scenario, design, memory_model, flags, made_of, _ = parts
    if memory_model not in MODELS:
        raise InputError(PLACE, f"{quoted(memory_model)} is no memory model; expected one of {', '.join(MODELS)}")
    if flags not in FLAGS:
        raise InputError(PLACE, f"{quoted(flags)} is no way to model flags; expected {' or '.join(FLAGS)}")
    return Replay(scenario, design, memory_model, flags, made_of, actions)


def check_fits(replay: Replay, scenario: ExploreScenario, design: Design) -> None:
    """Raise InputError for a word of another scenario or design, or of another version of them."""
    for what, said, given in (("scenario", replay.scenario, scenario.name), ("design", replay.design, design.name)):
        if said != given:
            raise InputError(PLACE, f"it is of the {what} {quoted(said)}; expected {given}")
    if replay.fingerprint != fingerprint(scenario, design):
        expected = f"expected one of {fingerprint(scenario, design)}, as this version prints"
        raise InputError(PLACE, f"it is of another version of {scenario.name}, {design.name} or perfsim; {expected}")


def _written(actions: Sequence[Action]) -> str:
    words = (
        f"{'p' if one.kind == 'perform' else ''}{one.cpu}{f'={one.choice}' if one.choice else ''}" for one in actions
    )
    runs = ((word, len(list(run))) for word, run in groupby(words))
    return ".".join(word if count == 1 else f"{word}x{count}" for word, count in runs) or NO_ACTION


def _read(text: str) -> tuple[Action, int]:
    """An action, and how often it is made."""
    found = _ACTION.fullmatch(text)
    if not found:
        raise InputError(PLACE, f"{quoted(text)} is no action; expected a CPU's number such as 0, 0=1, p0=1 or 0x3")
    kind, cpu, choice, times = found.groups()
    return Action("perform" if kind else "step", int(cpu), int(choice or 0)), int(times or 1)
