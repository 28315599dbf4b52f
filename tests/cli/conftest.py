"""The command line inside this process, and as a process of its own."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from perfsim.cli.main import main

ROOT = Path(__file__).resolve().parents[2]

TINY = (
    *("--set", "memory.pages_per_node=256"),
    *("--set", "measure.warmup=10us"),
    *("--set", "measure.duration=100us"),
)
TINY_SWEEP = (*TINY, "--set", "sweep.replications=2", "--set", "sweep.axes.machine.cpus=[1, 2]")


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


Perfsim = Callable[..., Ended]


@pytest.fixture
def perfsim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Perfsim:
    """Run a command line, in a directory of its own that is empty at first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["perfsim", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        status = ended.value.code
        assert status is None or isinstance(status, int)
        return Ended(status or 0, *capsys.readouterr())

    return run


def without_progress(err: str) -> list[str]:
    """The lines, without those that a busy machine adds: how far the sweep is, every ten seconds."""
    return [line for line in err.splitlines() if not re.fullmatch(r"\d+ of \d+ runs(, .* left)?", line)]


@pytest.fixture
def tiny() -> tuple[str, ...]:
    """Options that make `run quickstart` take no time."""
    return TINY


@pytest.fixture
def tiny_sweep() -> tuple[str, ...]:
    """Options that make `sweep quickstart` eight short runs."""
    return TINY_SWEEP


@pytest.fixture(scope="session")
def process() -> tuple[list[str], dict[str, str]]:
    """The first words of a command line for a process of its own, and its environment."""
    return [sys.executable, "-m", "perfsim"], os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
