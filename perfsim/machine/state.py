"""The machine of one run as plain columns of integers: CPUs, cache lines, spinlocks, and what is counted."""

from __future__ import annotations

from typing import NamedTuple

from perfsim.machine.costs import COST_NAMES
from perfsim.machine.profile import CostProfile
from perfsim.machine.profile_values import ALGORITHM_NAMES, ORDER_NAMES
from perfsim.machine.tally import Tally, new_tally
from perfsim.machine.topology import cpu_nodes, transfer_table
from perfsim.numeric.columns import Filled, Ints
from perfsim.numeric.random import STREAMS_PER_OWNER, stream_key

NONE = -1

# The index of each algorithm's and order's name among those of profile files.
TICKET = 0
TEST_AND_SET = 1
QUEUED = 2
IDEAL = 3

FIFO = 0
RANDOM = 1
LIFO = 2

# The states of a CPU, in the column cpu_state.
RUNNING = 0
SPINNING = 1
ATTEMPTING = 2
"""Spinning no more: its atomic on a test-and-set lock is on its way."""
IN_USER = 3
SWITCHED_OUT = 4
INTERRUPTED = 5
"""In user mode still, but an interrupt that ends it is on its way."""
DEVICE_WAITS = 6
"""A device's: it waits for an instant of its own, or to be roused."""

BLOCKED = -(1 << 62)
"""What an effect returns when its CPU cannot go on: the engine waits for a resumption."""


class Wakes(NamedTuple):
    """Resumptions that an effect asks for, in order: the engine schedules them before the CPU's own next step.

    late: 1 for one that comes after all else of its instant.
    """

    length: Ints
    cpu: Ints
    at_ps: Ints
    late: Ints


class Rules(NamedTuple):
    """Constants of the run."""

    cpus: int
    nodes: int
    locks: int
    pages_per_node: int
    memory_lines: int
    cache_lines: int
    algorithm: int
    order: int
    handoff_fixed_ps: int
    handoff_per_waiter_ps: int
    bias_releaser: int
    bias_same_node: int
    bias_other_node: int


class Machine(NamedTuple):
    """One run's machine. Devices have columns behind those of the CPUs. NONE: nobody, or nothing.

    cost_ps: [cost]. transfer_ps: [node * nodes + node]; farthest_ps: the largest of a node's row.
    cpu_*, pending_ps, account, misses, locks_held, waits_for, wait_*: [CPU]. pending_ps: work done but not yet paid on
    the timeline. account: where in spent_ps, [account + kind], that of whom it runs begins. waits_for: the spinlock it
    waits for; wait_serial, wait_next, wait_before: its place in that lock's queue.
    line_holders, line_stamp: [line], see coherence. line_home: node of each line behind those of memory.
    lock_*: [spinlock]. lock_owner: has it, or has been granted it, from lock_since_ps on. lock_waiters: how many are in
    its queues. lock_refill_ps: until when the home serves the pollers' refetches. lock_attempt: the poller whose atomic
    is on its way. lock_releaser, lock_released_ps: who had it last, and when that CPU's store was done. lock_key,
    lock_draws: the stream of its random numbers, and how many it has drawn.
    queue_*: [spinlock * nodes + node], the node's CPUs that spin, in order of arrival. serial: [0], the last arrival's.
    """

    rules: Rules
    cost_ps: Ints
    transfer_ps: Ints
    farthest_ps: Ints
    cpu_node: Ints
    pending_ps: Ints
    cpu_state: Ints
    account: Ints
    spent_ps: Ints
    misses: Ints
    line_holders: Ints
    line_stamp: Ints
    line_home: Ints
    lock_class: Ints
    lock_line: Ints
    lock_owner: Ints
    lock_since_ps: Ints
    lock_waiters: Ints
    lock_refill_ps: Ints
    lock_attempt: Ints
    lock_releaser: Ints
    lock_released_ps: Ints
    lock_key: Ints
    lock_draws: Ints
    queue_head: Ints
    queue_tail: Ints
    queue_length: Ints
    locks_held: Ints
    waits_for: Ints
    wait_since_ps: Ints
    wait_serial: Ints
    wait_next: Ints
    wait_before: Ints
    serial: Ints
    wakes: Wakes
    tally: Tally


class Layout(NamedTuple):
    """What the kernel asks of the machine. memory_lines: lines whose home follows from their number;
    homes: home node of each further line; lock_lines, lock_classes: [spinlock]; lock_kinds: number of lock classes,
    sleeping locks included; accounts: number of those whose time is told apart, by so many kinds; key_seed: (seed,
    replication). device_nodes: home node of each device that acts at instants of its own: a processor numbered behind
    the CPUs, whose time is nobody's.
    """

    cpus: int
    nodes: int
    pages_per_node: int
    memory_lines: int
    homes: tuple[int, ...]
    lock_lines: tuple[int, ...]
    lock_classes: tuple[int, ...]
    lock_kinds: int
    histograms: int
    accounts: int
    kinds: int
    key_seed: tuple[int, int]
    device_nodes: tuple[int, ...] = ()


_LOCK_STREAM = STREAMS_PER_OWNER - 1


def new_machine(profile: CostProfile, cost_ps: tuple[int, ...], layout: Layout) -> Machine:
    """A machine at time 0: nothing cached, no lock held. cost_ps: one figure for each of COST_NAMES."""
    assert len(cost_ps) == len(COST_NAMES), f"{len(cost_ps)} costs"
    nodes, locks = layout.nodes, len(layout.lock_lines)
    cpus = layout.cpus + len(layout.device_nodes)
    lines = layout.memory_lines + len(layout.homes)
    transfer_ps = transfer_table(profile, cost_ps, nodes)
    queues = locks * nodes
    return Machine(
        rules=_rules(profile, layout),
        cost_ps=list(cost_ps),
        transfer_ps=transfer_ps,
        farthest_ps=[max(transfer_ps[node * nodes : (node + 1) * nodes]) for node in range(nodes)],
        cpu_node=[*cpu_nodes(layout.cpus, nodes), *layout.device_nodes],
        pending_ps=[0] * cpus,
        cpu_state=[SWITCHED_OUT] * cpus,
        account=[0] * cpus,
        spent_ps=[0] * (layout.accounts * layout.kinds),
        misses=[0] * cpus,
        line_holders=Filled(0, lines),
        line_stamp=Filled(0, lines),
        line_home=list(layout.homes),
        lock_class=list(layout.lock_classes),
        lock_line=list(layout.lock_lines),
        lock_owner=[NONE] * locks,
        lock_since_ps=[0] * locks,
        lock_waiters=[0] * locks,
        lock_refill_ps=[0] * locks,
        lock_attempt=[NONE] * locks,
        lock_releaser=[NONE] * locks,
        lock_released_ps=[0] * locks,
        lock_key=[stream_key(*layout.key_seed, lock, _LOCK_STREAM) for lock in range(locks)],
        lock_draws=[0] * locks,
        queue_head=[NONE] * queues,
        queue_tail=[NONE] * queues,
        queue_length=[0] * queues,
        locks_held=[0] * cpus,
        waits_for=[NONE] * cpus,
        wait_since_ps=[0] * cpus,
        wait_serial=[0] * cpus,
        wait_next=[NONE] * cpus,
        wait_before=[NONE] * cpus,
        serial=[0],
        wakes=Wakes([0], [0] * (cpus + 1), [0] * (cpus + 1), [0] * (cpus + 1)),
        tally=new_tally(cpus, layout.lock_kinds, layout.histograms, layout.kinds),
    )


def _rules(profile: CostProfile, layout: Layout) -> Rules:
    return Rules(
        cpus=layout.cpus,
        nodes=layout.nodes,
        locks=len(layout.lock_lines),
        pages_per_node=layout.pages_per_node,
        memory_lines=layout.memory_lines,
        cache_lines=profile.cache_size_bytes // profile.line_size_bytes,
        algorithm=ALGORITHM_NAMES.index(profile.algorithm),
        order=ORDER_NAMES.index(profile.order),
        handoff_fixed_ps=profile.handoff_fixed_ps,
        handoff_per_waiter_ps=profile.handoff_per_waiter_ps,
        bias_releaser=profile.bias_releaser,
        bias_same_node=profile.bias_same_node,
        bias_other_node=profile.bias_other_node,
    )


def wake(m: Machine, cpu: int, at_ps: int, late: int = 0) -> None:
    """Ask the engine to resume a CPU at an instant, in place of what was asked for before.

    late: after all else of that instant.
    """
    count = m.wakes.length[0]
    m.wakes.cpu[count] = cpu
    m.wakes.at_ps[count] = at_ps
    m.wakes.late[count] = late
    m.wakes.length[0] = count + 1


def work(m: Machine, cpu: int, cost: int) -> None:
    """Local work of one cost figure: it passes together with the CPU's next shared step."""
    m.pending_ps[cpu] += m.cost_ps[cost]
