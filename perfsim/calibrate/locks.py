"""Five locks as they are in the books and in kernels, on words of shared memory.

Each `_lock` returns 1 if it had to wait and 0 if the lock was free; `lock` is the address of a line of its own.

ticket         Mellor-Crummey and Scott 1991, algorithm 2; x86 Linux from 2008
test_and_set   theirs with a test before it, algorithm 1 with Rudolph and Segall's loop; ia64 Linux until 2009
mcs            their algorithm 5, a queue of lines on which each spins alone
queued         Linux's qspinlock (kernel/locking/qspinlock.c): mcs behind a bit `pending`, by which the second CPU waits
               at the lock itself and needs no place in the queue
bit            a word that is set or not, behind it a queue to sleep in: lock_page(), with futex for the wait queue
"""

from __future__ import annotations

from perfsim.calibrate.instructions import (
    call,
    compare_and_swap,
    fetch_and_add,
    fetch_and_or,
    fetch_and_store,
    fetch_and_store_half,
    load,
    memory_barrier,
    pause,
    store,
    store_byte,
    store_half,
)

TICKET, TEST_AND_SET, MCS, QUEUED, BIT = range(5)
LOCKS = ("ticket", "test_and_set", "mcs", "queued", "bit")
"""Names by number."""

NEXT_TICKET, NOW_SERVING = 0, 8
NEXT, LOCKED, OWN_TAIL, FIRST_NODE = 0, 8, 16, 24
WAITERS = 8
TAIL = 2
"""Where a lock, or a node of mcs and queued (`I` in the paper), has what."""

NODE_BYTES = 128
"""Nodes of one lock lie so far apart; OWN_TAIL is a node's number from 1, FIRST_NODE where that of number 1 is."""

HELD, PENDING = 1, 1 << 8
HELD_OR_PENDING = (1 << 16) - 1
"""qspinlock's word: a byte held, a byte pending, behind them the tail's number."""

SYSTEM_CALL, FUTEX = 0, 8
"""Where the system's block has the address of libc's syscall(), and the number of futex()."""

FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE = 128, 129


def acquire(kind: int, lock: int, node: int, system: int) -> int:
    """Take a lock of a kind. node: the caller's own line, of mcs and queued. system: the system's block, of `bit`."""
    if kind == TICKET:
        return ticket_lock(lock)
    if kind == TEST_AND_SET:
        return test_and_set_lock(lock)
    if kind == MCS:
        return mcs_lock(lock, node)
    if kind == QUEUED:
        return queued_spin_lock(lock, node)
    return bit_lock(lock, system)


def release(kind: int, lock: int, node: int, system: int) -> None:
    """Give it back."""
    if kind == TICKET:
        ticket_unlock(lock)
    elif kind == TEST_AND_SET:
        store(lock, 0)
    elif kind == MCS:
        mcs_unlock(lock, node)
    elif kind == QUEUED:
        store_byte(lock, 0)
    else:
        bit_unlock(lock, system)


def ticket_lock(lock: int) -> int:
    """Draw a number and wait until it is called. Both numbers are in one line, as in Linux."""
    my_ticket = fetch_and_add(lock + NEXT_TICKET, 1)
    if load(lock + NOW_SERVING) == my_ticket:
        return 0
    while load(lock + NOW_SERVING) != my_ticket:
        pause()
    return 1


def ticket_unlock(lock: int) -> None:
    """Call the next number: a plain store, for only the holder writes it."""
    store(lock + NOW_SERVING, load(lock + NOW_SERVING) + 1)


def test_and_set_lock(lock: int) -> int:
    """Try; look until it is free, and try again."""
    if compare_and_swap(lock, 0, 1) == 0:
        return 0
    while compare_and_swap(lock, 0, 1) != 0:
        while load(lock) != 0:
            pause()
    return 1


def mcs_lock(lock: int, node: int) -> int:
    """Queue behind the last, and wait for its word on a line of one's own."""
    store(node + NEXT, 0)
    store(node + LOCKED, 1)
    predecessor = fetch_and_store(lock, node)
    if predecessor == 0:
        return 0
    store(predecessor + NEXT, node)
    while load(node + LOCKED) != 0:
        pause()
    return 1


def mcs_unlock(lock: int, node: int) -> None:
    """Hand over to the next in the queue, who may be on the way to say so."""
    if load(node + NEXT) == 0:
        if compare_and_swap(lock, node, 0) == node:
            return
        while load(node + NEXT) == 0:
            pause()
    store(load(node + NEXT) + LOCKED, 0)


def queued_spin_lock(lock: int, node: int) -> int:
    """Take a free lock; as the only one who waits, wait at the lock; else queue."""
    word = compare_and_swap(lock, 0, HELD)
    if word == 0:
        return 0
    if word == PENDING:  # on its way from holder to pending: it will soon be held
        word = load(lock)
    if word & ~HELD == 0:
        word = fetch_and_or(lock, PENDING)
        if word & ~HELD == 0:
            while load(lock) & (PENDING - 1) != 0:
                pause()
            store_half(lock, HELD)  # clear_pending_set_locked()
            return 1
        if word & PENDING == 0:
            store_byte(lock + 1, 0)  # somebody queued meanwhile, and nobody else may be pending then
    queue_at(lock, node)
    return 1


def queue_at(lock: int, node: int) -> None:
    """mcs whose head waits at the lock until it is neither held nor pending."""
    store(node + NEXT, 0)
    store(node + LOCKED, 0)
    tail = load(node + OWN_TAIL)
    before = fetch_and_store_half(lock + TAIL, tail)
    if before != 0:
        store(load(node + FIRST_NODE) + (before - 1) * NODE_BYTES + NEXT, node)
        while load(node + LOCKED) == 0:
            pause()
    word = load(lock)
    while word & HELD_OR_PENDING != 0:
        pause()
        word = load(lock)
    if word == tail << 16 and compare_and_swap(lock, word, HELD) == word:
        return
    store_byte(lock, HELD)
    while load(node + NEXT) == 0:
        pause()
    store(load(node + NEXT) + LOCKED, 1)


def bit_lock(lock: int, system: int) -> int:
    """lock_page(): set the bit, or sleep until somebody clears it, and compete for it again."""
    if fetch_and_store(lock, 1) == 0:
        return 0
    fetch_and_add(lock + WAITERS, 1)
    while fetch_and_store(lock, 1) != 0:
        futex(system, lock, FUTEX_WAIT_PRIVATE, 1)
    fetch_and_add(lock + WAITERS, -1)
    return 1


def bit_unlock(lock: int, system: int) -> None:
    """unlock_page(): a fence, clear the bit, and wake one if any waits."""
    memory_barrier()
    fetch_and_store(lock, 0)
    if load(lock + WAITERS) != 0:
        futex(system, lock, FUTEX_WAKE_PRIVATE, 1)


def futex(system: int, word: int, operation: int, value: int) -> int:
    """futex(2) on the lower half of a word: wait while it is `value`, or wake so many."""
    return call(load(system + SYSTEM_CALL), (load(system + FUTEX), word, operation, value, 0, 0, 0))
