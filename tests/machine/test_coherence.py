"""Every transition of a cache line, and its cost by hand. CPU 4n .. 4n+3 are of node n; nodes 0 and 3 are far apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perfsim.machine.coherence import (
    EVERYONE,
    EXCLUSIVE,
    atomic_on_line,
    own_line,
    read_line,
    take_line,
    write_line,
)
from perfsim.machine.state import Machine
from perfsim.scenario.schema import CPUS_MAX
from tests.machine.conftest import PAGES_PER_NODE, MachineMaker

HIT, ATOMIC, LOCAL, REMOTE, NEAR, HOP, FAR = 1, 10, 100, 150, 60, 1_000, 3_000

LINE = 3
"""A line of memory on node 0."""


@pytest.fixture
def m(make_machine: MachineMaker) -> Machine:
    """Sixteen CPUs on four nodes, nothing cached."""
    return make_machine()


def sharers(m: Machine, line: int) -> list[int]:
    """CPUs in a line's word, the most recent first."""
    word = m.line_holders[line]
    return [(word >> 11 * slot & 2047) - 1 for slot in range(5) if word >> 11 * slot & 2047]


@pytest.mark.parametrize("cpu, cost_ps", [(0, LOCAL), (3, LOCAL), (4, REMOTE), (15, REMOTE)])
def test_a_line_in_no_cache_comes_from_memory_at_its_home(m: Machine, cpu: int, cost_ps: int) -> None:
    assert read_line(m, cpu, LINE) == cost_ps
    assert m.line_holders[LINE] == EXCLUSIVE | cpu + 1


@pytest.mark.parametrize("node", range(4))
@pytest.mark.parametrize("row", [0, 1])
def test_the_two_lines_of_a_page_are_at_home_on_its_node(m: Machine, node: int, row: int) -> None:
    first = row * 4 * PAGES_PER_NODE + node * PAGES_PER_NODE
    lines = range(first, first + PAGES_PER_NODE)
    assert {read_line(m, 4 * node, line) for line in lines} == {LOCAL}


def test_a_line_beyond_memory_is_at_home_where_the_layout_says(m: Machine) -> None:
    at_node_0, at_node_1 = 8 * PAGES_PER_NODE, 8 * PAGES_PER_NODE + 1
    assert [read_line(m, 0, at_node_0), read_line(m, 1, at_node_1)] == [LOCAL, REMOTE]
    assert write_line(m, 4, at_node_1) == HOP


def test_a_second_access_is_a_hit(m: Machine) -> None:
    read_line(m, 0, LINE)
    assert [read_line(m, 0, LINE), write_line(m, 0, LINE), write_line(m, 0, LINE)] == [HIT, HIT, HIT]
    assert atomic_on_line(m, 0, LINE) == ATOMIC
    assert own_line(m, 0, LINE) == 0


@pytest.mark.parametrize("cpu, cost_ps", [(1, NEAR), (4, HOP), (8, HOP), (12, FAR)])
def test_a_line_dirty_elsewhere_costs_the_distance_to_its_holder(m: Machine, cpu: int, cost_ps: int) -> None:
    for line in (LINE, LINE + 1, LINE + 2):
        take_line(m, 0, line)
    assert read_line(m, cpu, LINE) == cost_ps
    assert write_line(m, cpu, LINE + 1) == cost_ps
    assert atomic_on_line(m, cpu, LINE + 2) == cost_ps + ATOMIC


def test_reading_a_dirty_line_leaves_its_holder_a_copy(m: Machine) -> None:
    take_line(m, 0, LINE)
    read_line(m, 4, LINE)
    assert sharers(m, LINE) == [4, 0]
    assert not m.line_holders[LINE] & EXCLUSIVE
    assert [read_line(m, 0, LINE), read_line(m, 4, LINE)] == [HIT, HIT]


def test_writing_a_dirty_line_takes_it_away_from_its_holder(m: Machine) -> None:
    take_line(m, 0, LINE)
    write_line(m, 4, LINE)
    assert m.line_holders[LINE] == EXCLUSIVE | 4 + 1
    assert read_line(m, 0, LINE) == HOP


@pytest.mark.parametrize("cpu, cost_ps", [(2, LOCAL), (12, REMOTE)])
def test_a_clean_line_is_read_from_memory_however_near_its_sharers_are(m: Machine, cpu: int, cost_ps: int) -> None:
    take_line(m, 0, LINE)
    read_line(m, 1, LINE)
    assert read_line(m, cpu, LINE) == cost_ps
    assert sharers(m, LINE) == [cpu, 1, 0]


@pytest.mark.parametrize(
    "readers, cost_ps", [([1], NEAR), ([4], HOP), ([4, 1], HOP), ([12, 1], FAR), ([1, 12, 4], FAR)]
)
def test_an_upgrade_waits_for_the_farthest_sharer(m: Machine, readers: list[int], cost_ps: int) -> None:
    take_line(m, 0, LINE)
    for reader in readers:
        read_line(m, reader, LINE)
    assert write_line(m, 0, LINE) == cost_ps
    assert m.line_holders[LINE] == EXCLUSIVE | 0 + 1


def test_a_writer_without_a_copy_waits_for_memory_or_for_the_farthest_sharer(m: Machine) -> None:
    take_line(m, 0, LINE)
    read_line(m, 1, LINE)
    take_line(m, 0, LINE + 1)
    read_line(m, 1, LINE + 1)
    assert write_line(m, 2, LINE) == max(LOCAL, NEAR)
    assert write_line(m, 12, LINE + 1) == max(REMOTE, FAR)


def test_five_sharers_are_known_by_number(m: Machine) -> None:
    for cpu in (0, 1, 2, 3, 4):
        read_line(m, cpu, LINE)
    assert sharers(m, LINE) == [4, 3, 2, 1, 0]
    assert not m.line_holders[LINE] & EVERYONE
    assert write_line(m, 0, LINE) == HOP


def test_with_a_sixth_sharer_an_upgrade_asks_every_node(m: Machine) -> None:
    for cpu in range(6):
        read_line(m, cpu, LINE)
    assert m.line_holders[LINE] & EVERYONE
    assert {read_line(m, cpu, LINE) for cpu in range(6)} == {HIT}
    assert write_line(m, 0, LINE) == FAR
    assert m.line_holders[LINE] == EXCLUSIVE | 0 + 1


def test_a_broadcast_reaches_no_farther_than_the_farthest_node_from_the_writer(m: Machine) -> None:
    for cpu in range(6):
        read_line(m, cpu, LINE)
    assert write_line(m, 4, LINE) == HOP


def test_a_hit_is_no_miss_and_everything_else_is_one(m: Machine) -> None:
    for access in (read_line, read_line, write_line, atomic_on_line):
        access(m, 0, LINE)
    assert m.misses[0] == 1
    read_line(m, 1, LINE)
    write_line(m, 0, LINE)
    assert (m.misses[0], m.misses[1]) == (2, 1)


def miss(m: Machine, cpu: int, lines: range) -> None:
    """Let a CPU fetch lines that nobody has."""
    for line in lines:
        assert read_line(m, cpu, line) > HIT


def test_a_copy_ages_out_after_as_many_further_misses_as_the_cache_has_lines(make_machine: MachineMaker) -> None:
    m = make_machine(cache_size_bytes=4 * 64)
    assert m.rules.cache_lines == 4
    read_line(m, 0, LINE)
    miss(m, 0, range(32, 36))
    assert write_line(m, 0, LINE) == HIT
    miss(m, 0, range(36, 41))
    assert write_line(m, 0, LINE) == LOCAL


def test_another_cpus_misses_age_no_copy_of_mine(make_machine: MachineMaker) -> None:
    m = make_machine(cache_size_bytes=4 * 64)
    read_line(m, 0, LINE)
    miss(m, 1, range(32, 40))
    assert read_line(m, 0, LINE) == HIT


def test_a_dirty_line_that_has_aged_out_is_fetched_from_memory_by_others(make_machine: MachineMaker) -> None:
    m = make_machine(cache_size_bytes=4 * 64)
    take_line(m, 0, LINE)
    miss(m, 0, range(32, 37))
    assert read_line(m, 12, LINE) == REMOTE
    assert m.line_holders[LINE] == EXCLUSIVE | 12 + 1


@pytest.mark.parametrize("access", [read_line, write_line, atomic_on_line])
def test_each_use_keeps_a_copy_young(make_machine: MachineMaker, access: Callable[[Machine, int, int], int]) -> None:
    m = make_machine(cache_size_bytes=4 * 64)
    read_line(m, 0, LINE)
    miss(m, 0, range(32, 36))
    access(m, 0, LINE)
    miss(m, 0, range(36, 40))
    assert read_line(m, 0, LINE) == HIT


def test_a_line_just_taken_is_young_however_much_its_cpu_has_missed(make_machine: MachineMaker) -> None:
    m = make_machine(cache_size_bytes=4 * 64)
    miss(m, 0, range(32, 48))
    take_line(m, 0, LINE)
    assert read_line(m, 12, LINE) == FAR


def test_a_cache_of_no_size_keeps_everything(m: Machine) -> None:
    assert m.rules.cache_lines == 0
    take_line(m, 0, LINE)
    m.misses[0] += 10**9
    assert read_line(m, 0, LINE) == HIT


def test_the_cpus_of_the_largest_machine_fit_a_lines_word(make_machine: MachineMaker) -> None:
    m = make_machine(cpus=CPUS_MAX)
    last = range(CPUS_MAX - 5, CPUS_MAX)
    for cpu in last:
        read_line(m, cpu, LINE)
    assert sharers(m, LINE) == [*reversed(last)]
    assert m.line_holders[LINE] < EXCLUSIVE
    take_line(m, CPUS_MAX - 1, LINE)
    assert m.line_holders[LINE] < 1 << 62
    assert read_line(m, 0, LINE) == FAR
