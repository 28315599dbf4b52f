"""The declared accesses of every primitive: complete, said once, and of the cells that its effect touches."""

from __future__ import annotations

import inspect

import pytest

from perfsim.kernel.bounds import argument_names
from perfsim.kernel.primitives import PRIMITIVES
from perfsim.kernel.static import steps
from perfsim.kernel.static.accesses import ACCESSES, Act

ON_WORDS = (Act.LOAD, Act.STORE, Act.RMW, Act.RMW_VALUE, Act.RMW_LOCK, Act.RMW_UNLOCK)
COLUMNS = {
    "flags": "pages.flags",
    "refcount": "pages.refcount",
    "mapcount": "pages.mapcount",
    "mapping": "pages.mapping",
    "mapping_flags": "mapping_flags",
    "mapping_of_range": "mapping_flags",
    "cgroup": "pages.cgroup",
    "queue": "queues.",
}
OTHERS = {"page_index": "pages.slot", "page_cached_at": "objects.cached"}
"""What the model keeps elsewhere than the kernel does: beside page->mapping."""

WRITES = (" = ", " |= ", " &= ", " += ", " -= ")


def effect_source(name: str) -> str:
    return inspect.getsource(PRIMITIVES[name].effect)


def on_words(*acts: Act) -> list[str]:
    return [name for name, access in ACCESSES.items() if access.act in acts]


def test_every_primitive_is_declared_and_nothing_else_is() -> None:
    assert set(ACCESSES) == set(PRIMITIVES)


def test_what_a_primitive_is_said_to_do_twice_differs() -> None:
    """An entry of steps.py that says what the access says already would be a second truth."""
    assert [name for name, more in steps._MORE.items() if more == steps._step(ACCESSES[name])] == []


@pytest.mark.parametrize("name", on_words(*ON_WORDS))
def test_a_primitive_touches_the_cell_that_it_is_declared_to(name: str) -> None:
    column = OTHERS.get(name, COLUMNS[ACCESSES[name].cell])
    assert column in effect_source(name) or "write_word(" in effect_source(name) or "read_word(" in effect_source(name)


@pytest.mark.parametrize("name", on_words(Act.LOAD))
def test_a_load_changes_no_cell(name: str) -> None:
    cell = COLUMNS[ACCESSES[name].cell]
    lines = [line for line in effect_source(name).splitlines() if f"s.{cell}" in line.split(" = ")[0]]
    assert not [line for line in lines if any(sign in line for sign in WRITES)]


@pytest.mark.parametrize("name", on_words(Act.RMW, Act.RMW_VALUE))
def test_only_an_atomic_with_a_result_returns_what_it_found(name: str) -> None:
    returned = {line.split("return ")[1] for line in effect_source(name).splitlines() if "return " in line}
    assert (returned == {"0"}) == (ACCESSES[name].act is Act.RMW)


@pytest.mark.parametrize("name", on_words(*ON_WORDS))
def test_the_argument_that_says_whose_cell_it_is_is_one(name: str) -> None:
    access = ACCESSES[name]
    owner = argument_names(PRIMITIVES[name])[access.argument]
    assert owner in {"page", "newpage", "mapping", "range_", "bucket"}


def test_what_changes_a_word_takes_a_lock_or_sleeps_is_seen_by_others() -> None:
    """A primitive that others cannot see is local, under a lock, or one of the kernel's checks and barriers."""
    unseen = (Act.LOAD, Act.FENCE, Act.LOCAL, Act.LOCKED)
    assert [name for name, one in PRIMITIVES.items() if not one.shared and ACCESSES[name].act not in unseen] == []
