"""A machine at time 0, and the two things that every effect does: ask for a resumption, and work."""

from __future__ import annotations

from typing import Any

import pytest

from perfsim.machine.costs import ATOMIC_LOCAL, COST_NAMES, DRAM_LOCAL
from perfsim.machine.profile_values import ALGORITHM_NAMES, ORDER_NAMES
from perfsim.machine.state import (
    FIFO,
    IDEAL,
    LIFO,
    NONE,
    QUEUED,
    RANDOM,
    SWITCHED_OUT,
    TEST_AND_SET,
    TICKET,
    Layout,
    Machine,
    new_machine,
    wake,
    work,
)
from tests.machine.conftest import MachineMaker, ProfileMaker


@pytest.fixture
def m(make_machine: MachineMaker) -> Machine:
    """Sixteen CPUs on four nodes, two spinlocks."""
    return make_machine()


def test_at_first_nothing_is_cached_and_no_lock_is_held(m: Machine) -> None:
    assert set(m.line_holders) == {0}
    assert set(m.lock_owner) == set(m.lock_attempt) == set(m.waits_for) == {NONE}
    assert set(m.queue_head) == set(m.queue_tail) == {NONE}
    assert sum(m.lock_waiters) + sum(m.locks_held) + sum(m.pending_ps) == 0


def test_at_first_every_cpu_is_switched_out(m: Machine) -> None:
    assert m.cpu_state == [SWITCHED_OUT] * 16


def test_every_column_is_as_long_as_what_it_is_of(m: Machine) -> None:
    assert {len(column) for column in (m.cpu_node, m.misses, m.waits_for, m.wait_next, m.wait_before)} == {16}
    assert {len(column) for column in (m.line_holders, m.line_stamp)} == {64 + 2}
    assert {len(column) for column in (m.lock_owner, m.lock_line, m.lock_class, m.lock_key, m.lock_refill_ps)} == {2}
    assert {len(column) for column in (m.queue_head, m.queue_tail, m.queue_length)} == {2 * 4}


def test_two_columns_are_never_one_list(m: Machine) -> None:
    columns = [column for column in (*m, *m.wakes, *m.tally) if isinstance(column, list)]
    assert len({id(column) for column in columns}) == len(columns)


def test_the_farthest_transfer_of_a_node_is_the_longest_of_its_row(m: Machine) -> None:
    assert m.farthest_ps == [3_000, 1_000, 1_000, 3_000]
    assert m.transfer_ps[:4] == [60, 1_000, 1_000, 3_000]


def test_costs_are_those_given_and_not_the_profiles_own(make_profile: ProfileMaker) -> None:
    layout = Layout(1, 1, 8, 8, (), (), (), 1, 1, 1, 3, (1, 0))
    m = new_machine(make_profile(), tuple(range(1_000, 1_000 + len(COST_NAMES))), layout)
    assert m.cost_ps[DRAM_LOCAL] == 1_000 + DRAM_LOCAL


def test_too_few_costs_are_a_bug(make_profile: ProfileMaker) -> None:
    layout = Layout(1, 1, 8, 8, (), (), (), 1, 1, 1, 3, (1, 0))
    with pytest.raises(AssertionError, match="3 costs"):
        new_machine(make_profile(), (1, 2, 3), layout)


def test_the_profiles_algorithm_rules(make_machine: MachineMaker) -> None:
    numbers = {"ticket": TICKET, "test_and_set": TEST_AND_SET, "queued": QUEUED, "ideal": IDEAL}
    assert {name: make_machine(algorithm=name).rules.algorithm for name in ALGORITHM_NAMES} == numbers


def test_the_profiles_order_rules(make_machine: MachineMaker) -> None:
    numbers = {"fifo": FIFO, "random": RANDOM, "lifo": LIFO}
    assert {name: make_machine(algorithm="ideal", order=name).rules.order for name in ORDER_NAMES} == numbers


@pytest.mark.parametrize(
    "change, rule",
    [
        ({"handoff_fixed_ps": 11}, ("handoff_fixed_ps", 11)),
        ({"handoff_per_waiter_ps": 12}, ("handoff_per_waiter_ps", 12)),
        ({"bias_releaser": 13}, ("bias_releaser", 13)),
        ({"bias_same_node": 14}, ("bias_same_node", 14)),
        ({"bias_other_node": 15}, ("bias_other_node", 15)),
        ({"cache_size_bytes": 1024, "line_size_bytes": 128}, ("cache_lines", 8)),
        ({"cache_size_bytes": 0}, ("cache_lines", 0)),
    ],
)
def test_each_figure_of_the_profile_arrives_in_the_rules(
    make_machine: MachineMaker, change: dict[str, Any], rule: tuple[str, int]
) -> None:
    assert getattr(make_machine(**change).rules, rule[0]) == rule[1]


def test_resumptions_are_kept_in_the_order_they_were_asked_for(m: Machine) -> None:
    wake(m, 5, 900)
    wake(m, 2, 300)
    assert m.wakes.length == [2]
    assert (m.wakes.cpu[:2], m.wakes.at_ps[:2]) == ([5, 2], [900, 300])


def test_there_is_room_for_a_resumption_of_every_cpu(m: Machine) -> None:
    for cpu in range(16):
        wake(m, cpu, cpu)
    assert m.wakes.cpu[:16] == list(range(16))


def test_work_adds_up_until_it_is_paid(m: Machine) -> None:
    work(m, 3, ATOMIC_LOCAL)
    work(m, 3, DRAM_LOCAL)
    assert m.pending_ps == [0, 0, 0, 110, *[0] * 12]


def test_locks_draw_from_streams_of_their_own(m: Machine) -> None:
    assert len(set(m.lock_key)) == 2
