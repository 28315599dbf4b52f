"""Kernels on threads of their own, each pinned to its CPU."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from perfsim.calibrate.code import kernels
from perfsim.calibrate.instructions import WORD_BYTES
from perfsim.calibrate.kernels import BLOCK_NAMES
from perfsim.calibrate.locks import FIRST_NODE, OWN_TAIL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfsim.engine.load import Act

Words = NDArray[np.int64]

LINE_WORDS = 16
"""128 bytes: two lines of most machines, which are fetched in pairs."""

BLOCK_WORDS = 2 * LINE_WORDS

LOST_MAX = 0.02
LOST_NS_MAX = 50_000
"""Others may have had a thread's CPU for this share of its time, or for so long, before it counts as disturbed: to come
back to Python takes some of it.
"""

_INDEX = {name: index for index, name in enumerate(BLOCK_NAMES)}


class Job(NamedTuple):
    """One thread: its CPU, its kernel's number, the words of its block. is_idle: it runs when nobody else wants to."""

    cpu: int
    kernel: int
    words: dict[str, int]
    is_idle: bool = False


class Ran(NamedTuple):
    """What came out. lasted_ns: by the system's clock. was_disturbed: others had the CPU meanwhile, or it slept."""

    ticks: int
    done: int
    failed: int
    lasted_ns: int
    was_disturbed: bool


def aligned(count: int) -> Words:
    """Words of 0 that begin with a line of their own and end with one."""
    room = np.zeros(count + 2 * LINE_WORDS, np.int64)
    first = -room.ctypes.data // room.itemsize % LINE_WORDS
    return room[first : first + -(-count // LINE_WORDS) * LINE_WORDS]


def queue_nodes(count: int) -> list[Words]:
    """The nodes of so many threads at one lock, for locks.py: each knows its number from 1, and where the first is."""
    room = aligned(count * LINE_WORDS)
    nodes = [room[first : first + LINE_WORDS] for first in range(0, len(room), LINE_WORDS)]
    for number, node in enumerate(nodes, start=1):
        node[OWN_TAIL // WORD_BYTES] = number
        node[FIRST_NODE // WORD_BYTES] = address(room)
    return nodes


def address(words: Words) -> int:
    """Where the words begin."""
    begin: int = words.ctypes.data
    return begin


def run_together(jobs: Sequence[Job]) -> list[Ran]:
    """Run each job in a thread on its CPU; those that are not idle start together. Returns when all have ended."""
    act = kernels()
    barrier = aligned(1)
    parties = sum(not job.is_idle for job in jobs)
    results: list[Ran | BaseException | None] = [None] * len(jobs)

    def run(number: int, job: Job) -> None:
        try:
            results[number] = _run(job, address(barrier), 0 if job.is_idle else parties, act)
        except BaseException as error:  # raised again in the thread that asked
            results[number] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [_checked(result) for result in results]


def _checked(result: Ran | BaseException | None) -> Ran:
    if isinstance(result, BaseException):
        raise result
    assert result is not None, "a thread ended without a result"
    return result


def _run(job: Job, barrier: int, parties: int, act: Act) -> Ran:
    block = aligned(BLOCK_WORDS)
    private_barrier = aligned(1)
    words = job.words | {"barrier": barrier if parties else address(private_barrier), "parties": parties}
    for name, value in words.items():
        block[_INDEX[name]] = value
    os.sched_setaffinity(0, {job.cpu})
    if job.is_idle:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    began_ns, worked_ns = time.monotonic_ns(), time.thread_time_ns()
    act(address(block), job.kernel, 0)
    worked_ns = time.thread_time_ns() - worked_ns
    lasted_ns = time.monotonic_ns() - began_ns
    ticks, done, failed = (int(block[_INDEX[name]]) for name in ("ticks", "done", "failed"))
    return Ran(ticks, done, failed, lasted_ns, lasted_ns - worked_ns > max(LOST_NS_MAX, LOST_MAX * lasted_ns))
