"""What the threads of a measurement do, compiled: each kernel does one thing many times and notes the clock's ticks.

A thread has a block of words of its own, in lines that nobody else touches: what it is asked, and what came out.
"""

from __future__ import annotations

from perfsim.calibrate.instructions import (
    WORD_BYTES,
    call,
    clock,
    compare_and_swap,
    fetch_and_add,
    keep,
    load,
    memory_barrier,
    pause,
    store,
)
from perfsim.calibrate.locks import FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE, TICKET, acquire, futex, release

BLOCK_NAMES = (
    *("line", "rounds", "barrier", "parties", "side", "system", "function", "table"),
    *("ticks", "done", "failed", "thinks", "holds", "waits", "node", "duration", "kind", "stop"),
)
"""The words of a block, in order. ticks, done and failed come out, all else goes in."""

LINE, ROUNDS, BARRIER, PARTIES, SIDE, SYSTEM, FUNCTION, TABLE = range(0, 8 * WORD_BYTES, WORD_BYTES)
TICKS, DONE, FAILED, THINKS, HOLDS, WAITS, NODE, DURATION, KIND, STOP = range(
    8 * WORD_BYTES, 18 * WORD_BYTES, WORD_BYTES
)
ROW_BYTES = 3 * WORD_BYTES
"""Of a table: three arguments of a call."""

NOTHING, ATOMIC, BARRIER_LOOP, PAUSING, CLOCKS, CHAIN, CHASE, SPINS = range(8)
CALLS, TOUCH, DISCARD, PING_PONG, HAMMER, PAIRS, FUTEX_TURNS, WAIT_FOR_STOP = range(8, 16)
LOCK_LOOP, COUNT, TAKE, GIVE = range(16, 20)
"""By number, as act_at() is asked for them. The last three are what tests ask of a lock."""

CHAIN_LINKS = 4
"""Exclusive ors of one round of `chain`, each waiting for the one before: a processor's cycle each."""

PAGE_BYTES = 4096
MADV_DONTNEED = 4


def act(at: int, kernel: int) -> int:
    """Meet the others, run one kernel on the block at an address, and note how long it took. Returns 0."""
    if kernel == LOCK_LOOP:
        bring_near(at)
    meet(at)
    began = clock()
    if kernel <= SPINS:
        alone(at, kernel)
    elif kernel <= DISCARD:
        in_c(at, kernel)
    elif kernel <= WAIT_FOR_STOP:
        together(at, kernel)
    else:
        at_a_lock(at, kernel)
    if kernel != DISCARD:
        store(at + TICKS, clock() - began)
    return 0


def bring_near(at: int) -> None:
    """Have a lock loop's words in the caches of the CPU that will use them, and not in those of who wrote them."""
    for place in range(0, load(at + ROUNDS) * WORD_BYTES, WORD_BYTES):
        keep(load(load(at + THINKS) + place) + load(load(at + HOLDS) + place))
        store(load(at + WAITS) + place, 0)


def meet(at: int) -> None:
    """Wait until all parties are here: who starts first would have the line to itself."""
    fetch_and_add(load(at + BARRIER), 1)
    while load(load(at + BARRIER)) < load(at + PARTIES):
        pause()


def alone(at: int, kernel: int) -> None:
    """What one CPU does with its own registers and caches."""
    rounds = load(at + ROUNDS)
    line = load(at + LINE)
    if kernel == NOTHING:
        for _ in range(rounds):
            keep(0)
    elif kernel == ATOMIC:
        for _ in range(rounds):
            keep(fetch_and_add(line, 1))
    elif kernel == BARRIER_LOOP:
        for _ in range(rounds):
            memory_barrier()
            keep(0)
    elif kernel == PAUSING:
        for _ in range(rounds):
            pause()
    elif kernel == CLOCKS:
        for _ in range(rounds):
            clock()
    else:
        follow(at, kernel, line, rounds)


def follow(at: int, kernel: int, line: int, rounds: int) -> None:
    """Rounds of which each needs what the one before has found."""
    if kernel == CHAIN:
        for _ in range(rounds):
            line = keep(keep(keep(keep(line ^ rounds) ^ rounds) ^ rounds) ^ rounds)
    elif kernel == CHASE:
        for _ in range(rounds):
            line = load(line)
    else:
        for _ in range(rounds):
            spin_until(clock() + load(at + DURATION))
    store(at + DONE, line)


def spin_until(instant: int) -> int:
    """Look at the clock until it is so late; what it said then."""
    now = clock()
    while now < instant:
        now = clock()
    return now


def in_c(at: int, kernel: int) -> None:
    """Calls of C functions, which enter the system or copy memory; page faults."""
    if kernel == CALLS:
        calls(at)
    elif kernel == TOUCH:
        line = load(at + LINE)
        for page in range(load(at + ROUNDS)):
            store(line + page * PAGE_BYTES, 1)
    else:
        discard(at)


def calls(at: int) -> None:
    """Call a function with each row of a table; how many of the calls did not return 0."""
    row = load(at + TABLE)
    failed = 0
    for _ in range(load(at + ROUNDS)):
        if call(load(at + FUNCTION), (load(row), load(row + WORD_BYTES), load(row + 2 * WORD_BYTES), 0, 0, 0, 0)) != 0:
            failed += 1
        row += ROW_BYTES
    store(at + FAILED, failed)


def discard(at: int) -> None:
    """Touch a page and let madvise() take it away; the ticks of the calls alone. Who runs until `stop` may stop."""
    line = load(at + LINE)
    ticks = 0
    for _ in range(load(at + ROUNDS)):
        store(line, 1)
        began = clock()
        call(load(at + FUNCTION), (line, PAGE_BYTES, MADV_DONTNEED, 0, 0, 0, 0))
        ticks += clock() - began
    store(at + TICKS, ticks)
    store(load(at + STOP), 1)


def together(at: int, kernel: int) -> None:
    """What several CPUs do to one line."""
    line = load(at + LINE)
    rounds = load(at + ROUNDS)
    if kernel == PING_PONG:
        for turn in range(rounds):
            mine = 2 * turn + load(at + SIDE)
            while compare_and_swap(line, mine, mine + 1) != mine:
                keep(0)
    elif kernel == HAMMER:
        for _ in range(rounds):
            keep(fetch_and_add(line, 1))
    elif kernel == PAIRS:
        for _ in range(rounds):
            acquire(TICKET, line, 0, 0)
            release(TICKET, line, 0, 0)
    elif kernel == FUTEX_TURNS:
        futex_turns(at, line, rounds)
    else:
        while load(load(at + STOP)) == 0:
            pause()


def futex_turns(at: int, line: int, rounds: int) -> None:
    """By turns with another thread: sleep until it is mine, make it the other's, wake the other."""
    system = load(at + SYSTEM)
    for turn in range(rounds):
        mine = 2 * turn + load(at + SIDE)
        seen = load(line)
        while seen != mine:
            futex(system, line, FUTEX_WAIT_PRIVATE, seen)
            seen = load(line)
        store(line, mine + 1)
        futex(system, line, FUTEX_WAKE_PRIVATE, 1)
    store(load(at + STOP), 1)


def at_a_lock(at: int, kernel: int) -> None:
    """What CPUs do at one lock of a kind."""
    kind = load(at + KIND)
    lock = load(at + LINE)
    node = load(at + NODE)
    system = load(at + SYSTEM)
    if kernel == LOCK_LOOP:
        lock_loop(at, kind)
    elif kernel == COUNT:
        counter = load(at + TABLE)
        for _ in range(load(at + ROUNDS)):
            acquire(kind, lock, node, system)
            store(at + DONE, load(counter))
            store(counter, load(counter) + 1)
            release(kind, lock, node, system)
    elif kernel == TAKE:
        acquire(kind, lock, node, system)
    else:
        release(kind, lock, node, system)


def lock_loop(at: int, kind: int) -> None:
    """The simulator's lock_loop: think, take, hold, release. Notes each wait: 0 if the lock was free.

    thinks, holds: ticks of each round, from which what the clock itself takes has been subtracted. A thread stops when
    its time is over, so that all stop together.
    """
    lock = load(at + LINE)
    node = load(at + NODE)
    system = load(at + SYSTEM)
    now = clock()
    stop = now + load(at + DURATION)
    place = 0
    end = load(at + ROUNDS) * WORD_BYTES
    while now < stop and place < end:
        asked = spin_until(now + load(load(at + THINKS) + place))
        waited = acquire(kind, lock, node, system)
        owned = clock()
        store(load(at + WAITS) + place, waited * (owned - asked))
        spin_until(owned + load(load(at + HOLDS) + place))
        release(kind, lock, node, system)
        now = clock()
        place += WORD_BYTES
    store(at + DONE, place // WORD_BYTES)
