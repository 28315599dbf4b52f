"""The table of primitives: closed, consistent, and each effect of one shape."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from perfsim.kernel.primitives import PRIMITIVES, Primitive
from perfsim.machine.costs import COST_NAMES

HEAD = ["s", "task", "now"]
EFFECTS = Path(inspect.getfile(Primitive)).parent / "effects"

# Functions of effects/ that are no primitives: what effects call one another for.
INNER = {
    *("add_to_vector", "book_idle", "bug", "charge_atomic", "charge_read", "charge_write", "choose", "draw_of"),
    *("end_timer", "line_of_mm", "mem_cgroup_charge", "readable", "rest", "resume", "rouse", "set_state", "sleep"),
    *("vector_of", "wait_as_device", "wake_cpu", "wake_task", "wake_waiter"),
}

EVERY = pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=PRIMITIVES)


@EVERY
def test_an_effect_begins_with_state_task_and_instant(primitive: Primitive) -> None:
    assert list(inspect.signature(primitive.effect).parameters)[:3] == HEAD


@EVERY
def test_an_effect_takes_as_many_further_arguments_as_the_table_says(primitive: Primitive) -> None:
    parameters = list(inspect.signature(primitive.effect).parameters.values())[3:]
    assert len(parameters) == primitive.arguments
    assert all(parameter.default is parameter.empty and parameter.annotation == "int" for parameter in parameters)


@EVERY
def test_an_effect_returns_an_integer_and_says_what_it_is(primitive: Primitive) -> None:
    assert inspect.signature(primitive.effect).return_annotation == "int"
    assert (primitive.effect.__doc__ or "").strip()


@EVERY
def test_what_passes_before_an_effect_is_a_cost_and_only_shared_ones_have_it(primitive: Primitive) -> None:
    assert -1 <= primitive.before < len(COST_NAMES)
    assert primitive.shared or primitive.before == -1


@EVERY
def test_a_primitive_has_the_name_of_its_effect_but_for_locks_that_switch_interrupts_off(primitive: Primitive) -> None:
    if primitive.before == -1:
        assert primitive.name == primitive.effect.__name__
    else:
        assert primitive.name in {"spin_lock_irq", "spin_lock_irqsave"}


def test_every_public_function_of_the_effects_is_a_primitive_or_a_part_of_some() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(EFFECTS.glob("*.py"))]
    public = {
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert public - INNER == {primitive.effect.__name__ for primitive in PRIMITIVES.values()}


def test_what_other_cpus_can_see_takes_effect_at_an_instant_of_its_own() -> None:
    seen = ("test_flag", "set_flag", "get_page", "spin_lock", "waitqueue_active", "wake_up_bit", "try_to_unmap")
    unseen = ("work", "list_add", "pagevec_add", "add_page_to_lru_list", "page_zone", "probe_begin")
    assert all(PRIMITIVES[name].shared for name in seen)
    assert not any(PRIMITIVES[name].shared for name in unseen)
