"""A search grows as it needs to, and what it has seen does not depend on how."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfsim.explore import running as module
from perfsim.explore.question import Limits, Question
from perfsim.explore.running import FIRST_ROOM
from tests.explore.searches import compiled_search, seen_by, shipped

LARGE = ("putback_putback_munlock", 0, "sc")


def test_the_identity_covers_every_module_that_compiled_code_is_made_of() -> None:
    folder = Path(module.__file__).parent
    compiled = {f"explore/{file.name}" for file in folder.glob("*.py")} & set(module.SOURCES)
    assert len(compiled) > 10
    for source in compiled:
        imported = re.findall(
            r"^from perfsim\.explore\.(\w+) import", (folder.parent / source).read_text(), re.MULTILINE
        )
        assert {f"explore/{name}.py" for name in imported} <= compiled, source


def search(name: str, number: int, model: str) -> Any:
    return compiled_search(*shipped(name, number), Question(model, reduce=False))


def test_a_search_of_more_states_than_there_was_room_for_finds_each_once() -> None:
    running = search(*LARGE)
    states = int(running.x.turn.states[0])
    assert states > FIRST_ROOM
    entered = np.asarray(running.x.found.table)[1::2]
    numbers = np.sort(entered[np.asarray(running.x.found.table)[::2] != -1] & (1 << 31) - 1)
    assert list(numbers) == list(range(states))


def test_what_is_seen_does_not_depend_on_the_first_room(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = seen_by(search(*LARGE))
    monkeypatch.setattr(module, "FIRST_ROOM", 1 << 16)
    assert seen_by(search(*LARGE)) == grown


def test_every_way_leads_from_the_first_state_without_a_gap() -> None:
    running = search(*LARGE)
    parent = np.asarray(running.x.found.parent)[: running.x.turn.states[0]]
    assert parent[0] == -1
    assert (parent[1:] < np.arange(1, len(parent))).all()
    assert (parent[1:] >= 0).all()


def test_a_search_ends_before_its_memory_does() -> None:
    scenario, design = shipped("retry_flag", 0)
    limit = 4 << 20
    running = compiled_search(scenario, design, Question("kernel", reduce=False, limits=Limits(memory_max_bytes=limit)))
    assert running.why.startswith("more memory than 4MiB, for ")
    assert running.needs_bytes() // 2 <= limit
