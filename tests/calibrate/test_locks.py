"""The locks, compiled, on real threads: they exclude, and three of them are first come, first served."""

import os
import threading
import time

import pytest

from perfsim.calibrate import kernels as k
from perfsim.calibrate.bench import FUTEX_NUMBERS, functions
from perfsim.calibrate.here import look_around
from perfsim.calibrate.locks import LOCKS, MCS, QUEUED, TICKET
from perfsim.calibrate.threads import Job, Words, address, aligned, queue_nodes, run_together

THREADS = 3
ROUNDS = 200
PATIENCE_S = 20


def futex_block() -> Words:
    """What the sleeping lock needs to call futex()."""
    system = aligned(2)
    system[:2] = functions("syscall")["syscall"], FUTEX_NUMBERS[look_around().architecture]
    return system


@pytest.mark.parametrize("kind", range(len(LOCKS)), ids=LOCKS)
def test_a_counter_under_the_lock_counts_every_round_of_every_thread(kind: int) -> None:
    lock, counter, system = aligned(2), aligned(1), futex_block()
    nodes = queue_nodes(THREADS)
    cpus = sorted(os.sched_getaffinity(0))
    words = {"line": address(lock), "table": address(counter), "rounds": ROUNDS, "kind": kind}
    words |= {"system": address(system)}
    jobs = [
        Job(cpus[number % len(cpus)], k.COUNT, words | {"node": address(node)}) for number, node in enumerate(nodes)
    ]
    run_together(jobs)
    assert counter[0] == THREADS * ROUNDS


def until_it_waits(lock: Words, kind: int, number: int, node: Words) -> None:
    """Return when the thread with this number, counted from 0, is in the queue behind a holder."""
    deadline = time.monotonic() + PATIENCE_S
    pending = 1 << 8 | 1
    behind = pending | (number + 1) << 16
    words = {TICKET: number + 2, MCS: address(node), QUEUED: behind if number else pending}
    while lock[0] != words[kind]:
        assert time.monotonic() < deadline, "the thread does not ask for the lock"
        time.sleep(0.0005)


@pytest.mark.parametrize("kind", [TICKET, MCS, QUEUED], ids=["ticket", "mcs", "queued"])
def test_who_asks_first_is_served_first(kind: int) -> None:
    lock, counter, cpu = aligned(2), aligned(1), min(os.sched_getaffinity(0))
    nodes = queue_nodes(THREADS + 1)
    words = {"line": address(lock), "table": address(counter), "kind": kind}
    holder = words | {"node": address(nodes[-1])}
    run_together([Job(cpu, k.TAKE, holder)])
    served: dict[int, int] = {}

    def ask(number: int) -> None:
        [ran] = run_together([Job(cpu, k.COUNT, words | {"node": address(nodes[number]), "rounds": 1})])
        served[number] = ran.done

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    for number, thread in enumerate(threads):
        thread.start()
        until_it_waits(lock, kind, number, nodes[number])
    run_together([Job(cpu, k.GIVE, holder)])
    for thread in threads:
        thread.join(PATIENCE_S)
    assert served == {number: number for number in range(THREADS)}
