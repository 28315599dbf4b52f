"""The queue of workloads/lock_contention.yaml as one writes it with SimPy in ten minutes: a yardstick for the engines.

One simpy.Resource is the lock and a generator is a CPU. Times are floats in ns. It counts operations and waits, and
knows no CPU time, no histogram, no window.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator

import simpy

THINK_MEAN_NS = 900
HOLD_MEAN_NS = 100


class Counts:
    """What all customers have done together."""

    def __init__(self) -> None:
        self.operations = 0
        self.wait_total_ns = 0.0


def customer(
    env: simpy.Environment, lock: simpy.Resource, draws: random.Random, counts: Counts
) -> Generator[simpy.Event, None, None]:
    """Think, ask for the lock, hold it, release it, for ever."""
    while True:
        yield env.timeout(draws.expovariate(1 / THINK_MEAN_NS))
        asked_ns = env.now
        with lock.request() as request:
            yield request
            counts.operations += 1
            counts.wait_total_ns += env.now - asked_ns
            yield env.timeout(draws.expovariate(1 / HOLD_MEAN_NS))


def run(customers: int, simulated_ns: int, seed: int) -> tuple[int, float]:
    """(lock operations, seconds in the loop) of a simulated time."""
    env = simpy.Environment()
    lock = simpy.Resource(env, capacity=1)
    draws = random.Random(seed)
    counts = Counts()
    for _ in range(customers):
        env.process(customer(env, lock, draws, counts))
    begin = time.perf_counter()
    env.run(until=simulated_ns)
    return counts.operations, time.perf_counter() - begin
