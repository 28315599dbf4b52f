"""The calendar pops what a sorted list would pop: by time, then by serial number, what is LATE last of its instant."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfsim.engine.calendar import CPU_MASK, LATE, NEVER, Calendar, leave_calendar, next_order, schedule
from perfsim.scenario.schema import CPUS_MAX


class Step(NamedTuple):
    """One thing to do: pop the earliest, or schedule a CPU after a delay. replace: its entry, if it has one."""

    pops: bool
    cpu: int
    delay_ps: int
    late: bool


STEPS = st.lists(
    st.builds(Step, st.booleans(), st.integers(0, CPUS_MAX - 1), st.integers(0, 3), st.booleans()), max_size=80
)


def calendar(cpus: int) -> Calendar:
    """An empty one, with as many leaves as compiled.new_run() gives it."""
    leaves = 1 << (cpus - 1).bit_length()
    return Calendar(leaves, [0], [NEVER] * (2 * leaves), [0] * (2 * leaves))


def put(c: Calendar, cpu: int, at_ps: int, *, late: bool = False) -> tuple[int, int]:
    """Schedule a CPU; returns the entry."""
    order = next_order(c, cpu) | (LATE if late else 0)
    schedule(c, cpu, at_ps, order)
    return at_ps, order


def pop(c: Calendar) -> tuple[int, int, int]:
    """Take the earliest entry away: time, order, CPU."""
    at_ps, order = c.time_ps[1], c.order[1]
    leave_calendar(c, order & CPU_MASK, order)
    return at_ps, order, order & CPU_MASK


@given(st.sampled_from([1, 2, 3, 5, 7, 64, 65, 1000, CPUS_MAX]), STEPS)
def test_the_root_is_the_least_entry_of_a_sorted_list_after_every_change(cpus: int, steps: list[Step]) -> None:
    c = calendar(cpus)
    entries: dict[int, tuple[int, int]] = {}
    now = 0
    for step in steps:
        if step.pops and entries:
            now, order, cpu = pop(c)
            assert (now, order) == entries.pop(cpu)
        else:
            cpu = step.cpu % cpus
            entries[cpu] = put(c, cpu, now + step.delay_ps, late=step.late)
        assert (c.time_ps[1], c.order[1]) == min(entries.values(), default=(NEVER, 0))


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=200))
def test_what_is_late_comes_after_everything_of_its_instant(entries: list[tuple[int, bool]]) -> None:
    c = calendar(len(entries))
    for cpu, (at_ps, late) in enumerate(entries):
        put(c, cpu, at_ps, late=late)
    popped = [pop(c)[2] for _ in entries]
    assert popped == sorted(range(len(entries)), key=lambda cpu: (*entries[cpu], cpu))


@pytest.mark.parametrize("cpus", [1, 3, 6, 63, 64, 65, CPUS_MAX])
def test_ties_break_by_the_order_of_scheduling_and_not_by_cpu(cpus: int) -> None:
    c = calendar(cpus)
    backwards = list(reversed(range(cpus)))
    for cpu in backwards:
        put(c, cpu, 7)
    assert [pop(c)[2] for _ in range(cpus)] == backwards
    assert (c.time_ps[1], set(c.time_ps)) == (NEVER, {NEVER})


def test_an_entry_given_anew_since_it_was_popped_stays_on_the_calendar() -> None:
    c = calendar(3)
    _, popped = put(c, 2, 5)
    again = put(c, 2, 9)
    leave_calendar(c, 2, popped)
    assert (c.time_ps[1], c.order[1]) == again
    leave_calendar(c, 2, again[1])
    assert c.time_ps[1] == NEVER


def test_an_entry_is_replaced_by_a_later_one_of_its_cpu() -> None:
    c = calendar(4)
    put(c, 1, 5)
    put(c, 3, 6)
    put(c, 1, 8)
    assert [pop(c)[::2] for _ in range(2)] == [(6, 3), (8, 1)]


def test_the_order_names_its_cpu_and_grows_with_every_entry() -> None:
    c = calendar(CPUS_MAX)
    orders = [next_order(c, cpu) for cpu in (CPUS_MAX - 1, 0, 5)]
    assert [order & CPU_MASK for order in orders] == [CPUS_MAX - 1, 0, 5]
    assert all(earlier < later for earlier, later in pairwise(orders))
    assert all(order < LATE for order in orders)
    assert CPU_MASK >= CPUS_MAX - 1
