"""The yardsticks of the benchmark do the work that they are yardsticks of."""

from pathlib import Path
from typing import Any

import pytest

from perfsim import load_workload
from perfsim.kernel.boot import Seed
from perfsim.measure.row import simulate
from perfsim.numeric.buckets import upper
from scripts import naive, yardsticks

WARMUP_NS = 100_000
WINDOW_NS = 1_000_000
SUMS = ("wait_total", "wait_max", "hold_total", "hold_max")
CATEGORIES = ("user", "kernel", "spin")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C++ loop, where there is a compiler."""
    built = yardsticks.build_cpp(tmp_path_factory.mktemp("cpp"))
    if isinstance(built, str):
        pytest.skip(built)
    return built


def simulated(customers: int, seed: int) -> dict[str, Any]:
    """The reference engine's row of the same queue."""
    machine = f"machine.cpus={customers}"
    measure = (f"measure.warmup={WARMUP_NS}ns", f"measure.duration={WINDOW_NS}ns")
    return simulate(load_workload("lock_contention", [machine, *measure]), "lock_page", Seed(seed, 0), "simpy")


def picoseconds(value_ns: float) -> int:
    """The whole number of picoseconds that a column in ns was made from; exact below 2**52."""
    return round(value_ns * 1000)


@pytest.mark.parametrize("customers, seed", [(1, 1), (4, 2), (16, 3), (16, 1 << 40), (4, 2845), (16, 1656)])
def test_the_cpp_loop_gives_the_very_figures_of_the_simulator(program: Path, customers: int, seed: int) -> None:
    """The last two seeds have a think time and a hold time of zero: the lock is free at both, or wanted at both."""
    row = simulated(customers, seed)
    figures = yardsticks.cpp_figures(program, customers, WINDOW_NS, WARMUP_NS, seed)
    assert figures["customers"] == customers
    for name in ("acquisitions", "contentions"):
        assert figures[name] == row[f"lru_lock_{name}"], name
    for name in SUMS:
        assert figures[f"{name}_ps"] == picoseconds(row[f"lru_lock_{name}_ns"]), name
    cells = [(upper(cell), count) for cell, count in figures["wait_cells"]]
    assert cells == [(picoseconds(one["upper_ns"]), one["count"]) for one in row["lru_lock_wait_latency_hist"]]
    all_ps = customers * WINDOW_NS * 1000
    for name in CATEGORIES:
        assert figures[f"{name}_ps"] == round(row[f"cpu_{name}_fraction"] * all_ps), name
    assert sum(figures[f"{name}_ps"] for name in CATEGORIES) == all_ps


def test_the_cpp_loop_counts_two_events_an_operation_and_its_own_speed(program: Path) -> None:
    figures = yardsticks.cpp_figures(program, 16, WINDOW_NS, 0, 1)
    assert abs(figures["events"] - 2 * figures["acquisitions"]) <= 16
    assert figures["operations_per_s"] == pytest.approx(figures["acquisitions"] / figures["seconds"], rel=1e-3)


def test_without_a_compiler_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert str(yardsticks.build_cpp(tmp_path)).startswith("no C++ compiler: none of c++, g++, clang++ is on the path")
    monkeypatch.setenv("CXX", "ccache c++")
    assert yardsticks.build_cpp(tmp_path) == "no C++ compiler: $CXX is ccache, which is not on the path"


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cxx"
    compiler.write_text("#!/bin/sh\necho 'In file:' >&2\necho 'a.cpp:1: error: no such thing' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    complaint = f"{compiler} does not compile lock_queue.cpp: a.cpp:1: error: no such thing"
    assert yardsticks.build_cpp(tmp_path) == complaint


def test_the_naive_model_is_of_the_same_queue() -> None:
    """Alone, a customer makes an operation a microsecond; the saturated lock makes ten."""
    alone, _ = naive.run(1, 2_000_000, seed=1)
    together, seconds = naive.run(32, 1_000_000, seed=1)
    assert alone == pytest.approx(2_000, rel=0.1)
    assert together == pytest.approx(10_000, rel=0.05)
    assert seconds > 0
