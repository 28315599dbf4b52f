"""The lock loop on real threads: what it counts is what was done, however fast."""

import os

import numpy as np
import pytest

from perfsim.calibrate import contention
from perfsim.calibrate.bench import Bench
from perfsim.calibrate.contention import Instruments, Loop, Setting, measure_instruments, percentiles, run_loop
from perfsim.calibrate.locks import LOCKS


@pytest.fixture(scope="module")
def instruments(bench: Bench) -> Instruments:
    """What measuring itself takes here."""
    return measure_instruments(bench)


@pytest.mark.parametrize("kind", range(len(LOCKS)), ids=LOCKS)
def test_every_lock_lets_every_thread_through_and_waits_are_zero_or_more(
    kind: int, bench: Bench, instruments: Instruments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contention, "RUNS", 2)
    monkeypatch.setattr(contention, "RUNS_TOGETHER", 2)
    cpus = tuple(sorted(os.sched_getaffinity(0))[:2])
    loop = Loop(kind, cpus, Setting(4000, 1000, is_exponential=True))
    for one in run_loop(bench, instruments, loop):
        assert 0 < one.per_s < len(cpus) * 1e9
        assert 0 <= one.waited <= 1
        assert list(one.waits_ns) == sorted(one.waits_ns)
        assert (one.waits_ns[-1] > 0) <= (one.waited > 0)


def test_one_thread_alone_never_waits(bench: Bench, instruments: Instruments) -> None:
    setting = Setting(700, 300, is_exponential=False)
    [first, *_] = run_loop(bench, instruments, Loop(0, (bench.cpu,), setting))
    assert (first.waited, first.waits_ns) == (0, (0, 0, 0))


def test_percentiles_count_those_who_do_not_wait() -> None:
    assert percentiles(np.array([0] * 60 + [5] * 38 + [9] * 2)) == (0, 5, 9)
