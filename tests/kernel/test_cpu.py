"""What a path sees of its CPU is the table of primitives, no more and no less."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import cast

import pytest

from perfsim.kernel.cpu import Cpu
from perfsim.kernel.primitives import PRIMITIVES, Primitive

METHODS = {name: member for name, member in inspect.getmembers(Cpu, inspect.isfunction) if name != "perform"}


class NotingCpu(Cpu):
    """A Cpu that notes what is performed."""

    def __init__(self) -> None:
        self.performed: list[tuple[Primitive, tuple[int, ...]]] = []

    def perform(self, primitive: Primitive, *arguments: int) -> Awaitable[int]:
        self.performed.append((primitive, arguments))
        return cast(Awaitable[int], None)  # nobody awaits here


def test_there_is_a_method_for_each_primitive_and_no_other() -> None:
    assert set(METHODS) == set(PRIMITIVES)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_performs_its_primitive_with_its_arguments_in_order(name: str) -> None:
    cpu = NotingCpu()
    count = len(inspect.signature(METHODS[name]).parameters) - 1
    arguments = tuple(range(100, 100 + count))
    METHODS[name](cpu, *arguments)
    assert cpu.performed == [(PRIMITIVES[name], arguments)]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_and_its_effect_name_their_arguments_alike(name: str) -> None:
    method = list(inspect.signature(METHODS[name]).parameters)[1:]
    assert method == list(inspect.signature(PRIMITIVES[name].effect).parameters)[3:]
    assert len(method) == PRIMITIVES[name].arguments


def test_nobody_performs_without_saying_how() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Cpu()  # type: ignore[abstract]
