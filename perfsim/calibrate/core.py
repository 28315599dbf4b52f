"""What one CPU does by itself: atomics, barriers, pauses, and loads from each level of its caches and from memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from perfsim.calibrate import kernels as k
from perfsim.calibrate.bench import per_round, repeated
from perfsim.calibrate.findings import Finding, found, not_measured
from perfsim.calibrate.here import sockets
from perfsim.calibrate.memory import Region
from perfsim.calibrate.samples import Sample, figure_of, sampled
from perfsim.units import format_size

if TYPE_CHECKING:
    from perfsim.calibrate.bench import Bench
    from perfsim.calibrate.threads import Words

ROUNDS = 3 * 10**5
FAR_ROUNDS = 2 * 10**4
"""Loads that last long: so many make a batch of a millisecond or two, in which others seldom have the CPU."""

STRIDE_BYTES = 128
"""Two lines: the second of a pair comes with the first."""

STARTS = 64
"""Places of a chase at which batches begin in turn, so that none finds in a cache what the one before has left."""

CHASE_BYTES_MAX = 2**30
DRAM_TIMES_LLC = 4
"""A chase through less than this would find part of it in the last-level cache."""

SMALL_BYTES = 16 * 2**10
MIDDLE_BYTES = 512 * 2**10
LLC_TIMES_L2 = 4
"""How much is chased through the last-level cache: of a cache that others use too, nobody can tell how much one has."""


def measure_core(bench: Bench) -> list[Finding]:
    """Atomics, barrier and pause."""
    loops = (
        ("atomic_local", k.ATOMIC, "fetch-and-add on a line of its own"),
        ("barrier_full", k.BARRIER_LOOP, "full memory barrier"),
        ("pause", k.PAUSING, "pause instruction"),
    )
    how = "a loop of it, less the empty loop"
    return [
        found(key, repeated(bench, kernel, ROUNDS).less(bench.nothing), f"{what}: {how}") for key, kernel, what in loops
    ]


def measure_caches(bench: Bench) -> list[Finding]:
    """l1_hit, l2_hit, llc_hit, by the sizes that the system tells."""
    caches = bench.here.caches_bytes
    sizes = (
        (1, "l1_hit", min(SMALL_BYTES, caches.get(1, 0) // 2)),
        (2, "l2_hit", min(MIDDLE_BYTES, caches.get(2, 0) // 2)),
        (3, "llc_hit", min(LLC_TIMES_L2 * caches.get(2, 0), caches.get(3, 0) // 2, bench.affordable_bytes)),
    )
    findings = []
    for level, key, size_bytes in sizes:
        if size_bytes <= caches.get(level - 1, 0):
            findings.append(not_measured(key, f"the system tells of no cache of level {level} beyond the one before"))
        else:
            findings.append(_chased(bench, key, size_bytes, bench.cpu))
    return findings


def measure_memory(bench: Bench) -> list[Finding]:
    """dram_local and dram_remote: a chase that no cache holds, through memory of the own socket and of another."""
    keys = ("dram_local", "dram_remote")
    needed = DRAM_TIMES_LLC * max(bench.here.caches_bytes.values(), default=0)
    size_bytes = min(needed, CHASE_BYTES_MAX, bench.affordable_bytes)
    if not needed:
        return [not_measured(key, "the system tells of no cache, so nobody knows what leaves it") for key in keys]
    if size_bytes < needed:
        why = f"no cache may hold it: {format_size(needed)} would do, {format_size(size_bytes)} may be used"
        return [not_measured(key, why) for key in keys]
    others = [cpus for name, cpus in sockets(bench.here.cpus).items() if name != bench.here.cpus[0].socket]
    local = _chased(bench, "dram_local", size_bytes, bench.cpu)
    if not others:
        return [local, not_measured("dram_remote", "one socket")]
    return [local, _chased(bench, "dram_remote", size_bytes, others[0][0].number)]


def _chased(bench: Bench, key: str, size_bytes: int, home_cpu: int) -> Finding:
    """A chase through memory that a CPU has touched first, so that it lies on that CPU's node."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {home_cpu})
    try:
        region = Region(size_bytes, huge=True)
        starts = link(region.words, np.random.default_rng(1))
    finally:
        os.sched_setaffinity(0, own)
    steps = FAR_ROUNDS if size_bytes > MIDDLE_BYTES else ROUNDS
    turn = iter(np.resize(starts, 1000))

    def batch() -> Sample:
        return per_round(bench, k.CHASE, steps, {"line": int(next(turn))})

    batch()
    return found(key, figure_of(sampled(batch)), f"pointer chase through {format_size(size_bytes)}")


def link(words: Words, generator: np.random.Generator) -> Words:
    """Make one random cycle of all lines, each with the address of the next. Addresses at which to begin, one for
    each of STARTS parts of the cycle.
    """
    step = STRIDE_BYTES // words.itemsize
    order = generator.permutation(len(words) // step) * step
    addresses = words.ctypes.data + order * words.itemsize
    words[order] = np.roll(addresses, -1)
    return addresses[:: max(1, len(order) // STARTS)].astype(np.int64)
