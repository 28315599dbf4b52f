"""Spinlocks: who is next, and what the hand-off costs (cost-profiles §5).

T(a, b) is a line transfer, k the CPUs waiting at the release, c the line_service time with which a home serves the
refetches one by one, A the cost of an atomic. A CPU that waits is in one queue per lock and node, in order of arrival.

ticket        FIFO; release waits for the farthest poller, the successor for its place among the refetches.
test_and_set  the release frees the lock; one poller, drawn by distance, sees it first and tries its atomic; the CPU
              that released it may come back before and win (it owns the line for one T from its store on).
queued        FIFO; the head spins on a line of its own, so k does not matter.
ideal         queueing theory's lock: FIFO, random or LIFO; a hand-off takes fixed + j * per_waiter, nothing else costs.
"""

from __future__ import annotations

from perfsim.machine.account import TRANSFER, WAIT, book, synchronize
from perfsim.machine.coherence import atomic_on_line, take_line, write_line
from perfsim.machine.costs import ATOMIC_LOCAL, BARRIER_RELEASE, LINE_SERVICE
from perfsim.machine.state import (
    ATTEMPTING,
    BLOCKED,
    FIFO,
    IDEAL,
    LIFO,
    NONE,
    QUEUED,
    RUNNING,
    SPINNING,
    TEST_AND_SET,
    TICKET,
    Machine,
    wake,
)
from perfsim.machine.tally import KERNEL, SPIN, acquired, contended, held, spend
from perfsim.numeric.random import below, draw


def acquire(m: Machine, cpu: int, now: int, lock: int) -> int:
    """Ask for a lock. Returns 0 with the lock taken, or BLOCKED with the CPU spinning: for ever if it has it."""
    if m.lock_owner[lock] == NONE and (m.lock_attempt[lock] == NONE or _barges(m, cpu, now, lock)):
        _own(m, cpu, now, lock)
        _count(m, cpu, lock, 0, 0)
        return 0
    contended(m.tally, m.lock_class[lock], _is_other(_last_holder(m, lock), cpu))
    if m.rules.algorithm == TICKET:
        # The arriving xadd invalidates the pollers: a release meets their refetches, and those still under way.
        arrival_ps = _distance_ps(m, cpu, m.lock_owner[lock]) + m.cost_ps[ATOMIC_LOCAL]
        refill_ps = now + arrival_ps + m.cost_ps[LINE_SERVICE] * m.lock_waiters[lock]
        m.lock_refill_ps[lock] = max(m.lock_refill_ps[lock], refill_ps)
    m.wait_since_ps[cpu] = now
    spend(m.tally, cpu, now, SPIN)
    _enqueue(m, cpu, lock)
    return BLOCKED


def release(m: Machine, cpu: int, now: int, lock: int) -> int:
    """Give a lock back. The cost of the store is the CPU's; the successor's delay is its own wait. Returns 0."""
    assert m.lock_owner[lock] == cpu, f"CPU {cpu} releases spinlock {lock} of CPU {m.lock_owner[lock]}"
    held(m.tally, m.lock_class[lock], m.lock_since_ps[lock], now)
    waiters = m.lock_waiters[lock]
    m.lock_owner[lock] = NONE
    m.locks_held[cpu] -= 1
    m.lock_releaser[lock] = cpu
    m.lock_released_ps[lock] = now
    if m.rules.algorithm == IDEAL:
        if waiters:
            handoff_ps = m.rules.handoff_fixed_ps + waiters * m.rules.handoff_per_waiter_ps
            _grant(m, _take_ordered(m, lock), now + handoff_ps, lock)
        return 0
    if waiters == 0:
        m.pending_ps[cpu] += write_line(m, cpu, m.lock_line[lock])
        synchronize(m, cpu, BARRIER_RELEASE)
        return 0
    store_ps = _store_ps(m, cpu, now, lock)
    m.pending_ps[cpu] += store_ps
    m.lock_released_ps[lock] = now + store_ps
    synchronize(m, cpu, BARRIER_RELEASE)
    if m.rules.algorithm == TEST_AND_SET:
        _race(m, cpu, now + store_ps, lock)
    else:
        _pass_on(m, cpu, now + store_ps, lock)
    return 0


def resume_spin(m: Machine, cpu: int, now: int) -> int:
    """A spinning CPU's turn: it owns the lock now (0), or lost the race for it and goes on spinning (BLOCKED)."""
    lock = m.waits_for[cpu]
    if m.cpu_state[cpu] == ATTEMPTING:
        m.lock_attempt[lock] = NONE
        if m.lock_owner[lock] != NONE:
            _enqueue(m, cpu, lock)
            return BLOCKED
        m.lock_owner[lock] = cpu
        take_line(m, cpu, m.lock_line[lock])
        m.lock_refill_ps[lock] = now + m.cost_ps[LINE_SERVICE] * m.lock_waiters[lock]
    m.waits_for[cpu] = NONE
    m.cpu_state[cpu] = RUNNING
    m.locks_held[cpu] += 1
    m.lock_since_ps[lock] = now
    spend(m.tally, cpu, now, KERNEL)
    wait_ps = now - m.wait_since_ps[cpu]
    book(m, cpu, WAIT + m.lock_class[lock], wait_ps)
    _count(m, cpu, lock, 1, wait_ps)
    return 0


def write_beside_lock(m: Machine, cpu: int, now: int, lock: int) -> int:
    """Cost in ps of the holder's store to data in the lock's own line: pollers take the line away again and again."""
    if m.lock_waiters[lock] == 0 or m.rules.algorithm == QUEUED or m.rules.algorithm == IDEAL:
        return write_line(m, cpu, m.lock_line[lock])
    return _store_ps(m, cpu, now + m.pending_ps[cpu], lock)


def _own(m: Machine, cpu: int, now: int, lock: int) -> None:
    cost_ps = 0
    if m.rules.algorithm != IDEAL:
        cost_ps = atomic_on_line(m, cpu, m.lock_line[lock])
    m.lock_owner[lock] = cpu
    m.locks_held[cpu] += 1
    m.lock_since_ps[lock] = now + cost_ps
    m.pending_ps[cpu] += cost_ps


def _count(m: Machine, cpu: int, lock: int, waited: int, wait_ps: int) -> None:
    """An acquisition, if a CPU made it: a device waits in nobody's time. Its holds count: others wait for them."""
    if cpu < m.rules.cpus:
        acquired(m.tally, m.lock_class[lock], _is_other(m.lock_releaser[lock], cpu), waited, wait_ps)


def _last_holder(m: Machine, lock: int) -> int:
    """lockdep's lock->cpu: the CPU that has the lock, or else had it last. NONE: nobody yet."""
    return m.lock_releaser[lock] if m.lock_owner[lock] == NONE else m.lock_owner[lock]


def _is_other(holder: int, cpu: int) -> int:
    """1 if somebody held the lock, and on another CPU."""
    return 0 if holder in (NONE, cpu) else 1


def _barges(m: Machine, cpu: int, now: int, lock: int) -> int:
    """Does the CPU that released the lock take it again before the chosen poller's atomic arrives?"""
    winner = m.lock_attempt[lock]
    if m.lock_releaser[lock] != cpu or now - m.lock_released_ps[lock] > _distance_ps(m, winner, cpu):
        return 0
    weight = m.rules.bias_releaser
    return 1 if below(_draw(m, lock), weight + _weight(m, winner, cpu)) < weight else 0


def _store_ps(m: Machine, cpu: int, now: int, lock: int) -> int:
    """A store to a line that others poll: what is left of their refetches, then the farthest of them gives it up."""
    refill_ps = m.lock_refill_ps[lock] - now
    if refill_ps < 0:
        refill_ps = 0
    if m.rules.algorithm == QUEUED:
        store_ps = _distance_ps(m, cpu, _first_waiter(m, lock))
    else:
        store_ps = refill_ps + _farthest_waiter_ps(m, cpu, lock)
    book(m, cpu, TRANSFER, store_ps)
    return store_ps


def _pass_on(m: Machine, cpu: int, released_ps: int, lock: int) -> None:
    """Ticket and queued: the oldest waiter is next, after it has fetched the line."""
    waiters = m.lock_waiters[lock]
    successor = _first_waiter(m, lock)
    _unlink(m, successor, lock)
    start_ps = released_ps + _distance_ps(m, successor, cpu)
    if m.rules.algorithm == TICKET:
        service_ps = m.cost_ps[LINE_SERVICE]
        start_ps += service_ps * below(_draw(m, lock), waiters)
        m.lock_refill_ps[lock] = released_ps + service_ps * waiters
    _grant(m, successor, start_ps, lock)


def _grant(m: Machine, cpu: int, start_ps: int, lock: int) -> None:
    m.lock_owner[lock] = cpu
    m.lock_since_ps[lock] = start_ps
    take_line(m, cpu, m.lock_line[lock])
    wake(m, cpu, start_ps)


def _race(m: Machine, cpu: int, released_ps: int, lock: int) -> None:
    """Test-and-set: one poller, drawn by its distance, is the first to try, unless one is on its way already."""
    if m.lock_attempt[lock] != NONE:
        return
    winner = _take_by_distance(m, cpu, lock)
    m.lock_attempt[lock] = winner
    m.cpu_state[winner] = ATTEMPTING
    refetch_ps = m.cost_ps[LINE_SERVICE] + _distance_ps(m, winner, cpu)
    wake(m, winner, released_ps + refetch_ps + m.cost_ps[ATOMIC_LOCAL])


def _enqueue(m: Machine, cpu: int, lock: int) -> None:
    """Append to the queue of the lock and the CPU's node."""
    m.waits_for[cpu] = lock
    m.cpu_state[cpu] = SPINNING
    m.serial[0] += 1
    m.wait_serial[cpu] = m.serial[0]
    queue = lock * m.rules.nodes + m.cpu_node[cpu]
    last = m.queue_tail[queue]
    m.wait_before[cpu] = last
    m.wait_next[cpu] = NONE
    if last == NONE:
        m.queue_head[queue] = cpu
    else:
        m.wait_next[last] = cpu
    m.queue_tail[queue] = cpu
    m.queue_length[queue] += 1
    m.lock_waiters[lock] += 1


def _unlink(m: Machine, cpu: int, lock: int) -> None:
    queue = lock * m.rules.nodes + m.cpu_node[cpu]
    before, after = m.wait_before[cpu], m.wait_next[cpu]
    if before == NONE:
        m.queue_head[queue] = after
    else:
        m.wait_next[before] = after
    if after == NONE:
        m.queue_tail[queue] = before
    else:
        m.wait_before[after] = before
    m.queue_length[queue] -= 1
    m.lock_waiters[lock] -= 1


def _first_waiter(m: Machine, lock: int) -> int:
    """The waiter that came first; its queue is not empty."""
    first = NONE
    for queue in range(lock * m.rules.nodes, (lock + 1) * m.rules.nodes):
        head = m.queue_head[queue]
        if head != NONE and (first == NONE or m.wait_serial[head] < m.wait_serial[first]):
            first = head
    return first


def _last_waiter(m: Machine, lock: int) -> int:
    last = NONE
    for queue in range(lock * m.rules.nodes, (lock + 1) * m.rules.nodes):
        tail = m.queue_tail[queue]
        if tail != NONE and (last == NONE or m.wait_serial[tail] > m.wait_serial[last]):
            last = tail
    return last


def _take_ordered(m: Machine, lock: int) -> int:
    """Remove the next waiter of an ideal lock by its order of service."""
    if m.rules.order == FIFO:
        cpu = _first_waiter(m, lock)
    elif m.rules.order == LIFO:
        cpu = _last_waiter(m, lock)
    else:
        cpu = _nth_waiter(m, lock, below(_draw(m, lock), m.lock_waiters[lock]))
    _unlink(m, cpu, lock)
    return cpu


def _nth_waiter(m: Machine, lock: int, position: int) -> int:
    queue = lock * m.rules.nodes
    while position >= m.queue_length[queue]:
        position -= m.queue_length[queue]
        queue += 1
    return _nth_of_queue(m, queue, position)


def _nth_of_queue(m: Machine, queue: int, position: int) -> int:
    cpu = m.queue_head[queue]
    while position:
        cpu = m.wait_next[cpu]
        position -= 1
    return cpu


def _take_by_distance(m: Machine, releaser: int, lock: int) -> int:
    """Remove one poller, drawn with a weight by its distance from the CPU that wrote the line last."""
    same = m.rules.bias_same_node
    other = m.rules.bias_other_node
    near = lock * m.rules.nodes + m.cpu_node[releaser]
    near_weight = same * m.queue_length[near]
    far_weight = other * (m.lock_waiters[lock] - m.queue_length[near])
    ticket = below(_draw(m, lock), near_weight + far_weight)
    if ticket < near_weight:
        cpu = _nth_of_queue(m, near, ticket // same)
    else:
        position = (ticket - near_weight) // other
        queue = lock * m.rules.nodes
        while queue == near or position >= m.queue_length[queue]:
            if queue != near:
                position -= m.queue_length[queue]
            queue += 1
        cpu = _nth_of_queue(m, queue, position)
    _unlink(m, cpu, lock)
    return cpu


def _weight(m: Machine, cpu: int, releaser: int) -> int:
    if m.cpu_node[cpu] == m.cpu_node[releaser]:
        return m.rules.bias_same_node
    return m.rules.bias_other_node


def _farthest_waiter_ps(m: Machine, cpu: int, lock: int) -> int:
    row = m.cpu_node[cpu] * m.rules.nodes
    farthest_ps = 0
    for node in range(m.rules.nodes):
        if m.queue_length[lock * m.rules.nodes + node]:
            farthest_ps = max(farthest_ps, m.transfer_ps[row + node])
    return farthest_ps


def _distance_ps(m: Machine, cpu: int, other: int) -> int:
    """Time in ps to fetch a line from another CPU's cache; from nobody's, as from one of the CPU's own node."""
    if other == NONE:
        other = cpu
    return m.transfer_ps[m.cpu_node[cpu] * m.rules.nodes + m.cpu_node[other]]


def _draw(m: Machine, lock: int) -> int:
    number = draw(m.lock_key[lock], m.lock_draws[lock])
    m.lock_draws[lock] += 1
    return number
